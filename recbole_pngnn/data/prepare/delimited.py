"""Anybody's ratings, and optionally items, from delimited text."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from recbole_pngnn.data.prepare.columns import GENRE, ITEM, RATING, TIMESTAMP, TITLE, USER, YEAR
from recbole_pngnn.data.prepare.errors import PrepareError, shorten
from recbole_pngnn.data.prepare.features import genre_words, last_of_each, one_line, read_years
from recbole_pngnn.data.prepare.files import decode, read_bytes
from recbole_pngnn.data.prepare.header import is_value, no_header
from recbole_pngnn.data.prepare.packed import unpack
from recbole_pngnn.data.prepare.ratings import read_ids, read_ratings
from recbole_pngnn.data.prepare.source import Source, digest
from recbole_pngnn.data.prepare.table import Table, read_csv, read_headerless


@dataclass(frozen=True)
class TextFormat:
    """How delimited files are written.

    Attributes:
        delimiter: One character or ``::``; None to guess.
        encoding: Encoding of the files.
        decimal: The decimal point, ``.`` or ``,``; None to take the comma where it can be nothing
            else.
    """

    delimiter: str | None = None
    encoding: str = "utf-8"
    decimal: str | None = None


@dataclass(frozen=True)
class ItemColumns:
    """Columns of an item file; the id, and those wanted of the others.

    Attributes:
        item_id: Column of the ids.
        title: Column of the titles.
        year: Column of the years of release.
        genres: Column of the genres.
        genres_separator: What separates genres.
        names: Names for all columns of a file without a header; None where it has one.
    """

    item_id: str
    title: str | None = None
    year: str | None = None
    genres: str | None = None
    genres_separator: str = "|"
    names: Sequence[str] | None = None


def read_delimited_ratings(
    path: Path,
    user: str,
    item: str,
    rating: str,
    timestamp: str | None,
    text_format: TextFormat,
    names: Sequence[str] | None = None,
) -> Source:
    """Read ratings from a delimited file, packed or not.

    Args:
        path: The file.
        user: Column of the user ids.
        item: Column of the item ids.
        rating: Column of the ratings.
        timestamp: Column of the timestamps; None for none.
        text_format: Delimiter, encoding and decimal point.
        names: Names for all columns of a file without a header; None where it has one.

    Raises:
        PrepareError: The file cannot be read, a column is missing, a value is bad.
    """
    columns = {USER: user, ITEM: item, RATING: rating}
    if timestamp is not None:
        columns[TIMESTAMP] = timestamp
    data = read_bytes(path)
    table = _read(path, data, list(columns.values()), text_format, names, "--columns")
    for name in columns.values():
        table.column(name)  # a wrong name is told before what the names are like
    notes: tuple[str, ...] = ()
    if names is not None:
        _refuse_header(table, rating)
    elif is_value(rating):
        notes = (_numbers_for_names(table, rating),)
    ratings = read_ratings(table, columns, text_format.decimal)
    ratings = dataclasses.replace(ratings, notes=(*notes, *ratings.notes))
    return Source(path.name, digest(data), ratings)


def read_delimited_items(path: Path, columns: ItemColumns, text_format: TextFormat) -> pd.DataFrame:
    """Read item features from a delimited file, packed or not.

    Args:
        path: The file.
        columns: Its columns.
        text_format: Delimiter and encoding.

    Raises:
        PrepareError: The file cannot be read, a column or an id is missing, a year is none.
    """
    if not columns.genres_separator:
        raise PrepareError("genres_separator is empty; give what separates genres, e.g. |")
    roles = {TITLE: columns.title, YEAR: columns.year, GENRE: columns.genres}
    wanted = {column: name for column, name in roles.items() if name is not None}
    data = read_bytes(path)
    names = [columns.item_id, *wanted.values()]
    table = _read(path, data, names, text_format, columns.names, "--item_columns")
    features = pd.DataFrame({ITEM: read_ids(table, columns.item_id)})
    for column, name in wanted.items():
        if column == YEAR:
            features[column] = read_years(table, name)
            continue
        texts = table.column(name)
        words = genre_words(texts, columns.genres_separator) if column == GENRE else one_line(texts)
        features[column] = words.to_numpy()
    return last_of_each(features, ITEM)


def _read(
    path: Path,
    data: bytes,
    wanted: list[str],
    text_format: TextFormat,
    names: Sequence[str] | None,
    columns_option: str,
) -> Table:
    text = decode(str(path), unpack(str(path), data), text_format.encoding)
    if names is not None:
        return read_headerless(str(path), text, names, text_format.delimiter)
    return read_csv(str(path), text, wanted, text_format.delimiter, columns_option)


def _refuse_header(table: Table, rating: str) -> None:
    """Raise PrepareError where the columns were named and the first line is a header all the same.

    That is where its rating is no number and the next one is.
    """
    first = table.column(rating).iloc[:2].str.strip().tolist()
    if len(first) == 2 and not is_value(first[0]) and is_value(first[1]):
        raise PrepareError(
            f"{table.name}, line {table.first_line}: {rating} {shorten(first[0])!r} is no number: "
            "where the line is a header, leave out --columns and name the columns as it does, by "
            "--user, --item, --rating and --timestamp; else correct it"
        )


def _numbers_for_names(table: Table, rating: str) -> str:
    """Refuse a first row that was taken for a header; return a note where it may be one."""
    header = list(table.frame.columns)
    advice = no_header(header, "--columns")
    if advice:
        raise PrepareError(
            f"{table.name}: the column of the ratings is named {rating!r}, a number, and {advice}"
        )
    return "the header holds numbers; if it is the first row, name the columns by --columns"
