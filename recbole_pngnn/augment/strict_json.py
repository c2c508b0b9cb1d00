"""JSON of strangers: whatever it holds, it is read or a ``ValueError``."""

from __future__ import annotations

import json
import math
from typing import Any

_MOST_DIGITS = 300  # Python itself refuses 4,300


def whole_number(text: str) -> int | float:
    """Read a whole number of any length; one of hundreds of digits is infinite."""
    return int(text) if len(text) <= _MOST_DIGITS else math.inf


def json_bytes(value: Any, **layout: Any) -> bytes:
    """Write JSON as a line, or lines, of UTF-8; half a character is escaped, as JSON can."""
    text = json.dumps(value, ensure_ascii=False, **layout) + "\n"
    return text.encode("utf-8", "backslashreplace")


def read_json(text: str | bytes) -> Any:
    """Read a JSON text.

    Raises:
        ValueError: It is none, or nested deeper than can be read.
    """
    if isinstance(text, str):
        text = text.removeprefix("\ufeff")
    try:
        return json.loads(text, parse_int=whole_number)
    except RecursionError:
        raise ValueError("nested too deep") from None
