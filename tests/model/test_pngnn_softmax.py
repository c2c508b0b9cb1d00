"""PNGNN's user-wise softmax inside RecBole, on the data set with a known answer."""

import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.data.dataloader import TrainDataLoader, UserDataLoader
from recbole.data.interaction import Interaction
from recbole.trainer.trainer import Trainer
from recbole.utils import ModelType, get_model, get_trainer, init_seed

import recbole_pngnn
from recbole_pngnn.nn.regression import standardised
from tests.model.test_pngnn import N, known_answer

SOFTMAX = {"loss": "dual_softmax", "train_batch_size": 8}


@pytest.fixture
def build(atomic, make_config):
    """Build a PNGNN with dual_softmax and its training's loader."""

    def build_model(seed=1, **options):
        train, test = known_answer()
        atomic("known", train, [], test)
        options = {"topk": [1], "embedding_size": 8, **SOFTMAX, **options}
        config = make_config("PNGNN", "known", **options)
        init_seed(seed, True)
        loader, *_ = data_preparation(config, create_dataset(config))
        build_model.config = config
        init_seed(seed, True)
        return get_model("PNGNN")(config, loader._dataset), loader

    return build_model


@pytest.mark.parametrize("softmax_samples", [None, 12])
@pytest.mark.parametrize("disliked_weight", [0.3, None])
def test_the_known_answer(atomic, softmax_samples, disliked_weight):
    train, test = known_answer()
    atomic("known", train, [], test)
    options = {
        **SOFTMAX,
        "data_path": "dataset",
        "softmax_samples": softmax_samples,
        "disliked_weight": disliked_weight,
        "learning_rate": 0.02,
        "epochs": 60,
        "embedding_size": 16,
        "metrics": ["Hit"],
        "topk": [1],
        "show_progress": False,
    }
    record = recbole_pngnn.run("PNGNN", "known", config_dict=options)
    assert record["test_result"]["hit@1"] == 1.0


def test_a_batch_holds_users(build):
    model, loader = build()
    assert isinstance(loader, UserDataLoader)
    batches = list(loader)
    assert [len(batch) for batch in batches] == [8, 8, 5]
    assert sorted(torch.cat([b["user_id"] for b in batches]).tolist()) == list(range(model.n_users))


def test_other_losses_and_models_keep_their_loaders(build, make_config):
    assert type(build(loss="dual_bpr")[1]) is TrainDataLoader
    config = make_config("BPR", "known", topk=[1])
    assert type(data_preparation(config, create_dataset(config))[0]) is TrainDataLoader


def written_out(model, loader, users, disliked_weight):
    """The loss of a batch by the formula, on what the dataset says."""
    ranking, _ = model.forward()
    rows = loader._dataset.inter_feat
    observed = zip(
        rows["user_id"].tolist(), rows["item_id"].tolist(), rows["label"].tolist(), strict=True
    )
    rated = list(observed)
    loss = total = 0.0
    for user in users.tolist():
        cosine = torch.nn.functional.cosine_similarity(
            ranking[user][None], ranking[model.n_users :], dim=1
        )
        own = [(item, liked) for other, item, liked in rated if other == user]
        catalogue = set(range(1, model.n_items))
        if disliked_weight is None:
            catalogue -= {item for item, liked in own if not liked}
            own = [(item, liked) for item, liked in own if liked]
        normaliser = sum((cosine[item] / model.softmax.temperature).exp() for item in catalogue)
        for item, liked in own:
            weight = 1.0 if liked else disliked_weight
            loss -= weight * (cosine[item] / model.softmax.temperature - normaliser.log())
            total += weight
    return loss / total


@pytest.mark.parametrize("disliked_weight", [0.3, 0.0, None])
def test_the_loss_is_that_of_the_formula(build, disliked_weight):
    model, loader = build(disliked_weight=disliked_weight, temperature=0.4, attention_dropout=0.0)
    model.double()
    users = torch.tensor([3, 1, 17])
    found = model.calculate_loss(Interaction({"user_id": users}))
    torch.testing.assert_close(found, written_out(model, loader, users, disliked_weight))


