"""The item-item regression against a solver, column by column."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from recbole_pngnn.nn import memory, regression, scores
from recbole_pngnn.nn.regression import (
    MOST_ITEMS,
    ItemItemTerm,
    ItemRegression,
    standardised,
)

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


def test_the_table_in_training_is_made_in_place(interactions, monkeypatch):
    model = ItemRegression(*interactions, N_USERS, N_ITEMS, RIDGE, 0.25)
    expected = model.cross_fitted(3, torch.Generator().manual_seed(5))
    expected = 0.4 * standardised(expected)
    monkeypatch.setattr(regression, "ENTRIES_AT_ONCE", 2 * N_ITEMS + 1)  # two users at a time
    term = ItemItemTerm(model, 0.1, train_weight=0.4, n_folds=3, seed=5)
    assert torch.equal(term.in_training(torch.arange(N_USERS)), expected)


@pytest.mark.parametrize("entries", [1, 2 * N_ITEMS, 10**6])
def test_pairs_are_picked_from_a_few_users_at_a_time(interactions, entries, monkeypatch):
    monkeypatch.setattr(scores, "ENTRIES_AT_ONCE", entries)
    model = ItemRegression(*interactions, N_USERS, N_ITEMS, RIDGE, 0.25)
    term = ItemItemTerm(model, 0.7)
    users = torch.tensor([7, 0, 7, 3, 11, 0, 5, 7])
    items = torch.tensor([5, 1, 2, 3, 4, 1, 0, 5])
    most = []
    predict = model.predict
    monkeypatch.setattr(model, "predict", lambda u, *a: most.append(len(u)) or predict(u, *a))
    found = term.pairs(users, items), model.pairs(users, items, term.solution)
    assert max(most) == min(5, max(1, entries // N_ITEMS))
    everybody = torch.arange(N_USERS)
    assert torch.equal(found[0], term(everybody)[users, items])
    assert torch.equal(found[1], model.predict(everybody, term.solution)[users, items])


def test_what_does_not_fit_is_refused_before_it_is_made(interactions, monkeypatch):
    model = ItemRegression(*interactions, N_USERS, N_ITEMS, RIDGE, 0.0)
    made = []
    monkeypatch.setattr(model, "_gram", lambda users: made.append(users))
    # 12 bytes a pair of items; 20 and 4 a user and item while cross-fitting; and dense rows.
    needs = {"fit": 12 * 36 + 4 * 12 * 6, "cross_fitted": 20 * 36 + 2 * 4 * 12 * 6}
    for name, arguments in (("fit", ()), ("cross_fitted", (3, torch.Generator()))):
        monkeypatch.setattr(memory, "available_bytes", lambda _, n=name: needs[n] - 1)
        with pytest.raises(ValueError, match=r"regression of 6 items.* takes .*weight to 0"):
            getattr(model, name)(*arguments)
    assert not made


MEASURE = """
import re, torch
from recbole_pngnn.nn.regression import ItemRegression
torch.set_num_threads(1)
n = 2200
users = torch.arange(600).repeat_interleave(20)
items = torch.randint(0, n, users.shape, generator=torch.Generator().manual_seed(0))
small = ItemRegression(users, items % 50, torch.ones(len(users)), 600, 50, 1.0, 0.0)
small.fit()  # libraries are loaded by now
small.cross_fitted(2, torch.Generator())
def peak():  # of this process; getrusage starts with that of the one which began it
    return 1024 * int(re.search("VmHWM:[^0-9]*([0-9]+)", open("/proc/self/status").read())[1])
promised = []
import recbole_pngnn.nn.regression as regression
large = ItemRegression(users, items, torch.ones(len(users)), 600, n, 1.0, 0.0)
regression.check_memory = lambda what, n_bytes, *_: promised.append(n_bytes)
before = peak()
large.cross_fitted(2, torch.Generator())
print(*promised, peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_the_cost_that_is_told_is_the_real_one():
    where = Path(regression.__file__).parents[2]
    command = [sys.executable, "-c", MEASURE]
    run = subprocess.run(command, cwd=where, capture_output=True, text=True, check=True)
    promised, found = map(int, run.stdout.split())
    # MKL takes 30 to 50 MiB for itself; one more matrix of the items would be 37 MiB beside that.
    assert 0.75 * promised < found < promised + 60 * 2**20
