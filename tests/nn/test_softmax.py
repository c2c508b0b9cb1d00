"""The multinomial losses against the formula written out, target by target."""

import math

import pytest
import torch

from recbole_pngnn.nn import memory, softmax
from recbole_pngnn.nn.softmax import (
    CatalogueSampler,
    UserSoftmax,
    UserTargets,
    dual_softmax,
    sampled_dual_softmax,
)

N_ITEMS, TAU = 7, 0.3
# User 2 has no targets; item 5 is nobody's; user 3 has targets of weight 0 alone.
USERS = torch.tensor([1, 0, 0, 3, 1, 0])
ITEMS = torch.tensor([6, 1, 4, 2, 3, 2])
WEIGHTS = torch.tensor([1.0, 1.0, 0.3, 0.0, 0.3, 1.0], dtype=torch.float64)
BATCH = torch.tensor([3, 0, 2, 1])


@pytest.fixture
def scores():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(len(BATCH), N_ITEMS, generator=generator, dtype=torch.float64)


@pytest.fixture
def targets():
    return UserTargets(USERS, ITEMS, WEIGHTS, n_users=4)


def written_out(scores):
    """Cross-entropy of each interaction against all items but the padding one."""
    total = weight_sum = 0.0
    for user, item, weight in zip(USERS.tolist(), ITEMS.tolist(), WEIGHTS.tolist(), strict=True):
        row = scores[BATCH.tolist().index(user)].tolist()
        normaliser = sum(math.exp(score / TAU) for score in row[1:])
        total -= weight * math.log(math.exp(row[item] / TAU) / normaliser)
        weight_sum += weight
    return total / weight_sum


def test_targets_of_a_batch(targets):
    rows, items, weights = targets.of(BATCH)
    found = sorted(zip(BATCH[rows].tolist(), items.tolist(), weights.tolist(), strict=True))
    assert found == sorted(zip(USERS.tolist(), ITEMS.tolist(), WEIGHTS.tolist(), strict=True))
    assert rows.tolist() == sorted(rows.tolist())
    assert [len(part) for part in targets.of(torch.tensor([2]))] == [0, 0, 0]


def test_targets_of_a_user_twice_in_a_batch(targets):
    rows, items, _ = targets.of(torch.tensor([1, 1]))
    assert rows.tolist() == [0, 0, 1, 1]
    assert sorted(items[:2].tolist()) == sorted(items[2:].tolist()) == [3, 6]


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match=r"must not be negative, found -0\.5"):
        UserTargets(USERS, ITEMS, WEIGHTS - 0.5, 4)


def test_dual_softmax(scores, targets):
    found = dual_softmax(scores, *targets.of(BATCH), TAU)
    assert found.item() == pytest.approx(written_out(scores), rel=1e-12)


def test_the_padding_item_is_not_in_the_catalogue(scores, targets):
    scores.requires_grad_()
    dual_softmax(scores, *targets.of(BATCH), TAU).backward()
    assert not scores.grad[:, 0].any()
    assert scores.grad[1, 1:].all()


def test_users_without_interactions(scores, targets):
    one = dual_softmax(scores, *targets.of(BATCH), TAU)
    scores[2] = 100.0  # the user without targets
    assert dual_softmax(scores, *targets.of(BATCH), TAU) == one
    alone = scores[2:3].clone().requires_grad_()
    loss = dual_softmax(alone, *targets.of(torch.tensor([2])), TAU)
    loss.backward()
    assert loss == 0.0
    assert not alone.grad.any()


def test_large_scores_do_not_overflow(scores, targets):
    found = dual_softmax(scores.float() * 1e4, *targets.of(BATCH), TAU)
    assert torch.isfinite(found)


def test_gradient(scores, targets):
    rows, items, weights = targets.of(BATCH)
    assert torch.autograd.gradcheck(
        lambda s: dual_softmax(s, rows, items, weights, TAU), scores.requires_grad_()
    )


def sampled_loss(scores, targets, drawn, probabilities):
    """The sampled form, with ``drawn`` items of the given probabilities of one draw."""
    rows, items, weights = targets.of(BATCH)
    rated = torch.zeros(len(BATCH), N_ITEMS, dtype=torch.bool)
    rated[rows, items] = True
    return sampled_dual_softmax(
        scores[rows, items],
        scores[:, drawn],
        (len(drawn) * probabilities[drawn]).log(),
        rated[:, drawn],
        rows,
        weights,
        TAU,
    )


def test_the_sampled_form_is_the_dense_one_where_all_items_are_drawn_alike(scores, targets):
    uniform = torch.full((N_ITEMS,), 1 / (N_ITEMS - 1), dtype=torch.float64)
    found = sampled_loss(scores, targets, torch.arange(1, N_ITEMS), uniform)
    assert found.item() == pytest.approx(written_out(scores), rel=1e-12)


