"""Prepare ratings for RecBole: MovieLens or anybody's CSV into pre-split atomic files."""

from recbole_pngnn.data.prepare.datasets import prepare_csv, prepare_ml_1m, prepare_ml_100k
from recbole_pngnn.data.prepare.delimited import ItemColumns, TextFormat
from recbole_pngnn.data.prepare.errors import PrepareError

__all__ = [
    "ItemColumns",
    "PrepareError",
    "TextFormat",
    "prepare_csv",
    "prepare_ml_1m",
    "prepare_ml_100k",
]
