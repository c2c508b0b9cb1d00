"""Draws from a discrete distribution in constant time."""

from __future__ import annotations

from array import array

import torch
from torch import Tensor

from recbole_pngnn.nn.exact import ExactBuffers


class AliasTable(ExactBuffers):
    """Draw from a discrete distribution by Walker's alias method (Vose, IEEE TSE 1991).

    Each of n equally likely columns holds at most two outcomes, so one uniform number says which
    column and which of the two: a draw costs two look-ups, where a search in the cumulative
    distribution costs a dozen.

    Args:
        probabilities: The distribution.

    Shapes:
        - probabilities: ``(n,)``, summing to 1
    """

    _limit: Tensor
    _alias: Tensor

    def __init__(self, probabilities: Tensor) -> None:
        super().__init__()
        n = len(probabilities)
        share = probabilities.to("cpu", torch.float64) * n + 0.0  # no -0, whose bits sort last
        backwards = torch.arange(n - 1, -1, -1)
        below = share.flip(0) < 1.0
        small, large = backwards.masked_select(below), backwards.masked_select(~below)
        # Poorest first, so that those of probability 0 are filled while others have some left. The
        # bits of numbers that are not negative sort as these do, several times faster.
        bits, order = torch.sort(share.index_select(0, small).view(torch.int64), stable=True)
        small, small_share = small.index_select(0, order), bits.view(torch.float64)
        ends, left = _pour(1.0 - small_share, share.index_select(0, large))

        alias = torch.arange(n)
        kept = torch.ones(n, dtype=torch.float64)
        n_filled = int(ends[-1]) if len(ends) else 0
        n_below = min(len(left), len(large) - 1)
        filled = ends.diff(prepend=ends.new_zeros(1))
        alias.scatter_(0, small[:n_filled], large[: len(ends)].repeat_interleave(filled))
        kept.scatter_(0, small[:n_filled], small_share[:n_filled])
        if n_below > 0:  # each of them is filled by the next
            alias.scatter_(0, large[:n_below], large[1 : n_below + 1])
            kept.scatter_(0, large[:n_below], left[:n_below])
        # Those that are left have a share of 1 but for rounding, or are impossible.
        impossible = small[n_filled:][small_share[n_filled:] <= 0.0]
        if len(impossible):
            alias[impossible] = (share == share.max()).nonzero()[0]
            kept[impossible] = 0.0
        # The column's number is added, to compare a number from [0, n) with.
        limit = (kept + torch.arange(n)).to(probabilities.device)
        self.register_buffer("_limit", limit, persistent=False)
        self.register_buffer("_alias", alias.to(probabilities.device), persistent=False)

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


def _pour(deficits: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Fill the small from the large, one after the other.

    A large one fills small ones until it has less than 1 itself; then the next fills it up, and
    goes on. What one has is a sum over all steps so far, rounded in each, so it is computed as such
    a sum: the table is the one that a loop over the steps makes, to the last bit.

    Args:
        deficits: What the small lack of 1.
        shares: Of the large.

    Shapes:
        - deficits: ``(S,)``; shares: ``(L,)``
        - returns: how many small ones are filled when each of the first R large ones is done,
          ``(R,)``, and what is left of those that ended below 1, ``(R,)`` or ``(R - 1,)``
    """
    if not len(deficits) or not len(shares):
        return torch.empty(0, dtype=torch.int64), shares[:0]
    # But for the rounding, a large one is in turn where the excess up to it covers what the small
    # ones so far lack.
    excess, lack = (shares - 1.0).cumsum(0), deficits.cumsum(0)
    n_below = int(torch.searchsorted(excess, lack[-1]))
    n_reached = min(n_below + 1, len(shares))
    lacked_before = torch.cat([lack.new_zeros(1), lack[:-1]])
    ends = torch.searchsorted(lacked_before, excess[:n_reached], right=True)
    # With it: a step for each small one that is filled, and one for each large one but the first.
    is_large = torch.zeros(int(ends[-1]) + n_reached - 1, dtype=torch.bool)
    is_large[ends[:-1] + torch.arange(n_reached - 1)] = True
    steps = torch.empty(len(is_large), dtype=torch.float64)
    steps.masked_scatter_(is_large, shares[1:n_reached] - 1.0)  # exact, as is 1 less what is left
    steps.masked_scatter_(~is_large, -deficits[: int(ends[-1])])
    rest = torch.cat([shares[:1], steps]).cumsum(0)
    below = rest < 1.0
    wrong = (below != torch.cat([is_large, below.new_tensor([n_below == len(shares)])])).nonzero()
    if not len(wrong):
        return ends, rest.masked_select(below)
    # So near to 1 that the rounding decides: from there on step by step.
    start = int(wrong[0])
    n_done = int(is_large[:start].sum())
    n_filled = start - n_done
    waiting = shares[n_done + 1 :].flip(0).tolist()
    more, left = _pour_on(deficits[n_filled:].tolist(), waiting, float(rest[start]), n_filled)
    return torch.cat([ends[:n_done], more]), torch.cat([rest[:start][below[:start]], left])


def _pour_on(
    deficits: list[float], waiting: list[float], rest: float, n_filled: int
) -> tuple[Tensor, Tensor]:
    """Go on with :func:`_pour`: the large one in turn has ``rest``, the next waits at the end."""
    ends: list[int] = []
    left: list[float] = []
    deficits.append(0.0)  # the last small one may have left too little
    for end, deficit in enumerate(deficits, n_filled):
        while rest < 1.0:
            ends.append(end)
            left.append(rest)
            if not waiting:
                break
            rest = waiting.pop() - (1.0 - rest)
        else:
            rest -= deficit
            continue
        break
    else:
        ends.append(n_filled + len(deficits) - 1)
    # By way of arrays: torch.tensor takes ten times as long for a list.
    return (
        torch.frombuffer(array("q", ends), dtype=torch.int64),
        torch.frombuffer(array("d", left or [0.0]), dtype=torch.float64)[: len(left)],
    )
