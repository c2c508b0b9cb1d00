"""The items of each user, by arrays; sets of them where somebody asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt


class UserItems:
    """An array of sets of items by user, as RecBole's samplers index it.

    A set is made when it is first asked for: of millions of pairs most never are.

    Args:
        pairs: User and item of each pair; one that occurs twice counts once.
        n_users: Number of users.

    Shapes:
        - pairs: ``(n, 2)``
    """

    def __init__(self, pairs: npt.NDArray[np.int64], n_users: int) -> None:
        width = int(pairs[:, 1].max()) + 1 if len(pairs) else 1
        keys = np.sort(pairs[:, 0] * width + pairs[:, 1])
        keys = keys[np.diff(keys, prepend=-1) != 0]
        users, self._items = np.divmod(keys, width)
        self.counts = np.bincount(users, minlength=n_users)
        self._ends = self.counts.cumsum()
        self._sets = np.full(n_users, None, dtype=object)

    def __len__(self) -> int:
        return len(self._sets)

    def __iter__(self) -> Iterator[set[int]]:
        return iter(self[:])

    def __getitem__(self, users: Any) -> Any:
        """Return the set of a user, or an array of sets where NumPy's index names several."""
        if users is None:  # RecBole asks for the set of no user first, and drops it
            return self._sets[None]
        if isinstance(users, (int, np.integer)):
            if self._sets[users] is None:
                self._sets[users] = set(self.items(users).tolist())
            return self._sets[users]
        for user in np.unique(np.arange(len(self))[users]):
            self[user]
        return self._sets[users]

    def items(self, user: int | np.integer) -> npt.NDArray[np.int64]:
        """Return the items of a user, in ascending order."""
        end = self._ends[user]
        return self._items[end - self.counts[user] : end]

    def of(self, users: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
        """Return the items of several users in one array, and before it the row of each.

        Shapes:
            - users: ``(B,)``; returns: two of ``(T,)``, rows in ascending order
        """
        counts = self.counts[users]
        rows = np.repeat(np.arange(len(users)), counts)
        places = np.arange(len(rows)) + np.repeat(self._ends[users] - counts.cumsum(), counts)
        return rows, self._items[places]
