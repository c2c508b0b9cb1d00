"""Timestamps: seconds since 1970, from numbers in one of four units or from ISO dates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from recbole_pngnn.data.prepare.columns import MISSING
from recbole_pngnn.data.prepare.errors import PrepareError
from recbole_pngnn.data.prepare.numbers import decimal_point, parse_number
from recbole_pngnn.data.prepare.table import Table

_UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_EARLIEST, _LATEST = 1e8, 4.2e9  # 1973 and 2103: finer units are told apart within them
_ANY, _TOO_FAR = -1, -2  # 0 is 1970 in every unit
_COMPACT = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}
_ISO = re.compile(r"\d{4}-(?:\d\d-\d\d|W\d\d-\d)(?:[T ]\d\d.*)?|\d{8}[T ]?\d\d.*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXPECTED = (
    "give seconds or milliseconds since 1970, or ISO dates such as 2020-01-31 or "
    "2020-01-31T12:00:00Z"
)


@dataclass(frozen=True)
class Timestamps:
    """A column of timestamps.

    Attributes:
        seconds: Seconds since 1970, NaN where there is no timestamp.
        notes: How they were read, where not as the seconds that they are; how many there are not.
    """

    seconds: np.ndarray
    notes: tuple[str, ...]


def read_timestamps(table: Table, column: str, decimal: str | None = ".") -> Timestamps:
    """Read a column of timestamps, all of them written in one way.

    Numbers are seconds, or the unit under which they lie between 1973 and 2103; eight or fourteen
    digits that are a date throughout (``20200131``) are one. ISO dates without a time zone are
    taken as UTC.

    Args:
        table: What was read.
        column: Name of the column.
        decimal: The decimal point; None to look, see :func:`numbers.decimal_point`.

    Raises:
        PrepareError: A value is no timestamp, is written in another way than others, or there is
            none at all.
    """
    codes, found = pd.factorize(table.column(column))
    texts = [str(text).strip() for text in found]
    missing = np.array([text in MISSING for text in texts], dtype=bool)
    if missing.all():
        raise PrepareError(
            f"{table.name} holds no timestamp in its column {column!r}; leave the column out"
        )
    point = decimal_point(texts, decimal)
    numbers = np.array([parse_number(text, point) for text in texts])
    compact = _compact_dates(texts, missing)
    dates = compact or [
        None if np.isfinite(number) or none else _iso(text)
        for text, number, none in zip(texts, numbers, missing, strict=True)
    ]
    dated = np.array([date is not None for date in dates], dtype=bool)
    unreadable = ~(dated | np.isfinite(numbers) | missing)
    table.refuse(unreadable[codes], column, "is no timestamp", _EXPECTED)
    names = (("a date", "dates"), ("a number", "numbers"))
    _refuse_rarer(table, column, (dated[codes], (~missing & ~dated)[codes]), names, _EXPECTED)
    if dated.any():
        seconds, note = _from_dates(table, column, codes, dates, bool(compact))
    else:
        seconds, note = _from_numbers(table, column, codes, texts, numbers)
    n_missing = int(np.count_nonzero(np.isnan(seconds)))
    gone = f"{n_missing:,} rows have no timestamp" if n_missing else ""
    return Timestamps(seconds, tuple(text for text in (note, gone) if text))


def _from_dates(
    table: Table, column: str, codes: np.ndarray, dates: Sequence[datetime | None], compact: bool
) -> tuple[np.ndarray, str]:
    zoned = np.array([date is not None and date.tzinfo is not None for date in dates], dtype=bool)
    plain = np.array([date is not None and date.tzinfo is None for date in dates], dtype=bool)
    names = (("a date with a time zone", "with one"), ("a date without a time zone", "without one"))
    ways = (zoned[codes], plain[codes])
    _refuse_rarer(table, column, ways, names, "write all of them in one way")
    seconds = [np.nan if date is None else _seconds(date) for date in dates]
    written = "dates written as digits" if compact else "ISO dates"
    zone = "" if zoned.any() else ", taken as UTC"
    return np.array(seconds)[codes], f"timestamps read as {written}{zone}"


def _from_numbers(
    table: Table, column: str, codes: np.ndarray, texts: Sequence[str], numbers: np.ndarray
) -> tuple[np.ndarray, str]:
    units = _units_of(numbers)
    table.refuse(
        (units == _TOO_FAR)[codes],
        column,
        "is no timestamp of this age in seconds, milli-, micro- or nanoseconds since 1970",
        _EXPECTED,
    )
    counts = np.bincount(units[codes][units[codes] >= 0], minlength=len(_UNITS))
    usual = int(np.argmax(counts))
    name = list(_UNITS)[usual]
    other = (units >= 0) & (units != usual)
    table.refuse(other[codes], column, f"is not in {name}, as others are", "use one unit")
    note = f"timestamps read as {name} since 1970" if usual else ""
    # A whole number of nanoseconds is beyond what float64 holds: Python divides it exactly.
    seconds = [
        (int(text) if usual and text.isdecimal() else number) / _UNITS[name]
        for text, number in zip(texts, numbers.tolist(), strict=True)
    ]
    return np.array(seconds)[codes], note


def _units_of(numbers: np.ndarray) -> np.ndarray:
    """Return for each number the place of its unit in ``_UNITS``, or _ANY or _TOO_FAR."""
    size = np.abs(numbers)
    units = np.full(len(numbers), _TOO_FAR)
    for place, per_second in reversed(list(enumerate(_UNITS.values()))):
        units[(size >= _EARLIEST * per_second) & (size <= _LATEST * per_second)] = place
    units[size < _EARLIEST * _UNITS["milliseconds"]] = 0  # older, or a count of something else
    units[(size == 0) | np.isnan(numbers)] = _ANY
    return units


def _compact_dates(texts: Sequence[str], missing: np.ndarray) -> list[datetime | None] | None:
    """Read ``20200131`` and ``20200131120000``, if all are dates of 1900 to 2100."""
    dates: list[datetime | None] = []
    for text, none in zip(texts, missing, strict=True):
        if none:
            dates.append(None)
            continue
        if len(text) not in _COMPACT or not (text.isascii() and text.isdigit()):
            return None
        try:
            date = datetime.strptime(text, _COMPACT[len(text)])
        except ValueError:
            return None
        if not 1900 <= date.year <= 2100:
            return None
        dates.append(date)
    return dates


def _iso(text: str) -> datetime | None:
    text = text.upper().removesuffix(" UTC")
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _seconds(date: datetime) -> float:
    aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return (aware - _EPOCH) / timedelta(seconds=1)


def _refuse_rarer(
    table: Table,
    column: str,
    ways: tuple[np.ndarray, np.ndarray],
    names: tuple[tuple[str, str], tuple[str, str]],
    advice: str,
) -> None:
    """Raise PrepareError for the rarer of two ways of writing, where both occur.

    Args:
        table: What was read.
        column: Name of the column.
        ways: For each way the rows that are written in it.
        names: For each way what one of its values is, and what all of them are.
        advice: What to do.
    """
    rarer = int(np.count_nonzero(ways[0]) > np.count_nonzero(ways[1]))
    if ways[1 - rarer].any():
        problem = f"is {names[rarer][0]}, and others are {names[1 - rarer][1]}"
        table.refuse(ways[rarer], column, problem, advice)
