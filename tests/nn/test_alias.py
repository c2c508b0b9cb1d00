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
