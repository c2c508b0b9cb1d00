"""Candidates: what a base recommender proposes to each user, as a table that anybody can write."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from recbole_pngnn.augment.dataset import ITEM, USER, TrainingData
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.strict_json import read_json
from recbole_pngnn.augment.texts import read_text
from recbole_pngnn.files import write_whole

COLUMNS = (USER, ITEM, "score", "rank")


@dataclass(frozen=True)
class Candidates:
    """Candidates of each user, the best first.

    Attributes:
        by_user: External ids.
        origin: Where they came from, for the manifest: model, config hash, digest of the training
            part; only a file name where nothing else is known.
    """

    by_user: Mapping[str, Sequence[str]]
    origin: dict[str, Any]


def read_candidates(file: Path, data: TrainingData, size: int) -> Candidates:
    """Read a table of candidates, of this package or made elsewhere.

    Args:
        file: CSV with the columns user_id and item_id, and score or rank (1 is the best).
        data: The dataset; what a user rated in training is refused.
        size: Candidates kept of each user.

    Raises:
        AugmentError: A column is missing, a user or item is unknown, a candidate was rated in
            training or occurs twice, or the file was made for another training part or threshold.
    """
    text = read_text(file, "the candidates ")
    try:
        table = pd.read_csv(io.StringIO(text), dtype={USER: str, ITEM: str}, keep_default_na=False)
    except ValueError as error:
        raise AugmentError(f"cannot read the candidates {file}: {error}") from error
    missing = [name for name in (USER, ITEM) if name not in table]
    if missing or not {"rank", "score"} & set(table.columns):
        raise AugmentError(
            f"{file} needs the columns user_id, item_id and rank or score; found "
            f"{', '.join(map(str, table.columns))}"
        )
    _refuse(table[~table[USER].isin(data.by_user.keys())], file, "names an unknown user")
    known = set(data.items.index) | set(data.catalogue)
    _refuse(table[~table[ITEM].isin(known)], file, "names an unknown item")
    _refuse(table[table.duplicated([USER, ITEM])], file, "names a candidate twice")
    pairs = pd.MultiIndex.from_frame(table[[USER, ITEM]])
    rated = pd.MultiIndex.from_frame(data.rows[[USER, ITEM]])
    _refuse(table[pairs.isin(rated)], file, "names what the user rated in training")

    by, ascending = ("rank", True) if "rank" in table else ("score", False)
    numbers = pd.to_numeric(table[by], errors="coerce")  # as text 10 would come before 9
    if numbers.isna().any():
        place = int(numbers.isna().to_numpy().argmax())
        raise AugmentError(
            f"{file}, line {place + 2}: the {by} {table[by].iloc[place]!r} is no number"
        )
    table[by] = numbers
    ordered = table.sort_values(by, ascending=ascending, kind="stable")
    by_user = {
        str(user): tuple(items[:size]) for user, items in ordered.groupby(USER, sort=False)[ITEM]
    }
    few = [user for user, items in by_user.items() if len(items) < 2]
    if few:
        raise AugmentError(f"{file}: user {few[0]} has one candidate; each needs two or more")
    origin = _origin(file)
    if origin.get("train_sha256", data.train_sha256) != data.train_sha256:
        raise AugmentError(
            f"{file} was made for another training part than that of {data.name}; make it again"
        )
    threshold = origin.get("like_threshold", data.like_threshold)
    if threshold != data.like_threshold:
        raise AugmentError(
            f"{file} was made for like_threshold {threshold}, and this run's is "
            f"{data.like_threshold:g}; make it again, or give --like_threshold {threshold}"
        )
    in_order = {user: by_user[user] for user in data.users if user in by_user}
    return Candidates(in_order, origin)


def _refuse(rows: pd.DataFrame, file: Path, problem: str) -> None:
    if len(rows):
        row = rows.iloc[0]
        raise AugmentError(
            f"{file} {problem}, {len(rows)} time(s), first: user {row[USER]}, item {row[ITEM]}"
        )


def _origin(file: Path) -> dict[str, Any]:
    beside = file.with_suffix(".json")
    if not beside.is_file():
        return {"file": file.name}
    text = read_text(beside)
    try:
        origin = read_json(text)
    except ValueError as error:
        raise AugmentError(f"{beside}, which says where {file} is from, is no JSON") from error
    if not isinstance(origin, dict):
        raise AugmentError(f"{beside}, which says where {file} is from, must be a JSON object")
    return origin


def write_candidates(table: pd.DataFrame, origin: dict[str, Any], file: Path) -> None:
    """Write a table of candidates, and beside it where it came from."""
    file.parent.mkdir(parents=True, exist_ok=True)
    table_text = table.loc[:, list(COLUMNS)].to_csv(index=False, lineterminator="\n")
    write_whole(file.with_suffix(".json"), (json.dumps(origin, indent=2) + "\n").encode())
    write_whole(file, table_text.encode())


def candidates_table(candidates: Candidates) -> bytes:
    """Lay candidates out as a CSV file of user_id, item_id and rank."""
    rows = [
        (user, item, rank)
        for user, items in candidates.by_user.items()
        for rank, item in enumerate(items, 1)
    ]
    table = pd.DataFrame(rows, columns=[USER, ITEM, "rank"])
    return table.to_csv(index=False, lineterminator="\n").encode()
