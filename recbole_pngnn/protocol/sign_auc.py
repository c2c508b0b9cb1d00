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

from recbole_pngnn.protocol.user_items import UserItems

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
        self._used = getattr(sampler, "used_ids", None)
        super().__init__(config, dataset, sampler, shuffle=shuffle)
        self._disliked: UserItems | None = None
        longest = max(config["topk"] or [0])
        if longest >= dataset.item_num:
            raise ValueError(
                f"topk asks for lists of {longest} items, and the dataset has "
                f"{dataset.item_num - 1}; set a smaller topk"
            )
        if not any(metric.lower() == "signauc" for metric in config["metrics"]):
            return
        if getattr(dataset, "like_threshold", None) is None:
            others = [metric for metric in config["metrics"] if metric.lower() != "signauc"]
            raise ValueError(
                f"the metric SignAUC needs like_threshold, which is not set: leave it out, "
                f"metrics: [{', '.join(others)}], or set like_threshold"
            )
        self._disliked = UserItems(dataset.disliked.numpy(), dataset.user_num)

    def _set_user_property(self, uid: int | None, used_item: set, positive_item: set) -> None:
        """As RecBole's, which makes tensors of sets; from arrays it takes a tenth of the time."""
        if uid is None or not isinstance(self._used, UserItems):
            super()._set_user_property(uid, used_item, positive_item)
            return
        positive, used = np.array(list(positive_item)), self._used.items(uid)
        self.uid2positive_item[uid] = torch.from_numpy(positive)
        self.uid2items_num[uid] = len(positive)
        history = used[np.isin(used, positive, assume_unique=True, invert=True)]
        self.uid2history_item[uid] = torch.from_numpy(history)

    def collate_fn(self, index: Any) -> tuple[Any, ...]:
        """Return RecBole's batch; its Interaction has the disliked items as an attribute.

        Not as a column: models that score pairs get the columns repeated for each item. It is a
        pair, the row of each item in the batch and the item.
        """
        batch: tuple[Any, ...] = super().collate_fn(index)
        if self._disliked is not None:
            users = self.uid_list.numpy()[np.asarray(index)]
            batch[0].disliked_items = tuple(map(torch.from_numpy, self._disliked.of(users)))
        return batch


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
            disliked = (part.to(scores_tensor.device) for part in interaction.disliked_items)
            auc = liked_disliked_auc(scores_tensor, positive_u, positive_i, *disliked)
            self.data_struct.update_tensor(_RESOURCE, auc)

    def get_data_struct(self) -> DataStruct:
        """Return what was gathered, and start anew."""
        collected = super().get_data_struct()
        if _RESOURCE in self.data_struct:
            del self.data_struct[_RESOURCE]
        return collected


def liked_disliked_auc(
    scores: Tensor,
    liked_rows: Tensor,
    liked_items: Tensor,
    disliked_rows: Tensor,
    disliked_items: Tensor,
) -> Tensor:
    """Compute each row's AUC of liked over disliked items; ties count half.

    Args:
        scores: Scores of all items.
        liked_rows: Row of each liked item.
        liked_items: The liked items.
        disliked_rows: Row of each disliked item.
        disliked_items: The disliked items.

    Shapes:
        - scores: ``(B, n_items)``; liked_rows, liked_items: ``(P,)``; disliked_rows,
          disliked_items: ``(Q,)``
        - returns: ``(B,)``, not a number where a row lacks either kind
    """
    n_rows, n_liked = len(scores), len(liked_rows)
    rows = torch.cat([liked_rows, disliked_rows])  # (P + Q,)
    values = scores[rows, torch.cat([liked_items, disliked_items])]
    order = torch.sort(values, stable=True).indices
    order = order[torch.sort(rows[order], stable=True).indices]  # by row, then by score
    rows, values, disliked = rows[order], values[order], order >= n_liked
    starts = torch.ones_like(disliked)  # of equal scores of a row
    starts[1:] = (rows[1:] != rows[:-1]) | (values[1:] != values[:-1])
    tie = starts.cumsum(0) - 1
    n_disliked = torch.bincount(disliked_rows, minlength=n_rows)  # (B,)
    below = (disliked.cumsum(0) - disliked.to(torch.int64))[starts]
    tied = torch.bincount(tie[disliked], minlength=len(below))
    of_other_rows = n_disliked.cumsum(0) - n_disliked
    wins = 2 * (below[tie] - of_other_rows[rows]) + tied[tie]  # (P + Q,), in halves
    totals = torch.zeros(n_rows, dtype=torch.float64, device=scores.device)
    totals.index_add_(0, rows[~disliked], wins[~disliked].to(torch.float64) / 2)
    n_pairs = torch.bincount(liked_rows, minlength=n_rows) * n_disliked
    return torch.where(n_pairs > 0, totals / n_pairs.clamp(min=1), torch.nan)


def add_to_register() -> None:
    """Make ``SignAUC`` a metric that RecBole's ``metrics`` can name."""
    register.metrics_dict["signauc"] = SignAUC
    register.metric_information["signauc"] = SignAUC.metric_need
    register.metric_types["signauc"] = SignAUC.metric_type
