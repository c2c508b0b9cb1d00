"""PNGNN inside RecBole, on a data set with a known answer."""

import copy
import logging
import math

import pytest
import torch
import yaml
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.data.transform import construct_transform
from recbole.utils import get_flops, get_model, init_seed

import recbole_pngnn
from recbole_pngnn.model.pngnn import PNGNN, READINGS
from recbole_pngnn.plugin.config import properties_dir
from recbole_pngnn.plugin.registration import MODELS

N = 20
NO_DROPOUT = {"fused": {"attention_dropout": 0.0}}  # the reading with attention


def known_answer():
    """Even users like even items, odd users odd ones; of the others some are disliked.

    The diagonal is withheld: what each user has to be recommended, of half of the items unrated.
    """
    train, test = [], []
    for user in range(N):
        for item in range(N):
            if (user + item) % 2:
                if (user + item) % 4 == 1:
                    train.append((f"u{user}", f"i{item}", 1 + (item % 3)))
            elif user == item:
                test.append((f"u{user}", f"i{item}", 5))
            else:
                train.append((f"u{user}", f"i{item}", 4 + (item % 2)))
    return train, test


@pytest.fixture
def build(atomic, make_config):
    """Build a PNGNN on the known-answer data, or on rows of one's own.

    ``build.dataset`` is then the training part.
    """

    def build_model(train=None, valid=(), test=None, seed=1, **options):
        rows, withheld = known_answer()
        test = withheld if test is None else test
        atomic("known", rows if train is None else train, valid, test)
        config = make_config("PNGNN", "known", **{"topk": [1], "embedding_size": 8, **options})
        init_seed(seed, True)
        data = data_preparation(config, create_dataset(config))
        init_seed(seed, True)
        build_model.dataset = data[0]._dataset  # of the last model, for its ids
        return get_model("PNGNN")(config, build_model.dataset)

    return build_model


def batch_of(model, n=64):
    generator = torch.Generator().manual_seed(0)
    return Interaction(
        {
            "user_id": torch.randint(1, model.n_users, (n,), generator=generator),
            "item_id": torch.randint(1, model.n_items, (n,), generator=generator),
            "label": torch.randint(0, 2, (n,), generator=generator).float(),
        }
    )


@pytest.mark.parametrize("reading", READINGS)
def test_the_known_answer(atomic, reading):
    train, test = known_answer()
    atomic("known", train, [], test)
    options = {
        "data_path": "dataset",
        "reading": reading,
        "epochs": 60,
        "embedding_size": 16,
        "train_batch_size": 64,
        "metrics": ["Hit"],
        "topk": [1],
        "show_progress": False,
    }
    record = recbole_pngnn.run("PNGNN", "known", config_dict=options)
    assert record["test_result"]["hit@1"] == 1.0


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("reg_target", ["fused", "ego"])
def test_every_parameter_gets_a_gradient(build, reading, reg_target):
    model = build(reading=reading, reg_target=reg_target)
    model.train()
    model.calculate_loss(batch_of(model)).backward()
    names = {name for name, _ in model.named_parameters()}
    assert {"encoder.positive_ego", "encoder.negative_ego"} <= names
    assert ("attention.project.weight" in names) == (reading == "fused")
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("reg_target", ["fused", "ego"])
def test_the_loss_is_that_of_its_triples(build, reading, reg_target, monkeypatch):
    model = build(
        reading=reading,
        reg_target=reg_target,
        **NO_DROPOUT.get(reading, {}),
        feedback_coefficient=3.0,
        n_samples=2,
        reg_weight=0.3,
    ).double()
    draw, drawn = model.sampler.draw, []
    monkeypatch.setattr(model.sampler, "draw", lambda *args: drawn.append(draw(*args)) or drawn[-1])
    batch = batch_of(model, 7)
    found = model.calculate_loss(batch).item()

    encoder, n_users = model.encoder, model.n_users
    z, v = encoder()
    fused = model.attention(z, v) if reading == "fused" else None
    rows = zip(batch["user_id"], batch["item_id"], batch["label"] > 0, *drawn, strict=True)
    expected = 0.0
    for user, observed, liked, sampled in rows:
        for item in sampled:

            def y(x, user=user, observed=observed):
                return x[user] @ x[n_users + observed]

            def y_sampled(x, user=user, item=item):
                return x[user] @ x[n_users + item]

            c, c_reversed = (1.0, 3.0) if liked else (3.0, 1.0)
            if reading == "fused":
                gains = [c * y(fused) - y_sampled(fused)]
            elif reading == "disinterest":
                gains = [c * y(z) - y_sampled(z), c_reversed * y(v) - y_sampled(v)]
            else:
                gains = [y(z) - y_sampled(z) if liked else y_sampled(v) - 3.0 * y(v)]
            expected -= sum(math.log(1 / (1 + math.exp(-gain.item()))) for gain in gains)
    penalty = model._penalty(
        z if fused is None else fused,
        v,
        batch["user_id"],
        torch.cat([batch["item_id"][:, None], *drawn], dim=1),
        batch["label"] > 0,
    )
    assert drawn[0].shape == (7, 2)
    assert found == pytest.approx(expected + 0.3 * penalty.item(), rel=1e-9)


