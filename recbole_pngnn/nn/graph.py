"""Bipartite rating graphs as symmetric sparse matrices, and the propagation on them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from recbole_pngnn.nn.product import compressed, sparse_product


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
        - returns: ``(N, N)`` sparse CSR, ``N = n_users + n_items``, users first

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
    return compressed(coo)


class _Propagate(torch.autograd.Function):
    """A mean of powers of a symmetric matrix, applied to embeddings.

    A polynomial in a symmetric matrix is symmetric, so the gradient is the same polynomial
    applied to the incoming gradient: nothing is stored and nothing is transposed. Autograd's own
    backward transposes the sparse matrix in every step and keeps every layer.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, adjacency: Tensor, n_layers: int, ego: bool) -> Tensor:
        ctx.adjacency, ctx.n_layers, ctx.ego = adjacency, n_layers, ego
        return _mean_of_powers(x, adjacency, n_layers, ego)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        mean = _mean_of_powers(grad.contiguous(), ctx.adjacency, ctx.n_layers, ctx.ego)
        return mean, None, None, None


def _mean_of_powers(x: Tensor, adjacency: Tensor, n_layers: int, ego: bool) -> Tensor:
    total = x
    for _ in range(n_layers if ego else n_layers - 1):  # Horner's rule: x + A (x + A (x + ...))
        total = sparse_product(adjacency, total).add_(x)
    if ego:
        return total / (n_layers + 1)
    return sparse_product(adjacency, total).div_(n_layers)


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
    return _Propagate.apply(x, adjacency, n_layers, True)  # type: ignore[no-any-return]


def propagate_without_ego(x: Tensor, adjacency: Tensor, n_layers: int) -> Tensor:
    r"""Propagate embeddings linearly and average all layers but the ego embeddings.

    .. math:: \frac{1}{K} \sum_{k=1}^{K} \hat{A}^k X

    A node without edges becomes 0 exactly; taking the ego embeddings off the mean of all layers
    would leave it their rounding errors.

    Args:
        x: Ego embeddings, users first, then items.
        adjacency: Symmetric sparse matrix; the gradient is wrong for any other.
        n_layers: Number of layers K.

    Shapes:
        - x: ``(N, D)``; adjacency: ``(N, N)``
        - returns: ``(N, D)``

    Raises:
        ValueError: ``n_layers`` is below 1.
    """
    if n_layers < 1:
        raise ValueError(f"without the ego n_layers must be at least 1, found {n_layers}")
    return _Propagate.apply(x, adjacency, n_layers, False)  # type: ignore[no-any-return]
