"""The three commands as functions: read, split, write."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from recbole_pngnn.data.prepare.atomic import write_dataset
from recbole_pngnn.data.prepare.delimited import (
    ItemColumns,
    TextFormat,
    read_delimited_items,
    read_delimited_ratings,
)
from recbole_pngnn.data.prepare.duplicates import latest_of_pairs
from recbole_pngnn.data.prepare.errors import PrepareError
from recbole_pngnn.data.prepare.folder import check_target, new_folder
from recbole_pngnn.data.prepare.movielens import read_ml_1m
from recbole_pngnn.data.prepare.packaged import read_ml_100k
from recbole_pngnn.data.prepare.parts import PARTS
from recbole_pngnn.data.prepare.source import Source
from recbole_pngnn.data.prepare.split import DEFAULT_RATIOS, FoldSplit, RandomSplit, Split

DEFAULT_OUTPUT = Path("dataset")


def prepare_ml_1m(
    source: Path | str,
    output: Path | str = DEFAULT_OUTPUT,
    *,
    fold: int | None = None,
    split: Sequence[float] | None = None,
    valid_ratio: float = 0.0,
    seed: int = 0,
    name: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write MovieLens-1M as a pre-split RecBole dataset.

    Args:
        source: GroupLens' ``ml-1m.zip``, its unpacked folder, or a folder with the five folds
            published with SiReN (``ratings.csv.gz``: user_id, item_id, rating, fold).
        output: Folder that holds datasets.
        fold: Test on this fold and train on the others; the source must have folds.
        split: Shares of train, valid and test per user, where no fold is given; 0.8, 0.1, 0.1 by
            default.
        valid_ratio: With ``fold``: share of each user's training ratings cut off for validation.
        seed: Seed of every random choice.
        name: Name of the dataset; ``ml-1m-fold1`` or ``ml-1m-split-80-10-10-seed0`` by default.
        overwrite: Replace a dataset of that name.

    Returns:
        The folder written.

    Raises:
        PrepareError: Anything the user can correct.
    """
    chosen: Split
    if fold is None:
        if valid_ratio:
            raise PrepareError("valid_ratio needs a fold; without one give it in --split")
        chosen = _random_split(split, seed)
    elif split is not None:
        raise PrepareError("fold and split exclude each other; give one of them")
    else:
        chosen = FoldSplit(fold, valid_ratio, seed)
    return _prepare(
        lambda: read_ml_1m(Path(source), folds=fold is not None),
        chosen,
        Path(output),
        f"ml-1m-{chosen.label}" if name is None else name,
        overwrite,
    )


def prepare_ml_100k(
    output: Path | str = DEFAULT_OUTPUT,
    *,
    split: Sequence[float] | None = None,
    seed: int = 0,
    name: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write MovieLens-100K, from RecBole's own copy, as a pre-split RecBole dataset.

    Args:
        output: Folder that holds datasets.
        split: Shares of train, valid and test per user; 0.8, 0.1, 0.1 by default.
        seed: Seed of the split.
        name: Name of the dataset, not ``ml-100k``; ``ml-100k-split-80-10-10-seed0`` by default.
        overwrite: Replace a dataset of that name.

    Returns:
        The folder written.

    Raises:
        PrepareError: Anything the user can correct.
    """
    chosen = _random_split(split, seed)
    folder_name = f"ml-100k-{chosen.label}" if name is None else name
    return _prepare(read_ml_100k, chosen, Path(output), folder_name, overwrite)


def prepare_csv(
    ratings: Path | str,
    output: Path | str = DEFAULT_OUTPUT,
    *,
    name: str,
    user: str,
    item: str,
    rating: str,
    timestamp: str | None = None,
    columns: Sequence[str] | None = None,
    items: Path | str | None = None,
    item_columns: ItemColumns | None = None,
    text_format: TextFormat | None = None,
    split: Sequence[float] | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> Path:
    """Write ratings from delimited text as a pre-split RecBole dataset.

    Args:
        ratings: Delimited text, plain, or packed by gzip, bzip2, xz, or zip as its only file.
        output: Folder that holds datasets.
        name: Name of the dataset.
        user: Column of the user ids.
        item: Column of the item ids.
        rating: Column of the ratings.
        timestamp: Column of the timestamps; None for none.
        columns: Names for all columns of ``ratings``, in order, where it has no header.
        items: File of item features; None for none.
        item_columns: Its columns; by default the ids alone, in a column named as in ``ratings``.
        text_format: Delimiter, encoding and decimal point; guessed, UTF-8, and a comma only where
            it can be nothing else, by default.
        split: Shares of train, valid and test per user; 0.8, 0.1, 0.1 by default.
        seed: Seed of the split.
        overwrite: Replace a dataset of that name.

    Returns:
        The folder written.

    Raises:
        PrepareError: Anything the user can correct.
    """
    written = text_format or TextFormat()

    def read() -> Source:
        source = read_delimited_ratings(
            Path(ratings), user, item, rating, timestamp, written, columns
        )
        if items is None:
            return source
        features = read_delimited_items(Path(items), item_columns or ItemColumns(item), written)
        return dataclasses.replace(source, features={"item": features})

    return _prepare(read, _random_split(split, seed), Path(output), name, overwrite)


def _random_split(ratios: Sequence[float] | None, seed: int) -> RandomSplit:
    return RandomSplit(DEFAULT_RATIOS if ratios is None else ratios, seed)


def _prepare(
    read: Callable[[], Source], split: Split, output: Path, name: str, overwrite: bool
) -> Path:
    check_target(output, name, overwrite)
    source = read()
    frame = latest_of_pairs(source.ratings.frame, split.known(source.ratings.frame))
    parts = split.assign(frame)
    n_train, _, n_test = np.bincount(parts, minlength=len(PARTS))
    if not (n_train and n_test):
        raise PrepareError(
            f"{source.file}: the split leaves {n_train} ratings to train and {n_test} to test; a "
            "user needs two ratings to have one in test"
        )
    with new_folder(output, name, overwrite) as folder:
        write_dataset(folder, name, source, frame, parts, split.describe())
    return output / name
