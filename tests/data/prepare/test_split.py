"""Shares of each user's ratings."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.data.prepare import prepare_csv
from recbole_pngnn.data.prepare.parts import PARTS, split_per_user

RATIOS = st.sampled_from(
    [(0.8, 0.1, 0.1), (0.8, 0.0, 0.2), (0.5, 0.25, 0.25), (0.71, 0.29, 0.0), (1.0, 0.0, 0.0)]
)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), RATIOS, st.integers(0, 9))
def test_sizes_of_each_users_parts(users, ratios, seed):
    users = np.array(users)
    parts = split_per_user(users, ratios, seed)
    assert set(parts) <= {0, 1, 2}
    assert np.array_equal(parts, split_per_user(users, ratios, seed))
    for user in set(users.tolist()):
        n = int((users == user).sum())
        sizes = np.bincount(parts[users == user], minlength=3)
        assert sizes.sum() == n
        assert sizes[0] >= 1
        for part in (1, 2):
            # Rounded down, but to one where the part is wanted and training can spare it.
            wanted = ratios[part] > 0
            assert sizes[part] >= int(np.floor(n * ratios[part] + 1e-9)) - (n == 1)
            assert sizes[part] <= max(np.floor(n * ratios[part] + 1e-9), int(wanted))
        if n >= 3:
            assert all(size > 0 for size, ratio in zip(sizes, ratios, strict=True) if ratio)


def test_another_seed_is_another_split():
    users = np.zeros(100, dtype=np.int64)
    one, other = (split_per_user(users, (0.5, 0.0, 0.5), seed) for seed in (0, 1))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_the_file_does_not_matter(tmp_path, seed):
    rows = [(f"u{n % 7}", f"i{n}", n % 5 + 1) for n in range(100)]
    folders = []
    for name, order in (("a", rows), ("b", rows[::-1])):
        file = tmp_path / f"{name}.csv"
        pd.DataFrame(order, columns=["u", "i", "r"]).to_csv(file, index=False)
        columns = {"user": "u", "item": "i", "rating": "r"}
        folders.append(prepare_csv(file, tmp_path / name, name="d", seed=seed, **columns))
    for part in PARTS:
        one, other = (folder / f"d.{part}.inter" for folder in folders)
        assert one.read_bytes() == other.read_bytes()
