"""A model as a whole: pickled, copied, moved, and scored after whatever changed it."""

import copy
import io
import pickle

import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.utils import get_model, init_seed
from torch import Tensor, nn

from tests.model.test_pngnn import known_answer

PRESET = {
    "loss": "dual_softmax",
    "item_item_weight": 0.2,
    "item_item_train_weight": 0.1,
    "rating_slope": 1.0,
}
MODELS = {
    "fused": ("PNGNN", {}),
    "disinterest": ("PNGNN", {"reading": "disinterest", "disinterest_threshold": 0.0}),
    "preset": ("PNGNN", {**PRESET, "negative_graph": "sign"}),
    "sampled": ("PNGNN", {**PRESET, "softmax_samples": 9, "disliked_weight": None}),
    "SiReN": ("SiReN", {}),
    "SignedEASE": ("SignedEASE", {}),
}
LEARNT = [name for name in MODELS if name != "SignedEASE"]


@pytest.fixture
def build(atomic, make_config):
    def build_model(name):
        model, options = MODELS[name]
        if model != "SignedEASE":
            options = {"embedding_size": 8, "train_batch_size": 16, **options}
        train, test = known_answer()
        atomic("known", train, (), test)
        config = make_config(model, "known", topk=[1], valid_metric="NDCG@1", **options)
        init_seed(1, True)
        loader, *_ = data_preparation(config, create_dataset(config))
        init_seed(1, True)
        return get_model(model)(config, loader._dataset), loader

    return build_model


def step(model, batch):
    if any(p.requires_grad for p in model.parameters()):
        optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
        optimiser.zero_grad()
        model.calculate_loss(batch).backward()
        optimiser.step()


def scores(model):
    users = torch.arange(model.n_users)
    pairs = Interaction({"user_id": users, "item_id": users % model.n_items})
    with torch.no_grad():
        whole = model.full_sort_predict(Interaction({"user_id": users}))
        return torch.cat([whole, model.predict(pairs)])


def saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("name", MODELS)
def test_a_copy_is_the_model(build, name):
    model, loader = build(name)
    batch = next(iter(loader))
    step(model, batch)  # what is made in the first step goes with it
    model.eval()
    expected = scores(model)
    state = copy.deepcopy(model.state_dict())
    others = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model), saved(model)]
    for other in others:
        assert torch.equal(scores(other), expected)
        # And goes its own way.
        torch.manual_seed(3)
        other.train()
        step(other, batch)
        assert torch.equal(scores(model), expected)
    first = others[0].eval()
    for other in others[1:]:
        assert torch.equal(scores(other.eval()), scores(first))
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    assert state.keys() == dict(model.named_parameters()).keys()  # nothing that follows from data


def tensors(thing, seen):
    """Every tensor that can be reached from a model, in whatever holds it."""
    if id(thing) in seen or isinstance(thing, type):
        return
    seen[id(thing)] = thing
    if isinstance(thing, Tensor):
        yield thing
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from tensors(value, seen)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            yield from tensors(value, seen)
    elif isinstance(thing, nn.Module) or type(thing).__module__.startswith("recbole_pngnn"):
        yield from tensors(vars(thing), seen)


@pytest.mark.parametrize("name", MODELS)
def test_it_moves_whole(build, name):
    model, loader = build(name)
    step(model, next(iter(loader)))
    scores(model.eval())
    held = list(tensors(model, {}))
    assert len(held) > 6
    model.to("meta")
    assert [tensor for tensor in tensors(model, {}) if tensor.device.type != "meta"] == []


@pytest.mark.parametrize("name", MODELS)
def test_in_double_precision_it_scores_and_draws_the_same(build, name):
    model, loader = build(name)
    batch = next(iter(loader))
    expected = scores(model.eval())
    torch.manual_seed(5)
    loss = model.calculate_loss(batch)
    model.double()
    found = scores(model)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found.float(), expected, rtol=1e-4, atol=1e-4)
    torch.manual_seed(5)
    torch.testing.assert_close(model.calculate_loss(batch).float(), loss, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", LEARNT)
def test_scores_are_those_of_the_parameters_as_they_are(build, name):
    model, loader = build(name)
    batch = next(iter(loader))
    model.eval()
    before = scores(model)
    assert torch.equal(scores(model), before)

    def is_fresh():
        nonlocal before
        found = scores(model)
        assert not torch.equal(found, before)
        assert torch.equal(found, scores(copy.deepcopy(model).train().eval()))
        before = found

    step(model, batch)  # in evaluation
    is_fresh()
    with torch.no_grad():
        model.encoder.positive_ego[3] += 0.5
    is_fresh()
    model.encoder.positive_ego.data[4].neg_()  # which torch does not count
    is_fresh()
    model.load_state_dict({key: value * 1.5 for key, value in model.state_dict().items()})
    model.encoder.positive_ego.data[5] += 1.0  # where cosines count, a factor is no change
    is_fresh()
    model.double()
    assert scores(model).dtype == torch.float64
    model.float()
    model.train()
    with torch.no_grad():
        model.encoder.positive_ego[6] -= 0.5
    model.eval()
    is_fresh()


def test_pairs_are_scored_as_pairs(build, monkeypatch):
    model, _ = build("preset")
    model.item_item = None
    model.eval()
    expected = model.full_sort_predict(Interaction({"user_id": torch.arange(model.n_users)}))
    monkeypatch.setattr(model.sign, "forward", None)  # no table of users and items
    users, items = torch.tensor([3, 3, 0, 7]), torch.tensor([1, 20, 4, 0])
    found = model.predict(Interaction({"user_id": users, "item_id": items}))
    torch.testing.assert_close(found, expected.view(model.n_users, -1)[users, items])
