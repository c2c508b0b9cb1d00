"""The three readings against loops over triples."""

import math

import pytest
import torch

from recbole_pngnn.nn.losses import (
    disinterest_dual_bpr,
    fused_dual_bpr,
    partitioned_dual_bpr,
    squared_norms,
)

B, S = 6, 4


@pytest.fixture
def scores():
    generator = torch.Generator().manual_seed(0)
    shape = {"generator": generator, "dtype": torch.float64}
    return {
        "observed": torch.randn(B, **shape),
        "sampled": torch.randn(B, S, **shape),
        "observed_v": torch.randn(B, **shape),
        "sampled_v": torch.randn(B, S, **shape),
        "liked": torch.tensor([True, False, True, True, False, False]),
    }


def log_sigmoid(x):
    return math.log(1 / (1 + math.exp(-x)))


def by_loop(term):
    return -sum(term(row, column) for row in range(B) for column in range(S))


@pytest.mark.parametrize("b", [1.0, 2.0, 3.0])
def test_fused(scores, b):
    y, s, liked = scores["observed"], scores["sampled"], scores["liked"]
    expected = by_loop(
        lambda r, k: log_sigmoid((1.0 if liked[r] else b) * y[r].item() - s[r, k].item())
    )
    assert fused_dual_bpr(y, s, liked, b).item() == pytest.approx(expected)


@pytest.mark.parametrize("b", [1.0, 2.0])
def test_partitioned(scores, b):
    y, s, liked = scores["observed"], scores["sampled"], scores["liked"]

    def term(r, k):
        observed, sampled = y[r].item(), s[r, k].item()
        return log_sigmoid(observed - sampled if liked[r] else sampled - b * observed)

    assert partitioned_dual_bpr(y, s, liked, b).item() == pytest.approx(by_loop(term))


@pytest.mark.parametrize("b", [1.0, 3.0])
def test_disinterest(scores, b):
    z, zs, liked = scores["observed"], scores["sampled"], scores["liked"]
    v, vs = scores["observed_v"], scores["sampled_v"]

    def term(r, k):
        c, c_reversed = (1.0, b) if liked[r] else (b, 1.0)
        interest = log_sigmoid(c * z[r].item() - zs[r, k].item())
        return interest + log_sigmoid(c_reversed * v[r].item() - vs[r, k].item())

    found = disinterest_dual_bpr(z, zs, v, vs, liked, b)
    assert found.item() == pytest.approx(by_loop(term))


def test_losses_are_sums(scores):
    y, s, liked = scores["observed"], scores["sampled"], scores["liked"]
    once = fused_dual_bpr(y, s, liked, 2.0)
    twice = fused_dual_bpr(y.repeat(2), s.repeat(2, 1), liked.repeat(2), 2.0)
    torch.testing.assert_close(twice, 2 * once)


def test_directions_of_the_gradient(scores):
    for loss, disliked_sign in ((fused_dual_bpr, -1), (partitioned_dual_bpr, 1)):
        y = scores["observed"].clone().requires_grad_()
        loss(y, scores["sampled"], scores["liked"], 2.0).backward()
        assert (y.grad[scores["liked"]] < 0).all()  # a liked item goes up in both
        assert (disliked_sign * y.grad[~scores["liked"]] > 0).all()


def test_a_disliked_item_is_satisfied_sooner_than_a_liked_one():
    y, s = torch.tensor([1.0, 1.0]), torch.zeros(2, 1)
    rows = [fused_dual_bpr(y[:1], s[:1], torch.tensor([sign]), 2.0) for sign in (True, False)]
    assert rows[1] < rows[0]


def test_scores_that_overflow_the_naive_formula():
    y, s = torch.tensor([-500.0]), torch.tensor([[500.0]])
    assert fused_dual_bpr(y, s, torch.tensor([True]), 2.0).item() == pytest.approx(1000.0)


def test_squared_norms_equal_gathered_rows():
    embeddings = torch.randn(7, 3, dtype=torch.float64)
    used = torch.tensor([0, 2, 2, 6, 6, 6])
    counts = torch.bincount(used, minlength=7)
    expected = embeddings[used].square().sum()
    torch.testing.assert_close(squared_norms(embeddings, counts), expected)
