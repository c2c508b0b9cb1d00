"""How well a score tells a user's liked items from the disliked ones."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from recbole.data.dataloader import FullSortEvalDataLoader
from recbole.evaluator import register
from recbole.evaluator.base_metric import AbstractMetric
from recbole.evaluator.collector import Collector, DataStruct
from recbole.utils import EvaluatorType
from torch import Tensor

_RESOURCE = "rec.sign_auc"


class SignAUC(AbstractMetric):
    r"""Liked-versus-disliked AUC, averaged over users with both among their held-out items.

    .. math:: \frac{1}{|U|} \sum_{u \in U} \frac{1}{|L_u| |D_u|} \sum_{i \in L_u, j \in D_u}
              \left( [s_{ui} > s_{uj}] + \tfrac12 [s_{ui} = s_{uj}] \right)

    It has no cut-off: 0.5 is a guess, whatever else is in the ranking. Without a user who has both
    it is not a number. Needs ``like_threshold``.
    """

    metric_type = EvaluatorType.RANKING
    metric_need: ClassVar[list[str]] = [_RESOURCE]

    def calculate_metric(self, dataobject: DataStruct) -> dict[str, float]:
        """Average what :class:`SignedCollector` gathered."""
        per_user = dataobject.get(_RESOURCE).numpy()
        defined = per_user[~np.isnan(per_user)]
        value = float(defined.mean()) if len(defined) else float("nan")
        return {"signauc": round(value, self.decimal_place)}


class SignedEvalDataLoader(FullSortEvalDataLoader):
    """Full-ranking batches that also carry each user's disliked items of the phase."""

    def __init__(self, config: Any, dataset: Any, sampler: Any, shuffle: bool = False) -> None:
        super().__init__(config, dataset, sampler, shuffle=shuffle)
        self._disliked: Tensor | None = None
        longest = max(config["topk"] or [0])
        if longest >= dataset.item_num:
            raise ValueError(
                f"topk asks for lists of {longest} items, and the dataset has "
                f"{dataset.item_num - 1}; set a smaller topk"
            )
        if not any(metric.lower() == "signauc" for metric in config["metrics"]):
            return
        if getattr(dataset, "like_threshold", None) is None:
            raise ValueError("the metric SignAUC needs like_threshold, which is not set")
        self._disliked = _padded_rows(dataset.disliked, self.uid_list)

    def collate_fn(self, index: Any) -> tuple[Any, ...]:
        """Return RecBole's batch; its Interaction has the disliked items as an attribute.

        Not as a column: models that score pairs get the columns repeated for each item.
        """
        batch: tuple[Any, ...] = super().collate_fn(index)
        if self._disliked is not None:
            batch[0].disliked_items = self._disliked[np.asarray(index)]
        return batch


def _padded_rows(pairs: Tensor, users: Tensor) -> Tensor:
    """Items of each user, ``(len(users), most)``, padded with 0, from ``(n, 2)`` pairs."""
    row = torch.searchsorted(users, pairs[:, 0].contiguous())
    known = row < len(users)
    known[known.clone()] = users[row[known]] == pairs[known, 0]
    row, items = row[known], pairs[known, 1]
    order = torch.sort(row, stable=True).indices
    row, items = row[order], items[order]
    counts = torch.bincount(row, minlength=len(users))
    position = torch.arange(len(row)) - (counts.cumsum(0) - counts)[row]
    padded = torch.zeros(len(users), int(counts.max()) if len(row) else 0, dtype=torch.int64)
    padded[row, position] = items
    return padded


class SignedCollector(Collector):
    """A Collector that gathers what :class:`SignAUC` needs."""

    def eval_batch_collect(
        self, scores_tensor: Tensor, interaction: Any, positive_u: Tensor, positive_i: Tensor
    ) -> None:
        """Gather a batch: RecBole's resources, and each user's AUC where SignAUC is asked for."""
        super().eval_batch_collect(scores_tensor, interaction, positive_u, positive_i)
        if self.register.need(_RESOURCE):
            positive_u = positive_u.to(scores_tensor.device)
            positive_i = positive_i.to(scores_tensor.device)
            disliked = interaction.disliked_items.to(scores_tensor.device)
            auc = liked_disliked_auc(scores_tensor, positive_u, positive_i, disliked)
            self.data_struct.update_tensor(_RESOURCE, auc)

    def get_data_struct(self) -> DataStruct:
        """Return what was gathered, and start anew."""
        collected = super().get_data_struct()
        if _RESOURCE in self.data_struct:
            del self.data_struct[_RESOURCE]
        return collected


def liked_disliked_auc(
    scores: Tensor, liked_rows: Tensor, liked_items: Tensor, disliked: Tensor
) -> Tensor:
    """Compute each row's AUC of liked over disliked items; ties count half.

    Args:
        scores: Scores of all items.
        liked_rows: Row of each liked item.
        liked_items: The liked items.
        disliked: Disliked items of each row, padded with 0.

    Shapes:
        - scores: ``(B, n_items)``; liked_rows, liked_items: ``(P,)``; disliked: ``(B, D)``
        - returns: ``(B,)``, not a number where a row lacks either kind
    """
    n_disliked = (disliked > 0).sum(dim=1)
    ladder = scores.gather(1, disliked).masked_fill(disliked == 0, torch.inf).sort(dim=1).values
    own = scores[liked_rows, liked_items][:, None]  # (P, 1)
    rungs = ladder[liked_rows]  # (P, D)
    below = torch.searchsorted(rungs, own, right=False).view(-1)
    up_to = torch.searchsorted(rungs, own, right=True).view(-1)
    most = n_disliked[liked_rows]
    wins = (below.clamp(max=most) + up_to.clamp(max=most)).to(torch.float64) / 2
    totals = torch.zeros(len(scores), dtype=torch.float64, device=scores.device)
    totals.index_add_(0, liked_rows, wins)
    n_pairs = torch.bincount(liked_rows, minlength=len(scores)) * n_disliked
    return torch.where(n_pairs > 0, totals / n_pairs.clamp(min=1), torch.nan)


def add_to_register() -> None:
    """Make ``SignAUC`` a metric that RecBole's ``metrics`` can name."""
    register.metrics_dict["signauc"] = SignAUC
    register.metric_information["signauc"] = SignAUC.metric_need
    register.metric_types["signauc"] = SignAUC.metric_type
