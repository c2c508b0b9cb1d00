"""Pairs that a filter took out of the data: rated all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from recbole_pngnn.protocol.threshold import OBSERVED, SOURCE_FIELD


class PairsAsRead:
    """The observed pairs of users and items as they were before any filter.

    Args:
        interactions: Rows with the ids as text.
        user_field: Column of users.
        item_field: Column of items.
    """

    def __init__(self, interactions: pd.DataFrame, user_field: str, item_field: str) -> None:
        self._n = len(interactions)
        self._observed: Any = None
        if SOURCE_FIELD in interactions:
            self._observed = (interactions[SOURCE_FIELD] == OBSERVED).to_numpy()
        # Ids are replaced column by column later, so these keep what was read without a copy.
        self._users = interactions[user_field].to_numpy()
        self._items = interactions[item_field].to_numpy()

    def missing_from(
        self,
        users: np.ndarray,
        items: np.ndarray,
        user_ids: dict[str, int],
        item_ids: dict[str, int],
    ) -> torch.Tensor:
        """Return the pairs that a filter took out, and whose user and item are still there.

        Args:
            users: Internal ids of the users of the rows that stayed.
            items: Internal ids of their items.
            user_ids: Internal id by external one, of the users that stayed.
            item_ids: The same of items.

        Shapes:
            - users, items: ``(n,)``; returns: ``(k, 2)`` internal ids
        """
        if len(users) == self._n:
            return torch.zeros(0, 2, dtype=torch.int64)
        n_items = max(item_ids.values(), default=0) + 1
        own_users, own_items = self._users, self._items
        if self._observed is not None:
            own_users, own_items = own_users[self._observed], own_items[self._observed]
        rows = pd.Series(own_users).map(user_ids).fillna(0).to_numpy(dtype=np.int64)
        columns = pd.Series(own_items).map(item_ids).fillna(0).to_numpy(dtype=np.int64)
        known = (rows > 0) & (columns > 0)
        as_read = np.unique(rows[known] * n_items + columns[known])
        stayed = np.asarray(users, dtype=np.int64) * n_items + np.asarray(items, dtype=np.int64)
        gone = as_read[~np.isin(as_read, stayed)]
        return torch.from_numpy(np.stack([gone // n_items, gone % n_items], axis=1))
