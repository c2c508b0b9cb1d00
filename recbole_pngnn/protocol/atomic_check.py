"""Atomic files as people make them: what is wrong is named with file, line and what to do.

The header and the shape of the lines are looked at before RecBole reads a file, and the values
only once the reading has failed.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
from pandas._libs.parsers import STR_NA_VALUES  # type: ignore[import-not-found]

from recbole_pngnn.protocol.threshold import labels_hint

TYPES = ("token", "float", "token_seq", "float_seq")
_TYPED = "user_id:token, item_id:token, rating:float, timestamp:float"
_WORDS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "spaces", "::": "::"}
_WIDE = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
_CHUNK = 1 << 24
_FIRST_ROWS = 1000
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")
_NO_NUMBER = frozenset(STR_NA_VALUES)  # what pandas reads as missing


@dataclass(frozen=True)
class AtomicFile:
    """One atomic file and how it is to be read.

    Attributes:
        path: The file.
        separator: RecBole's ``field_separator``.
        encoding: RecBole's ``encoding``.
        needs: Type that a column must have, by its name; a column that is not there is an error.
        roles: The option that names a needed column, by the column.
    """

    path: Path
    separator: str = "\t"
    encoding: str = "utf-8"
    needs: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> str:
        """Check the file's beginning, its header, and the number of columns of each line.

        Returns:
            The encoding to read it by: without the byte order mark where it has one.

        Raises:
            ValueError: RecBole could not read the file, or would misread it.
        """
        encoding = self._encoding()
        columns = self._columns(encoding)
        self._check_needs(columns, encoding)
        self._check_lines(columns, encoding)
        return encoding

    def explain(self, error: Exception, encoding: str) -> ValueError:
        """Find the line that a failed reading failed at.

        Args:
            error: What RecBole or pandas raised.
            encoding: As :meth:`check` returned it.

        Returns:
            An error that names the file and, where it is found, the line.
        """
        try:
            found = self._undecodable_line(encoding) or self._line_without_number(encoding)
            if found is None and next(self._rows(encoding), None) is None:
                found = f"{self.path} has a header and no row below it; fill it, or do not load it"
        except (ValueError, OSError, csv.Error):
            found = None
        return ValueError(found or f"{self.path} cannot be read: {error}")

    def read_ids(self, field: str, encoding: str) -> pd.Series:
        """Read a column of ids as it is written: NA, nan and null are names, no cell is missing.

        Args:
            field: The column, of type token.
            encoding: As :meth:`check` returned it.

        Returns:
            The ids, missing where the cell is empty; row for row what RecBole reads.
        """
        column = f"{field}:token"
        frame = pd.read_csv(
            self.path,
            delimiter=self.separator,
            usecols=[column],
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            encoding=encoding,
            engine="python",
        )
        return frame[column]

    def _says(self, line: int, what: str) -> ValueError:
        return ValueError(f"{self.path}, line {line}: {what}")

    def _encoding(self) -> str:
        with self.path.open("rb") as stream:
            start = stream.read(8)
        if not start:
            raise ValueError(
                f"{self.path} is empty; its first line names the columns: {_TYPED}, with tabs "
                f"between them"
            )
        for mark, packer in _PACKED.items():
            if start.startswith(mark):
                raise ValueError(f"{self.path} is packed by {packer}; unpack it first")
        try:
            own = codecs.lookup(self.encoding).name
        except LookupError:
            raise ValueError(
                f"encoding {self.encoding!r} is none that Python knows; utf-8, utf-16 and "
                f"cp1252 are some"
            ) from None
        for mark, name in _WIDE.items():
            if start.startswith(mark) and not own.startswith(name.lower()):
                raise ValueError(
                    f"{self.path} is {name} text; save it as UTF-8, or set encoding: {name.lower()}"
                )
        if start.startswith(codecs.BOM_UTF8) and own == "utf-8":
            return "utf-8-sig"
        return self.encoding

    def _columns(self, encoding: str) -> list[str]:
        """Return the header's fields, each a name and a type."""
        try:
            with self.path.open(encoding=encoding) as stream:
                line = stream.readline()
        except UnicodeError:
            raise ValueError(self._undecodable_line(encoding) or self._not_encoded(1)) from None
        header = line.rstrip("\n")
        fields = header.split(self.separator)
        if all(self._typed(f) for f in fields):
            if len(line) == len(header):  # RecBole would cut off its last character
                raise self._says(1, "there is a header and nothing below it, not even a line end")
            self._check_header(fields)
            return fields
        other = self._other_separator(header)
        if other is not None:
            typed = all(self._typed(piece.strip()) for piece in header.split(other))
            raise self._says(
                1,
                f"columns are separated by {_WORDS[other]} ({_short(header)}), and field_separator "
                f"is {_WORDS.get(self.separator, repr(self.separator))}; write tabs, or set "
                f"--field_separator={_typed_separator(other)}"
                + ("" if typed else f"; the header also needs types: {_TYPED}"),
            )
        if _is_data(fields) or not header.strip():
            raise self._says(
                1,
                f"there is no header, only {_short(header)}; put a line with names and types of "
                f"the columns above it: {_TYPED} (tabs between them), or read the file by "
                f"recbole-pngnn prepare csv",
            )
        bare = next(f for f in fields if not self._typed(f))
        name, colon, kind = bare.partition(":")
        if not colon:
            hint = "float" if any(w in name for w in ("rating", "time", "star")) else "token"
            raise self._says(
                1,
                f"the column {_short(name)} has no type; write {name.strip() or 'name'}:{hint} "
                f"(types are {', '.join(TYPES)}), as in {_TYPED}",
            )
        close = difflib.get_close_matches(kind.strip(), TYPES, n=1)
        hint = f"did you mean {name}:{close[0]}?" if close else f"types are {', '.join(TYPES)}"
        raise self._says(1, f"the column {_short(bare)} has no type that RecBole knows; {hint}")

    @staticmethod
    def _typed(text: str) -> bool:
        name, colon, kind = text.partition(":")
        return bool(name and colon) and kind in TYPES

    def _other_separator(self, header: str) -> str | None:
        """Return what separates the columns where ``separator`` does not."""
        if self.separator in header:
            return None
        found = {other: header.count(other) for other in ("\t", ";", ",", "|", "::", " ")}
        for other, count in found.items():
            if count and other != self.separator and len(header.split(other)) > 1:
                pieces = [piece.strip() for piece in header.split(other)]
                if other != " " or all(pieces):
                    return other
        return None

    def _check_header(self, fields: Sequence[str]) -> None:
        names = [f.partition(":")[0] for f in fields]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise self._says(1, f"there are two columns named {twice[0]}; rename or remove one")

    def _check_needs(self, fields: Sequence[str], encoding: str) -> None:
        types = dict(text.split(":") for text in fields)
        for name, kind in self.needs.items():
            role = self.roles.get(name)
            called = f"{name} ({role})" if role else name
            if name not in types:
                close = difflib.get_close_matches(name, types, n=1, cutoff=0.8)
                hint = f"; did you mean {close[0]}?" if close else ""
                say = ""
                if role == "like_threshold":
                    say = "; name the column of ratings in like_threshold"
                elif role:
                    say = f"; where that column has another name, set --{role}=NAME"
                if kind == "float":
                    say += labels_hint(self._labels(fields, encoding))
                raise self._says(
                    1, f"there is no column {called}, only {', '.join(types)}{hint}{say}"
                )
            if types[name] != kind:
                raise self._says(
                    1,
                    f"{called} has to be of type {kind}: write {name}:{kind}, not "
                    f"{name}:{types[name]}",
                )

    def _labels(self, fields: Sequence[str], encoding: str) -> list[str]:
        """Return the columns of numbers that are 0 or 1 in the first rows."""
        names = {place: f.split(":")[0] for place, f in enumerate(fields) if f.endswith(":float")}
        found: dict[str, set[str]] = {name: set() for name in names.values()}
        for _, row in itertools.islice(self._rows(encoding), _FIRST_ROWS):
            for place, name in names.items():
                found[name].add(row[place] if place < len(row) else "")
        zeros_and_ones = {"0", "1", "0.0", "1.0"}
        return [name for name, cells in found.items() if cells and cells <= zeros_and_ones]

    def _check_lines(self, fields: Sequence[str], encoding: str) -> None:
        """Find a line with more or fewer columns, which pandas fills or cuts in silence."""
        n_columns = len(fields)
        separator = self.separator.encode("ascii", errors="ignore")
        if len(separator) != 1 or encoding.replace("-", "").lower().startswith(("utf16", "utf32")):
            return  # pandas alone, then
        with self.path.open("rb") as stream:
            if not _doubtful(stream, separator[0], n_columns):
                return
        keys = [place for place, text in enumerate(fields) if text.split(":")[0] in self.needs]
        for number, row in self._rows(encoding):
            if not row:
                continue
            places = keys if len(row) == n_columns else range(len(row))
            broken = next((row[p] for p in places if "\n" in row[p] or "\r" in row[p]), None)
            if broken is not None:
                raise self._says(
                    number,
                    f'a quote (") opens a value that goes on over lines ({_short(broken)}); write '
                    f'a value with quotes as "...", quotes inside it twice',
                )
            nul = next((cell for cell in row if "\0" in cell), None)
            if nul is not None:
                raise self._says(number, f"there is a NUL byte in {_short(nul)}; remove it")
            if len(row) != n_columns:
                raise self._says(
                    number,
                    f"{len(row)} column(s) where the header has {n_columns} "
                    f"({_short(self.separator.join(row))})",
                )

    def _rows(self, encoding: str) -> Iterator[tuple[int, list[str]]]:
        """Read the rows below the header as pandas does, each with its first line's number."""
        with self.path.open(encoding=encoding, newline="", errors="replace") as stream:
            reader = csv.reader(_without_limit(stream), delimiter=self.separator)
            next(reader, None)
            while True:
                number = reader.line_num + 1
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise self._says(number, str(error)) from None
                yield number, row

    def _undecodable_line(self, encoding: str) -> str | None:
        if encoding.replace("-", "").lower().startswith(("utf16", "utf32")):
            return None
        with self.path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    line.decode(encoding)
                except UnicodeDecodeError:
                    return self._not_encoded(number)
        return None

    def _not_encoded(self, line: int) -> str:
        return (
            f"{self.path}, line {line}: this is no {self.encoding} text; save the file as UTF-8, "
            f"or name its encoding, for example --encoding=cp1252"
        )

    def _line_without_number(self, encoding: str) -> str | None:
        fields = self._columns(encoding)
        places = [(n, f.split(":")[0]) for n, f in enumerate(fields) if ":float" in f]
        for number, row in self._rows(encoding):
            for place, name in places:
                cell = row[place].strip() if place < len(row) else ""
                values = cell.split() if fields[place].endswith("seq") else [cell]
                wrong = [value for value in values if not _is_number(value)]
                if wrong:
                    return (
                        f"{self.path}, line {number}: {name} is {_short(wrong[0])}, which is no "
                        f"number{_instead_of(wrong[0])}"
                    )
        return None


