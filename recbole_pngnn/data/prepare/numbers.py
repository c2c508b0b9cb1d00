"""Columns of numbers, as text of any of the two decimal points."""

import math
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from recbole_pngnn.data.prepare.errors import PrepareError
from recbole_pngnn.data.prepare.table import Table

DECIMALS = (".", ",")
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")


def read_numbers(table: Table, column: str, decimal: str | None = ".") -> np.ndarray:
    """Read a column of finite numbers.

    Args:
        table: What was read.
        column: Name of the column.
        decimal: The decimal point, ``.`` or ``,``; None to take the comma where it can be nothing
            else, see :func:`decimal_point`.

    Raises:
        PrepareError: A value is no number, or not finite.
    """
    codes, texts = pd.factorize(table.column(column))
    point = decimal_point(texts, decimal)
    numbers = np.array([parse_number(text, point) for text in texts])[codes]
    refuse_numbers(table, column, ~np.isfinite(numbers), decimal)
    return numbers


def refuse_numbers(table: Table, column: str, bad: np.ndarray, decimal: str | None) -> None:
    """Raise PrepareError for the first bad number, with what to do about a comma in it."""
    advice = "correct it or remove the line"
    if decimal is None and bad.any():
        value = str(table.column(column).iloc[int(np.argmax(bad))])
        if _COMMA.fullmatch(value.strip()):
            advice += "; where the comma is a decimal point throughout, give --decimal ,"
    table.refuse(bad, column, "is not a finite number", advice)


def decimal_point(texts: Iterable[str], decimal: str | None) -> str:
    """Return the decimal point of a column of numbers.

    Where it is not given, it is a comma if no value has a point and each comma is followed by
    digits, unless all of them may be separators of thousands (``1,234``): those are ambiguous.

    Args:
        texts: The distinct values.
        decimal: What was given; None to look.

    Raises:
        PrepareError: Neither ``.`` nor ``,`` was given.
    """
    if decimal is not None:
        if decimal not in DECIMALS:
            raise PrepareError(f"decimal {decimal!r} is neither . nor ,; give one of them")
        return decimal
    values = [text.strip() for text in texts]
    commas = [value for value in values if "," in value]
    if not commas or any("." in value for value in values):
        return "."
    if not all(map(_COMMA.fullmatch, commas)) or all(map(_THOUSANDS.fullmatch, commas)):
        return "."
    return ","


def parse_number(text: str, point: str = ".") -> float:
    """Read a number exactly, which ``pd.to_numeric`` does not; NaN where it is none.

    Args:
        text: What was written.
        point: The decimal point, ``.`` or ``,``; the other is no part of a number.
    """
    if point == "," and "." in text:
        return math.nan
    try:
        return math.nan if "_" in text else float(text.replace(point, "."))
    except ValueError:
        return math.nan
