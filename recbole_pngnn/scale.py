"""Whether a threshold fits the scale of the ratings, in words for ``prepare`` and ``run``."""

from __future__ import annotations

DEFAULT_THRESHOLD = 3.5  # like_threshold in properties/overall.yaml, for ratings of 1 to 5
FEW, MANY = 0.05, 0.95
_LOW = 0.4
_PLACE = (DEFAULT_THRESHOLD - 1) / (5 - 1)  # where the default lies in the scale it is made for


def describe_scale(low: float, high: float, threshold: float, share_liked: float) -> str:
    """Say what the ratings span and how many of them are liked.

    Args:
        low: Lowest rating.
        high: Highest rating.
        threshold: A rating above it is a like.
        share_liked: Share of the ratings that are likes, 0 to 1.
    """
    return (
        f"ratings span [{low:g}, {high:g}]; {_percent(share_liked)} are liked, above "
        f"like_threshold {threshold:g}"
    )


def scale_warning(
    low: float, high: float, threshold: float, share_liked: float, field: str = "rating"
) -> str | None:
    """Return what is doubtful about a threshold and what to type, or None where nothing is.

    Doubtful is that few or nearly all ratings are liked, and that the threshold lies low on a scale
    beyond five: 4 of 10 would be a like.

    Args:
        low: Lowest rating.
        high: Highest rating.
        threshold: A rating above it is a like.
        share_liked: Share of the ratings that are likes, 0 to 1.
        field: Column of the ratings.
    """
    is_low = high > 5 and threshold - low < _LOW * (high - low)
    if FEW <= share_liked <= MANY and not is_low:
        return None
    if low == high:
        return (
            f"every {field} is {low:g}: no like_threshold tells liked from disliked, which the "
            f"models of signs need"
        )
    return (
        f"like_threshold {threshold:g} calls {_percent(share_liked)} of the ratings liked; where "
        f"that does not fit the scale of [{low:g}, {high:g}], run with another, e.g. "
        f"{example_threshold(low, high, field)}"
    )


def example_threshold(low: float, high: float, field: str = "rating") -> str:
    """Return the option with a threshold that lies in a scale where the default does in 1 to 5."""
    return f"--like_threshold=\"{{'{field}': {low + _PLACE * (high - low):.3g}}}\""


def _percent(share: float) -> str:
    """Write a share as a percentage; what is not all or none never looks like it."""
    if 0 < share < 0.0005:
        return "less than 0.1%"
    if 0.9995 <= share < 1:
        return "more than 99.9%"
    return f"{share:.1%}"
