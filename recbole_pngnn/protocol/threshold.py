"""The option ``like_threshold`` and the interactions it tells apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

OBSERVED = "observed"
SOURCE_FIELD = "source"
TRAIN_INTERACTIONS = ("liked", "rated")


class LikeThreshold(NamedTuple):
    """Interactions whose ``field`` exceeds ``value`` are liked, the others disliked."""

    field: str
    value: float


def labels_hint(fields: Sequence[str]) -> str:
    """Return what to set where ratings are missing and some columns hold zeros and ones alone."""
    if not fields:
        return ""
    return (
        f"; where {fields[0]} says by 1 and 0 what was liked, set "
        f"--like_threshold=\"{{'{fields[0]}': 0.5}}\""
    )


def read_like_threshold(config: Any) -> LikeThreshold | None:
    """Read ``like_threshold``, written like RecBole's own ``threshold``: ``{rating: 3.5}``.

    Args:
        config: RecBole's Config.

    Returns:
        The threshold, or None where the option is not set: the protocol is then inert.

    Raises:
        ValueError: It is no mapping of one field to a finite number, or RecBole's ``threshold``,
            which deletes the field, is set too.
    """
    option = config["like_threshold"]
    if option is None:
        return None
    if not isinstance(option, dict) or len(option) != 1:
        raise ValueError(
            f"like_threshold must be one field and its value, for example "
            f"like_threshold: {{rating: 3.5}}; found {option!r}"
        )
    (field, value), *_ = option.items()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"like_threshold of {field} must be a finite number, found {value!r}")
    if config["threshold"] is not None:
        raise ValueError(
            f"threshold {config['threshold']!r} deletes its field and like_threshold {option!r} "
            f"needs one: set only one of them (--threshold=None or --like_threshold=None unsets "
            f"the other)"
        )
    return LikeThreshold(str(field), float(value))
