"""The item-item regression against a solver, column by column."""

import numpy as np
import pytest
import torch

from recbole_pngnn.nn.regression import MOST_ITEMS, ItemRegression, standardised

N_USERS, N_ITEMS, RIDGE = 12, 6, 0.7


@pytest.fixture
def interactions():
    generator = torch.Generator().manual_seed(0)
    table = torch.rand(N_USERS, N_ITEMS, generator=generator)
    table[3] = 1.0  # a user without a history
    users, items = (table < 0.6).nonzero(as_tuple=True)
    weights = torch.where(torch.rand(len(users), generator=generator) < 0.5, 1.0, 0.3)
    return users, items, weights


def dense(interactions):
    matrix = np.zeros((N_USERS, N_ITEMS))
    matrix[interactions[0].numpy(), interactions[1].numpy()] = interactions[2].numpy()
    return matrix


def solved(matrix, counts, exponent):
    """Each column by ridge regression on the other columns, with weighted rows."""
    weights = np.maximum(counts, 1) ** (-2.0 * exponent)
    root = np.sqrt(weights / weights.mean())[:, None]
    solution = np.zeros((N_ITEMS, N_ITEMS))
    for column in range(N_ITEMS):
        others = [item for item in range(N_ITEMS) if item != column]
        design = np.vstack([root * matrix[:, others], np.sqrt(RIDGE) * np.eye(N_ITEMS - 1)])
        target = np.concatenate([root[:, 0] * matrix[:, column], np.zeros(N_ITEMS - 1)])
        solution[others, column] = np.linalg.lstsq(design, target, rcond=None)[0]
    return solution


@pytest.mark.parametrize("exponent", [0.0, 0.25, 0.5])
def test_the_closed_form_solves_each_column(interactions, exponent):
    matrix = dense(interactions)
    expected = solved(matrix, (matrix > 0).sum(1), exponent)
    model = ItemRegression(*interactions, N_USERS, N_ITEMS, RIDGE, exponent)
    found = model.fit()
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)
    users = torch.tensor([5, 3, 0])
    np.testing.assert_allclose(
        model.predict(users, found).numpy(), matrix[users.numpy()] @ expected, atol=1e-5
    )


def test_batches_of_users_make_one_gram(interactions, monkeypatch):
    whole = ItemRegression(*interactions, N_USERS, N_ITEMS, RIDGE, 0.25).fit()
    monkeypatch.setattr("recbole_pngnn.nn.regression.USERS_AT_ONCE", 5)
    parts = ItemRegression(*interactions, N_USERS, N_ITEMS, RIDGE, 0.25).fit()
    torch.testing.assert_close(parts, whole)


def test_cross_fitting_leaves_each_user_out(interactions):
    matrix = dense(interactions)
    model = ItemRegression(*interactions, N_USERS, N_ITEMS, RIDGE, 0.0)
    found = model.cross_fitted(3, torch.Generator().manual_seed(4)).numpy()
    fold = torch.randperm(N_USERS, generator=torch.Generator().manual_seed(4)).numpy() % 3
    assert set(fold) == {0, 1, 2}
    for user in range(N_USERS):
        kept = matrix * (fold != fold[user])[:, None]
        expected = matrix[user] @ solved(kept, np.ones(N_USERS), 0.0)
        np.testing.assert_allclose(found[user], expected, atol=1e-5)
    in_sample = model.predict(torch.arange(N_USERS), model.fit()).numpy()
    assert np.abs(found - in_sample).max() > 0.01


def test_too_many_items_are_refused(interactions):
    with pytest.raises(ValueError, match="at most 20000 items are taken: set item_item_weight"):
        ItemRegression(*interactions, N_USERS, MOST_ITEMS + 1, RIDGE, 0.0)


def test_standardised():
    scores = torch.tensor([[9.0, 1.0, 2.0, 3.0], [5.0, 4.0, 4.0, 4.0]])
    found = standardised(scores)
    deviation = (2 / 3) ** 0.5
    expected = torch.tensor([-1.0, 0.0, 1.0]) / deviation
    torch.testing.assert_close(found[0, 1:], expected)
    assert not found[1].any()
