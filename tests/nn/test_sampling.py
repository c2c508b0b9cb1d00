"""Sampling against its law."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from recbole_pngnn.nn import sampling
from recbole_pngnn.nn.sampling import DegreeSampler, RatedPairs

# Item 0 is padding. Degrees of items 1 to 6: 4, 3, 3, 2, 1, 1; item 7 has none.
USERS = torch.tensor([1, 2, 3, 4, 1, 2, 3, 1, 2, 5, 1, 2, 1, 5])
ITEMS = torch.tensor([1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6])
N_USERS, N_ITEMS = 6, 8
# Tests of the law are at fixed seeds: they pass or fail for good.
SURPRISE = 1e-4


def sampler(**options):
    return DegreeSampler(USERS, ITEMS, N_USERS, N_ITEMS, **options)


def law(user, exponent):
    degrees = torch.bincount(ITEMS, minlength=N_ITEMS).double()
    weights = torch.where(degrees > 0, degrees**exponent, 0.0)
    weights[ITEMS[user == USERS]] = 0.0
    return weights / weights.sum()


@pytest.mark.parametrize("rounds", [16, 0])  # by rejection, and all from the exact distribution
@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
@pytest.mark.parametrize("user", [0, 1, 2, 5])  # user 1 rated all but item 6, user 0 nothing
def test_frequencies_match_the_law(user, exponent, dense, rounds, monkeypatch):
    monkeypatch.setattr(sampling, "REJECTION_ROUNDS", rounds)
    generator = torch.Generator().manual_seed(1)
    users = torch.full((400,), user)
    drawn = sampler(exponent=exponent, dense=dense).draw(users, 50, generator)
    found = torch.bincount(drawn.view(-1), minlength=N_ITEMS).double()
    expected = law(user, exponent) * drawn.numel()
    possible = expected > 0
    assert not found[~possible].any()  # never what was rated, padding, or an item without degree
    if possible.sum() > 1:
        assert chisquare(found[possible], expected[possible]).pvalue > SURPRISE
    else:
        assert found[possible].item() == drawn.numel()


def test_a_wrong_law_would_be_noticed():
    users, generator = torch.zeros(400, dtype=torch.int64), torch.Generator().manual_seed(1)
    drawn = sampler(exponent=0.75).draw(users, 50, generator)
    found = torch.bincount(drawn.view(-1), minlength=N_ITEMS).double()
    wrong = law(0, 1.0) * drawn.numel()
    assert chisquare(found[wrong > 0], wrong[wrong > 0]).pvalue < SURPRISE


def test_columns_are_independent_draws_of_the_rows_user():
    users = torch.tensor([1, 5] * 100)
    drawn = sampler().draw(users, 7, torch.Generator().manual_seed(0))
    assert drawn.shape == (200, 7)
    assert set(drawn[users == 1].flatten().tolist()) == {6}
    assert set(drawn[users == 5].flatten().tolist()) == {1, 2, 4, 5}


@pytest.mark.parametrize("rounds", [16, 1, 0])
def test_each_row_follows_the_law_of_its_own_user(rounds, monkeypatch):
    # Rows of all users in no order, and more of them than one chunk of the exact draws holds.
    monkeypatch.setattr(sampling, "REJECTION_ROUNDS", rounds)
    generator = torch.Generator().manual_seed(3)
    users = torch.randint(0, N_USERS, (3000,), generator=generator)
    drawn = sampler().draw(users, 20, generator)
    for user in range(N_USERS):
        found = torch.bincount(drawn[users == user].view(-1), minlength=N_ITEMS).double()
        expected = law(user, 0.75) * found.sum()
        possible = expected > 0
        assert not found[~possible].any()
        if possible.sum() > 1:
            assert chisquare(found[possible], expected[possible]).pvalue > SURPRISE


def test_degrees_count_repeated_interactions_and_full_users_do_not():
    # Item 1 was rated three times by user 1, who thereby has still not rated item 2.
    users, items = torch.tensor([1, 1, 1, 2]), torch.tensor([1, 1, 1, 2])
    repeated = DegreeSampler(users, items, 3, 3, exponent=1.0)
    assert repeated.probabilities.tolist() == [0.0, 0.75, 0.25]
    assert repeated.draw(torch.tensor([1, 2]), 3).tolist() == [[2, 2, 2], [1, 1, 1]]


@pytest.mark.parametrize("rounds", [16, 1, 0])
def test_seeds_of_redrawn_and_exact_draws(rounds, monkeypatch):
    # All of the randomness is the generator's; torch's own stays where it was.
    monkeypatch.setattr(sampling, "REJECTION_ROUNDS", rounds)
    users = torch.arange(N_USERS).repeat(20)
    torch.manual_seed(1)
    one = sampler().draw(users, 5, torch.Generator().manual_seed(7))
    undisturbed = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), undisturbed)
    assert torch.equal(one, sampler().draw(users, 5, torch.Generator().manual_seed(7)))


def test_seeds():
    users = torch.zeros(50, dtype=torch.int64)
    one, two, other = (
        sampler().draw(users, 5, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    torch.manual_seed(4)
    first = sampler().draw(users, 5)
    torch.manual_seed(4)
    assert torch.equal(first, sampler().draw(users, 5))


@given(
    pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=25),
    asked=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25),
)
def test_both_tables_know_the_pairs(pairs, asked):
    columns = torch.tensor(pairs, dtype=torch.int64).view(-1, 2)
    questions = torch.tensor(asked)
    expected = [pair in pairs for pair in asked]
    for dense in (True, False):
        table = RatedPairs(columns[:, 0], columns[:, 1], 5, 5, dense)
        assert table.contains(questions[:, 0], questions[:, 1]).tolist() == expected


def test_the_table_is_dense_where_it_is_small(monkeypatch):
    assert sampler().rated.dense
    monkeypatch.setattr(sampling, "DENSE_TABLE_BYTES", N_USERS * N_ITEMS - 1)
    assert not sampler().rated.dense


def test_a_user_who_rated_all_of_the_training_gets_what_nobody_rated():
    users, items = torch.cat([USERS, torch.tensor([1])]), torch.cat([ITEMS, torch.tensor([6])])
    drawn = DegreeSampler(users, items, N_USERS, N_ITEMS).draw(torch.tensor([1, 2]), 50)
    assert set(drawn[0].tolist()) == {7}
    assert set(drawn[1].tolist()) == {5, 6}


def test_a_user_who_rated_all_there_is_is_an_error():
    users, items = torch.cat([USERS, torch.tensor([1])]), torch.cat([ITEMS, torch.tensor([6])])
    with pytest.raises(ValueError, match=r"1 user\(s\) rated all 6 items .*user number 1\)"):
        DegreeSampler(users, items, N_USERS, 7)


def test_pairs_that_are_rated_and_not_trained_on_are_not_drawn():
    also = torch.tensor([[2, 5], [0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [0, 6], [0, 7]])
    found = sampler(also_rated=also)  # user 0 rated all and asks for nothing
    assert set(found.draw(torch.tensor([2]), 50).view(-1).tolist()) == {6}
    assert torch.equal(found.probabilities, sampler().probabilities)


def test_no_interactions_are_an_error():
    nothing = torch.empty(0, dtype=torch.int64)
    with pytest.raises(ValueError, match="no training interactions"):
        DegreeSampler(nothing, nothing, 2, 2)


@pytest.mark.parametrize("entries", [1, 3 * N_ITEMS, 2**24])
def test_exact_distributions_of_a_few_users_at_a_time(entries, monkeypatch):
    monkeypatch.setattr(sampling, "REJECTION_ROUNDS", 0)
    monkeypatch.setattr(sampling, "EXACT_ENTRIES", entries)
    rows, multinomial = [], torch.multinomial

    def counted(weights, *arguments, **options):
        rows.append(len(weights))
        return multinomial(weights, *arguments, **options)

    monkeypatch.setattr(torch, "multinomial", counted)
    users = torch.arange(N_USERS).repeat(50)
    drawn = sampler().draw(users, 4, torch.Generator().manual_seed(2))
    assert max(rows) <= max(1, min(1024, entries // N_ITEMS))
    for user in range(N_USERS):
        assert set(drawn[users == user].flatten().tolist()) <= set(
            law(user, 0.75).nonzero().view(-1).tolist()
        )
