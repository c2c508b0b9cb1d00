"""Anybody's ratings, and optionally items, from delimited text."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from recbole_pngnn.data.prepare.columns import GENRE, ITEM, RATING, TIMESTAMP, TITLE, USER, YEAR
from recbole_pngnn.data.prepare.errors import PrepareError
from recbole_pngnn.data.prepare.features import genre_words, last_of_each, one_line
from recbole_pngnn.data.prepare.files import decode, gunzip, read_bytes
from recbole_pngnn.data.prepare.ratings import read_ids, read_ratings
from recbole_pngnn.data.prepare.source import Source, digest
from recbole_pngnn.data.prepare.table import Table, read_csv


@dataclass(frozen=True)
class TextFormat:
    """How delimited files are written.

    Attributes:
        delimiter: One character or ``::``; None to guess.
        encoding: Encoding of the files.
    """

    delimiter: str | None = None
    encoding: str = "utf-8"


@dataclass(frozen=True)
class ItemColumns:
    """Columns of an item file; the id, and those wanted of the others.

    Attributes:
        item_id: Column of the ids.
        title: Column of the titles.
        year: Column of the years of release.
        genres: Column of the genres.
        genres_separator: What separates genres.
    """

    item_id: str
    title: str | None = None
    year: str | None = None
    genres: str | None = None
    genres_separator: str = "|"


def read_delimited_ratings(
    path: Path, user: str, item: str, rating: str, timestamp: str | None, text_format: TextFormat
) -> Source:
    """Read ratings from a delimited file with a header, gzip or not.

    Args:
        path: The file.
        user: Column of the user ids.
        item: Column of the item ids.
        rating: Column of the ratings.
        timestamp: Column of the timestamps; None for none.
        text_format: Delimiter and encoding.

    Raises:
        PrepareError: The file cannot be read, a column is missing, a value is bad.
    """
    columns = {USER: user, ITEM: item, RATING: rating}
    if timestamp is not None:
        columns[TIMESTAMP] = timestamp
    data = read_bytes(path)
    table = _read(path, data, list(columns.values()), text_format)
    return Source(path.name, digest(data), read_ratings(table, columns))


def read_delimited_items(path: Path, columns: ItemColumns, text_format: TextFormat) -> pd.DataFrame:
    """Read item features from a delimited file with a header, gzip or not.

    Args:
        path: The file.
        columns: Its columns.
        text_format: Delimiter and encoding.

    Raises:
        PrepareError: The file cannot be read, a column or an id is missing.
    """
    if not columns.genres_separator:
        raise PrepareError("genres_separator is empty; give what separates genres, e.g. |")
    names = {TITLE: columns.title, YEAR: columns.year, GENRE: columns.genres}
    wanted = {column: name for column, name in names.items() if name is not None}
    table = _read(path, read_bytes(path), [columns.item_id, *wanted.values()], text_format)
    features = pd.DataFrame({ITEM: read_ids(table, columns.item_id)})
    for column, name in wanted.items():
        texts = table.column(name)
        words = genre_words(texts, columns.genres_separator) if column == GENRE else one_line(texts)
        features[column] = words.to_numpy()
    return last_of_each(features, ITEM)


def _read(path: Path, data: bytes, wanted: list[str], text_format: TextFormat) -> Table:
    text = decode(str(path), gunzip(str(path), data), text_format.encoding)
    return read_csv(str(path), text, wanted, text_format.delimiter)
