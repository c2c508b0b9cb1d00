"""Prompts: a template, a user's history, and labelled candidates in a shuffled order."""

from __future__ import annotations

import hashlib
import random
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from recbole_pngnn.augment.dataset import ITEM, RATING, TIMESTAMP, TrainingData
from recbole_pngnn.augment.defaults import HISTORY_SIZE
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.texts import read_text
from recbole_pngnn.files import is_file_name

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = ("system", "user", "one", "several")
_PLACES = {
    "system": set(),
    "user": {"liked", "disliked", "candidates", "answer_format"},
    "one": {"labels"},
    "several": {"labels", "picks"},
}
# `class` is what RecBole's ml-100k calls genres.
_WORDS_OF_COLUMNS = {
    "movie_title": "title",
    "release_year": "year",
    "genre": "genres",
    "class": "genres",
}


@dataclass(frozen=True)
class Template:
    """A prompt with places for what is known of a user.

    Attributes:
        name: Its name, which says its version too.
        sections: Texts of system, user, one and several.
        sha256: Digest of its file.
    """

    name: str
    sections: dict[str, str]
    sha256: str


@dataclass(frozen=True)
class Prompt:
    """One question.

    Attributes:
        user: External id; it is not in the messages.
        vote: Number of the vote, from 0.
        messages: What is sent, as chat messages.
        labels: Item of each label; the order of labels is the order shown.
        names: What each label is called in the messages, by which a model may name it too.
    """

    user: str
    vote: int
    messages: tuple[dict[str, str], ...]
    labels: dict[str, str]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_template(name: str) -> Template:
    """Read a template by name, or a file of the user's own; nothing in it is executed.

    A template has the sections ``[system]``, ``[user]``, ``[one]`` and ``[several]``; the last two
    say how to answer with one pick of each kind and with several. ``$liked``, ``$disliked``,
    ``$candidates`` and ``$answer_format`` stand in ``[user]``, ``$labels`` (and ``$picks``) in the
    last two.

    Args:
        name: ``history-v1``, or the path of a file.

    Raises:
        AugmentError: There is none, or a section or place is missing or unknown.
    """
    file = Path(name) if is_file_name(name) else TEMPLATES / f"{name}.txt"
    if not is_file_name(str(file)):
        known = ", ".join(sorted(path.stem for path in TEMPLATES.glob("*.txt")))
        raise AugmentError(f"there is no template {name}: give a file, or one of {known}")
    text = read_text(file)
    parts = re.split(r"^\[(\w+)\]\n", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
    if tuple(sections) != SECTIONS:
        raise AugmentError(
            f"{file} must have the sections {', '.join(SECTIONS)} in this order; found "
            f"{', '.join(sections) or 'none'}"
        )
    for section, places in _PLACES.items():
        template = string.Template(sections[section])
        if not template.is_valid():
            raise AugmentError(f"{file}, section {section}: a $ that is no place; write $$ for it")
        found = set(template.get_identifiers())
        if found != places:
            wrong = ", ".join(f"${place}" for place in sorted(found ^ places))
            raise AugmentError(f"{file}, section {section}: missing or unknown places: {wrong}")
    return Template(file.stem, sections, hashlib.sha256(text.encode()).hexdigest())


class PromptMaker:
    """Make the prompts of a dataset.

    Args:
        data: What is known of the users, from training alone.
        template: The words.
        text_columns: Columns of the .item file that describe an item, the first its name.
        picks: Likes and dislikes asked for, each.
        history_size: Ratings shown at most.
        seed: Seed of the candidates' order.
    """

    def __init__(
        self,
        data: TrainingData,
        template: Template,
        text_columns: Sequence[str],
        picks: int = 1,
        history_size: int = HISTORY_SIZE,
        seed: int = 0,
    ) -> None:
        self._data, self._template = data, template
        self._picks, self._history_size, self._seed = picks, history_size, seed
        self._texts = item_texts(data.items, text_columns)
        self._names = item_texts(data.items, text_columns[:1])

    def prompt(self, user: str, candidates: Sequence[str], vote: int = 0) -> Prompt:
        """Make the prompt of a user.

        Args:
            user: External id, one of the training part.
            candidates: External ids of the items to choose from.
            vote: Each vote shows the candidates in another order.
        """
        order = shuffled(candidates, self._seed, user, vote)
        labels = dict(zip(candidate_labels(len(order)), order, strict=True))
        liked, disliked = self._history(user)
        sections = self._template.sections
        how = sections["one" if self._picks == 1 else "several"]
        places = {"labels": ", ".join(labels)}
        if self._picks > 1:
            places["picks"] = str(self._picks)
        text = string.Template(sections["user"]).substitute(
            liked="\n".join(liked) or "(nothing)",
            disliked="\n".join(disliked) or "(nothing)",
            candidates="\n".join(f"{label}. {self._text(item)}" for label, item in labels.items()),
            answer_format=string.Template(how).substitute(places),
        )
        messages = (
            {"role": "system", "content": sections["system"]},
            {"role": "user", "content": text},
        )
        names = {
            label: (self._names[item], self._texts[item])
            for label, item in labels.items()
            if item in self._texts
        }
        return Prompt(user, vote, messages, labels, names)

    def _history(self, user: str) -> tuple[list[str], list[str]]:
        """Lines of liked and disliked items, the most informative first.

        A rating far from the threshold says more than one near it, and one of a seldom rated item
        more than one of an item that everybody rated; then the latest first.
        """
        rows = self._data.by_user[user]
        threshold = self._data.like_threshold
        distance = (rows[RATING] - threshold).abs().to_numpy()
        degree = np.array([self._data.degrees[item] for item in rows[ITEM]])
        times = rows[TIMESTAMP].to_numpy() if TIMESTAMP in rows else np.zeros(len(rows))
        order = np.lexsort((rows[ITEM].to_numpy().astype(str), -times, degree, -distance))
        liked = (rows[RATING] > threshold).to_numpy()
        likes, dislikes = order[liked[order]], order[~liked[order]]
        # Half of the places for each kind; what one kind leaves free the other takes.
        half = self._history_size // 2
        n_likes = min(
            len(likes), max(self._history_size - half, self._history_size - len(dislikes))
        )
        n_dislikes = min(len(dislikes), self._history_size - n_likes)
        return self._lines(rows, likes[:n_likes]), self._lines(rows, dislikes[:n_dislikes])

    def _lines(self, rows: pd.DataFrame, places: np.ndarray) -> list[str]:
        chosen = rows.iloc[places]
        return [
            f"- {self._text(item)}: {rating:g}"
            for item, rating in zip(chosen[ITEM], chosen[RATING], strict=True)
        ]

    def _text(self, item: str) -> str:
        return self._texts.get(item, "(an item without a description)")


def item_texts(items: pd.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    """Describe items in a line each: the first column, then the others in parentheses.

    Args:
        items: Features as text, indexed by item id.
        columns: Columns to use.
    """
    texts = {}
    for item, row in zip(items.index, items[list(columns)].itertuples(index=False), strict=True):
        name, *others = (" ".join(str(value).split()) for value in row)
        words = [
            f"{_WORDS_OF_COLUMNS.get(column, column)}: {value}"
            for column, value in zip(columns[1:], others, strict=True)
            if value
        ]
        texts[str(item)] = f"{name} ({'; '.join(words)})" if words else name
    return texts


def anonymised(items: pd.DataFrame, title_column: str) -> pd.DataFrame:
    """Replace titles by neutral names, to tell a model's memory of a dataset from its taste.

    Args:
        items: Features as text, indexed by item id.
        title_column: The column of titles.
    """
    names = {item: f"Item {place}" for place, item in enumerate(sorted(map(str, items.index)), 1)}
    return items.assign(**{title_column: [names[str(item)] for item in items.index]})


def shuffled(candidates: Sequence[str], seed: int, user: str, vote: int) -> list[str]:
    """Return candidates in an order that depends on seed, user and vote alone."""
    digest = hashlib.sha256(f"{seed}\0{user}\0{vote}".encode()).digest()
    order = sorted(candidates)  # not the recommender's order, which would leak its scores
    random.Random(digest).shuffle(order)
    return order


def candidate_labels(n: int) -> list[str]:
    """Return ``A``, ``B``, ..., at most 26.

    Raises:
        AugmentError: More are asked for.
    """
    if not 2 <= n <= 26:
        raise AugmentError(f"a prompt shows 2 to 26 candidates, found {n}")
    return list(string.ascii_uppercase[:n])
