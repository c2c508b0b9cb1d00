"""Paired tests over users, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """A row against the baseline in one metric.

    Attributes:
        difference: Mean over users of the row's value less the baseline's.
        p: Of the two-sided paired t-test.
        corrected: The same after Holm's correction for all comparisons of the table.
        n_users: Users compared, those for whom both values are defined.
    """

    difference: float
    p: float
    corrected: float
    n_users: int

    def direction(self, level: float = 0.05) -> int:
        """Return 1 where significantly above the baseline, -1 below, 0 otherwise."""
        if self.corrected >= level:
            return 0
        return 1 if self.difference > 0 else -1


def paired_test(values: Array, baseline: Array) -> tuple[float, float, int]:
    """Compare two rows user by user, by a two-sided paired t-test.

    With hundreds of users the mean difference is close to normal, and unlike a test of ranks it is
    about the figure in the table (Smucker, Allan and Carterette, CIKM 2007).

    Args:
        values: The row's value of each user, ``(U,)``.
        baseline: The baseline's, of the same users, ``(U,)``.

    Returns:
        Mean difference, p-value, and number of users for whom the metric is defined. Without a
        difference, or with fewer than two users, the p-value is 1.

    Raises:
        ValueError: They are not of the same users: their numbers differ.
    """
    if values.shape != baseline.shape:
        raise ValueError(
            f"a paired test needs values of the same users, and there are {values.size} and "
            f"{baseline.size}"
        )
    defined = ~(np.isnan(values) | np.isnan(baseline))
    differences = values[defined] - baseline[defined]
    n_users = len(differences)
    mean = float(differences.mean()) if n_users else 0.0
    if n_users < 2 or not differences.any():
        return mean, 1.0, n_users
    if np.ptp(differences) == 0:  # the same for all: no spread to compare it with
        return mean, 0.0, n_users
    return mean, float(stats.ttest_rel(values[defined], baseline[defined]).pvalue), n_users


def compare(pairs: Sequence[tuple[Array, Array]]) -> list[Comparison]:
    """Test pairs of rows, corrected for their number.

    Args:
        pairs: A row's value of each user and the baseline's, of the same users, ``(U,)`` each.

    Returns:
        A comparison for each pair.
    """
    tests = [paired_test(values, baseline) for values, baseline in pairs]
    corrected = holm([p for _, p, _ in tests])
    return [
        Comparison(difference, p, p_holm, n_users)
        for (difference, p, n_users), p_holm in zip(tests, corrected, strict=True)
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    r"""Correct p-values for their number, by Holm's step-down method.

    .. math:: \tilde p_{(i)} = \min\left(1, \max_{j \le i} (m - j + 1)\, p_{(j)}\right)

    Args:
        p_values: p-values of m tests.

    Returns:
        The corrected ones, in the order given.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, (len(p_values) - rank) * p_values[place])
        corrected[place] = min(largest, 1.0)
    return corrected


def mean_by_user(parts: Sequence[tuple[npt.NDArray[np.str_], Array]]) -> Array:
    """Average each user's values over splits and seeds: a user counts once in a test.

    Args:
        parts: Ids of users and their values, of each run.

    Returns:
        A value for each user of any part, in the order of their ids; NaN where none is defined.
    """
    users = np.concatenate([ids for ids, _ in parts])
    values = np.concatenate([of_part for _, of_part in parts])
    known, place = np.unique(users, return_inverse=True)
    defined = ~np.isnan(values)
    counts = np.bincount(place[defined], minlength=len(known))
    sums = np.bincount(place[defined], weights=values[defined], minlength=len(known))
    means: Array = np.full(len(known), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