@pytest.mark.parametrize("disliked_weight", [0.3, None])
def test_the_sampled_loss_nears_it(build, disliked_weight):
    options = {"disliked_weight": disliked_weight, "attention_dropout": 0.0}
    model, loader = build(softmax_samples=1_000_000, **options)
    users = torch.tensor([3, 1, 17])
    found = model.double().calculate_loss(Interaction({"user_id": users}))
    expected = written_out(model, loader, users, disliked_weight)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("softmax_samples", [None, 5])
def test_every_parameter_gets_a_gradient(build, softmax_samples):
    model, loader = build(softmax_samples=softmax_samples)
    model.train().calculate_loss(next(iter(loader))).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_the_padding_user_alone_is_no_loss(build):
    model, _ = build()
    loss = model.train().calculate_loss(Interaction({"user_id": torch.tensor([0])}))
    loss.backward()
    assert loss == 0.0
    assert all(not p.grad.isnan().any() for p in model.parameters() if p.grad is not None)


def test_scores_are_cosines_over_the_temperature(build):
    model, _ = build(temperature=0.4)
    users = Interaction({"user_id": torch.arange(1, model.n_users)})
    scores = model.eval().full_sort_predict(users).view(-1, model.n_items)
    z, v = model.encoder()
    fused = model.attention(z, v)
    expected = torch.nn.functional.cosine_similarity(
        fused[1 : model.n_users, None], fused[None, model.n_users :], dim=2
    )
    torch.testing.assert_close(scores, expected / 0.4)


def test_the_weights_of_interactions_are_in_the_targets(build, tmp_path, make_config):
    build()  # writes the dataset
    file = tmp_path / "dataset" / "known" / "known.train.inter"
    header, *lines = file.read_text().splitlines()
    rows = [f"{line}\t{0.5 if line.startswith('u3') else 1}" for line in lines]
    file.write_text("\n".join([f"{header}\tweight:float", *rows]) + "\n")
    config = make_config("PNGNN", "known", topk=[1], **SOFTMAX, weight_field="weight")
    loader, *_ = data_preparation(config, create_dataset(config))
    model = get_model("PNGNN")(config, loader._dataset)
    ids = loader._dataset.token2id("user_id", ["u3", "u4"])
    weights = [model.softmax.targets.of(torch.tensor([user]))[2] for user in ids]
    assert weights[0].unique().tolist() == pytest.approx([0.15, 0.5])
    assert weights[1].unique().tolist() == pytest.approx([0.3, 1.0])


def test_other_readings_are_refused(build):
    with pytest.raises(ValueError, match="set reading: fused, or loss: dual_bpr"):
        build(reading="partitioned")


def item_item_by_hand(loader, disliked_weight, ridge, exponent):
    """The standardised predictions of EASE by its closed form, all users at once."""
    rows = loader._dataset.inter_feat
    matrix = torch.zeros(N + 1, N + 1, dtype=torch.float64)
    matrix[rows["user_id"], rows["item_id"]] = (
        (rows["label"] > 0).double().where(rows["label"] > 0, disliked_weight)
    )
    counts = (matrix > 0).sum(1).clamp(min=1).double()
    weights = counts.pow(-2 * exponent)
    weights /= weights.mean()
    gram = matrix.T @ (weights[:, None] * matrix) + ridge * torch.eye(N + 1)
    inverse = torch.linalg.inv(gram)
    solution = -inverse / inverse.diagonal()
    solution.fill_diagonal_(0.0)
    predicted = (matrix @ solution)[1:]
    items = predicted[:, 1:]
    return (predicted - items.mean(1, keepdim=True)) / items.std(1, correction=0, keepdim=True)


def test_the_item_item_term_is_added_where_items_are_ranked(build):
    options = {"item_item_ridge": 3.0, "item_item_user_exponent": 0.4, "disliked_weight": 0.2}
    plain, _ = build(disliked_weight=0.2)
    model, loader = build(item_item_weight=0.7, **options)
    users = Interaction({"user_id": torch.arange(1, model.n_users)})
    cosines = plain.eval().full_sort_predict(users).view(-1, model.n_items)
    found = model.eval().full_sort_predict(users).view(-1, model.n_items)
    expected = cosines + 0.7 * item_item_by_hand(loader, 0.2, 3.0, 0.4)
    torch.testing.assert_close(found, expected.float(), atol=1e-4, rtol=0)
    pairs = Interaction({"user_id": torch.tensor([2, 5]), "item_id": torch.tensor([7, 1])})
    torch.testing.assert_close(model.predict(pairs), found[[1, 4], [7, 1]])


