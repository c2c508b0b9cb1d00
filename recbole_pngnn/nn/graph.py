"""Bipartite rating graphs as symmetric sparse matrices, and the propagation on them."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# The compressed product of the CPU is MKL's; a build without it (Arm, macOS) keeps coordinates.
_CPU_HAS_CSR_PRODUCT = torch.backends.mkl.is_available()

# Columns do not depend on each other; a block of them that a CPU's cache holds is multiplied
# faster than all at once.
_CACHED_COLUMNS = 32


def bipartite_adjacency(
    users: Tensor,
    items: Tensor,
    n_users: int,
    n_items: int,
    dtype: torch.dtype = torch.float32,
    edge_weight: Tensor | None = None,
) -> Tensor:
    r"""Build the symmetrically normalised adjacency of a user-item graph (PN-GNN, Eq. 1-2).

    .. math:: \hat{A} = D^{-1/2} A D^{-1/2}, \qquad
              A = \begin{pmatrix} 0 & R \\ R^\top & 0 \end{pmatrix}

    Eq. 4 of the paper prints :math:`D^{1/2}` on the right; its own Eq. 1 and 2 show that
    :math:`D^{-1/2}` is meant. A node without edges has a row of zeros.

    Args:
        users: User of each interaction, in ``[0, n_users)``.
        items: Item of each interaction, in ``[0, n_items)``. A pair that occurs twice counts twice.
        n_users: Number of users.
        n_items: Number of items.
        dtype: Type of the values.
        edge_weight: Weight of each interaction, not negative; degrees are sums of them. 1 by
            default.

    Shapes:
        - users, items, edge_weight: ``(E,)``
        - returns: ``(N, N)`` sparse, ``N = n_users + n_items``, users first; CSR with 32-bit
          indices where this build of torch multiplies it, COO elsewhere.

    Raises:
        ValueError: The lengths differ, an index is out of range, or a weight is negative.
    """
    if edge_weight is None:
        edge_weight = torch.ones(users.shape, dtype=torch.float64, device=users.device)
    if edge_weight.shape != users.shape or bool((edge_weight < 0).any()):
        raise ValueError(
            f"edge_weight must be one number for each of the {len(users)} interactions, and none "
            f"negative; found shape {tuple(edge_weight.shape)}"
        )
    if users.shape != items.shape or users.dim() != 1:
        raise ValueError(
            f"users and items must be vectors of one length, found shapes "
            f"{tuple(users.shape)} and {tuple(items.shape)}"
        )
    for name, ids, size in (("user", users, n_users), ("item", items, n_items)):
        if len(ids) and not (int(ids.min()) >= 0 and int(ids.max()) < size):
            raise ValueError(
                f"{name} ids must lie in [0, {size}), found {int(ids.min())} to {int(ids.max())}"
            )
    n_nodes = n_users + n_items
    rows = torch.cat([users, items + n_users])
    columns = torch.cat([items + n_users, users])
    weights = edge_weight.to(torch.float64).repeat(2)
    degree = torch.zeros(n_nodes, dtype=torch.float64, device=rows.device)
    degree.index_add_(0, rows, weights)
    scale = torch.where(degree > 0, degree.rsqrt(), 0.0)
    values = (weights * scale[rows] * scale[columns]).to(dtype)
    coo = torch.sparse_coo_tensor(
        torch.stack([rows, columns]), values, (n_nodes, n_nodes), check_invariants=False
    ).coalesce()
    return as_fast_layout(coo)


def as_fast_layout(matrix: Tensor) -> Tensor:
    """Return a coalesced COO matrix in the layout that multiplies fastest on its device.

    Args:
        matrix: Coalesced sparse matrix.

    Shapes:
        - matrix, returns: ``(N, M)``; CSR with 32-bit indices where possible (half the index
          traffic, and the only width that MKL takes without a copy), else ``matrix`` itself.
    """
    if matrix.device.type == "cpu" and not _CPU_HAS_CSR_PRODUCT:
        return matrix
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        csr = matrix.to_sparse_csr()
        return torch.sparse_csr_tensor(
            csr.crow_indices().to(torch.int32),
            csr.col_indices().to(torch.int32),
            csr.values(),
            csr.shape,
            check_invariants=False,
        )


class _Propagate(torch.autograd.Function):
    """Mean of the powers 0..K of a symmetric matrix, applied to embeddings.

    A polynomial in a symmetric matrix is symmetric, so the gradient is the same polynomial
    applied to the incoming gradient: nothing is stored and nothing is transposed. Autograd's own
    backward transposes the sparse matrix in every step and keeps every layer.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, adjacency: Tensor, n_layers: int) -> Tensor:
        ctx.adjacency, ctx.n_layers = adjacency, n_layers
        return _mean_of_powers(x, adjacency, n_layers)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return _mean_of_powers(grad.contiguous(), ctx.adjacency, ctx.n_layers), None, None


def _mean_of_powers(x: Tensor, adjacency: Tensor, n_layers: int) -> Tensor:
    width = _CACHED_COLUMNS if x.device.type == "cpu" else x.shape[1]
    blocks = []
    for block in x.split(width, dim=1):
        # Horner's rule: x + A (x + A (x + ...)), one fused product a layer.
        start = total = block.contiguous()
        for _ in range(n_layers):
            total = torch.addmm(start, adjacency, total)
        blocks.append(total)
    return torch.cat(blocks, dim=1) / (n_layers + 1)


def propagate(x: Tensor, adjacency: Tensor, n_layers: int) -> Tensor:
    r"""Propagate embeddings linearly and average all layers (LightGCN; PN-GNN, Eq. 3-4).

    .. math:: \frac{1}{K+1} \sum_{k=0}^{K} \hat{A}^k X

    Args:
        x: Ego embeddings, users first, then items.
        adjacency: Symmetric sparse matrix; the gradient is wrong for any other.
        n_layers: Number of layers K.

    Shapes:
        - x: ``(N, D)``; adjacency: ``(N, N)``
        - returns: ``(N, D)``

    Raises:
        ValueError: ``n_layers`` is negative.
    """
    if n_layers < 0:
        raise ValueError(f"n_layers must not be negative, found {n_layers}")
    return _Propagate.apply(x, adjacency, n_layers)  # type: ignore[no-any-return]
