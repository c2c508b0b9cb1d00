"""A pre-split dataset as augmentation reads it: training rows and item texts, and nothing else.

Validation and test files are never opened here, so nothing of them can reach a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.texts import read_text
from recbole_pngnn.data.prepare.atomic import read_atomic
from recbole_pngnn.data.prepare.source import digest

USER, ITEM, RATING, TIMESTAMP, SOURCE, WEIGHT = (
    "user_id",
    "item_id",
    "rating",
    "timestamp",
    "source",
    "weight",
)
OBSERVED = "observed"


@dataclass(frozen=True)
class TrainingData:
    """The training part of a dataset, and the texts of its items.

    Attributes:
        name: Name of the dataset.
        folder: Its folder.
        like_threshold: A rating above it is a like.
        rows: Training rows in the file's order: user_id and item_id as text, rating as a number,
            timestamp as a number where there is one.
        items: Item features as text, indexed by item id; no columns where there is no .item file.
        train_sha256: Digest of the training file.
        items_sha256: Digest of the .item file, empty where there is none.
    """

    name: str
    folder: Path
    like_threshold: float
    rows: pd.DataFrame
    items: pd.DataFrame
    train_sha256: str
    items_sha256: str

    @cached_property
    def users(self) -> list[str]:
        """External ids of the users, in the order of the training file."""
        return list(dict.fromkeys(self.rows[USER]))

    @cached_property
    def catalogue(self) -> list[str]:
        """External ids of the items that occur in training, in the order of the training file."""
        return list(dict.fromkeys(self.rows[ITEM]))

    @cached_property
    def degrees(self) -> dict[str, int]:
        """Number of training rows of each item."""
        return {str(item): int(n) for item, n in self.rows[ITEM].value_counts().items()}

    @cached_property
    def by_user(self) -> dict[str, pd.DataFrame]:
        """Training rows of each user."""
        return {str(user): rows for user, rows in self.rows.groupby(USER, sort=False)}

    @cached_property
    def rated(self) -> dict[str, frozenset[str]]:
        """Items that each user rated in training."""
        return {user: frozenset(rows[ITEM]) for user, rows in self.by_user.items()}

    def ratings_of_picks(self) -> tuple[float, float]:
        """Return the ratings of augmented likes and dislikes: the ends of the training's scale."""
        return float(self.rows[RATING].max()), float(self.rows[RATING].min())


def read_training_data(
    name: str, data_path: Path, like_threshold: float = 3.5, text_columns: Sequence[str] = ()
) -> TrainingData:
    """Read the training part of a pre-split dataset, as ``recbole-pngnn prepare`` writes it.

    Args:
        name: Name of the dataset.
        data_path: Folder that holds datasets.
        like_threshold: A rating above it is a like.
        text_columns: Columns of the .item file that prompts will use.

    Raises:
        AugmentError: The dataset is not there, is not pre-split, is augmented already, lacks what
            is asked for, or has no likes or no dislikes.
    """
    folder = data_path / name
    train = folder / f"{name}.train.inter"
    if not folder.is_dir():
        raise AugmentError(
            f"there is no dataset {name} in {data_path}; make it by recbole-pngnn prepare, or name "
            f"the folder of datasets by --data_path"
        )
    if not train.is_file():
        raise AugmentError(
            f"{folder} has no {train.name}: augmentation needs a dataset that is split already, as "
            f"recbole-pngnn prepare writes it"
        )
    rows = read_rows(train)
    _check_columns(rows, train, [USER, ITEM, RATING])
    if SOURCE in rows:
        made_up = sorted(set(rows[SOURCE]) - {OBSERVED})
        if made_up:
            raise AugmentError(
                f"{name} holds interactions of {', '.join(made_up)} already; augment the dataset "
                f"that it was made from"
            )
    for column in (RATING, TIMESTAMP):
        if column in rows:
            rows[column] = _numbers(rows[column], train)
    liked = rows[RATING] > like_threshold
    if liked.all() or not liked.any():
        raise AugmentError(
            f"like_threshold {like_threshold:g} leaves no {'dis' if liked.all() else ''}liked "
            f"training interactions; ratings span [{rows[RATING].min():g}, {rows[RATING].max():g}]"
        )
    file = folder / f"{name}.item"
    items, items_sha256 = pd.DataFrame(index=pd.Index([], name=ITEM)), ""
    if file.is_file():
        items, items_sha256 = _read_items(file), digest(file.read_bytes())
    train_sha256 = digest(train.read_bytes())
    data = TrainingData(name, folder, like_threshold, rows, items, train_sha256, items_sha256)
    if text_columns:
        check_texts(data, text_columns)
    return data


def read_rows(file: Path) -> pd.DataFrame:
    """Read an atomic file as text, the types taken off its header.

    Raises:
        AugmentError: It cannot be read or decoded.
    """
    try:
        return read_atomic(file)
    except UnicodeError:
        read_text(file)  # names the line
        raise
    except (OSError, ValueError) as error:
        raise AugmentError(f"cannot read {file}: {error}") from error


def _numbers(column: pd.Series, file: Path) -> pd.Series:
    """Read numbers; what is none is named by its line. A missing timestamp is none of it."""
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = ~np.isfinite(numbers.to_numpy(dtype=float))
    if column.name == TIMESTAMP:
        wrong &= (column != "").to_numpy()
    if wrong.any():
        place = int(wrong.argmax())
        raise AugmentError(
            f"{file}, line {place + 2}: the {column.name} {column.iloc[place]!r} is no number "
            f"({int(wrong.sum())} such line(s)); prepare the dataset again"
        )
    return numbers


def _read_items(file: Path) -> pd.DataFrame:
    items = read_rows(file)
    _check_columns(items, file, [ITEM])
    return items.drop_duplicates(ITEM, keep="last").set_index(ITEM)


def check_texts(data: TrainingData, columns: Sequence[str]) -> None:
    """Refuse a dataset whose items lack the columns that prompts will use.

    Raises:
        AugmentError: There is no .item file, or it has no such column.
    """
    file = data.folder / f"{data.name}.item"
    if not data.items_sha256:
        raise AugmentError(
            f"there is no {file}: without texts of the items there is nothing to ask about. "
            f"Prepare the dataset with its items (prepare csv --items FILE --title COLUMN)"
        )
    _check_columns(data.items.reset_index(), file, columns)


def _check_columns(frame: pd.DataFrame, file: Path, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise AugmentError(
            f"{file} has no column {missing[0]}; found {', '.join(map(str, frame.columns))}"
        )