def test_the_graphs_and_the_degrees_are_those_of_the_training_rows(build):
    rows, _ = known_answer()  # where all items have one degree: some rows go
    train = [row for row in rows if int(row[0][1:]) % (int(row[1][1:]) % 4 + 1) == 0]
    model = build(train, sampling_exponent=0.5)
    ids = [
        (build.dataset.token2id("user_id", user), build.dataset.token2id("item_id", item), rating)
        for user, item, rating in train
    ]
    for name, wanted in (("positive", True), ("negative", False)):
        edges = torch.zeros(model.n_users, model.n_items)
        for user, item, rating in ids:
            edges[user, item] += float((rating > 3.5) == wanted)
        block = getattr(model.encoder, f"{name}_adjacency")().to_dense()
        normalised = edges / (edges.sum(1, keepdim=True) * edges.sum(0)).sqrt().clamp(min=1)
        torch.testing.assert_close(block[: model.n_users, model.n_users :], normalised)
    degrees = torch.bincount(torch.tensor([item for _, item, _ in ids]), minlength=model.n_items)
    expected = degrees.double().sqrt() / degrees.double().sqrt().sum()
    torch.testing.assert_close(model.sampler.probabilities, expected)


def test_options_reach_what_they_name(build):
    model = build(
        embedding_size=6, n_layers=3, attention_dropout=0.25, n_samples=5, reg_weight=0.125
    )
    assert model.encoder.positive_ego.shape == (model.n_users + model.n_items, 6)
    assert model.encoder.n_layers == 3
    assert model.attention.dropout.share == 0.25
    assert (model.n_samples, model.reg_weight) == (5, 0.125)


@pytest.mark.parametrize("reading", READINGS)
def test_the_score_that_ranks(build, reading):
    model = build(reading=reading).eval()
    z, v = model.encoder()
    ranking = model.attention(z, v) if reading == "fused" else z
    users = torch.arange(1, model.n_users)
    expected = ranking[users] @ ranking[model.n_users :].T
    torch.testing.assert_close(
        model.full_sort_predict(Interaction({"user_id": users})), expected.detach().view(-1)
    )


@pytest.mark.parametrize(
    ("reading", "threshold"), [*((reading, None) for reading in READINGS), ("disinterest", 0.0)]
)
def test_predict_agrees_with_full_sort_predict(build, reading, threshold):
    model = build(reading=reading, disinterest_threshold=threshold)
    model.eval()
    users = torch.arange(1, model.n_users)
    table = model.full_sort_predict(Interaction({"user_id": users}))
    pairs = {
        "user_id": users.repeat_interleave(model.n_items),
        "item_id": torch.arange(model.n_items).repeat(len(users)),
    }
    torch.testing.assert_close(model.predict(Interaction(pairs)), table)


