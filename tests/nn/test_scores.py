"""Pair scores against gathered rows."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.nn.scores import pair_scores


@given(
    n_rows=st.integers(1, 5),
    n_items=st.integers(1, 9),
    per_row=st.integers(1, 12),
    width=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_scores_and_gradients_equal_those_of_gathered_rows(n_rows, n_items, per_row, width, seed):
    generator = torch.Generator().manual_seed(seed)
    kind = {"generator": generator, "dtype": torch.float64}
    items = torch.randint(0, n_items, (n_rows, per_row), generator=generator)  # with repetitions
    weights = torch.randn(n_rows, per_row, **kind)
    users = torch.randn(n_rows, width, **kind).requires_grad_()
    table = torch.randn(n_items, width, **kind).requires_grad_()
    found = pair_scores(users, table, items)
    gradients = torch.autograd.grad((found * weights).sum(), (users, table))
    expected = (users[:, None, :] * table[items]).sum(dim=2)
    torch.testing.assert_close(found, expected)
    expected_gradients = torch.autograd.grad((expected * weights).sum(), (users, table))
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    "items",
    [
        [[0, 3, 3], [2, 0, 1]],  # an item twice in a row
        [[1, 1, 1]],
        [[0], [0], [3]],  # a row each
        [[0, 1, 2, 3, 0], [3, 3, 3, 3, 3]],  # more samples than items
    ],
)
def test_gradcheck(items):
    items = torch.tensor(items)
    users = torch.randn(len(items), 2, dtype=torch.float64, requires_grad=True)
    table = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda u, t: pair_scores(u, t, items), (users, table))


def test_gradients_that_are_not_contiguous():
    items = torch.tensor([[0, 3, 3], [2, 0, 1]])
    users = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    table = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 2, dtype=torch.float64)
    found = torch.autograd.grad((pair_scores(users, table, items).T * weights).sum(), table)
    gathered = (users[:, None, :] * table[items]).sum(dim=2)
    torch.testing.assert_close(found, torch.autograd.grad((gathered.T * weights).sum(), table))


@pytest.mark.parametrize("which", ["users", "items"])
def test_one_side_alone_may_need_a_gradient(which):
    items = torch.tensor([[0, 1]])
    users = torch.randn(1, 2, requires_grad=which == "users")
    table = torch.randn(3, 2, requires_grad=which == "items")
    pair_scores(users, table, items).sum().backward()
    if which == "users":
        torch.testing.assert_close(users.grad, table[:2].sum(dim=0)[None])
    else:
        torch.testing.assert_close(table.grad, torch.cat([users, users, torch.zeros(1, 2)]))
