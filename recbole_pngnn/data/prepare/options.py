"""Options of ``recbole-pngnn prepare``, source by source."""

import argparse
from pathlib import Path

from recbole_pngnn.data.prepare.datasets import DEFAULT_OUTPUT
from recbole_pngnn.data.prepare.numbers import DECIMALS

_ROLES = {
    "user": "column of the user ids",
    "item": "column of the item ids",
    "rating": "column of the ratings",
    "timestamp": "column of the timestamps, if wanted: seconds or milliseconds since 1970, or ISO "
    "dates; of a pair that was rated more than once the latest stays",
}


def add_ml_1m_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``prepare ml-1m``."""
    parser.add_argument(
        "--source",
        type=Path,
        required=True,
        metavar="PATH",
        help="ml-1m.zip, its unpacked folder, or a folder with ratings.csv.gz "
        "(user_id,item_id,rating,fold), movies.dat and users.dat",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--fold",
        type=int,
        metavar="K",
        help="test on fold K (1 to 5), train on the others; needs a source with folds",
    )
    _add_split(which)
    parser.add_argument(
        "--valid_ratio",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="with --fold: share of each user's training ratings for validation (default 0)",
    )
    _add_common(parser, "ml-1m-fold1 or ml-1m-split-80-10-10-seed0, after the options")


def add_ml_100k_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``prepare ml-100k``."""
    _add_split(parser)
    _add_common(parser, "ml-100k-split-80-10-10-seed0, after the options; never ml-100k")


def add_csv_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``prepare csv``."""
    ratings = parser.add_argument_group("ratings")
    ratings.add_argument(
        "--ratings",
        type=Path,
        required=True,
        metavar="FILE",
        help="the ratings: delimited text, plain, or packed as gz, bz2, xz or zip",
    )
    for option in ("user", "item", "rating", "timestamp"):
        ratings.add_argument(f"--{option}", metavar="COLUMN", help=_ROLES[option])
    ratings.add_argument(
        "--columns",
        metavar="NAME,NAME,...",
        help="names of all columns in their order, for a file without a header; where they are "
        "user, item, rating and timestamp, the four options above need not be given",
    )
    items = parser.add_argument_group("items, optional")
    items.add_argument("--items", type=Path, metavar="FILE", help="a file of item features")
    items.add_argument(
        "--item_id", metavar="COLUMN", help="its column of item ids (default: as --item)"
    )
    items.add_argument(
        "--item_columns",
        metavar="NAME,NAME,...",
        help="names of all its columns in their order, where it has no header; those named title, "
        "year and genres are taken as such",
    )
    items.add_argument("--title", metavar="COLUMN", help="its column of titles")
    items.add_argument("--year", metavar="COLUMN", help="its column of years of release")
    items.add_argument("--genres", metavar="COLUMN", help="its column of genres")
    items.add_argument(
        "--genres_separator", default="|", metavar="TEXT", help="what separates genres (default |)"
    )
    form = parser.add_argument_group("format")
    form.add_argument(
        "--delimiter",
        metavar="CHARACTER",
        help=r"one character, \t for a tab, or :: (default: found from the column names)",
    )
    form.add_argument(
        "--encoding",
        default="utf-8",
        help="encoding of the files, e.g. latin-1, cp1252, utf-16 (default utf-8; a byte order "
        "mark tells it too)",
    )
    form.add_argument(
        "--decimal",
        choices=DECIMALS,
        help="the decimal point of numbers (default: a point; a comma in a column where it can be "
        "nothing else)",
    )
    _add_split(parser)
    _add_common(parser)


def _add_split(parser: "argparse._ActionsContainer") -> None:
    parser.add_argument(
        "--split",
        metavar="TRAIN,VALID,TEST",
        help="shares of each user's ratings, drawn at random, e.g. 0.8,0,0.2 (default 0.8,0.1,0.1)",
    )


def _add_common(parser: argparse.ArgumentParser, default_name: str | None = None) -> None:
    parser.add_argument("--seed", type=int, default=0, help="seed of the split (default 0)")
    parser.add_argument(
        "--output",
        type=Path,
        default=DEFAULT_OUTPUT,
        metavar="FOLDER",
        help=f"folder that holds datasets (default {DEFAULT_OUTPUT})",
    )
    parser.add_argument(
        "--name",
        required=default_name is None,
        help="name of the dataset" + (f" (default {default_name})" if default_name else ""),
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a dataset of the same name"
    )
