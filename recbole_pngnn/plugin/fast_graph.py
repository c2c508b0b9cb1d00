"""RecBole's LightGCN, NGCF and SGL on the fast sparse product, under the protocol ``signed``.

The same numbers but for their last bits, several times sooner.

SGL's time goes into its contrastive loss, every row of a batch against all users or items; it gets
the one that computes a node's term once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from recbole.model.general_recommender.lightgcn import LightGCN
from recbole.model.general_recommender.ngcf import NGCF
from recbole.model.general_recommender.sgl import SGL
from torch import Tensor
from torch.autograd.function import once_differentiable

from recbole_pngnn.nn.contrastive import contrastive_loss
from recbole_pngnn.nn.product import compressed, sparse_product
from recbole_pngnn.plugin.patching import wrap
from recbole_pngnn.plugin.scope import is_signed


class _SymmetricProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, x: Tensor) -> Tensor:
        ctx.matrix = matrix
        return sparse_product(matrix, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        return None, sparse_product(ctx.matrix, grad)


class SymmetricMatrix:
    """A symmetric sparse matrix that ``torch.sparse.mm`` multiplies by its fast layout.

    RecBole's graph models hold coordinates, which autograd transposes and sorts in every step. The
    matrix is symmetric, so its gradient needs the same compressed rows as its product.

    Args:
        matrix: ``(N, N)`` symmetric, sparse.
    """

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = compressed(matrix)

    def __deepcopy__(self, memo: dict[int, Any]) -> SymmetricMatrix:
        return self  # never written to; torch cannot copy CSR tensors

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is torch.sparse.mm and len(args) == 2 and isinstance(args[0], cls):
            return _SymmetricProduct.apply(args[0].matrix, args[1])
        return NotImplemented


def install() -> None:
    """Have the models use :class:`SymmetricMatrix` where ``fast_graph`` is set."""
    for model in (LightGCN, NGCF):
        wrap(model, "__init__", _with_fast_graph)
    wrap(SGL, "__init__", _remembering_fast_graph)
    wrap(SGL, "csr2tensor", _with_fast_graphs)
    wrap(SGL, "calc_ssl_loss", _with_fast_loss)


def _is_asked_for(config: Any) -> bool:
    # The same numbers but for their last bits, so it is for the protocol alone.
    return is_signed(config) and bool(config["fast_graph"])


def _with_fast_graph(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def __init__(self: Any, config: Any, dataset: Any) -> None:
        init(self, config, dataset)
        # NGCF's node dropout makes another, unsymmetric matrix in each step.
        if _is_asked_for(config) and not getattr(self, "node_dropout", 0):
            self.norm_adj_matrix = SymmetricMatrix(self.norm_adj_matrix)

    return __init__


def _remembering_fast_graph(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def __init__(self: Any, config: Any, dataset: Any) -> None:
        # Before torch's own constructor: SGL's makes the first graph.
        object.__setattr__(self, "fast_graph", _is_asked_for(config))
        init(self, config, dataset)

    return __init__


def _with_fast_graphs(csr2tensor: Callable[..., Tensor]) -> Callable[..., Any]:
    """SGL makes new graphs each epoch, by dropping users, items or edges: all symmetric."""

    @functools.wraps(csr2tensor)
    def wrapped(self: Any, matrix: Any) -> Tensor | SymmetricMatrix:
        graph = csr2tensor(self, matrix)
        return SymmetricMatrix(graph) if self.fast_graph else graph

    return wrapped


def _with_fast_loss(calc_ssl_loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @functools.wraps(calc_ssl_loss)
    def wrapped(
        self: Any,
        user_list: Tensor,
        pos_item_list: Tensor,
        user_sub1: Tensor,
        user_sub2: Tensor,
        item_sub1: Tensor,
        item_sub2: Tensor,
    ) -> Tensor:
        if not self.fast_graph:
            views = (user_sub1, user_sub2, item_sub1, item_sub2)
            return calc_ssl_loss(self, user_list, pos_item_list, *views)
        users = contrastive_loss(user_sub1, user_sub2, user_list, self.ssl_tau)
        items = contrastive_loss(item_sub1, item_sub2, pos_item_list, self.ssl_tau)
        return (users + items) * self.ssl_weight

    return wrapped
