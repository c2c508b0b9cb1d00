import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from recbole_pngnn.nn.alias import AliasTable


def implied(table):
    """The distribution that a table stands for, outcome by outcome."""
    n = len(table._alias)
    kept = table._limit - torch.arange(n)
    probabilities = torch.zeros(n, dtype=torch.float64).index_add_(0, table._alias, 1.0 - kept)
    return (probabilities + kept) / n


@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1.0)), min_size=1, max_size=60).filter(any))
def test_the_table_stands_for_the_distribution(weights):
    probabilities = torch.tensor(weights, dtype=torch.float64)
    probabilities /= probabilities.sum()
    found = implied(AliasTable(probabilities))
    torch.testing.assert_close(found, probabilities, rtol=0, atol=1e-12)
    assert not found[probabilities == 0].any()  # not even by rounding


def one_by_one(probabilities):
    """Vose's table by a loop: the poorest is filled by the last of the rich, which may get poor."""
    n = len(probabilities)
    share, alias = (probabilities * n).tolist(), list(range(n))
    likeliest = max(alias, key=share.__getitem__)
    poor = sorted((i for i in alias if share[i] < 1.0), key=share.__getitem__, reverse=True)
    rich = [i for i in alias if share[i] >= 1.0]
    while poor and rich:
        filled = poor.pop()
        alias[filled] = rich[-1]
        share[rich[-1]] -= 1.0 - share[filled]
        if share[rich[-1]] < 1.0:
            poor.append(rich.pop())
    for i in poor + rich:
        if probabilities[i] > 0:
            share[i] = 1.0
        else:
            alias[i] = likeliest
    return torch.tensor(alias), torch.tensor(share, dtype=torch.float64) + torch.arange(n)


# Few values: sums that are 1 but for the rounding, which then decides what comes next.
LAWS = st.one_of(
    st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1.0)), min_size=1, max_size=60),
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0]), min_size=1, max_size=200),
    st.lists(st.integers(1, 10**6).map(lambda d: d**0.75), min_size=1, max_size=60),
)


@given(LAWS.filter(any))
def test_draws_of_one_seed_are_those_of_the_loop(weights):
    # To the last bit: another table of the same distribution draws other items.
    probabilities = torch.tensor(weights, dtype=torch.float64)
    probabilities /= probabilities.sum()
    alias, limit = one_by_one(probabilities)
    table = AliasTable(probabilities)
    assert torch.equal(table._alias, alias)
    assert torch.equal(table._limit, limit)


@pytest.mark.parametrize("law", ["even", "even but for padding", "power", "two values"])
def test_a_million_outcomes_take_no_time(law):
    weights = torch.ones(1_000_000, dtype=torch.float64)
    if law == "even but for padding":
        weights[0] = 0.0
    elif law == "power":
        weights = torch.arange(1, 1_000_001, dtype=torch.float64) ** -0.8
    elif law == "two values":
        weights[::2] = 3.0
    began = time.process_time()
    table = AliasTable(weights / weights.sum())
    assert time.process_time() - began < 0.8  # of the process, however loaded the machine is
    assert implied(table).sum() == pytest.approx(1.0)


def test_the_limits_keep_their_precision_whatever_the_model_becomes():
    table = AliasTable(torch.rand(1000, dtype=torch.float64, generator=torch.Generator()) / 500)
    holder, limit = torch.nn.ModuleList([table]), table._limit.clone()
    for convert in (holder.half, holder.float, holder.double):
        convert()
        assert torch.equal(table._limit, limit)
    assert holder.half().to("meta")[0]._limit.device.type == "meta"
    assert table._limit.dtype == torch.float64
    assert not holder.state_dict()


def test_frequencies():
    weights = torch.tensor([0.0, 5.0, 1.0, 1.0, 0.0, 3.0], dtype=torch.float64)
    probabilities = weights / weights.sum()
    drawn = AliasTable(probabilities).draw((50, 400), torch.Generator().manual_seed(1))
    assert drawn.shape == (50, 400)
    found = torch.bincount(drawn.view(-1), minlength=6).double()
    assert not found[weights == 0].any()
    possible = weights > 0
    assert chisquare(found[possible], 20_000 * probabilities[possible]).pvalue > 1e-4


@pytest.mark.parametrize("n", [3, 7, 3707])
@pytest.mark.parametrize("uniform", [0.0, 0.5, 1.0 - 2.0**-53])
def test_the_ends_of_the_uniform_numbers_are_possible_outcomes(n, uniform, monkeypatch):
    def constant(shape, *, device, generator, dtype):
        return torch.full(shape, uniform, device=device, dtype=dtype)

    probabilities = torch.zeros(n, dtype=torch.float64)
    probabilities[1] = 1.0
    table = AliasTable(probabilities)
    monkeypatch.setattr(torch, "rand", constant)
    assert table.draw((2,)).tolist() == [1, 1]