def test_items_of_much_disinterest_go_last_in_their_order(build):
    plain = build(reading="disinterest")
    demoting = build(reading="disinterest", disinterest_threshold=0.0)
    users = Interaction({"user_id": torch.arange(1, plain.n_users)})
    for model in (plain, demoting):  # scores of a trained model are far from zero
        model.encoder.positive_ego.data *= 20.0
    scores = [
        model.eval().full_sort_predict(users).view(-1, model.n_items) for model in (plain, demoting)
    ]
    v = plain.encoder()[1].detach()
    demoted = v[users["user_id"]] @ v[plain.n_users :].T > 0.0
    assert 0.1 < demoted.float().mean() < 0.9
    assert scores[0][demoted].max() > 2.0
    assert scores[0][~demoted].min() < -2.0
    assert scores[1][demoted].max() < scores[1][~demoted].min()
    for before, after, last in zip(*scores, demoted, strict=True):
        for group in (last, ~last):
            assert torch.equal(before[group].argsort(), after[group].argsort())


def test_a_checkpoint_restores_equal_scores(build, tmp_path):
    trained, fresh = build(seed=1), build(seed=2)
    users = Interaction({"user_id": torch.arange(1, trained.n_users)})
    before = fresh.eval().full_sort_predict(users)
    torch.save(trained.state_dict(), tmp_path / "state.pth")
    fresh.load_state_dict(torch.load(tmp_path / "state.pth"))  # forgets what it had computed
    expected = trained.eval().full_sort_predict(users)
    assert torch.equal(fresh.full_sort_predict(users), expected)
    assert not torch.equal(before, expected)
    # The graphs follow from the data: a checkpoint does not hold them.
    assert not any("adjacency" in name for name in trained.state_dict())


def test_embeddings_are_computed_once_for_one_switch_to_evaluation(build, monkeypatch):
    model = build()
    forward, calls = model.forward, []
    monkeypatch.setattr(model, "forward", lambda: calls.append(1) or forward())
    users = Interaction({"user_id": torch.tensor([1, 2]), "item_id": torch.tensor([1, 2])})
    for switch in range(1, 3):
        model.eval()
        for _ in range(3):
            model.predict(users)
            assert not model.full_sort_predict(users).requires_grad
        assert len(calls) == switch


def test_predictions_while_training_follow_the_parameters(build):
    model = build(attention_dropout=0.0).train()
    users = Interaction({"user_id": torch.arange(1, model.n_users)})
    first = model.full_sort_predict(users)
    with torch.no_grad():
        model.encoder.positive_ego.mul_(2.0)
    assert not torch.equal(model.full_sort_predict(users), first)


def test_embeddings_are_forgotten_after_a_step(build):
    model = build()
    users = Interaction({"user_id": torch.arange(1, model.n_users)})
    first = model.eval().full_sort_predict(users)
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.calculate_loss(batch_of(model)).backward()
    optimizer.step()
    assert not torch.equal(model.eval().full_sort_predict(users), first)


def test_a_copy_predicts_the_same(build):
    model = build().eval()  # RecBole copies models to count their operations
    users = Interaction({"user_id": torch.arange(1, model.n_users)})
    expected = model.full_sort_predict(users)
    assert torch.equal(copy.deepcopy(model).full_sort_predict(users), expected)


def test_recboles_count_of_operations_leaves_the_model_as_it_is(build):
    model = build()
    users = Interaction({"user_id": torch.arange(1, model.n_users)})
    expected = model.eval().full_sort_predict(users)  # and its embeddings are at hand
    buffers = [name for name, _ in model.named_buffers()]
    flops = get_flops(
        model,
        build.dataset,
        model.device,
        logging.getLogger(),
        construct_transform({"transform": None}),
    )
    assert flops > 0
    assert [name for name, _ in model.named_buffers()] == buffers
    assert torch.equal(model.full_sort_predict(users), expected)


def test_one_seed_is_one_result(atomic):
    train, test = known_answer()
    atomic("known", train, [], test)

    def run(seed):
        options = {"seed": seed, "epochs": 3, "topk": [1, 5], "data_path": "dataset"}
        record = recbole_pngnn.run(
            "PNGNN", "known", config_dict={**options, "show_progress": False}
        )
        return torch.load(record["checkpoint"], weights_only=False)["state_dict"]

    one, same, other = run(1), run(1), run(2)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["encoder.positive_ego"], other["encoder.positive_ego"])


