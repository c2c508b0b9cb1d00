"""Titles of items, from a dataset's ``.item`` file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from recbole_pngnn.files import read_text

TITLE_COLUMNS = ("movie_title", "title", "name", "item_name")
YEAR_COLUMN = "release_year"


def item_titles(
    folder: Path,
    dataset: str,
    item_field: str,
    separator: str = "\t",
    encoding: str = "utf-8",
) -> dict[str, str] | None:
    """Read the titles of a dataset's items from its ``.item`` file, as RecBole would read it.

    Args:
        folder: The dataset's folder.
        dataset: Its name.
        item_field: The column of item ids.
        separator: RecBole's ``field_separator``.
        encoding: RecBole's ``encoding``; a byte order mark comes before it.

    Returns:
        Title by external id, with the year where there is one; None where there is no file, or no
        column named one of ``TITLE_COLUMNS``.

    Raises:
        ValueError: The file cannot be read; names it, and the line.
        OSError: The system does not let it be read.
    """
    file = folder / f"{dataset}.item"
    if not file.exists():
        return None
    rows = _rows(file, read_text(file, encoding or "utf-8"), separator)
    _, header = next(rows, (1, []))
    if not header:
        raise ValueError(f"{file} is empty")
    for name in header:
        if name.count(":") > 1:
            raise ValueError(
                f"{file}, line 1: {name!r} is no name with its type, such as title:token_seq; "
                f"columns are separated by {separator!r} (field_separator)"
            )
    names = [name.split(":")[0] for name in header]
    column = next((name for name in TITLE_COLUMNS if name in names), None)
    if item_field not in names:
        raise ValueError(
            f"{file}, line 1: there is no column {item_field}; its columns are {', '.join(names)}, "
            f"separated by {separator!r} (field_separator)"
        )
    if column is None:
        return None
    title, item = names.index(column), names.index(item_field)
    year = names.index(YEAR_COLUMN) if YEAR_COLUMN in names else None
    titles = {}
    for line, row in rows:
        if len(row) > len(names):
            raise ValueError(
                f"{file}, line {line}: {len(row)} fields, and the header has {len(names)}; put a "
                f"field that holds the separator into quotes"
            )
        cells = row + [""] * (len(names) - len(row))
        when = f" ({cells[year]})" if year is not None and cells[year] else ""
        titles[cells[item]] = cells[title] + when
    return titles


def _rows(file: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line that it begins in; blank lines are none."""
    if len(separator) != 1:  # for pandas, and so for RecBole, a regular expression
        for line, record in enumerate(text.splitlines(), 1):
            if record:
                yield line, re.split(separator, record)
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    start = last = 1
    try:
        for row in reader:
            if row:
                yield start, row
            last, start = start, reader.line_num + 1
    except csv.Error as error:  # longer than the csv module takes: the rest of the file, mostly
        raise ValueError(_open_quote(file, start)) from error
    end = "\n".join(re.split(r"\r\n|\r|\n", text)[last - 1 :])
    try:
        list(csv.reader(io.StringIO(end, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise ValueError(_open_quote(file, last)) from error


def _open_quote(file: Path, line: int) -> str:
    return (
        f'{file}, line {line}: a quote " opens a field and is never closed; close it, or double it '
        f"within quotes"
    )
