"""Inner products of chosen user-item pairs, without a row gathered for each pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from recbole_pngnn.nn.memory import ENTRIES_AT_ONCE
from recbole_pngnn.nn.product import index_type, sparse_product


class _SampledProduct(torch.autograd.Function):
    """Inner products of each row with its own columns, as a sampled dense-dense product.

    The scores are the non-zeros of a sparse matrix with one row a user, and so are their
    gradients: three sparse products replace gathering and scattering a row of D numbers for each
    pair.
    """

    @staticmethod
    def forward(ctx: Any, user_rows: Tensor, item_table: Tensor, items: Tensor) -> Tensor:
        ctx.save_for_backward(user_rows, item_table, items)
        pattern = _row_pattern(items, torch.zeros_like(items, dtype=user_rows.dtype), item_table)
        product = torch.sparse.sampled_addmm(pattern, user_rows, item_table.t(), beta=0.0)
        return product.values().view(items.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        user_rows, item_table, items = ctx.saved_tensors
        grad = grad.contiguous()
        grad_users = grad_items = None
        if ctx.needs_input_grad[0]:
            grad_users = sparse_product(_row_pattern(items, grad, item_table), item_table)
        if ctx.needs_input_grad[1]:
            grad_items = sparse_product(_column_pattern(items, grad, len(item_table)), user_rows)
        return grad_users, grad_items, None


def _row_pattern(items: Tensor, values: Tensor, item_table: Tensor) -> Tensor:
    """Sparse ``(B, n_items)`` matrix with ``values`` at each row's ``items``."""
    n_rows, per_row = items.shape
    indices = index_type(max(items.numel(), len(item_table)))
    starts = torch.arange(0, items.numel() + 1, per_row, dtype=indices, device=items.device)
    return torch.sparse_csr_tensor(
        starts,
        items.reshape(-1).to(indices),
        values.reshape(-1),
        (n_rows, len(item_table)),
        check_invariants=False,
    )


def _column_pattern(items: Tensor, values: Tensor, n_items: int) -> Tensor:
    """The transpose of :func:`_row_pattern`, ``(n_items, B)``, by a counting sort."""
    n_rows, per_row = items.shape
    flat = items.reshape(-1)
    indices = index_type(max(flat.numel(), n_items))
    order = torch.sort(flat.to(indices), stable=True).indices
    starts = torch.zeros(n_items + 1, dtype=indices, device=items.device)
    starts[1:] = torch.bincount(flat, minlength=n_items).cumsum(0)
    return torch.sparse_csr_tensor(
        starts,
        torch.div(order, per_row, rounding_mode="floor").to(indices),
        values.reshape(-1).index_select(0, order),
        (n_items, n_rows),
        check_invariants=False,
    )


def pair_scores(user_rows: Tensor, item_table: Tensor, items: Tensor) -> Tensor:
    r"""Score each user against a few items: :math:`s_{bk} = \langle u_b, i_{t(b,k)} \rangle`.

    Args:
        user_rows: Embedding of the user of each row.
        item_table: Embeddings of all items.
        items: Items to score, row by row; an item may occur in a row more than once.

    Shapes:
        - user_rows: ``(B, D)``; item_table: ``(n_items, D)``; items: ``(B, S)``
        - returns: ``(B, S)``
    """
    if items.shape[1] > len(item_table):  # more entries than sampled_addmm takes a matrix to have
        return (user_rows @ item_table.T).gather(1, items)
    if user_rows.device.type == "cpu" and torch.backends.mkl.is_available():
        return _SampledProduct.apply(user_rows, item_table, items)  # type: ignore[no-any-return]
    return torch.einsum("bd,bsd->bs", user_rows, item_table[items])


def picked_scores(
    table: Callable[[Tensor], Tensor], users: Tensor, items: Tensor, n_items: int
) -> Tensor:
    """Pick the scores of pairs from tables of all items, made for a few users at a time.

    For scores that need all items of a user; inner products alone need none.

    Args:
        table: Scores of all items, ``(U, n_items)``, for some users.
        users: User of each pair.
        items: Item of each pair.
        n_items: Number of items.

    Shapes:
        - users, items: ``(P,)``; returns: ``(P,)``
    """
    distinct, row = users.unique(return_inverse=True)
    at_once = max(1, ENTRIES_AT_ONCE // n_items)
    if len(distinct) <= at_once:
        return table(distinct)[row, items]
    chunk = torch.div(row, at_once, rounding_mode="floor")
    order = torch.sort(chunk, stable=True).indices
    parts = order.split(torch.bincount(chunk).tolist())
    picked = [
        table(some)[row[part] - n * at_once, items[part]]
        for n, (some, part) in enumerate(zip(distinct.split(at_once), parts, strict=True))
    ]
    return torch.cat(picked).index_select(0, torch.argsort(order))
