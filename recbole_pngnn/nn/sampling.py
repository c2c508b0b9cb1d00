"""Degree-based sampling of unobserved items (PN-GNN, section 2.2.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_pngnn.nn.alias import AliasTable
from recbole_pngnn.nn.exact import ExactBuffers
from recbole_pngnn.nn.product import index_type

# A dense table of rated pairs costs a byte a pair; beyond this, sorted keys are searched.
DENSE_TABLE_BYTES = 256 * 2**20
# Rounds of rejection before the few draws left are made from their exact distributions.
REJECTION_ROUNDS = 16
# The exact distributions of so many users and items are held at a time, some 40 bytes each.
EXACT_ENTRIES = 2**24


class RatedPairs(nn.Module):
    """Answer whether users rated items, for many pairs at once.

    Args:
        users: User of each rated pair.
        items: Item of each rated pair.
        n_users: Number of users.
        n_items: Number of items.
        dense: Keep a byte for every user and item; default: where that takes at most 256 MiB.

    Shapes:
        - users, items: ``(E,)``
    """

    _table: Tensor

    def __init__(
        self, users: Tensor, items: Tensor, n_users: int, n_items: int, dense: bool | None = None
    ) -> None:
        super().__init__()
        self.n_items = n_items
        keys = users.to(torch.int64) * n_items + items
        self.dense = n_users * n_items <= DENSE_TABLE_BYTES if dense is None else dense
        if self.dense:
            table = torch.zeros(n_users * n_items, dtype=torch.bool, device=users.device)
            table[keys] = True
        else:
            # The sentinel keeps the search inside the array, also where there are no pairs.
            sentinel = torch.tensor([n_users * n_items], device=users.device)
            table = torch.cat([torch.unique(keys), sentinel])
        self.register_buffer("_table", table, persistent=False)

    def contains(self, users: Tensor, items: Tensor) -> Tensor:
        """Tell for each pair whether it was rated.

        Shapes:
            - users, items: broadcastable to one shape; returns: that shape, bool
        """
        keys = users * self.n_items + items
        if self.dense:  # on one thread index_select is faster than [], most with 32-bit indices
            flat = keys.reshape(-1).to(index_type(len(self._table)))
            return self._table.index_select(0, flat).view(keys.shape)
        return self._table[torch.searchsorted(self._table, keys)] == keys


class DegreeSampler(ExactBuffers):
    r"""Draw items that a user did not rate, popular ones more often.

    .. math:: P(j \mid u) \propto d_j^{\alpha} \, [j \notin \mathcal{N}(u)]

    Items without an interaction (the padding item among them) are never drawn. What the user
    rated is drawn again, and what is left after a few rounds is drawn from the user's own
    distribution, so the law is exact.

    Args:
        users: User of each training interaction, both signs.
        items: Item of each training interaction, both signs.
        n_users: Number of users.
        n_items: Number of items.
        exponent: The power alpha of the degree; 0.75 in the paper.
        dense: See :class:`RatedPairs`.
        also_rated: User and item of pairs that are no training interactions and not drawn either.

    Shapes:
        - users, items: ``(E,)``; also_rated: ``(k, 2)``

    Raises:
        ValueError: There are no interactions, or a user rated every item there is.
    """

    probabilities: Tensor

    def __init__(
        self,
        users: Tensor,
        items: Tensor,
        n_users: int,
        n_items: int,
        exponent: float = 0.75,
        dense: bool | None = None,
        also_rated: Tensor | None = None,
    ) -> None:
        super().__init__()
        if not len(items):
            raise ValueError("no training interactions: there are no degrees to sample by")
        degrees = torch.bincount(items, minlength=n_items).to(torch.float64)
        probabilities = torch.where(degrees > 0, degrees.clamp(min=1).pow(exponent), 0.0)
        probabilities /= probabilities.sum()
        self.register_buffer("probabilities", probabilities, persistent=False)
        self._table = AliasTable(self.probabilities)
        asked_for = users
        if also_rated is not None:
            users = torch.cat([users, also_rated[:, 0].to(users)])
            items = torch.cat([items, also_rated[:, 1].to(items)])
        self.rated = RatedPairs(users, items, n_users, n_items, dense)
        self._refuse_full_users(users, items, n_items, asked_for)

    def draw(
        self, users: Tensor, n_samples: int, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw unobserved items for each user.

        Args:
            users: One user a row.
            n_samples: Items a row; the same item may be drawn twice.
            generator: Source of random numbers; torch's own by default.

        Shapes:
            - users: ``(B,)``; returns: ``(B, n_samples)``
        """
        items = self._table.draw((len(users), n_samples), generator)
        pending = self.rated.contains(users[:, None], items).view(-1).nonzero().view(-1)
        flat = items.view(-1)
        owners = users[torch.div(pending, n_samples, rounding_mode="floor")]
        for _ in range(REJECTION_ROUNDS):
            if not len(pending):
                return items
            drawn = self._table.draw((len(pending),), generator)
            flat[pending] = drawn
            again = self.rated.contains(owners, drawn).nonzero().view(-1)
            pending, owners = pending[again], owners[again]
        if len(pending):
            flat[pending] = self._draw_exactly(owners, generator)
        return items

    def _draw_exactly(self, users: Tensor, generator: torch.Generator | None) -> Tensor:
        all_items = torch.arange(len(self.probabilities), device=users.device)
        drawn = torch.empty_like(users)
        # Draws depend on the number of rows, which is one for all catalogues up to 16,384 items.
        at_once = max(1, min(1024, EXACT_ENTRIES // len(all_items)))
        for start in range(0, len(users), at_once):
            chunk = users[start : start + at_once]
            allowed = ~self.rated.contains(chunk[:, None], all_items[None, :])
            weights = self.probabilities * allowed  # (chunk, n_items)
            # Who rated all that anyone did in training is left with what nobody did.
            none = weights.sum(dim=1) == 0
            weights[none, 1:] = allowed[none, 1:].to(weights.dtype)
            picks = torch.multinomial(weights, 1, generator=generator)
            drawn[start : start + at_once] = picks.view(-1)
        return drawn

    @staticmethod
    def _refuse_full_users(users: Tensor, items: Tensor, n_items: int, asked_for: Tensor) -> None:
        pairs = torch.unique(users.to(torch.int64) * n_items + items)
        counts = torch.bincount(torch.div(pairs, n_items, rounding_mode="floor"))
        full = torch.unique(asked_for)
        full = full[counts[full] >= n_items - 1]  # all but the padding item
        if len(full):
            raise ValueError(
                f"{len(full)} user(s) rated all {n_items - 1} items in training (first: user "
                f"number {int(full[0])}), so no unobserved item is left to sample for them; take "
                f"their interactions out of the training part"
            )
