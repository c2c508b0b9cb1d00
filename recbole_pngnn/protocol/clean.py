"""Rows that cannot be used, and pairs that occur twice, before RecBole sees them."""

from __future__ import annotations

from logging import Logger

import numpy as np
import pandas as pd

from recbole_pngnn.protocol.threshold import OBSERVED, SOURCE_FIELD, LikeThreshold, labels_hint
from recbole_pngnn.scale import example_threshold, scale_warning


def clean_interactions(
    interactions: pd.DataFrame,
    threshold: LikeThreshold,
    user_field: str,
    item_field: str,
    time_field: str | None,
    part_sizes: list[int] | None,
    logger: Logger,
) -> tuple[pd.DataFrame, list[int] | None]:
    """Drop what has no user, item or rating, and keep the last of duplicated pairs.

    RecBole fills a missing rating with the mean, keeps duplicates, and does neither kind of
    filtering on pre-split files.

    Of a pair that was observed more than once the row of the latest part stays (a rating of the
    test part is never trained on), within a part the latest by time, then by position. An
    augmented row gives way to an observed row of its own part; one that agrees with a later part
    stays, since it must be free to be right.

    Args:
        interactions: Rows as read, with the ids as text; one part after the other.
        threshold: What counts as liked.
        user_field: Column of users.
        item_field: Column of items.
        time_field: Column of times, used where it was loaded.
        part_sizes: Rows of each part of pre-split files; None where RecBole splits.
        logger: Gets a line for each kind of row that is dropped, with its number.

    Returns:
        The rows that stay, in their order, and the sizes of their parts.

    Raises:
        ValueError: A column is missing, a rating is no finite number, or no row stays, or none is
            liked.
    """
    _check_columns(interactions, threshold, user_field, item_field)
    part = np.repeat(np.arange(len(part_sizes or [1])), part_sizes or [len(interactions)])
    if SOURCE_FIELD in interactions:
        interactions = _with_sources(interactions, part)

    ratings = interactions[threshold.field].to_numpy()
    if np.isinf(ratings).any():
        row = int(np.flatnonzero(np.isinf(ratings))[0])
        raise ValueError(
            f"{np.isinf(ratings).sum()} value(s) of {threshold.field} are infinite (first: user "
            f"{interactions[user_field].iat[row]}, item {interactions[item_field].iat[row]}); "
            f"ratings must be finite numbers"
        )
    keep = np.ones(len(interactions), dtype=bool)
    for field in (user_field, item_field, threshold.field):
        missing = interactions[field].isna().to_numpy() & keep
        if missing.any():
            logger.warning(f"dropped {missing.sum()} interaction(s) without a value of {field}")
        keep &= ~missing
    last = _last_of_duplicates(interactions, user_field, item_field, time_field, part, keep)
    if (keep & ~last).any():
        logger.warning(
            f"dropped {(keep & ~last).sum()} interaction(s) whose user and item occur again: the "
            f"last one stays"
        )
    keep &= last

    ratings = ratings[keep]
    if not len(ratings):
        raise ValueError(f"no interaction has a user, an item and a value of {threshold.field}")
    span = f"{threshold.field} spans [{ratings.min():g}, {ratings.max():g}]"
    if not (ratings > threshold.value).any():
        hint = "" if ratings.min() == ratings.max() else "; lower it, for example "
        hint += hint and example_threshold(ratings.min(), ratings.max(), threshold.field)
        raise ValueError(
            f"like_threshold {threshold.value:g} leaves no liked interactions; {span}{hint}"
        )
    if (ratings > threshold.value).all():
        logger.warning(
            f"like_threshold {threshold.value:g} leaves no disliked interactions; {span}"
        )
    else:
        share = float((ratings > threshold.value).mean())
        doubt = scale_warning(ratings.min(), ratings.max(), threshold.value, share, threshold.field)
        if doubt is not None:
            logger.warning(doubt)
    sizes = np.bincount(part[keep], minlength=len(part_sizes)).tolist() if part_sizes else None
    return interactions[keep].reset_index(drop=True), sizes


def _check_columns(
    interactions: pd.DataFrame, threshold: LikeThreshold, user_field: str, item_field: str
) -> None:
    for field in (user_field, item_field, threshold.field):
        if field not in interactions:
            hint = labels_hint(_labels(interactions)) if field == threshold.field else ""
            raise ValueError(
                f"like_threshold needs the column {field} of the interactions, and those loaded "
                f"are {', '.join(map(str, interactions))}; name it in load_col, for example "
                f"load_col: {{inter: [{user_field}, {item_field}, {threshold.field}]}}{hint}"
            )
    if not pd.api.types.is_numeric_dtype(interactions[threshold.field]):
        raise ValueError(
            f"like_threshold compares numbers, and {threshold.field} is not of type float in the "
            f"atomic file; write {threshold.field}:float in its header"
        )


def _labels(interactions: pd.DataFrame) -> list[str]:
    """Return the columns of numbers that are all 0 or 1."""
    numbers = interactions.select_dtypes("number")
    return [str(name) for name in numbers if bool(numbers[name].isin((0, 1)).all())]


def _with_sources(interactions: pd.DataFrame, part: np.ndarray) -> pd.DataFrame:
    """Call the rows of a part observed whose file has no column of sources."""
    missing = interactions[SOURCE_FIELD].isna()
    for number in np.unique(part):
        of_part = part == number
        n_missing = int(missing[of_part].sum())
        if 0 < n_missing < of_part.sum():
            raise ValueError(
                f"{n_missing} interaction(s) have no {SOURCE_FIELD}; each is {OBSERVED} or names "
                f"what made it up"
            )
    return interactions.assign(**{SOURCE_FIELD: interactions[SOURCE_FIELD].fillna(OBSERVED)})


def _last_of_duplicates(
    interactions: pd.DataFrame,
    user_field: str,
    item_field: str,
    time_field: str | None,
    part: np.ndarray,
    keep: np.ndarray,
) -> np.ndarray:
    """Mark rows that no other row supersedes, see :func:`clean_interactions`."""
    users, _ = pd.factorize(interactions[user_field])
    items, unique_items = pd.factorize(interactions[item_field])
    pairs = users.astype(np.int64) * max(len(unique_items), 1) + items
    time = (
        interactions[time_field].to_numpy() if time_field in interactions else np.zeros(len(pairs))
    )
    if time.dtype.kind != "f":
        time = np.zeros(len(pairs))
    observed = np.ones(len(pairs), dtype=bool)
    if SOURCE_FIELD in interactions:
        observed = (interactions[SOURCE_FIELD] == OBSERVED).to_numpy()

    order = np.lexsort((np.arange(len(pairs)), np.nan_to_num(time), part))
    last = np.zeros(len(pairs), dtype=bool)
    for rows in (order[(observed & keep)[order]], order[(~observed & keep)[order]]):
        reverse = rows[::-1]
        _, first = np.unique(pairs[reverse], return_index=True)
        last[reverse[first]] = True
    # Augmented rows give way to what was observed in their own part or before.
    observed_part = pd.Series(part[observed & last], index=pairs[observed & last])
    augmented = np.flatnonzero(~observed & last)
    known = observed_part.reindex(pairs[augmented]).to_numpy()
    last[augmented[known <= part[augmented]]] = False
    return last
