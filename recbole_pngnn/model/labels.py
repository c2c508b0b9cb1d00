"""What a dataset says of each interaction: liked or not, and how strongly."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from recbole_pngnn.nn.regression import rating_strengths


def read_liked(config: Any, dataset: Any, model: str) -> Tensor:
    """Tell liked from disliked interactions by the dataset's labels.

    The labels are those of ``like_threshold``, of RecBole's ``threshold``, or a column of the
    data's own named by ``LABEL_FIELD``.

    Args:
        config: RecBole's Config.
        dataset: The training part.
        model: Who asks, for the message.

    Shapes:
        - returns: ``(E,)``, bool

    Raises:
        ValueError: There are no labels, or others than 0 and 1.
    """
    field = config["LABEL_FIELD"]
    if field not in dataset.inter_feat:
        raise ValueError(
            f"{model} needs to know which interactions were liked, and the dataset has no labels; "
            f"set like_threshold, for example like_threshold: {{rating: 3.5}}, or load a column "
            f"of 0 and 1, for example LABEL_FIELD: {field} and load_col: {{inter: "
            f"[{config['USER_ID_FIELD']}, {config['ITEM_ID_FIELD']}, {field}]}}"
        )
    labels: Tensor = dataset.inter_feat[field]
    other = labels[(labels != 0) & (labels != 1)]
    if len(other):
        raise ValueError(
            f"{len(other)} label(s) in the column {field} are neither 0 nor 1, the first one "
            f"{float(other[0]):g}: write {field}:float in the header of the atomic file and 0 or 1 "
            f"in each row (RecBole fills a missing one with the mean), or set like_threshold for "
            f"a column of ratings"
        )
    return labels > 0


def read_strengths(config: Any, dataset: Any, slope: float) -> Tensor:
    """Return what each interaction counts by its rating, see ``rating_slope``.

    Without ratings, where a column of labels is all there is, all interactions count 1.

    Shapes:
        - returns: ``(E,)``
    """
    threshold = getattr(dataset, "like_threshold", None)
    field = config["RATING_FIELD"] if threshold is None else threshold.field
    if field == config["LABEL_FIELD"] or field not in dataset.inter_feat:
        return torch.ones(len(dataset.inter_feat))
    return rating_strengths(dataset.inter_feat[field], slope)
