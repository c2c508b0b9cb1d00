"""Picks by the likeness of texts: no key, no network, and no taste beyond descriptions."""

from __future__ import annotations

from collections.abc import Callable

import torch

from recbole_pngnn.augment.answers import Picks
from recbole_pngnn.augment.dataset import ITEM, RATING
from recbole_pngnn.augment.prompts import item_texts
from recbole_pngnn.augment.providers import Task
from recbole_pngnn.augment.text_encoder import encode


class TextSimilarity:
    """Liked is the candidate whose text is nearest to the mean of the liked history.

    Disliked is the one farthest from it. A user without likes gets no picks.
    """

    def pick(self, task: Task, report: Callable[[int], None]) -> dict[str, Picks]:
        """Encode each item once, then compare."""
        texts = item_texts(task.data.items, task.text_columns)
        wanted = {item for items in task.candidates.values() for item in items}
        wanted.update(task.data.catalogue)
        known = sorted(wanted & set(texts))
        place = {item: row for row, item in enumerate(known)}
        vectors = encode([texts[item] for item in known])
        picks = {}
        for n_done, (user, items) in enumerate(task.candidates.items(), 1):
            rows = task.data.by_user[user]
            liked = rows[ITEM][rows[RATING] > task.data.like_threshold]
            history = [place[item] for item in liked if item in place]
            choice = [item for item in items if item in place]
            if history and len(choice) >= 2:
                mean = vectors[history].mean(dim=0)
                likeness = vectors[[place[item] for item in choice]] @ mean
                order = torch.argsort(likeness, descending=True, stable=True).tolist()
                n = min(task.picks, len(order) // 2)
                picks[user] = Picks(
                    {choice[row]: 1.0 for row in order[:n]},
                    {choice[row]: 1.0 for row in order[len(order) - n :]},
                )
            report(n_done)
        return picks
