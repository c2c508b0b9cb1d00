"""Who picks: a language model, a text encoder, or a control that knows nothing of taste."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from recbole_pngnn.augment.answers import Picks
from recbole_pngnn.augment.errors import AugmentError

if TYPE_CHECKING:
    from recbole_pngnn.augment.dataset import TrainingData

ENTRY_POINTS = "recbole_pngnn.providers"


@dataclass(frozen=True)
class Task:
    """What a provider is given.

    Attributes:
        data: What is known of the users, from training alone.
        candidates: Candidates of each user, the base recommender's best first.
        text_columns: Columns of the .item file that describe an item.
        picks: Likes and dislikes wanted, each.
        seed: Seed of whatever is random.
    """

    data: TrainingData
    candidates: Mapping[str, Sequence[str]]
    text_columns: Sequence[str]
    picks: int
    seed: int


class Provider(Protocol):
    """Picks for every user of a task; a user who is left out gets none.

    A package of yours adds one by the entry point group ``recbole_pngnn.providers``: a name, and
    a callable without arguments that returns a Provider.
    """

    def pick(self, task: Task, report: Callable[[int], None]) -> dict[str, Picks]:
        """Return the picks of the users; ``report`` is called with the number of users done."""


class BaseTopK:
    """The control: the base recommender's own first and last candidates."""

    def pick(self, task: Task, report: Callable[[int], None]) -> dict[str, Picks]:
        """Take the top as likes and the bottom as dislikes."""
        return {user: _ends(ranked, task.picks) for user, ranked in task.candidates.items()}


class Popular:
    """The control: the most and the least rated of the candidates."""

    def pick(self, task: Task, report: Callable[[int], None]) -> dict[str, Picks]:
        """Take the most rated in training as likes, the least rated as dislikes."""
        degrees = task.data.degrees
        return {
            user: _ends(sorted(items, key=lambda item: (-degrees.get(item, 0), item)), task.picks)
            for user, items in task.candidates.items()
        }


class Random:
    """The control: any of the candidates."""

    def pick(self, task: Task, report: Callable[[int], None]) -> dict[str, Picks]:
        """Take an order that depends on seed and user alone, likes from its head."""
        picks = {}
        for user, items in task.candidates.items():
            order = sorted(items)
            digest = hashlib.sha256(f"random\0{task.seed}\0{user}".encode()).digest()
            random.Random(digest).shuffle(order)
            picks[user] = _ends(order, task.picks)
        return picks


def _ends(order: Sequence[str], picks: int) -> Picks:
    n = min(picks, len(order) // 2)
    return Picks(dict.fromkeys(order[:n], 1.0), dict.fromkeys(order[len(order) - n :], 1.0))


def _text_similarity() -> Provider:
    from recbole_pngnn.augment.text_similarity import TextSimilarity

    return TextSimilarity()


_BUILT_IN: dict[str, Callable[[], Provider]] = {
    "text_similarity": _text_similarity,
    "base_topk": BaseTopK,
    "popular": Popular,
    "random": Random,
}


def provider_names() -> list[str]:
    """Return the names of all providers, those of other packages too."""
    others = [point.name for point in entry_points(group=ENTRY_POINTS)]
    return ["openai", *_BUILT_IN, *others]


def find_provider(name: str) -> Provider:
    """Return a provider by name; ``openai`` is none of them, since it needs a journal.

    Raises:
        AugmentError: There is none of that name.
    """
    if name in _BUILT_IN:
        return _BUILT_IN[name]()
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            found: Provider = point.load()()
            return found
    raise AugmentError(f"there is no provider {name}; there are {', '.join(provider_names())}")
