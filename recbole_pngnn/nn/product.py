"""The product of a sparse matrix and a dense one, which is where a graph model spends its time."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.nn import functional as F

# Indices of 32 bits are half the traffic of 64, where they suffice.
_MOST_NARROW = 2**31 - 1


def index_type(largest: int) -> torch.dtype:
    """Return the type of indices, and of their sums, up to ``largest``."""
    return torch.int32 if largest <= _MOST_NARROW else torch.int64


def compressed(matrix: Tensor) -> Tensor:
    """Return a matrix of coordinates as compressed rows.

    Args:
        matrix: An entry that occurs twice is the sum.

    Shapes:
        - matrix: ``(N, M)`` sparse COO; returns: ``(N, M)`` sparse CSR with 32-bit indices where
          there are fewer than 2^31 non-zeros, rows and columns, 64-bit ones elsewhere
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        csr = matrix.coalesce().to_sparse_csr()
        indices = index_type(max(csr.values().numel(), *csr.shape))
        return torch.sparse_csr_tensor(
            csr.crow_indices().to(indices),
            csr.col_indices().to(indices),
            csr.values(),
            csr.shape,
            check_invariants=False,
        )


def sparse_product(matrix: Tensor, x: Tensor) -> Tensor:
    """Multiply a sparse matrix by a dense one, without a gradient.

    On a CPU by the kernel of weighted sums of embeddings, which is the same sum: a row of the
    result is a sum of rows of x, weighted by the non-zeros of a row of the matrix. It is made for
    embeddings of tens to hundreds of columns, and two times faster than MKL's product.

    Shapes:
        - matrix: ``(N, M)`` sparse, CSR for speed; x: ``(M, D)``; returns: ``(N, D)``
    """
    if matrix.device.type != "cpu" or matrix.layout != torch.sparse_csr:
        return matrix @ x
    return F.embedding_bag(
        matrix.col_indices(),
        x.contiguous(),
        matrix.crow_indices(),
        mode="sum",
        per_sample_weights=matrix.values(),
        include_last_offset=True,
    )


def add_product_(total: Tensor, matrix: Tensor, x: Tensor, rows_at_once: int) -> None:
    """Add :func:`sparse_product` to a dense matrix, a few rows at a time.

    Shapes:
        - total: ``(N, D)``; matrix: ``(N, M)`` sparse CSR; x: ``(M, D)``
    """
    starts, columns, values = matrix.crow_indices(), matrix.col_indices(), matrix.values()
    for first in range(0, len(total), rows_at_once):
        rows = starts[first : first + rows_at_once + 1]
        begin, end = int(rows[0]), int(rows[-1])
        part = torch.sparse_csr_tensor(
            rows - begin,
            columns[begin:end],
            values[begin:end],
            (len(rows) - 1, matrix.shape[1]),
            check_invariants=False,
        )
        total[first : first + rows_at_once] += sparse_product(part, x)
