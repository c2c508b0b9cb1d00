"""Columns of item and user features, in the words RecBole splits at spaces."""

import re

import numpy as np
import pandas as pd

from recbole_pngnn.data.prepare.columns import GENRE, ITEM, MISSING, TITLE, USER, YEAR
from recbole_pngnn.data.prepare.files import NUL
from recbole_pngnn.data.prepare.ratings import read_ids
from recbole_pngnn.data.prepare.table import Table

_CONTROL = re.compile(f"[\\x00-\\x1f\\x7f-\\x9f{NUL}]")
_YEAR_OR_DATE = re.compile(r"(?P<year>-?\d{1,4})(?:\.0*|-\d\d(?:-\d\d.*)?)?")
# Most titles end in " (1995)"; some have no space before the year.
_TITLE_AND_YEAR = r"^(?P<title>.*?)\s*\((?P<year>\d{4})\)\s*$"


def movie_features(table: Table) -> pd.DataFrame:
    """Read item_id, title (year) and genres of GroupLens' movies.

    Args:
        table: Columns item_id, title and genres.

    Raises:
        PrepareError: A missing id.
    """
    titles = table.column("title")
    parts = titles.str.extract(_TITLE_AND_YEAR)
    features = pd.DataFrame(
        {
            ITEM: read_ids(table, ITEM),
            TITLE: one_line(parts["title"].fillna(titles)),
            YEAR: parts["year"].fillna(""),
            GENRE: genre_words(table.column("genres"), "|"),
        }
    )
    return last_of_each(features, ITEM)


def user_features(table: Table) -> pd.DataFrame:
    """Read GroupLens' users, columns in RecBole's order.

    Args:
        table: Columns user_id, gender, age, occupation and zip_code.

    Raises:
        PrepareError: A missing id.
    """
    features = pd.DataFrame({USER: read_ids(table, USER)})
    for column in ("age", "gender", "occupation", "zip_code"):
        features[column] = one_line(table.column(column)).to_numpy()
    return last_of_each(features, USER)


def one_line(texts: "pd.Series[str]") -> "pd.Series[str]":
    """Replace control characters, line breaks and runs of spaces by one space."""
    return texts.str.replace(_CONTROL, " ", regex=True).str.split().str.join(" ")


def read_years(table: Table, column: str) -> np.ndarray:
    """Read a column of years, as text: ``1995``, also from ``1995.0`` and ``1995-03-01``.

    Args:
        table: What was read.
        column: Name of the column.

    Raises:
        PrepareError: A value is neither a year nor missing.
    """
    codes, texts = pd.factorize(table.column(column).str.strip())
    years = [_year(text) for text in texts]
    bad = np.array([year is None for year in years], dtype=bool)[codes]
    table.refuse(bad, column, "is no year", "correct it, or leave it empty")
    return np.array(years, dtype=object)[codes]


def _year(text: str) -> str | None:
    if text in MISSING:
        return ""
    found = _YEAR_OR_DATE.fullmatch(text)
    return None if found is None else found["year"]


def genre_words(texts: "pd.Series[str]", separator: str) -> "pd.Series[str]":
    """Make each genre one word: ``Science Fiction|Drama`` becomes ``Science-Fiction Drama``."""

    def words(text: str) -> str:
        genres = (_CONTROL.sub(" ", genre).split() for genre in text.split(separator))
        return " ".join("-".join(genre) for genre in genres if genre)

    return texts.map(words)


def last_of_each(features: pd.DataFrame, id_column: str) -> pd.DataFrame:
    """Keep the last row of each id and sort by id; RecBole needs ids to be unique."""
    last = features.drop_duplicates(id_column, keep="last").sort_values(id_column)
    return last.astype({id_column: object})
