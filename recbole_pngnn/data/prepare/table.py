"""Delimited text as a table of strings that knows the line each row came from."""

import csv
import difflib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from recbole_pngnn.data.prepare.errors import PrepareError, listing, shorten
from recbole_pngnn.data.prepare.files import NUL
from recbole_pngnn.data.prepare.header import no_header

DELIMITERS = (",", ";", "\t", "|", "::")
_NETFLIX = re.compile(r"\d+:")
_SAMPLED = 200  # lines that a delimiter is guessed from
_UNIT = "\x1f"  # stands in for "::", since pandas' fast parser wants a single character


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Attributes:
        name: Name of the file in errors.
        frame: Rows that are not blank; the index is the row's place in ``raw``.
        raw: Every row of the file, header included, all columns.
        first_line: Line of the first row of ``raw``, from 1.
        delimiter: What the columns were split at.
        columns_option: Option that names columns where there is no header; None for no such one.
    """

    name: str
    frame: pd.DataFrame
    raw: pd.DataFrame
    first_line: int
    delimiter: str
    columns_option: str | None = None

    def column(self, name: str) -> "pd.Series[str]":
        """Return a column by its name.

        Raises:
            PrepareError: No such column, or several; lists those found and the closest one.
        """
        found = list(self.frame.columns)
        if found.count(name) == 1:
            return self.frame[name]
        shown = f"columns found, split at {self.delimiter!r}: {listing(map(repr, found))}"
        if self.columns_option is not None and (advice := no_header(found, self.columns_option)):
            problem = (
                f"has several columns {name!r}" if name in found else f"has no column {name!r}"
            )
            raise PrepareError(f"{self.name} {problem}, and {advice}; {shown}")
        if name in found:
            raise PrepareError(f"{self.name} has several columns {name!r}; {shown}")
        by_lower = {column.lower(): column for column in found}
        close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
        hint = f"; did you mean {by_lower[close[0]]!r}?" if close else ";"
        if len(found) == 1:
            shown += "; give --delimiter if another character separates them"
        raise PrepareError(f"{self.name} has no column {name!r}{hint} {shown}")

    def line(self, row: int) -> int:
        """Return the line, from 1, on which a row starts; quoted line breaks are counted."""
        before = self.raw.iloc[:row]
        breaks = sum(int(before[column].str.count("\n").sum()) for column in before)
        return self.first_line + row + breaks

    def refuse(self, bad: np.ndarray, column: str, problem: str, advice: str) -> None:
        """Raise PrepareError naming the first bad row, if there is one.

        Args:
            bad: True for each bad row of ``frame``.
            column: Column that holds the bad value.
            problem: What is wrong with it, to follow the value.
            advice: What to do.
        """
        n_bad = int(np.count_nonzero(bad))
        if not n_bad:
            return
        position = int(np.argmax(bad))
        value = str(self.column(column).iloc[position]).replace(NUL, "\0")
        more = f" (the first of {n_bad} such lines)" if n_bad > 1 else ""
        line = self.line(int(self.frame.index[position]))
        raise PrepareError(
            f"{self.name}, line {line}: {column} {shorten(value)!r} {problem}{more}; {advice}"
        )


def read_csv(
    name: str,
    text: str,
    wanted: Iterable[str],
    delimiter: str | None = None,
    columns_option: str | None = None,
) -> Table:
    """Read delimited text whose first line names the columns.

    Without a delimiter, the one under which the header holds all wanted columns is taken: that is
    exact where ``csv.Sniffer``, which counts characters, can be misled by commas in titles.

    Args:
        name: Name of the file in errors.
        text: Its content, lines ending in LF.
        wanted: Columns that will be asked for.
        delimiter: ``::`` or an ASCII character; None to guess.
        columns_option: Option that errors name for a file without a header.

    Raises:
        PrepareError: No rows, rows of uneven length, an open quote, a bad delimiter.
    """
    if delimiter is None:
        delimiter = _guess_delimiter(text.strip("\n").partition("\n")[0], list(wanted))
    else:
        _check_delimiter(delimiter)
    raw, first_line = _parse(name, text, delimiter)
    frame = raw.iloc[1:]
    frame.columns = pd.Index([str(cell).strip() for cell in raw.iloc[0]])
    frame = _without_blank_rows(frame)
    if frame.empty:
        raise PrepareError(f"{name} holds a header and no rows")
    return Table(name, frame, raw, first_line, delimiter, columns_option)


def read_headerless(
    name: str, text: str, columns: Sequence[str], delimiter: str | None = None
) -> Table:
    """Read delimited text whose first line is a row already.

    Without a delimiter, the one under which the first lines have as many fields as there are names
    is taken.

    Args:
        name: Name of the file in errors.
        text: Its content, lines ending in LF.
        columns: Names for its columns, in order.
        delimiter: ``::`` or an ASCII character; None to guess.

    Raises:
        PrepareError: Rows of uneven length, or not as many columns as names; an open quote, a bad
            delimiter, or none that can be guessed.
    """
    if delimiter is None:
        delimiter = _guess_by_width(name, text, len(columns))
    else:
        _check_delimiter(delimiter)
    raw, first_line = _parse(name, text, delimiter)
    if raw.shape[1] != len(columns):
        raise PrepareError(
            f"{name}, line {first_line}: {raw.shape[1]} fields, split at {delimiter!r}, and "
            f"{len(columns)} names of columns ({','.join(columns)}); give each column a name, in "
            "order, or another --delimiter"
        )
    raw.columns = pd.Index(columns)
    return Table(name, _without_blank_rows(raw), raw, first_line, delimiter)


def read_dat(name: str, text: str, columns: Sequence[str]) -> Table:
    """Read a GroupLens ``.dat`` file: no header, no quotes, fields separated by ``::``.

    Args:
        name: Name of the file in errors.
        text: Its content, lines ending in LF.
        columns: Names for its fields, in order.

    Raises:
        PrepareError: A line has more or fewer fields, or its last one is empty.
    """
    raw, first_line = _parse(name, text, "::")
    if raw.shape[1] != len(columns):
        raise PrepareError(
            f"{name}, line {first_line}: {raw.shape[1]} fields separated by '::', expected "
            f"{len(columns)} ({'::'.join(columns)})"
        )
    raw.columns = pd.Index(columns)
    table = Table(name, _without_blank_rows(raw), raw, first_line, "::")
    last = columns[-1]
    empty = (table.column(last) == "").to_numpy()
    table.refuse(empty, last, "is empty or not there", "the file may be truncated, get it again")
    return table


def _guess_delimiter(header: str, wanted: Sequence[str]) -> str:
    split = {delimiter: _split_header(header, delimiter) for delimiter in DELIMITERS}
    for delimiter, cells in split.items():
        if set(wanted) <= set(cells):
            return delimiter
    if len(split["::"]) > 1:
        return "::"
    return max(DELIMITERS, key=lambda delimiter: len(split[delimiter]))


def _guess_by_width(name: str, text: str, width: int) -> str:
    lines = [line for line in text.split("\n", _SAMPLED)[:_SAMPLED] if line.strip()]
    fields = {
        delimiter: [len(_split_header(line, delimiter)) for line in lines]
        for delimiter in DELIMITERS
    }
    fitting = [delimiter for delimiter, found in fields.items() if set(found) == {width}]
    if not fitting:  # a quoted line break, or a bad line: the error names it
        fitting = [delimiter for delimiter, found in fields.items() if found[0] == width]
    if "::" in fitting:  # in one by another separator it is hardly found on every line
        return "::"
    if len(fitting) > 1:
        raise PrepareError(
            f"{name} can be split at {listing(map(repr, fitting))} into {width} columns; say at "
            "which one by --delimiter"
        )
    return fitting[0] if fitting else max(DELIMITERS, key=lambda delimiter: fields[delimiter][0])


def _check_delimiter(delimiter: str) -> None:
    if delimiter not in DELIMITERS and (
        len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\0\n\r'
    ):
        raise PrepareError(
            f"delimiter {delimiter!r} cannot be used; give an ASCII character, \\t for a tab, or ::"
        )


def _split_header(header: str, delimiter: str) -> list[str]:
    if delimiter == "::":
        cells = header.split("::")
    else:
        try:
            cells = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:  # more than 128 KiB without this delimiter
            cells = [header]
    return [cell.strip() for cell in cells]


def _parse(name: str, text: str, delimiter: str) -> tuple[pd.DataFrame, int]:
    body = text.lstrip("\n")
    first_line = len(text) - len(body) + 1
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
    if delimiter == "::":
        if _UNIT in body:
            raise PrepareError(f"{name} holds the control character {_UNIT!r}; remove it")
        body, delimiter, quoting = body.replace("::", _UNIT), _UNIT, csv.QUOTE_NONE
    try:
        raw = pd.read_csv(
            io.StringIO(body),
            sep=delimiter,
            quoting=quoting,
            header=None,
            dtype=str,
            na_filter=False,
            skip_blank_lines=False,
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        where, problem = _find_uneven(body, delimiter, quoting)
        raise PrepareError(f"{name}, line {first_line + where - 1}: {problem}") from error
    return raw, first_line


def _find_uneven(body: str, delimiter: str, quoting: Literal[0, 3]) -> tuple[int, str]:
    """Find the line pandas gave up at: its own messages count rows, not lines."""
    reader = csv.reader(
        io.StringIO(body, newline=""), delimiter=delimiter, quoting=quoting, strict=True
    )
    width = start = 0
    try:
        for cells in reader:
            width = width or len(cells)
            if len(cells) > width:
                return (
                    start + 1,
                    f"{len(cells)} fields, expected {width}; {_advice(delimiter, body)}",
                )
            start = reader.line_num
    except csv.Error as error:
        return start + 1, f'a quote " is not closed or misplaced ({error}); correct the line'
    return 1, "the rows cannot be read; check the delimiter"


def _advice(delimiter: str, body: str) -> str:
    """Say what to do about a row that is longer than the first one."""
    first = body.partition("\n")[0]
    if _NETFLIX.fullmatch(first):
        return (
            f"{first!r} is an item of the Netflix Prize with its ratings below it: write the item "
            "into each of them"
        )
    if delimiter not in first:
        return f"where the first line ({shorten(first)}) is neither names nor values, remove it"
    return (
        "correct the line"
        if delimiter == _UNIT
        else f"correct the line, or quote a value that holds {delimiter!r}"
    )


def _without_blank_rows(frame: pd.DataFrame) -> pd.DataFrame:
    blank = (frame.iloc[:, 0].str.strip() == "").to_numpy()
    if not blank.any():
        return frame
    blank[blank] = (frame[blank] == "").iloc[:, 1:].all(axis=1).to_numpy()
    return frame[~blank]
