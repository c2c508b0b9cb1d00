"""The keys of a mapping of a suite, taken one by one; what nobody took is an error."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from recbole_pngnn.benchmark.yaml_file import Mapping

# The largest that NumPy's generators take.
LARGEST_SEED = 2**32 - 1
_NAME = re.compile(r"[^\W_][\w.+-]*")


class Keys:
    """The keys of one mapping.

    Args:
        content: The mapping; the error of another value names it.
        where: What to call it in messages.
        at: Where it stands, where it is no mapping itself.
    """

    def __init__(self, content: Any, where: str, at: str = "") -> None:
        if not isinstance(content, dict):
            found = "nothing" if content is None else short(content)
            raise ValueError(f"{where} must be a mapping of keys; found {found}{at}")
        self._content, self._where = content, where
        self._asked: list[str] = []

    def at(self, key: str | None = None) -> str:
        """Say in which line a key stands."""
        return self._content.at(key) if isinstance(self._content, Mapping) else ""

    def _take(self, key: str, default: Any, required: bool = False) -> Any:
        self._asked.append(key)
        value = self._content.get(key)
        if value is None and required:
            raise ValueError(f"{self._where}: the key {key} is missing{self.at()}")
        return default if value is None else value

    def _wrong(self, key: str, wanted: str, value: Any) -> ValueError:
        return ValueError(
            f"{self._where}: {key} must be {wanted}; found {short(value)}{self.at(key)}"
        )

    def mapping(self, key: str, required: bool = False) -> Mapping:
        """Take a mapping, its keys as texts."""
        value = self._take(key, {}, required)
        if not isinstance(value, dict) or (required and not value):
            raise self._wrong(key, "a mapping", value)
        lines = value.lines if isinstance(value, Mapping) else {}
        return Mapping(
            {str(name): entry for name, entry in value.items()},
            {str(name): line for name, line in lines.items()},
        )

    def sequence(self, key: str, required: bool = False) -> list[Any]:
        """Take a list."""
        value = self._take(key, [], required)
        if not isinstance(value, list) or (required and not value):
            raise self._wrong(key, "a list", value)
        return value

    def words(self, key: str, default: list[str]) -> list[str]:
        """Take a list of words; numbers are words too."""
        value = self._take(key, default)
        if not isinstance(value, list) or not all(
            isinstance(word, (str, int, float)) and not isinstance(word, bool) for word in value
        ):
            raise self._wrong(key, "a list of words", value)
        return [str(word) for word in value]

    def text(self, key: str, default: str | None = None) -> str:
        """Take a text."""
        value = self._take(key, default, required=default is None)
        if not isinstance(value, str):
            raise self._wrong(key, "a text", value)
        if any(unicodedata.category(c) in ("Cc", "Cs") and c != "\n" for c in value):
            raise self._wrong(key, "a text without control characters", value)
        return value.strip()

    def label(self, key: str, default: str | None = None) -> str:
        """Take a text of one line that is not empty: a name as it is printed."""
        value = self.text(key, default)
        if not value or len(value.splitlines()) > 1:
            raise self._wrong(key, "a text of one line", value)
        return value

    def optional_text(self, key: str) -> str | None:
        """Take a text of one line, None where there is none."""
        self._asked.append(key)
        return None if self._content.get(key) in (None, "") else self.label(key)

    def name(self, key: str) -> str:
        """Take the name of a folder."""
        value = self.text(key)
        if not is_name(value):
            raise self._wrong(key, "the name of a folder, letters, digits and . _ - +", value)
        return value

    def flag(self, key: str) -> bool:
        """Take true or false; false where there is none."""
        value = self._take(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def whole_number(self, key: str, default: int, minimum: int, maximum: int) -> int:
        """Take a whole number."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise self._wrong(key, f"a whole number of at least {minimum}", value)
        if value > maximum:
            raise self._wrong(key, f"a whole number of at most {maximum}", value)
        return value

    def whole_numbers(
        self, key: str, default: list[int], minimum: int = 0, maximum: int = LARGEST_SEED
    ) -> list[int]:
        """Take whole numbers, one or more, each once."""
        value = self._take(key, default)
        values = value if isinstance(value, list) else [value]
        for number in values:
            if isinstance(number, bool) or not isinstance(number, int):
                raise self._wrong(key, "whole numbers", value)
            if not minimum <= number <= maximum:
                raise self._wrong(key, f"whole numbers from {minimum} to {maximum}", value)
        if not values or len(set(values)) < len(values):
            raise self._wrong(key, "different whole numbers, one or more", value)
        return values

    def seconds(self, key: str) -> float | None:
        """Take a number of seconds above 0, None where there is none."""
        self._asked.append(key)
        if self._content.get(key) is None:
            return None
        seconds = read_number(self._content[key], f"{self._where}: {key}", self.at(key))
        if seconds <= 0:
            raise self._wrong(key, "a number of seconds above 0", seconds)
        return seconds

    def finish(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key in self._content:
            if key not in self._asked:
                known = list(dict.fromkeys(self._asked))
                close = difflib.get_close_matches(str(key), known, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise ValueError(
                    f"{self._where}: unknown key {key!r}{hint} Known: {', '.join(known)}"
                    f"{self.at(key)}"
                )


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a folder, below another one and nowhere else."""
    return _NAME.fullmatch(text) is not None


def check_known(name: Any, names: Sequence[str], where: str, at: str = "") -> None:
    """Refuse a name that is not one of those given.

    Raises:
        ValueError: The message has them, and the one that is closest.
    """
    if name in names:
        return
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ValueError(f"{where}: {short(name)} is not one of {', '.join(names)}{hint}{at}")


def read_number(value: Any, where: str, at: str = "") -> float:
    """Read a number; YAML 1.1 takes ``1e-3`` for a word.

    Raises:
        ValueError: It is none, or not finite.
    """
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{where} needs numbers; found {short(value)}{at}")
    return found


def short(value: Any) -> str:
    """Write a value for a message of one line."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
