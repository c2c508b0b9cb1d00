"""What is ready before anybody picks: the training part, the candidates, the texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from recbole_pngnn.augment.candidates import Candidates, read_candidates, write_candidates
from recbole_pngnn.augment.dataset import TrainingData, check_texts, read_training_data
from recbole_pngnn.augment.edges import chosen_users
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.prompts import anonymised
from recbole_pngnn.augment.settings import AugmentSettings
from recbole_pngnn.augment.strict_json import read_json
from recbole_pngnn.augment.texts import read_text
from recbole_pngnn.data.prepare import prepare_ml_100k

# What MovieLens' files call them, here and in RecBole's copy of ml-100k; the first is the title.
USUAL_COLUMNS = (("movie_title", "title", "name"), ("release_year", "year"), ("genre", "class"))
RECBOLES_OWN, DEFAULT_ML_100K = "ml-100k", "ml-100k-split-80-10-10-seed0"


@dataclass(frozen=True)
class Prepared:
    """What is ready before anybody is asked."""

    data: TrainingData
    candidates: Candidates
    text_columns: tuple[str, ...]


def prepare(settings: AugmentSettings) -> Prepared:
    """Read the dataset, and make or read the candidates of the chosen users."""
    data = read_training_data(settings.dataset, settings.data_path, settings.like_threshold)
    columns = tuple(settings.text_columns) or text_columns(data)
    if settings.provider in ("openai", "text_similarity"):  # nothing without texts
        check_texts(data, columns or ("title",))
    if settings.anonymise_titles:
        data = replace(data, items=anonymised(data.items, columns[0]))
    users = chosen_users(data, settings.users, settings.sparsest)[: settings.limit_users]
    found = read_candidates(_candidates_file(settings, data), data, settings.n_candidates)
    without = [user for user in users if user not in found.by_user]
    if without:
        raise AugmentError(
            f"{len(without)} user(s) have no candidates, first: {without[0]}; make the candidates "
            f"of all users, or name users by --users"
        )
    chosen = Candidates({user: found.by_user[user] for user in users}, found.origin)
    return Prepared(data, chosen, columns)


def text_columns(data: TrainingData) -> tuple[str, ...]:
    """Return the columns that describe an item, its title first.

    They are what ``text_columns`` in the dataset's own YAML file names, or else those of the usual
    names.

    Raises:
        AugmentError: The YAML file names them otherwise than as a list.
    """
    file = data.folder / f"{data.name}.yaml"
    try:
        options = yaml.safe_load(read_text(file)) if file.is_file() else None
    except yaml.YAMLError as error:
        place = " ".join(str(error).split())
        raise AugmentError(f"{file} is no YAML: {place}") from error
    if isinstance(options, dict) and "text_columns" in options:
        named = options["text_columns"]
        if not isinstance(named, list) or not named:
            raise AugmentError(f"{file}: text_columns must be a list of columns, found {named!r}")
        return tuple(map(str, named))
    found = [next((c for c in names if c in data.items), None) for names in USUAL_COLUMNS]
    return tuple(column for column in found if column is not None) if found[0] else ()


def split_of(dataset: str, data_path: Path) -> str:
    """Return the pre-split dataset that a name means.

    RecBole loads its own copy of ``ml-100k`` by that name, which is not split; it stands for the
    default split of ``recbole-pngnn prepare ml-100k``, which is made where it is not there yet.

    Args:
        dataset: Name of a dataset.
        data_path: Folder of datasets.
    """
    if dataset != RECBOLES_OWN:
        return dataset
    folder = data_path / DEFAULT_ML_100K
    if not folder.exists():
        folder = prepare_ml_100k(data_path)
    return folder.name


def _candidates_file(settings: AugmentSettings, data: TrainingData) -> Path:
    if settings.candidates_file is not None:
        return settings.candidates_file
    label = "checkpoint" if settings.checkpoint is not None else settings.base_model
    file = settings.work_folder / f"candidates-{label}-{settings.n_candidates}.csv"
    if file.is_file() and settings.checkpoint is None and _is_current(file, settings, data):
        return file
    from recbole_pngnn.augment.base_model import propose  # imports torch and RecBole

    table, origin = propose(
        data,
        settings.base_model,
        settings.n_candidates,
        settings.checkpoint,
        settings.base_options,
    )
    write_candidates(table, {**origin, "options": dict(settings.base_options)}, file)
    return file


def _is_current(file: Path, settings: AugmentSettings, data: TrainingData) -> bool:
    try:
        origin = read_json(read_text(file.with_suffix(".json")))
    except ValueError:
        return False
    # What 0.1.0 made does not say for which threshold, and is made again.
    return isinstance(origin, dict) and (
        origin.get("train_sha256") == data.train_sha256
        and origin.get("like_threshold") == data.like_threshold
        and origin.get("options") == dict(settings.base_options)
    )
