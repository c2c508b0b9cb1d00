"""Read options by name: a missing or impossible one is an error that names it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def read_choice(config: Any, key: str, choices: Sequence[str]) -> str:
    """Read an option that is one of a few words.

    Args:
        config: RecBole's Config, or any mapping.
        key: Name of the option.
        choices: The words.

    Raises:
        ValueError: The option is missing or another word.
    """
    value = _present(config, key)
    if value not in choices:
        raise ValueError(f"{key} must be one of {', '.join(choices)}; found {value!r}")
    return str(value)


def read_int(config: Any, key: str, minimum: int) -> int:
    """Read a whole number of at least ``minimum``.

    Raises:
        ValueError: The option is missing, not a whole number, or too small.
    """
    value = _present(config, key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise ValueError(f"{key} must be a whole number, found {value!r}")
    if value < minimum:
        raise ValueError(f"{key} must be at least {minimum}, found {value!r}")
    return int(value)


def read_float(
    config: Any, key: str, minimum: float = -math.inf, maximum: float = math.inf
) -> float:
    """Read a number between ``minimum`` and ``maximum``, both included.

    Raises:
        ValueError: The option is missing, not a finite number, or out of range.
    """
    value = _present(config, key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{key} must be a finite number, found {value!r}")
    if not minimum <= value <= maximum:
        raise ValueError(f"{key} must lie in [{minimum}, {maximum}], found {value!r}")
    return float(value)


def read_optional_float(config: Any, key: str, minimum: float = -math.inf) -> float | None:
    """Read a finite number, or None where the option is empty (``~`` in YAML)."""
    if key in config and config[key] is None:
        return None
    return read_float(config, key, minimum)


def read_optional_int(config: Any, key: str, minimum: int) -> int | None:
    """Read a whole number, or None where the option is empty (``~`` in YAML)."""
    if key in config and config[key] is None:
        return None
    return read_int(config, key, minimum)


def read_optional_str(config: Any, key: str) -> str | None:
    """Read a word, or None where the option is empty (``~`` in YAML).

    Raises:
        ValueError: The option is missing or no word.
    """
    value = config[key] if key in config and config[key] is None else _present(config, key)
    if value is not None and (not isinstance(value, str) or not value):
        raise ValueError(f"{key} must be a name or empty, found {value!r}")
    return value


def _present(config: Any, key: str) -> Any:
    if key not in config or config[key] is None:
        raise ValueError(
            f"the option {key} is missing; its default is in the plugin's properties/, so a file "
            f"or a command line sets it to nothing, or the Config was made without the plugin"
        )
    return config[key]
