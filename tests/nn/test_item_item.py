import pytest
import torch

from recbole_pngnn.nn import item_item
from recbole_pngnn.nn.item_item import ease_weights, ease_weights_


def objective(matrix, weights, reg):
    return (matrix - matrix @ weights).square().sum() + reg * weights.square().sum()


def test_the_closed_form_is_the_regression_of_each_item_on_the_others():
    torch.manual_seed(0)
    matrix = (torch.rand(30, 7, dtype=torch.float64) < 0.4).double()
    matrix += 0.3 * (torch.rand_like(matrix) < 0.2)
    weights = ease_weights(matrix.T @ matrix, 2.0)
    for item in range(7):
        others = [other for other in range(7) if other != item]
        x, y = matrix[:, others], matrix[:, item]
        by_hand = torch.linalg.solve(x.T @ x + 2.0 * torch.eye(6, dtype=torch.float64), x.T @ y)
        torch.testing.assert_close(weights[others, item], by_hand)
        assert weights[item, item] == 0


def test_nothing_near_it_is_better():
    torch.manual_seed(1)
    matrix = torch.rand(20, 5, dtype=torch.float64)
    weights = ease_weights(matrix.T @ matrix, 1.0)
    best = objective(matrix, weights, 1.0)
    for _ in range(20):
        step = 1e-3 * torch.randn_like(weights)
        step.fill_diagonal_(0.0)
        assert objective(matrix, weights + step, 1.0) > best


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_is_that_of_the_input(dtype):
    gram = torch.eye(3, dtype=dtype)
    kept = gram.clone()
    assert ease_weights(gram, 1.0).dtype == dtype
    assert torch.equal(gram, kept)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 40])
def test_in_its_own_memory_it_is_the_same_to_the_last_bit(n, monkeypatch):
    monkeypatch.setattr(item_item, "_BLOCK", 8)
    generator = torch.Generator().manual_seed(n)
    matrix = torch.rand(60, n, dtype=torch.float64, generator=generator)
    # As rounding does: the triangles differ a little, and the lower one counts.
    gram = matrix.T @ matrix + 1e-9 * torch.rand(n, n, dtype=torch.float64, generator=generator)
    plain = gram.clone()
    plain.diagonal().add_(3.0)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(plain))
    expected = (inverse / -inverse.diagonal()).fill_diagonal_(0.0)
    assert torch.equal(ease_weights(gram, 3.0), expected)
    found = ease_weights_(gram, 3.0)
    assert torch.equal(found, expected)
    assert found.data_ptr() == gram.data_ptr()
    assert found.is_contiguous()  # a product with it copies nothing
