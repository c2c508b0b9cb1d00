"""Checked ratings: ids, numbers and timestamps."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recbole_pngnn.data.prepare.columns import FOLD, ITEM, RATING, TIMESTAMP, USER
from recbole_pngnn.data.prepare.errors import PrepareError
from recbole_pngnn.data.prepare.files import NUL
from recbole_pngnn.data.prepare.numbers import decimal_point, read_numbers
from recbole_pngnn.data.prepare.table import Table
from recbole_pngnn.data.prepare.timestamps import read_timestamps

# Ids that RecBole takes for something else: its padding token, and what pandas, with which it
# reads atomic files, takes for a missing value.
RESERVED_IDS = frozenset(
    [
        *("[PAD]", "#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "n/a"),
        *("-1.#IND", "1.#IND", "-1.#QNAN", "1.#QNAN", "NaN", "-NaN", "nan", "-nan"),
        *("NULL", "null", "None"),
    ]
)


@dataclass(frozen=True)
class Ratings:
    """Ratings as they were read, duplicates and order included.

    Attributes:
        frame: Columns user_id and item_id (categorical), rating, and timestamp and fold if read.
        notes: What a reader of the file should know of how it was read.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_ratings(table: Table, columns: Mapping[str, str], decimal: str | None = ".") -> Ratings:
    """Check ratings.

    Args:
        table: What was read.
        columns: For user_id, item_id, rating and, if wanted, timestamp and fold, the name of the
            column in ``table``.
        decimal: The decimal point; None to look, see :func:`numbers.decimal_point`.

    Raises:
        PrepareError: A bad or missing value, with its line.
    """
    if len(set(columns.values())) < len(columns):
        raise PrepareError(
            f"a column of {table.name} is used twice: "
            + ", ".join(f"{role}={column}" for role, column in columns.items())
        )
    for column in columns.values():
        table.column(column)  # a wrong name is told before a bad value
    notes = []
    parts: dict[str, object] = {
        USER: read_ids(table, columns[USER]),
        ITEM: read_ids(table, columns[ITEM]),
        RATING: read_numbers(table, columns[RATING], decimal),
    }
    if decimal is None and decimal_point(table.column(columns[RATING]).unique(), None) == ",":
        notes.append("ratings read with decimal commas")
    if TIMESTAMP in columns:
        times = read_timestamps(table, columns[TIMESTAMP], decimal)
        parts[TIMESTAMP] = times.seconds
        notes += times.notes
    if FOLD in columns:
        folds = read_numbers(table, columns[FOLD])
        whole = (folds >= 1) & (folds == np.floor(folds))
        table.refuse(~whole, columns[FOLD], "is not a whole number from 1", "correct the file")
        parts[FOLD] = folds.astype(np.int64)
    return Ratings(pd.DataFrame(parts), tuple(notes))


def read_ids(table: Table, column: str) -> "pd.Categorical[str]":
    """Read a column of ids as a categorical; short ids first, so that 2 comes before 10.

    Args:
        table: What was read.
        column: Name of the column.

    Raises:
        PrepareError: An id is missing, reserved, or holds a tab or a line break.
    """
    first_codes, texts = pd.factorize(table.column(column))
    codes, ids = pd.factorize(pd.Series(texts, dtype=object).str.strip())
    codes = codes[first_codes]
    missing = np.array([not name for name in ids], dtype=bool)
    table.refuse(missing[codes], column, "is a missing id", "add it or remove the line")
    broken = np.array(["\t" in name or "\n" in name for name in ids], dtype=bool)
    table.refuse(broken[codes], column, "holds a tab or a line break", "rename the id")
    nul = np.array([NUL in name for name in ids], dtype=bool)
    table.refuse(nul[codes], column, "holds a NUL character", "rename the id")
    reserved = np.array([name in RESERVED_IDS for name in ids], dtype=bool)
    table.refuse(
        reserved[codes], column, "would be read by RecBole as no id at all", "rename the id"
    )
    order = sorted(range(len(ids)), key=lambda code: (len(ids[code]), ids[code]))
    rank = np.empty(len(ids), dtype=np.int64)
    rank[order] = np.arange(len(ids))
    categories = pd.Index([str(ids[code]) for code in order])
    return pd.Categorical.from_codes(rank[codes], categories, ordered=True)
