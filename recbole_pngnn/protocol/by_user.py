"""What a test says of each user, from the same evaluation that gave the means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

METRICS = ("precision", "recall", "ndcg", "hit", "signauc")


@dataclass(frozen=True, eq=False)
class UserResults:
    """One evaluation, user by user: every metric of lists follows from the hits.

    Attributes:
        users: External ids of the users with a liked held-out item, ``(U,)``.
        n_rated: Their observed training interactions, liked or not, ``(U,)``.
        n_liked: Their liked held-out items, ``(U,)``.
        hits: Whether the item at each rank of the list is one of these, ``(U, K)``.
        sign_auc: Each user's ``SignAUC``, NaN where it is undefined, ``(U,)``;
            None where it was not measured.
    """

    users: npt.NDArray[np.str_]
    n_rated: npt.NDArray[np.int64]
    n_liked: npt.NDArray[np.int64]
    hits: npt.NDArray[np.bool_]
    sign_auc: npt.NDArray[np.float64] | None

    def sorted(self) -> UserResults:
        """Return the same in the order of the users' ids, whatever order the data had."""
        order = np.argsort(self.users)
        return UserResults(
            users=self.users[order],
            n_rated=self.n_rated[order],
            n_liked=self.n_liked[order],
            hits=self.hits[order],
            sign_auc=None if self.sign_auc is None else self.sign_auc[order],
        )

    def metric(self, name: str) -> npt.NDArray[np.float64]:
        """Compute a metric of each user, as RecBole defines it.

        Args:
            name: As RecBole names it in a result: ``precision@5``, ``ndcg@20``, ``signauc``.

        Returns:
            ``(U,)``, NaN where the metric is undefined for a user.

        Raises:
            ValueError: The metric is unknown, was not measured, or its list is too long.
        """
        kind, _, cutoff = name.partition("@")
        if kind not in METRICS:
            raise ValueError(f"no metric {name!r} by user; there are {', '.join(METRICS)}")
        if kind == "signauc":
            if self.sign_auc is None:
                raise ValueError("SignAUC was not measured; add it to metrics")
            return self.sign_auc
        k = int(cutoff) if cutoff.isdigit() else 0
        if not 1 <= k <= self.hits.shape[1]:
            raise ValueError(f"{name!r} needs a list of 1 to {self.hits.shape[1]} items")
        hits = self.hits[:, :k].astype(np.float64)
        found: npt.NDArray[np.float64] = hits.sum(axis=1)
        if kind == "precision":
            return found / k
        if kind == "recall":
            return found / self.n_liked
        if kind == "hit":
            return (found > 0).astype(np.float64)
        discounts = 1.0 / np.log2(np.arange(2, k + 2))
        ideal = discounts.cumsum()[np.minimum(self.n_liked, k) - 1]
        gain: npt.NDArray[np.float64] = hits @ discounts
        return gain / ideal

    def mean(self, name: str) -> float:
        """Average a metric over the users for whom it is defined."""
        values = self.metric(name)
        defined = values[~np.isnan(values)]
        return float(defined.mean()) if len(defined) else float("nan")


def evaluate_by_user(
    trainer: Any, train_data: Any, data: Any, load_best_model: bool
) -> tuple[dict[str, float], UserResults]:
    """Evaluate once, and keep what RecBole's means are made of.

    Args:
        trainer: RecBole's trainer.
        train_data: Its training dataloader, under ``like_threshold``.
        data: The dataloader to evaluate.
        load_best_model: Whether to load the trainer's checkpoint first.

    Returns:
        RecBole's result, and the users'.

    Raises:
        ValueError: No list was evaluated: Precision, Recall, NDCG or Hit have to be measured.
    """
    kept: list[Any] = []
    evaluate = trainer.evaluator.evaluate

    def evaluate_and_keep(collected: Any) -> Any:
        kept.append(collected)
        return evaluate(collected)

    trainer.evaluator.evaluate = evaluate_and_keep
    try:
        result = trainer.evaluate(data, load_best_model=load_best_model, show_progress=False)
    finally:
        trainer.evaluator.evaluate = evaluate
    (collected,) = kept
    if "rec.topk" not in collected:
        raise ValueError(
            f"results by user need lists, and metrics are {trainer.config['metrics']}; add "
            f"Precision, Recall or NDCG"
        )
    ranked = collected.get("rec.topk").numpy()  # (U, K + 1), the last column counts liked items
    dataset = train_data._dataset
    users = data.uid_list.numpy()
    n_rated = np.bincount(dataset.rated[:, 0].numpy(), minlength=dataset.user_num)
    sign_auc = collected.get("rec.sign_auc").numpy() if "rec.sign_auc" in collected else None
    return result, UserResults(
        users=_names(dataset.id2token(dataset.uid_field, users)),
        n_rated=n_rated[users],
        n_liked=ranked[:, -1].astype(np.int64),
        hits=ranked[:, :-1].astype(np.bool_),
        sign_auc=sign_auc,
    )


def _names(tokens: Sequence[str]) -> npt.NDArray[np.str_]:
    return np.asarray(tokens, dtype=np.str_)
