"""Tests over users and their correction, each against a second computation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recbole_pngnn.significance import holm, mean_by_user, paired_test


def test_the_paired_test_is_a_t_test_of_the_differences():
    generator = np.random.default_rng(0)
    baseline = generator.random(400)
    values = baseline + generator.normal(0.01, 0.1, 400)
    values[:7], baseline[3:9] = np.nan, np.nan
    difference, p, n_users = paired_test(values, baseline)
    differences = (values - baseline)[9:]
    t = differences.mean() / (differences.std(ddof=1) / np.sqrt(len(differences)))
    assert n_users == 391
    assert difference == pytest.approx(differences.mean())
    assert p == pytest.approx(2 * stats.t.sf(abs(t), 390))
    assert p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)


@pytest.mark.parametrize(
    ("values", "baseline", "expected"),
    [
        ([0.5, 0.25], [0.5, 0.25], (0.0, 1.0, 2)),
        ([0.5, np.nan], [0.25, 0.25], (0.25, 1.0, 1)),
        ([], [], (0.0, 1.0, 0)),
        ([1.0, 1.0], [0.5, 0.5], (0.5, 0.0, 2)),
    ],
)
def test_where_there_is_nothing_to_test(values, baseline, expected):
    assert paired_test(np.array(values), np.array(baseline)) == expected


def _holm_rejects(p_values, level):
    """Holm's procedure as he states it: step down until a test does not reject."""
    rejected = set()
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[place] > level / (len(p_values) - rank):
            break
        rejected.add(int(place))
    return rejected


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.sampled_from([0.01, 0.05, 0.2, 0.6]),
)
def test_holm_rejects_what_the_procedure_rejects(p_values, level):
    corrected = holm(p_values)
    near = [abs(value - level) < 1e-9 for value in corrected]
    if not any(near):
        rejected = {place for place, value in enumerate(corrected) if value <= level}
        assert rejected == _holm_rejects(p_values, level)
    assert all(p <= value <= 1 for p, value in zip(p_values, corrected, strict=True))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_a_user_of_several_splits_counts_once():
    generator = np.random.default_rng(1)
    parts = []
    for _ in range(3):
        users = generator.choice([f"u{n}" for n in range(9)], 6, replace=False)
        values = generator.random(6)
        values[0] = np.nan
        parts.append((users, values))
    frame = pd.concat([pd.DataFrame({"user": u, "value": v}) for u, v in parts])
    expected = frame.groupby("user")["value"].mean()  # leaves NaN out, sorts by user
    np.testing.assert_allclose(mean_by_user(parts), expected.to_numpy())
