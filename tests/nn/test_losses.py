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


@pytest.mark.parametrize("loss", [fused_dual_bpr, partitioned_dual_bpr, disinterest_dual_bpr])
def test_losses_are_sums(scores, loss):
    # Over rows and over samples alike.
    inputs = [scores["observed"], scores["sampled"]]
    if loss is disinterest_dual_bpr:
        inputs += [scores["observed_v"], scores["sampled_v"]]
    once = loss(*inputs, scores["liked"], 2.0)
    rows = [torch.cat([x, x]) for x in inputs]
    torch.testing.assert_close(loss(*rows, scores["liked"].repeat(2), 2.0), 2 * once)
    samples = [x if x.dim() == 1 else torch.cat([x, x], dim=1) for x in inputs]
    torch.testing.assert_close(loss(*samples, scores["liked"], 2.0), 2 * once)


def raised(*scores):
    """Which scores a step of gradient descent raises."""
    return [score.grad < 0 for score in scores]


def test_fused_raises_what_was_observed_over_the_sampled(scores):
    y, s = scores["observed"].requires_grad_(), scores["sampled"].requires_grad_()
    fused_dual_bpr(y, s, scores["liked"], 2.0).backward()
    observed, sampled = raised(y, s)
    assert observed.all()  # a disliked item stands above an unobserved one too
    assert not sampled.any()


def test_partitioned_raises_the_liked_and_lowers_the_disliked(scores):
    y, s = scores["observed"].requires_grad_(), scores["sampled"].requires_grad_()
    partitioned_dual_bpr(y, s, scores["liked"], 2.0).backward()
    observed, sampled = raised(y, s)
    assert observed.tolist() == scores["liked"].tolist()
    assert sampled.tolist() == [[not liked] * S for liked in scores["liked"].tolist()]


def test_disinterest_raises_both_scores_of_what_was_observed(scores):
    names = ("observed", "sampled", "observed_v", "sampled_v")
    z, zs, v, vs = (scores[name].requires_grad_() for name in names)
    disinterest_dual_bpr(z, zs, v, vs, scores["liked"], 3.0).backward()
    assert all(observed.all() for observed in raised(z, v))
    assert not any(sampled.any() for sampled in raised(zs, vs))


def test_disinterest_orders_the_two_signs_the_other_way_round():
    # One liked and one disliked triple that are equal otherwise: interest is content with the
    # disliked item sooner, disinterest with the liked one.
    one, none = torch.ones(1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    far = 100 * one  # a score so high that its term is nothing

    def loss(liked, z, v):
        return disinterest_dual_bpr(z, none, v, none, torch.tensor([liked]), 3.0).item()

    assert loss(True, one, far) == pytest.approx(-log_sigmoid(1.0))
    assert loss(False, one, far) == pytest.approx(-log_sigmoid(3.0))
    assert loss(True, far, one) == pytest.approx(-log_sigmoid(3.0))
    assert loss(False, far, one) == pytest.approx(-log_sigmoid(1.0))


def test_a_disliked_item_is_satisfied_sooner_than_a_liked_one():
    y, s = torch.tensor([1.0, 1.0]), torch.zeros(2, 1)
    rows = [fused_dual_bpr(y[:1], s[:1], torch.tensor([sign]), 2.0) for sign in (True, False)]
    assert rows[1] < rows[0]


def test_scores_that_overflow_the_naive_formula():
    low, high, liked = torch.tensor([-500.0]), torch.tensor([[500.0]]), torch.tensor([True])
    assert fused_dual_bpr(low, high, liked, 2.0).item() == pytest.approx(1000.0)
    assert partitioned_dual_bpr(low, high, liked, 2.0).item() == pytest.approx(1000.0)
    assert partitioned_dual_bpr(-low, -high, ~liked, 2.0).item() == pytest.approx(1500.0)


def test_squared_norms_equal_gathered_rows():
    embeddings = torch.randn(7, 3, dtype=torch.float64)
    used = torch.tensor([0, 2, 2, 6, 6, 6])
    counts = torch.bincount(used, minlength=7)
    expected = embeddings[used].square().sum()
    torch.testing.assert_close(squared_norms(embeddings, counts), expected)


def test_weights_equal_repeated_rows(scores):
    liked = scores["liked"]
    times = torch.tensor([1, 2, 0, 3, 1, 2])
    y, s, v, t = (scores[name] for name in ("observed", "sampled", "observed_v", "sampled_v"))
    for loss, parts in (
        (fused_dual_bpr, (y, s)),
        (partitioned_dual_bpr, (y, s)),
        (disinterest_dual_bpr, (y, s, v, t)),
    ):
        weighted = loss(*parts, liked, 2.0, times.double())
        repeated = [part.repeat_interleave(times, dim=0) for part in (*parts, liked)]
        torch.testing.assert_close(weighted, loss(*repeated, 2.0))
