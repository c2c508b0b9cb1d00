"""Train, valid and test parts of each user's ratings."""

from collections.abc import Sequence

import numpy as np

PARTS = ("train", "valid", "test")
TRAIN, VALID, TEST = range(3)


def split_per_user(users: np.ndarray, ratios: Sequence[float], seed: int) -> np.ndarray:
    """Split the rows of each user at random.

    Args:
        users: Number of the user of each row; the result depends on the order of the rows.
        ratios: Shares of train, valid and test.
        seed: Seed of the numpy generator.

    Shapes:
        - users: ``(R,)``
        - returns: ``(R,)``, TRAIN, VALID or TEST
    """
    keys = np.random.default_rng(seed).random(len(users))
    order = np.lexsort((keys, users))  # by user, shuffled within
    n_rated = np.bincount(users)
    first = np.cumsum(n_rated) - n_rated
    rank = np.arange(len(users)) - first[users[order]]
    n_train, n_valid, _ = part_sizes(n_rated, ratios)
    owner = users[order]
    parts = np.empty(len(users), dtype=np.int64)
    parts[order] = np.where(
        rank < n_train[owner], TRAIN, np.where(rank < (n_train + n_valid)[owner], VALID, TEST)
    )
    return parts


def part_sizes(
    n_rated: np.ndarray, ratios: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how many of each user's ratings go to train, valid and test.

    RecBole's rule (``Dataset._calcu_split_ids``): test and valid are rounded down, but to 1 rather
    than 0 as long as train keeps one, test before valid; train gets the remainder. Train is never
    empty.

    Args:
        n_rated: Number of ratings of each user.
        ratios: Shares of train, valid and test.

    Shapes:
        - n_rated and each of the three returned: ``(U,)``
    """
    # 0.29 * 100 is 28.999999999999996 in floating point.
    sizes = [np.floor(n_rated * ratio + 1e-9).astype(np.int64) for ratio in ratios]
    n_left = np.maximum(n_rated - 1, 0)  # what train can spare
    n_test = np.minimum(sizes[TEST], n_left)
    n_valid = np.minimum(sizes[VALID], n_left - n_test)
    if ratios[TEST] > 0:
        n_test += (n_test == 0) & (n_left - n_test - n_valid > 0)
    if ratios[VALID] > 0:
        n_valid += (n_valid == 0) & (n_left - n_test - n_valid > 0)
    return n_rated - n_valid - n_test, n_valid, n_test
