"""The three readings of the Dual-BPR loss (PN-GNN, Eq. 10). All are sums, not means.

The regularisation weight of the paper's Table 2 belongs to a sum over the batch's triples; on a
mean it would be another number.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def fused_dual_bpr(
    observed: Tensor,
    sampled: Tensor,
    liked: Tensor,
    coefficient: float,
    weights: Tensor | None = None,
) -> Tensor:
    r"""Rank liked over disliked over unobserved by one score (SiReN, arXiv 2108.08735, Eq. 10).

    .. math:: -\sum_{(u,i,j)} \ln \sigma(c_{ui}\, y_{ui} - y_{uj}), \qquad
              c_{ui} = 1 \text{ if liked, } b \text{ if disliked}

    With ``b > 1`` a disliked item satisfies its inequality at a smaller score than a liked one.

    Args:
        observed: Score of each observed item.
        sampled: Scores of the items sampled for it.
        liked: Whether the observed item was liked.
        coefficient: The feedback-aware coefficient b.
        weights: Weight of each row's triples; 1 by default.

    Shapes:
        - observed, liked, weights: ``(B,)``; sampled: ``(B, S)``
        - returns: scalar
    """
    factor = torch.where(liked, 1.0, coefficient).to(observed.dtype)
    return _weighted_sum(F.softplus(sampled - (factor * observed)[:, None]), weights)


def partitioned_dual_bpr(
    observed: Tensor,
    sampled: Tensor,
    liked: Tensor,
    coefficient: float,
    weights: Tensor | None = None,
) -> Tensor:
    r"""Eq. 10 of the paper to the letter: z ranks the liked triples, v the disliked ones.

    .. math:: -\sum_{\mathrm{liked}} \ln \sigma(z_u z_i - z_u z_j)
              -\sum_{\mathrm{disliked}} \ln \sigma(v_u v_j - b\, v_u v_i)

    Args:
        observed: ``z_u z_i`` where liked, ``v_u v_i`` where not.
        sampled: ``z_u z_j`` where liked, ``v_u v_j`` where not.
        liked: Whether the observed item was liked.
        coefficient: The coefficient b.
        weights: Weight of each row's triples; 1 by default.

    Shapes:
        - observed, liked, weights: ``(B,)``; sampled: ``(B, S)``
        - returns: scalar
    """
    below = sampled - observed[:, None]
    above = coefficient * observed[:, None] - sampled
    return _weighted_sum(F.softplus(torch.where(liked[:, None], below, above)), weights)


def disinterest_dual_bpr(
    observed_z: Tensor,
    sampled_z: Tensor,
    observed_v: Tensor,
    sampled_v: Tensor,
    liked: Tensor,
    coefficient: float,
    weights: Tensor | None = None,
) -> Tensor:
    r"""Learn an interest and a disinterest score on all triples (PANE-GNN, arXiv 2306.04095).

    .. math:: -\sum_{(u,i,j)} \ln \sigma(c\, z_u z_i - z_u z_j)
              + \ln \sigma(c'\, v_u v_i - v_u v_j)

    Interest keeps liked > disliked > unobserved (c = 1 liked, b disliked); disinterest has the
    two signs exchanged: disliked > liked > unobserved (c' = b liked, 1 disliked).

    Args:
        observed_z, sampled_z: Interest scores.
        observed_v, sampled_v: Disinterest scores.
        liked: Whether the observed item was liked.
        coefficient: The coefficient b; 3 in PANE-GNN.
        weights: Weight of each row's triples; 1 by default.

    Shapes:
        - observed_z, observed_v, liked, weights: ``(B,)``; sampled_z, sampled_v: ``(B, S)``
        - returns: scalar
    """
    interest = fused_dual_bpr(observed_z, sampled_z, liked, coefficient, weights)
    disinterest = fused_dual_bpr(observed_v, sampled_v, ~liked, coefficient, weights)
    return interest + disinterest


def _weighted_sum(terms: Tensor, weights: Tensor | None) -> Tensor:
    return terms.sum() if weights is None else (terms * weights[:, None]).sum()


def squared_norms(embeddings: Tensor, counts: Tensor) -> Tensor:
    r"""Sum :math:`n_x \|e_x\|^2`: the L2 penalty of rows that a batch uses ``counts`` times.

    Shapes:
        - embeddings: ``(N, D)``; counts: ``(N,)``
        - returns: scalar
    """
    return (counts.to(embeddings.dtype) * embeddings.square().sum(dim=1)).sum()