def test_the_sampled_normaliser_is_unbiased(scores):
    # One user with one target: exp(loss) is its normaliser over exp(target). Its mean over what
    # can be drawn, by the probabilities of that, is the whole normaliser.
    q = torch.tensor([0.0, 0.3, 0.1, 0.2, 0.05, 0.25, 0.1], dtype=torch.float64)
    targets = UserTargets(torch.tensor([0]), torch.tensor([4]), torch.ones(1), 1)
    rows, items, weights = targets.of(torch.tensor([0]))
    expected = dual_softmax(scores[:1], rows, items, weights, TAU).exp()
    mean = 0.0
    for first in range(1, N_ITEMS):
        for second in range(1, N_ITEMS):
            drawn = torch.tensor([first, second])
            loss = sampled_dual_softmax(
                scores[0, items],
                scores[:1, drawn],
                (2 * q[drawn]).log(),
                (drawn == 4)[None],
                rows,
                weights,
                TAU,
            )
            mean += (q[first] * q[second] * loss.exp()).item()
    assert mean == pytest.approx(expected.item(), rel=1e-12)


def test_the_sampled_form_nears_the_dense_one(scores, targets):
    torch.manual_seed(0)
    gaps = []
    for n_samples in (2, 100_000):
        sampler = CatalogueSampler(USERS, ITEMS, 4, N_ITEMS, 0.75, n_samples)
        drawn, log_expected, excluded = sampler.draw(BATCH, torch.float64)
        rows, items, weights = targets.of(BATCH)
        found = sampled_dual_softmax(
            scores[rows, items], scores[:, drawn], log_expected, excluded, rows, weights, TAU
        )
        gaps.append(abs(found.item() - written_out(scores)))
    assert gaps[1] < 0.005 < gaps[0]


def test_gradient_of_the_sampled_form(scores, targets):
    q = torch.full((N_ITEMS,), 1 / (N_ITEMS - 1), dtype=torch.float64)
    drawn = torch.tensor([5, 2, 5, 1])
    assert torch.autograd.gradcheck(
        lambda s: sampled_loss(s, targets, drawn, q), scores.requires_grad_()
    )


def test_the_sampled_form_with_nothing_left_in_a_sample(targets):
    # User 0 rated each of the drawn items, user 2 nothing at all: no infinity, no NaN.
    scores = torch.randn(2, N_ITEMS, dtype=torch.float64, requires_grad=True)
    rows, items, weights = targets.of(torch.tensor([0, 2]))
    loss = sampled_dual_softmax(
        scores[rows, items],
        scores[:, [1, 2]] * 1e4,
        torch.zeros(2, dtype=torch.float64),
        torch.ones(2, 2, dtype=torch.bool),
        rows,
        weights,
        TAU,
    )
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(scores.grad).all()


def test_any_item_but_padding_can_be_drawn():
    torch.manual_seed(0)
    sampler = CatalogueSampler(USERS, ITEMS, 4, N_ITEMS, 0.5, 200_000)
    degrees = torch.bincount(ITEMS, minlength=N_ITEMS).double()
    expected = (1 + degrees).sqrt() * (torch.arange(N_ITEMS) > 0)
    expected /= expected.sum()
    torch.testing.assert_close(sampler.probabilities, expected)
    drawn, log_expected, excluded = sampler.draw(BATCH, torch.float64)
    shares = torch.bincount(drawn, minlength=N_ITEMS) / len(drawn)
    torch.testing.assert_close(shares.double(), expected, atol=5e-3, rtol=0)
    torch.testing.assert_close(log_expected, (200_000 * expected[drawn]).log())
    rated = {(u, i) for u, i in zip(USERS.tolist(), ITEMS.tolist(), strict=True)}
    for row, user in enumerate(BATCH.tolist()):
        for column in range(20):
            assert excluded[row, column] == ((user, int(drawn[column])) in rated)


@pytest.mark.parametrize("n_samples", [None, 200_000])
def test_offsets_are_added_to_the_logits(n_samples):
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    draw = {"generator": generator, "dtype": torch.float64}
    user_rows, item_table = torch.randn(4, 3, **draw), torch.randn(N_ITEMS, 3, **draw)
    offsets = torch.randn(4, N_ITEMS, **draw)
    liked = WEIGHTS == 1.0
    softmax = UserSoftmax(USERS, ITEMS, liked, None, 4, N_ITEMS, TAU, 0.3, n_samples=n_samples)
    found = softmax.loss(BATCH, user_rows, item_table, offsets)
    logits = user_rows @ item_table.T / TAU + offsets
    rows, items, weights = UserTargets(USERS, ITEMS, torch.where(liked, 1.0, 0.3), 4).of(BATCH)
    expected = dual_softmax(logits, rows, items, weights, 1.0)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6 if n_samples is None else 5e-3)


@pytest.mark.parametrize("n_samples", [None, 7])
def test_a_batch_that_does_not_fit_is_refused(n_samples, monkeypatch):
    users, items = torch.tensor([1, 2, 2]), torch.tensor([1, 2, 3])
    liked = torch.tensor([True, False, True])
    loss = UserSoftmax(users, items, liked, None, 3, 9, 0.2, n_samples=n_samples)
    rows, table = torch.randn(2, 4), torch.randn(9, 4)
    loss.loss(torch.tensor([1, 2]), rows, table)
    monkeypatch.setattr(memory, "available_bytes", lambda device: softmax.LOSS_BYTES * 2 * 7 + 1)
    loss.loss(torch.tensor([2, 1]), rows, table)  # so large a batch went before
    with pytest.raises(ValueError, match=r"the loss of 3 users over .* smaller train_batch_size"):
        loss.loss(torch.tensor([1, 2, 1]), torch.randn(3, 4), table)