def test_nothing_of_validation_or_test_reaches_the_model(build):
    # Ids are numbered over all parts, so the other parts must name nobody new.
    valid = [("u0", "i0", 5), ("u1", "i1", 5)]
    test = [(f"u{user}", f"i{user}", 5) for user in range(2, N)]
    one = build(valid=valid, test=test)
    unrated = [(f"u{user}", f"i{(3 - user) % 4}", 5) for user in range(N)]  # of four items alone
    other = build(valid=[("u3", "i3", 1), *unrated[10:]], test=unrated[:10])
    for name in ("positive_adjacency", "negative_adjacency"):
        ours, theirs = (getattr(model.encoder, name)().to_dense() for model in (one, other))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    assert torch.equal(one.sampler.probabilities, other.sampler.probabilities)
    assert torch.equal(one.sampler.rated._table, other.sampler.rated._table)
    losses = []
    for model in (one, other):
        torch.manual_seed(5)
        losses.append(model.train().calculate_loss(batch_of(model)))
    assert torch.equal(*losses)


def test_scores_change_when_dislikes_are_removed(build):
    train, test = known_answer()
    likes = [row for row in train if row[2] > 3.5]
    with_them, without = build(train, test=test), build(likes, test=test)
    assert with_them.n_items == without.n_items
    without.load_state_dict(with_them.state_dict())
    users = Interaction({"user_id": torch.arange(1, with_them.n_users)})
    scores = [model.eval().full_sort_predict(users) for model in (with_them, without)]
    assert not torch.allclose(*scores)
    assert not without.encoder.negative_adjacency().to_dense().any()


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("reg_target", ["fused", "ego"])
def test_the_penalty_is_that_of_gathered_rows(build, reading, reg_target):
    options = NO_DROPOUT.get(reading, {})
    model = build(reading=reading, reg_target=reg_target, **options).double()
    torch.manual_seed(0)
    users = torch.randint(1, model.n_users, (5,))
    items = torch.randint(1, model.n_items, (5, 3))
    liked = torch.tensor([True, False, True, False, False])
    ranking, v = model.forward()
    found = model._penalty(ranking, v, users, items, liked)

    encoder = model.encoder
    z_like = encoder.positive_ego if reg_target == "ego" else ranking
    v_like = encoder.negative_ego if reg_target == "ego" else v
    expected = 0.0
    for row in range(5):
        if reading == "partitioned":
            targets = [z_like if liked[row] else v_like]
        elif reading == "fused" and reg_target == "fused":
            targets = [ranking]
        else:
            targets = [z_like, v_like]
        for target in targets:
            expected += target[users[row]].square().sum().item()
            for item in items[row]:
                expected += target[model.n_users + item].square().sum().item()
    assert found.item() == pytest.approx(expected, rel=1e-9)


def test_a_batch_counts_observed_interactions(atomic, make_config):
    train, test = known_answer()
    atomic("known", train, [], test)
    config = make_config("PNGNN", "known", topk=[1], train_batch_size=64)
    loader, *_ = data_preparation(config, create_dataset(config))
    batch = next(iter(loader))
    assert len(batch) == 64
    assert set(batch["label"].tolist()) == {0.0, 1.0}
    assert "neg_item_id" not in batch


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_on_a_gpu(atomic):
    train, test = known_answer()
    atomic("known", train, [], test)
    options = {"data_path": "dataset", "epochs": 2, "topk": [1], "show_progress": False}
    record = recbole_pngnn.run("PNGNN", "known", config_dict=options)
    assert record["device"].startswith("cuda")


MODEL_FILES = properties_dir() / "model"
MODEL_KEYS = [
    key for name in MODELS for key in yaml.safe_load((MODEL_FILES / f"{name}.yaml").read_text())
]
OVERALL_KEYS = list(yaml.safe_load((properties_dir() / "overall.yaml").read_text()))


def test_every_key_of_the_yaml_files_is_read(monkeypatch):
    read = set()
    get = Config.__getitem__

    def recording(self, key):
        read.add(key)
        return get(self, key)

    monkeypatch.setattr(Config, "__getitem__", recording)
    options = {"epochs": 1, "show_progress": False}
    for name in MODELS:
        recbole_pngnn.run(name, "ml-100k", config_dict=options)
    recbole_pngnn.run("LightGCN", "ml-100k", config_dict=options)  # reads fast_graph
    assert not {*MODEL_KEYS, *OVERALL_KEYS} - read


