"""The ratings that speed is measured on: MovieLens-1M, or made-up ones of its shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from recbole_pngnn.data.prepare import PrepareError, prepare_csv, prepare_ml_1m

# MovieLens-1M, README of GroupLens: users, movies with a rating, ratings; share above 3.5 counted.
N_USERS, N_ITEMS, N_RATINGS, LIKED_SHARE = 6040, 3706, 1_000_209, 0.575


def prepare_ratings(source: Path | None, folder: Path) -> Path:
    """Write a dataset with 80% of the ratings for training and 20% for testing.

    Args:
        source: What ``recbole-pngnn prepare ml-1m`` reads; made-up ratings where it is None or is
            not there.
        folder: Where datasets go.

    Returns:
        The folder of the dataset.
    """
    if source is not None and source.exists():
        try:
            return prepare_ml_1m(source, folder, fold=1)
        except PrepareError:  # GroupLens' own files have no folds
            return prepare_ml_1m(source, folder, split=(0.8, 0.0, 0.2))
    file = folder / "synthetic.csv"
    synthetic_ratings().to_csv(file, index=False)
    return prepare_csv(
        file,
        folder,
        name="synthetic",
        user="user",
        item="item",
        rating="rating",
        split=(0.8, 0, 0.2),
    )


def synthetic_ratings(
    n_users: int = N_USERS, n_items: int = N_ITEMS, n_ratings: int = N_RATINGS, seed: int = 0
) -> pd.DataFrame:
    """Make up ratings of users and items whose degrees have a long tail, as MovieLens' have.

    Args:
        n_users: Number of users.
        n_items: Number of items.
        n_ratings: Number of distinct pairs.
        seed: Seed of the numpy generator.

    Returns:
        Columns ``user``, ``item``, ``rating`` (1 to 5); every user and item occurs.
    """
    rng = np.random.default_rng(seed)
    users = rng.lognormal(0.0, 1.0, n_users)
    items = rng.lognormal(0.0, 1.5, n_items)
    # Each user and each item once, then the rest by weight, until there are enough pairs.
    longest = max(n_users, n_items)
    pairs = np.unique(np.arange(longest) % n_users * n_items + np.arange(longest) % n_items)
    while len(pairs) < n_ratings:
        n = 2 * (n_ratings - len(pairs))
        drawn_users = rng.choice(n_users, n, p=users / users.sum())
        drawn_items = rng.choice(n_items, n, p=items / items.sum())
        drawn = np.setdiff1d(drawn_users * n_items + drawn_items, pairs)
        more = rng.permutation(drawn)[: n_ratings - len(pairs)]
        pairs = np.concatenate([pairs, more])
    disliked = (1 - LIKED_SHARE) / 3
    shares = [disliked, disliked, disliked, LIKED_SHARE / 2, LIKED_SHARE / 2]
    rating = rng.choice(np.arange(1, 6), len(pairs), p=shares)
    return pd.DataFrame({"user": pairs // n_items, "item": pairs % n_items, "rating": rating})
