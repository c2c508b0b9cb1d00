"""A kept result follows its module's parameters, whoever changes them."""

import copy
import pickle

import pytest
import torch
from torch import nn

from recbole_pngnn.nn import kept
from recbole_pngnn.nn.kept import Kept


@pytest.fixture
def module():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).eval()
    return module


def step(optimiser, **options):
    def change(module):
        module(torch.randn(5, 3)).square().sum().backward()
        optimiser(module.parameters(), lr=0.1, **options).step()

    return change


@torch.no_grad()
def written(module):
    module[0].weight[2, 1] += 1.0


def of_another(module):
    module.load_state_dict({k: v + 1 for k, v in module.state_dict().items()})


def assigned(module):
    module.load_state_dict({k: v + 1 for k, v in module.state_dict().items()}, assign=True)


CHANGES = {
    "adam": step(torch.optim.Adam),
    "fused adam": step(torch.optim.Adam, fused=True),
    "foreach": step(torch.optim.SGD, foreach=True),
    "written": written,
    "load_state_dict": of_another,
    "assign": assigned,
    "data": lambda module: module[0].weight.data.mul_(-1.0),
    "one number of data": lambda module: module[0].weight.data[3].neg_(),
    "other data": lambda module: setattr(module[0].bias, "data", torch.ones(4)),
    "initialised": lambda module: nn.init.xavier_normal_(module[0].weight.data),
    "double": lambda module: module.double(),
    "meta": lambda module: module.to("meta"),
    "a buffer": lambda module: module[1].running_mean.add_(1.0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_computed_again_after(module, change):
    results, results_kept = iter(range(9)), Kept()

    def get():
        return results_kept.get(module, lambda: next(results))

    assert [get(), get(), get()] == [0, 0, 0]
    CHANGES[change](module)
    assert [get(), get()] == [1, 1]
    results_kept.forget()
    assert get() == 2


def test_of_a_large_table_some_values_are_compared(module, monkeypatch):
    monkeypatch.setattr(kept, "COMPARED", 6)
    results, results_kept = iter(range(9)), Kept()
    for expected in (0, 1, 2):
        assert results_kept.get(module, lambda: next(results)) == expected
        module[0].weight.data += 0.1  # 12 numbers, as a whole


def test_copies_hold_no_result(module):
    one = Kept()
    one.get(module, lambda: 1)
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert other.get(module, lambda: 2) == 2
    assert one.get(module, lambda: 3) == 1