@pytest.mark.parametrize(
    ("key", "impossible"),
    [
        ("loss", "bpr"),
        ("temperature", 0.0),
        ("disliked_weight", -0.1),
        ("softmax_samples", 0),
        ("user_exponent", 1.5),
        ("item_item_weight", -0.1),
        ("item_item_train_weight", "some"),
        ("item_item_ridge", 0.0),
        ("item_item_folds", 1),
        ("item_item_user_exponent", -1.0),
        ("reading", "both"),
        ("embedding_size", 0),
        ("n_layers", -1),
        ("feedback_coefficient", 0.5),
        ("n_samples", 0),
        ("sampling_exponent", "much"),
        ("attention_dropout", 1.0),
        ("reg_weight", -0.1),
        ("reg_target", "all"),
        ("disinterest_threshold", "high"),
    ],
)
def test_options_that_are_missing_or_impossible_are_named(build, key, impossible):
    with pytest.raises(ValueError, match=key):
        build(**{key: impossible})
    # ~ means none
    if key not in ("disinterest_threshold", "disliked_weight", "softmax_samples"):
        with pytest.raises(ValueError, match=f"the option {key} is missing"):
            build(**{key: None})


def test_labels_are_asked_for(build):
    with pytest.raises(ValueError, match="set like_threshold, for example"):
        build(protocol="recbole", benchmark_filename=["train", "test", "test"])


def test_a_training_of_likes_alone_is_a_warning(build, caplog):
    build(train_interactions="liked")
    assert "its negative graph is empty" in caplog.text


def test_the_model_is_recboles_general_recommender(build):
    model = build()
    assert isinstance(model, PNGNN)
    assert model.encoder.n_layers == 4
    assert model.n_samples == 40


@pytest.fixture
def weighted(build, tmp_path):
    """Build on the known-answer data with a column of weights, made by a function of the row."""

    def build_weighted(weight, **options):
        build()  # writes the dataset
        file = tmp_path / "dataset" / "known" / "known.train.inter"
        header, *lines = file.read_text().splitlines()
        rows = [f"{line}\t{weight(*line.split())}" for line in lines]
        file.write_text("\n".join([f"{header}\tweight:float", *rows]) + "\n")
        config = Config(
            "PNGNN",
            "known",
            config_dict={
                "protocol": "signed",
                "data_path": "dataset",
                "topk": [1],
                "embedding_size": 8,
                "show_progress": False,
                **options,
            },
        )
        init_seed(1, True)
        data = data_preparation(config, create_dataset(config))
        init_seed(1, True)
        return get_model("PNGNN")(config, data[0]._dataset), data[0]

    return build_weighted


def test_weights_are_off_by_default_and_of_one_change_nothing(build, weighted):
    plain = build()
    unused, _ = weighted(lambda *row: 0.25)
    ones, loader = weighted(lambda *row: 1, weight_field="weight")
    batch = next(iter(loader))
    losses = []
    for model in (plain, unused, ones):
        torch.manual_seed(3)
        losses.append(model.train().calculate_loss(batch))
    torch.testing.assert_close(losses[0], losses[1])
    torch.testing.assert_close(losses[0], losses[2])


def test_weights_reach_the_graphs_and_the_loss(build, weighted):
    # Dislikes of weight zero: no negative graph, and no term of the loss.
    model, loader = weighted(
        lambda user, item, rating: int(float(rating) > 3.5), weight_field="weight", reg_weight=0.0
    )
    assert not model.encoder.negative_adjacency().to_dense().any()
    batch = next(iter(loader))
    torch.manual_seed(3)
    loss = model.train().calculate_loss(batch)
    liked = batch["label"] > 0
    torch.manual_seed(3)
    sampled = model.sampler.draw(batch["user_id"], model.n_samples)
    items = torch.cat([batch["item_id"][:, None], sampled], dim=1)
    ranking, v = model.forward()
    expected = model._ranking_loss(
        ranking, v, batch["user_id"][liked], items[liked], liked[liked], None
    )
    torch.testing.assert_close(loss, expected)


def test_a_weight_field_that_is_not_there_is_named(build):
    with pytest.raises(ValueError, match="weight_field confidence is no column that was loaded"):
        build(weight_field="confidence")
