"""Picks to edges to a new dataset: its training part holds the observed rows and the picks."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from recbole_pngnn.augment.answers import Picks
from recbole_pngnn.augment.candidates import Candidates, candidates_table
from recbole_pngnn.augment.dataset import (
    ITEM,
    OBSERVED,
    RATING,
    SOURCE,
    USER,
    WEIGHT,
    TrainingData,
)
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.strict_json import json_bytes
from recbole_pngnn.augment.texts import read_text
from recbole_pngnn.data.prepare.errors import PrepareError
from recbole_pngnn.data.prepare.folder import MANIFEST, check_target, new_folder

CANDIDATES = "candidates.csv"


def make_edges(
    data: TrainingData, picks: Mapping[str, Picks], source: str, min_weight: float = 0.0
) -> pd.DataFrame:
    """Lay picks out as rows of a training part.

    Args:
        data: The dataset.
        picks: Picks of each user.
        source: Who picked.
        min_weight: Picks of less weight are left out.

    Returns:
        Columns user_id, item_id, rating, source, weight; users in the order of the training part.
        A liked pick has the highest rating of the training part, a disliked one the lowest.

    Raises:
        AugmentError: A pick was rated in training: a provider is at fault.
    """
    liked, disliked = data.ratings_of_picks()
    rows = []
    for user in data.users:
        found = picks.get(user, Picks())
        for items, rating in ((found.liked, liked), (found.disliked, disliked)):
            for item, weight in items.items():
                if item in data.rated[user]:
                    raise AugmentError(
                        f"{source} picked item {item} for user {user}, who rated it in training"
                    )
                if weight >= min_weight:
                    rows.append((user, item, rating, source, weight))
    return pd.DataFrame(rows, columns=[USER, ITEM, RATING, SOURCE, WEIGHT])


def chosen_users(data: TrainingData, users: Sequence[str] | None, sparsest: float) -> list[str]:
    """Return the users to augment, in the order of the training part.

    Args:
        data: The dataset.
        users: External ids; all where None.
        sparsest: Share of the users, those with the fewest training rows.

    Raises:
        AugmentError: A user is unknown, or the share is not in (0, 1].
    """
    if not 0 < sparsest <= 1:
        raise AugmentError(f"the share of sparsest users must lie in (0, 1], found {sparsest:g}")
    wanted = data.users
    if users is not None:
        unknown = [user for user in users if user not in data.by_user]
        if unknown:
            raise AugmentError(
                f"{len(unknown)} user(s) have no training rows in {data.name}, first: {unknown[0]}"
            )
        asked = set(users)
        wanted = [user for user in wanted if user in asked]
    if sparsest < 1:
        n_rated = {user: len(rows) for user, rows in data.by_user.items()}
        n = max(1, round(sparsest * len(wanted)))
        kept = set(sorted(wanted, key=lambda user: (n_rated[user], user))[:n])
        wanted = [user for user in wanted if user in kept]
    return wanted


def check_output(output: Path, overwrite: bool) -> None:
    """Refuse a place for the new dataset before the work, not after it.

    Raises:
        AugmentError: The folder exists, or its name cannot be used.
    """
    try:
        check_target(output.parent, output.name, overwrite)
    except PrepareError as error:
        raise AugmentError(str(error).replace("--name", "--output")) from error


def write_dataset(
    data: TrainingData,
    edges: pd.DataFrame,
    candidates: Candidates,
    manifest: dict[str, Any],
    output: Path,
    overwrite: bool = False,
) -> None:
    """Write the augmented dataset, whole or not at all.

    The observed rows stand as they stood, with ``source:token`` and ``weight:float`` behind them;
    the edges follow. All other files are copied.

    Args:
        data: The dataset that is augmented.
        edges: What :func:`make_edges` returned.
        candidates: What was picked from; written beside it.
        manifest: What is known of how it was made.
        output: Its folder, whose name is the name of the dataset.
        overwrite: Replace an older one of that name.

    Raises:
        AugmentError: The disk refuses, or the folder exists.
    """
    train = data.folder / f"{data.name}.train.inter"
    try:
        with new_folder(output.parent, output.name, overwrite) as folder:
            for file in sorted(data.folder.glob(f"{glob.escape(data.name)}.*")):
                if file != train:
                    suffix = file.name.removeprefix(data.name)
                    shutil.copyfile(file, folder / f"{output.name}{suffix}")
            text = _training_text(read_text(train), edges)
            (folder / f"{output.name}.train.inter").write_text(text, encoding="utf-8")
            (folder / CANDIDATES).write_bytes(candidates_table(candidates))
            (folder / MANIFEST).write_bytes(json_bytes(manifest, indent=2))
    except PrepareError as error:
        raise AugmentError(str(error)) from error


def _training_text(text: str, edges: pd.DataFrame) -> str:
    # Not splitlines(): an id or a title may hold what Unicode calls a line end.
    header, *lines = text.split("\n")
    columns = [column.split(":")[0] for column in header.split("\t")]
    if SOURCE in columns:  # prepared elsewhere, all observed
        place = columns.index(SOURCE)
        header, *lines = (_without(line, place) for line in (header, *lines))
        columns.remove(SOURCE)
    header = f"{header}\tsource:token\tweight:float"
    lines = [f"{line}\t{OBSERVED}\t1" for line in lines if line]
    for edge in edges.to_dict("records"):
        edge[RATING] = _number(edge[RATING])
        values = [_field(str(edge.get(name, ""))) for name in columns]
        lines.append("\t".join([*values, edge[SOURCE], f"{edge[WEIGHT]:g}"]))
    return "\n".join([header, *lines]) + "\n"


def _number(value: float) -> str:
    """The shortest text that reads back the same: a rounded like could be a dislike."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def _field(value: str) -> str:
    """A field as atomic files hold it: quoted where it has a quote."""
    return '"' + value.replace('"', '""') + '"' if '"' in value else value


def _without(line: str, place: int) -> str:
    cells = line.split("\t")
    return "\t".join(cells[:place] + cells[place + 1 :])