def _doubtful(stream: IO[bytes], separator: int, n_columns: int) -> bool:
    """Whether the rows have to be looked at one by one: quotes, NUL, other numbers of columns."""
    rest = b""
    while True:
        chunk = stream.read(_CHUNK)
        data = rest + chunk
        end = data.rfind(b"\n") + 1 if chunk else len(data)
        lines, rest = data[:end], data[end:]
        if b"\0" in lines or b'"' in lines or not _regular(lines, separator, n_columns):
            return True
        if not chunk:
            return False


def _regular(lines: bytes, separator: int, n_columns: int) -> bool:
    """Whether each line that is not empty has ``n_columns``."""
    if not lines:
        return True
    marks = np.frombuffer(lines, dtype=np.uint8)
    ends = np.flatnonzero(marks == ord("\n"))
    if not len(ends) or ends[-1] != len(marks) - 1:
        ends = np.append(ends, len(marks))
    separators = np.flatnonzero(marks == separator)
    counts = np.diff(np.searchsorted(separators, ends), prepend=0)
    if bool((counts == n_columns - 1).all()):
        return True
    lengths = np.diff(ends, prepend=-1) - 1
    blank = (lengths == 0) | ((lengths == 1) & (marks[ends - 1] == ord("\r")))
    return bool(((counts == n_columns - 1) | blank).all())


def _without_limit(stream: IO[str]) -> IO[str]:
    csv.field_size_limit(2**31 - 1)
    return stream


def _is_number(text: str) -> bool:
    if text in _NO_NUMBER:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _instead_of(text: str) -> str:
    """Return what to write in place of a text that is nearly a number, or a date."""
    if _is_number(text.replace(",", ".")):
        return "; write a decimal point"
    if _DATE.match(text):
        return (
            "; times are seconds since 1970 here: write those, or read the file by recbole-pngnn "
            "prepare csv, which knows dates"
        )
    return ""


def _is_data(fields: Sequence[str]) -> bool:
    return any(text.strip() and _is_number(text.strip()) for text in fields)


def _typed_separator(separator: str) -> str:
    return f"'{separator}'" if separator in " ;|" else separator


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