@pytest.mark.parametrize("softmax_samples", [None, 12])
def test_the_item_item_term_in_training_is_cross_fitted(build, softmax_samples):
    model, _ = build(item_item_train_weight=0.5, softmax_samples=softmax_samples)
    plain, _ = build(softmax_samples=softmax_samples)
    batch = torch.tensor([4, 9])
    offsets = model.item_item.in_training(batch)
    predictions = model.item_item.regression.cross_fitted(
        5, torch.Generator().manual_seed(model.item_item.seed)
    )
    torch.testing.assert_close(offsets, 0.5 * standardised(predictions)[batch])
    losses = []
    for network, added in ((model, None), (plain, offsets)):
        network.eval()  # no dropout
        torch.manual_seed(0)
        ranking, _ = network.forward()
        if added is None:
            losses.append(network.calculate_loss(Interaction({"user_id": batch})))
        else:
            rows = (ranking[batch], ranking[network.n_users :])
            losses.append(network.softmax.loss(batch, *rows, added))
    torch.testing.assert_close(*losses)
    without = plain.calculate_loss(Interaction({"user_id": batch}))
    assert abs(losses[0] - without) > 1e-3
    assert not any("item_item" in name for name in model.state_dict())


def test_the_item_item_term_is_of_the_softmax(build):
    with pytest.raises(ValueError, match="item_item_weight with loss dual_bpr"):
        build(loss="dual_bpr", item_item_weight=0.1)


def test_the_weight_of_users(build):
    weights = {p: build(user_exponent=p)[0].softmax.targets for p in (1.0, 0.5, 0.0)}
    for user in (1, 2):
        user = torch.tensor([user])
        plain, root, equal = (weights[p].of(user)[2] for p in (1.0, 0.5, 0.0))
        torch.testing.assert_close(root, plain / plain.sum().sqrt())
        torch.testing.assert_close(equal, plain / plain.sum())


@pytest.mark.parametrize("negative_graph", ["sum", "none"])
@pytest.mark.parametrize(
    ("loss", "options"),
    [("dual_bpr", {}), ("dual_bpr", {"reg_target": "ego"}), ("dual_softmax", {})],
)
def test_without_attention(build, negative_graph, loss, options):
    model, loader = build(negative_graph=negative_graph, loss=loss, **options)
    z, v = model.encoder()
    expected = z + v if negative_graph == "sum" else z
    if loss == "dual_softmax":
        expected = torch.nn.functional.normalize(expected, dim=1)
    torch.testing.assert_close(model.forward()[0], expected)
    model.train().calculate_loss(next(iter(loader))).backward()
    names = {name for name, _ in model.named_parameters()}
    egos = {"encoder.positive_ego", "encoder.negative_ego"}
    assert names == (egos if negative_graph == "sum" else {"encoder.positive_ego"})
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_the_negative_graph_as_a_score_of_signs(build):
    options = {"temperature": 0.5, "sign_weight": 0.8, "sign_embedding_size": 4}
    model, loader = build(negative_graph="sign", **options)
    model.double().eval()
    with torch.no_grad():  # as at the start, the biases would be 0
        model.sign.node_bias.normal_()
        model.sign.bias.fill_(0.3)
    users, n_users = torch.tensor([4, 9, 0]), model.n_users
    found = model.full_sort_predict(Interaction({"user_id": users})).view(3, -1)
    signs = {(u, i): s for u, i, s in rated(loader)}
    z = model.encoder()[0]
    negative = model.sign.negative_adjacency().to_dense().double()
    v = 0.5 * (negative + negative @ negative) @ model.sign.negative_ego
    cosine = torch.nn.functional.cosine_similarity
    losses, expected = [], torch.zeros_like(found)
    for row, user in enumerate(users.tolist()):
        for item in range(model.n_items):
            node = n_users + item
            interest = cosine(z[user], z[node], dim=0)
            logit = 3.0 * interest - 3.0 * cosine(v[user], v[node], dim=0) + 0.3
            logit = logit + model.sign.node_bias[user] + model.sign.node_bias[node]
            expected[row, item] = interest / 0.5 + 0.8 * logit.sigmoid()
            if (user, item) in signs:
                probability = logit.sigmoid() if signs[user, item] else 1 - logit.sigmoid()
                losses.append(-probability.log())
    torch.testing.assert_close(found, expected)
    ranking, disinterest = model.forward()
    loss = model.sign.loss(ranking, disinterest, users)
    torch.testing.assert_close(loss, torch.stack(losses).mean())
    # It leaves the embeddings that rank alone, and is a part of the loss.
    gradients = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    changed = {
        n for (n, _), g in zip(model.named_parameters(), gradients, strict=True) if g is not None
    }
    assert "encoder.positive_ego" not in changed
    assert changed == {n for n, _ in model.named_parameters() if n.startswith("sign.")}
    batch = Interaction({"user_id": users})
    whole = model.calculate_loss(batch)
    rows = (ranking[users], ranking[n_users:])
    torch.testing.assert_close(whole - model.softmax.loss(users, *rows), loss)


