"""The contrastive loss of two views against its formula, and its gradients."""

import pytest
import torch
from torch.nn import functional as F

from recbole_pngnn.nn import contrastive
from recbole_pngnn.nn.contrastive import contrastive_loss

N, D, TEMPERATURE = 7, 3, 0.2


@pytest.fixture
def views():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(N, D, generator=generator, dtype=torch.float64) for _ in range(2))


def by_formula(first, second, batch):
    cosines = F.normalize(first, dim=1)[batch] @ F.normalize(second, dim=1).T
    return F.cross_entropy(cosines / TEMPERATURE, batch, reduction="sum")


@pytest.mark.parametrize("chunk_entries", [1, 2 * N, 2**18])  # a node, two nodes, all at once
@pytest.mark.parametrize("batch", [[3], [0, 6, 3, 3, 1, 3, 0], list(range(N)) * 2])
def test_loss_and_gradients_are_those_of_the_formula(views, batch, chunk_entries, monkeypatch):
    monkeypatch.setattr(contrastive, "CHUNK_ENTRIES", chunk_entries)
    batch = torch.tensor(batch)
    results = []
    for loss_of in (lambda *x: contrastive_loss(*x, TEMPERATURE), by_formula):
        leaves = [view.clone().requires_grad_() for view in views]
        loss = loss_of(*leaves, batch)
        (0.5 * loss).backward()
        results.append((loss, *(leaf.grad for leaf in leaves)))
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected)


def test_gradcheck(views):
    batch = torch.tensor([2, 2, 5])
    leaves = [view.requires_grad_() for view in views]
    assert torch.autograd.gradcheck(lambda a, c: contrastive_loss(a, c, batch, 0.5), leaves)


def test_a_small_temperature_does_not_overflow(views):
    first, second = (view.float() for view in views)
    assert torch.isfinite(contrastive_loss(first, second, torch.arange(N), 1e-3))


def test_an_empty_batch_costs_nothing(views):
    assert contrastive_loss(*views, torch.tensor([], dtype=torch.long), TEMPERATURE) == 0
