"""Draws from a discrete distribution in constant time."""

from __future__ import annotations

import torch
from torch import Tensor


class AliasTable:
    """Draw from a discrete distribution by Walker's alias method (Vose, IEEE TSE 1991).

    Each of n equally likely columns holds at most two outcomes, so one uniform number says which
    column and which of the two: a draw costs two look-ups, where a search in the cumulative
    distribution costs a dozen.

    Args:
        probabilities: The distribution.

    Shapes:
        - probabilities: ``(n,)``, summing to 1
    """

    def __init__(self, probabilities: Tensor) -> None:
        n = len(probabilities)
        share = (probabilities.to(torch.float64) * n).tolist()
        alias = list(range(n))
        likeliest = max(alias, key=share.__getitem__)
        # Those of probability 0 last, so that they are popped first, while others have some left.
        small = sorted((i for i in alias if share[i] < 1.0), key=share.__getitem__, reverse=True)
        large = [i for i in alias if share[i] >= 1.0]
        while small and large:
            poor, rich = small.pop(), large[-1]
            alias[poor] = rich
            share[rich] -= 1.0 - share[poor]
            if share[rich] < 1.0:
                small.append(large.pop())
        for i in (*small, *large):  # 1 but for rounding, or impossible
            if probabilities[i] > 0:
                share[i] = 1.0
            else:
                alias[i] = likeliest
        # The column's number is added, to compare a number from [0, n) with.
        self._limit = torch.tensor(share, dtype=torch.float64) + torch.arange(n)
        self._limit = self._limit.to(probabilities.device)
        self._alias = torch.tensor(alias, device=probabilities.device)

    def draw(self, shape: tuple[int, ...], generator: torch.Generator | None = None) -> Tensor:
        """Draw independent outcomes.

        Args:
            shape: Shape of the result.
            generator: Source of random numbers; torch's own by default.
        """
        n = len(self._alias)
        place = torch.rand(
            shape, device=self._alias.device, generator=generator, dtype=torch.float64
        ).mul_(n)
        place = place.view(-1)
        column = place.to(torch.int64).clamp_(max=n - 1)  # n times almost 1 may round to n
        limit, alias = (x.index_select(0, column) for x in (self._limit, self._alias))
        return torch.where(place < limit, column, alias).view(shape)
