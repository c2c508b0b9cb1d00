"""The contrastive loss of two views over a whole table, without the table of similarities."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

# Similarities held at a time: 1 MiB stays in a core's cache from the product to its gradient.
CHUNK_ENTRIES = 2**18


class _InfoNCE(torch.autograd.Function):
    """Loss and gradients chunk by chunk, both in the forward pass: the loss is a scalar."""

    @staticmethod
    def forward(
        ctx: Any, first: Tensor, second: Tensor, nodes: Tensor, counts: Tensor, temperature: float
    ) -> Tensor:
        grad_first, grad_second = torch.zeros_like(first), torch.zeros_like(second)
        loss = first.new_zeros(())
        chunk = max(1, CHUNK_ENTRIES // len(second))
        for rows, times in zip(nodes.split(chunk), counts.split(chunk), strict=True):
            anchors, own = first[rows] / temperature, second[rows]  # (C, D)
            logits = anchors @ second.T  # (C, N)
            largest = logits.amax(dim=1, keepdim=True)
            probabilities = logits.sub_(largest).exp_()
            normaliser = probabilities.sum(dim=1, keepdim=True)
            log_normaliser = (normaliser.log() + largest).view(-1)
            loss += (times * (log_normaliser - (anchors * own).sum(dim=1))).sum()
            probabilities *= times[:, None] / normaliser
            grad_first[rows] = (probabilities @ second - times[:, None] * own) / temperature
            grad_second.addmm_(probabilities.T, anchors)
            grad_second[rows] -= times[:, None] * anchors  # a node occurs once
        ctx.save_for_backward(grad_first, grad_second)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        grad_first, grad_second = ctx.saved_tensors
        return grad * grad_first, grad * grad_second, None, None, None


def contrastive_loss(first: Tensor, second: Tensor, batch: Tensor, temperature: float) -> Tensor:
    r"""Tell each node's second view from those of all other nodes (SGL, SIGIR 2021, Eq. 10).

    .. math:: -\sum_{b} \ln \frac{e^{\cos(a_b, c_b) / \tau}}{\sum_{j} e^{\cos(a_b, c_j) / \tau}}

    A node that occurs in the batch many times has the same term each time, which is computed once.

    Args:
        first: The first view a of all nodes.
        second: The second view c of all nodes.
        batch: Nodes of the batch, each as often as it occurs.
        temperature: Tau, above 0.

    Shapes:
        - first, second: ``(N, D)``; batch: ``(B,)``
        - returns: scalar
    """
    counts = torch.bincount(batch, minlength=len(first))
    nodes = counts.nonzero().view(-1)
    return _InfoNCE.apply(  # type: ignore[no-any-return]
        F.normalize(first, dim=1),
        F.normalize(second, dim=1),
        nodes,
        counts[nodes].to(first.dtype),
        temperature,
    )
