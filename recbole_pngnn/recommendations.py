"""Lists of items for users, with the ids and titles that people know."""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.data.interaction import Interaction

from recbole_pngnn.quick_start import load_data_and_model
from recbole_pngnn.titles import item_titles

_USERS_AT_ONCE = 512
_SCORES_AT_ONCE = 2**22  # as many users as that, where there are more than 8,192 items

logger = logging.getLogger(__name__)


class UnknownUsersError(ValueError):
    """None of the users asked for is in the data."""


def recommend(
    checkpoint: str | os.PathLike[str],
    users: Iterable[str] | None = None,
    k: int = 20,
    data_path: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Recommend items to users by a trained model, one of this plugin's or of RecBole's.

    Items that a user rated in training (and validation, where there is one) are left out, liked or
    not; what augmentation made up is not. Users who are absent from the test part are served too.

    Args:
        checkpoint: A checkpoint of RecBole's trainer; load only those that you trust.
        users: External ids; all users by default. Unknown ones are reported in the log and in
            ``attrs["unknown_users"]`` of the result, and the others are served.
        k: Items a user; fewer where the user rated nearly everything.
        data_path: Folder of datasets, where they are elsewhere now than at the training.

    Returns:
        Columns ``user_id``, ``rank`` (from 1), ``item_id``, ``score``, and ``title`` where the
        dataset has one that can be read (the log says why not); users in the order asked for.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: The checkpoint cannot be used, or ``k`` is below 1.
        UnknownUsersError: No user is known.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, found {k}")
    config, model, dataset, train_data, valid_data, _ = load_data_and_model(checkpoint, data_path)
    model.eval()
    tokens = dataset.field2token_id[dataset.uid_field]
    asked = list(dict.fromkeys(map(str, users))) if users is not None else None
    names = (
        [str(t) for t in dataset.field2id_token[dataset.uid_field][1:]] if asked is None else asked
    )
    known = [name for name in names if tokens.get(name, 0) > 0]
    unknown = [name for name in names if tokens.get(name, 0) == 0]
    if unknown:
        logger.warning(_unknown_users(unknown))
    if not known:
        raise UnknownUsersError(
            f"none of the users asked for is in {config['dataset']}: {unknown[:10]}"
        )

    parts = [train_data._dataset, valid_data._dataset]
    result = top_lists(config, model, dataset, parts, known, k)
    ids = np.array([tokens[name] for name in known])
    untrained = np.setdiff1d(ids, train_data._dataset.inter_feat[dataset.uid_field].numpy())
    if len(untrained):
        logger.warning(
            f"{len(untrained)} user(s) have no training interaction: their lists say nothing of "
            f"their taste"
        )
    titles = _titles(config, dataset)
    if titles is not None:
        result["title"] = result["item_id"].map(titles).fillna("")
    result.attrs["unknown_users"] = unknown
    return result


def top_lists(
    config: Any,
    model: Any,
    dataset: Any,
    parts: Sequence[Any],
    users: Sequence[str],
    k: int,
    items: Container[str] | None = None,
) -> pd.DataFrame:
    """Rank for each user what was not rated in some parts.

    Args:
        config: Config of the model.
        model: The model, switched to evaluation.
        dataset: The whole dataset.
        parts: Parts whose observed rows are left out.
        users: External ids.
        k: Items a user.
        items: External ids of the items that may be recommended; all by default.

    Returns:
        Columns ``user_id``, ``rank``, ``item_id`` and ``score``, user by user.
    """
    tokens = dataset.field2token_id[dataset.uid_field]
    ids = torch.tensor([tokens[name] for name in users])
    names = dataset.field2id_token[dataset.iid_field]
    others = [n for n, name in enumerate(names) if items is not None and str(name) not in items]
    barred = torch.tensor([0, *others])  # and the padding item
    rated = _rated_items(parts, dataset)
    frames = []
    at_once = max(1, min(_USERS_AT_ONCE, _SCORES_AT_ONCE // dataset.item_num))
    for start in range(0, len(ids), at_once):
        chunk = ids[start : start + at_once]
        scores = _scores(model, dataset, config, chunk)
        scores[:, barred] = -torch.inf
        frames.append(_top_items(scores, dataset, chunk, rated, k))
    return pd.concat(frames, ignore_index=True)


def _titles(config: Any, dataset: Any) -> dict[str, str] | None:
    """Return the titles by the rules that the interactions were read by; a list needs none."""
    try:
        return item_titles(
            Path(config["data_path"]),
            config["dataset"],
            dataset.iid_field,
            config["field_separator"],
            config["encoding"],
        )
    except (ValueError, OSError) as error:
        logger.warning(f"the lists come without titles: {error}")
        return None


def _unknown_users(unknown: list[str]) -> str:
    some = ", ".join(unknown[:10]) + (" ..." if len(unknown) > 10 else "")
    return f"{len(unknown)} unknown user(s) left out: {some}"


def _rated_items(parts: Sequence[Any], dataset: Any) -> torch.Tensor:
    """User and item of each pair to leave out, ``(n, 2)``: the parts' observed rows."""
    pairs = []
    for part in parts:
        rated = getattr(part, "rated", None)
        if rated is None:  # without like_threshold RecBole shows all that it has
            columns = [part.inter_feat[f] for f in (dataset.uid_field, dataset.iid_field)]
            rated = torch.stack(columns, dim=1)
        pairs.append(rated)
    return torch.cat(pairs)


def _top_items(
    scores: torch.Tensor, dataset: Any, users: torch.Tensor, rated: torch.Tensor, k: int
) -> pd.DataFrame:
    row_of_user = torch.full((dataset.user_num,), -1)
    row_of_user[users] = torch.arange(len(users))
    rows = row_of_user[rated[:, 0]]
    scores[rows[rows >= 0], rated[rows >= 0, 1]] = -torch.inf
    values, items = scores.topk(min(k, dataset.item_num - 1), dim=1)
    rows, ranks = torch.isfinite(values).nonzero(as_tuple=True)
    return pd.DataFrame(
        {
            "user_id": dataset.id2token(dataset.uid_field, users[rows].numpy()),
            "rank": ranks.numpy() + 1,
            "item_id": dataset.id2token(dataset.iid_field, items[rows, ranks].numpy()),
            "score": values[rows, ranks].numpy(),
        }
    )


@torch.no_grad()
def _scores(model: Any, dataset: Any, config: Any, users: torch.Tensor) -> torch.Tensor:
    """Scores of all items, ``(B, n_items)`` on the CPU."""
    device = config["device"]
    batch = dataset.join(Interaction({dataset.uid_field: users})).to(device)
    try:
        scores = model.full_sort_predict(batch)
    except NotImplementedError:  # models that score pairs alone
        items = dataset.get_item_feature().to(device)
        rows = []
        for row in range(len(users)):
            pairs = batch[[row]].repeat_interleave(dataset.item_num)
            pairs.update(items)
            rows.append(model.predict(pairs))
        scores = torch.cat(rows)
    return scores.view(len(users), dataset.item_num).float().cpu()
