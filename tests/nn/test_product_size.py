"""Indices that outgrow 32 bits, with the bound moved to where it can be tried."""

import pytest
import torch

from recbole_pngnn.nn import product
from recbole_pngnn.nn.graph import bipartite_adjacency, propagate
from recbole_pngnn.nn.product import add_product_, compressed, index_type, sparse_product
from recbole_pngnn.nn.scores import pair_scores


def matrix():
    generator = torch.Generator().manual_seed(2)
    dense = torch.rand(9, 14, generator=generator)
    return torch.where(dense < 0.5, dense, 0.0)


def test_the_bound_is_that_of_32_bits():
    assert index_type(2**31 - 1) == torch.int32
    assert index_type(2**31) == torch.int64


@pytest.mark.parametrize(
    ("bound", "dtype"), [(10**6, torch.int32), (62, torch.int32), (61, torch.int64)]
)
def test_more_non_zeros_have_wider_indices(bound, dtype, monkeypatch):
    monkeypatch.setattr(product, "_MOST_NARROW", bound)
    dense = matrix()
    found = compressed(dense.to_sparse_coo())
    assert found.values().numel() == 62
    assert found.crow_indices().dtype == found.col_indices().dtype == dtype
    x = torch.randn(14, 3)
    torch.testing.assert_close(sparse_product(found, x), dense @ x)


def test_more_columns_or_rows_than_non_zeros_count_too(monkeypatch):
    monkeypatch.setattr(product, "_MOST_NARROW", 12)
    one = torch.zeros(3, 14)
    one[1, 13] = 2.0
    for dense in (one, one.T):
        assert compressed(dense.to_sparse_coo()).col_indices().dtype == torch.int64


def test_a_model_on_wide_indices_is_the_same(monkeypatch):
    users, items = (matrix() > 0).nonzero(as_tuple=True)
    x, picks = torch.randn(23, 4), torch.randint(0, 14, (9, 5))

    def everything():
        rows, table = x[:9].clone().requires_grad_(), x[9:].clone().requires_grad_()
        scores = pair_scores(rows, table, picks)
        scores.square().sum().backward()
        adjacency = bipartite_adjacency(users, items, 9, 14)
        return propagate(x, adjacency, 3), scores.detach(), rows.grad, table.grad

    narrow = everything()
    monkeypatch.setattr(product, "_MOST_NARROW", 3)
    for wide, expected in zip(everything(), narrow, strict=True):
        assert torch.equal(wide, expected)


@pytest.mark.parametrize("rows_at_once", [1, 2, 4, 9, 100])
def test_a_product_is_added_in_parts(rows_at_once):
    sparse, x = compressed(matrix().to_sparse_coo()), torch.randn(14, 6)
    total = torch.randn(9, 6, dtype=torch.float64)
    expected = total + sparse_product(sparse, x)
    add_product_(total, sparse, x, rows_at_once)
    assert torch.equal(total, expected)
