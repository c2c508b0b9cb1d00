"""Linear item-item regression in closed form."""

from __future__ import annotations

import torch
from torch import Tensor

# Rows and columns that change places at a time.
_BLOCK = 1024


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
    return ease_weights_(gram.to(torch.float64, copy=True), reg_weight).to(gram.dtype)


def ease_weights_(gram: Tensor, reg_weight: float) -> Tensor:
    """Turn a Gram matrix into what :func:`ease_weights` returns, in its own memory.

    Shapes:
        - gram, returns: ``(n_items, n_items)``, float64; the one is the other's memory
    """
    gram = gram.contiguous()
    gram.diagonal().add_(reg_weight)
    # LAPACK wants columns one after the other. Rounding has made the two triangles differ, and it
    # reads the lower one.
    _transpose_(gram)
    columns = gram.T
    torch.linalg.cholesky(columns, out=columns)
    torch.cholesky_inverse(columns, out=columns)  # P, in both triangles
    gram.div_(-gram.diagonal())  # column j by P_jj
    return gram.fill_diagonal_(0.0)


def _transpose_(matrix: Tensor) -> None:
    """Transpose a square matrix in its own memory."""
    n = len(matrix)
    for top in range(0, n, _BLOCK):
        rows = slice(top, top + _BLOCK)
        matrix[rows, rows] = matrix[rows, rows].T.clone()
        for left in range(top + _BLOCK, n, _BLOCK):
            columns = slice(left, left + _BLOCK)
            upper = matrix[rows, columns].clone()
            matrix[rows, columns] = matrix[columns, rows].T
            matrix[columns, rows] = upper.T