def rated(loader):
    rows = loader._dataset.inter_feat
    fields = (rows["user_id"].tolist(), rows["item_id"].tolist(), (rows["label"] > 0).tolist())
    return list(zip(*fields, strict=True))


def test_a_node_that_nobody_disliked_has_no_part_in_the_signs(build):
    """Rounding errors at length 1 were random logits, and took the largest gradients."""
    torch.manual_seed(3)
    model, _ = build(negative_graph="sign")
    isolated = model.sign.negative_adjacency().to_dense().sum(dim=1) == 0
    assert bool(isolated.any())
    v = model.sign.disinterest_embeddings()
    assert bool((v[isolated] == 0).all())
    assert bool((v[~isolated].norm(dim=1) > 0.99).all())
    model.train()
    users = torch.arange(model.n_users)
    model.sign.loss(*model.forward(), users).backward()
    assert bool((model.sign.negative_ego.grad[isolated] == 0).all())


def test_signs_of_users_without_interactions(build):
    model, _ = build(negative_graph="sign")
    assert model.sign.loss(*model.forward(), torch.tensor([0])) == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "dual_bpr", "negative_graph": "sign"}, "or loss: dual_softmax"),
        ({"loss": "dual_bpr", "negative_graph": "sum", "reading": "partitioned"}, "reading: fused"),
        ({"negative_graph": "mean"}, "negative_graph must be one of"),
        ({"sign_weight": -1.0}, "sign_weight"),
        ({"sign_embedding_size": 0}, "sign_embedding_size"),
        ({"rating_slope": -1.0}, "rating_slope"),
        ({"learning_rate_decay": "fast"}, "learning_rate_decay"),
    ],
)
def test_impossible_options(build, options, message):
    with pytest.raises(ValueError, match=message):
        model, _ = build(**options)
        get_trainer(ModelType.GENERAL, "PNGNN")(build.config, model)


def test_strong_ratings_count_more(build):
    model, loader = build(rating_slope=2.0, disliked_weight=0.5)
    rows = loader._dataset.inter_feat
    user = 3
    own = rows["user_id"] == user
    strengths = torch.exp(2.0 * (rows["rating"][own] - 5.0) / 4.0)  # ratings of 1 to 5
    expected = strengths * torch.where(rows["label"][own] > 0, 1.0, 0.5)
    found = model.softmax.targets.of(torch.tensor([user]))
    order = rows["item_id"][own].argsort()
    torch.testing.assert_close(found[2][found[1].argsort()], expected[order])


def test_the_learning_rate_falls(build, monkeypatch):
    model, loader = build(learning_rate=0.4, learning_rate_decay="linear", epochs=4)
    trainer = get_trainer(ModelType.GENERAL, "PNGNN")(build.config, model)
    rates = []
    monkeypatch.setattr(
        Trainer,
        "_train_epoch",
        lambda self, *_: rates.append(self.optimizer.param_groups[0]["lr"]) or 0.0,
    )
    for epoch in range(4):
        trainer._train_epoch(loader, epoch)
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])
    build.config["learning_rate_decay"] = "none"
    trainer = get_trainer(ModelType.GENERAL, "SiReN")(build.config, model)
    trainer._train_epoch(loader, 3)
    assert rates[-1] == 0.4
