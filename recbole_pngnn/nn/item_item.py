"""Linear item-item regression in closed form."""

from __future__ import annotations

import torch
from torch import Tensor


def ease_weights(gram: Tensor, reg_weight: float) -> Tensor:
    r"""Return the item-item weights of EASE (Steck, WWW 2019, Eq. 8).

    .. math:: \min_B \|X - XB\|_F^2 + \lambda \|B\|_F^2, \quad \operatorname{diag}(B) = 0
              \qquad\Rightarrow\qquad B_{ij} = -P_{ij} / P_{jj}\ (i \ne j),
              \quad P = (X^\top X + \lambda I)^{-1}

    Args:
        gram: :math:`X^\top X`.
        reg_weight: Lambda, above 0.

    Shapes:
        - gram, returns: ``(n_items, n_items)``; computed in double precision, returned in the
          precision of ``gram``
    """
    matrix = gram.to(torch.float64, copy=True)
    matrix.diagonal().add_(reg_weight)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(matrix))
    weights = inverse / -inverse.diagonal()  # column j by P_jj
    weights.fill_diagonal_(0.0)
    return weights.to(gram.dtype)
