"""SignedEASE inside RecBole, against RecBole's own EASE and by hand."""

import numpy as np
import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model

import recbole_pngnn
from tests.model.test_pngnn import known_answer

OPTIONS = {"topk": [1], "valid_metric": "NDCG@1", "show_progress": False}


@pytest.fixture
def build(atomic, make_config):
    def build_model(name, **options):
        train, test = known_answer()
        atomic("known", train, (), test)
        config = make_config(name, "known", **{**OPTIONS, **options})
        parts = data_preparation(config, create_dataset(config))
        return get_model(name)(config, parts[0]._dataset), parts

    return build_model


def everybody(model):
    return {"user_id": torch.arange(model.n_users)}


def test_without_dislikes_it_is_recboles(build):
    ours, _ = build("SignedEASE", disliked_weight=0.0, reg_weight=3.0)
    theirs, parts = build("EASE", reg_weight=3.0)
    assert len(parts[0]._dataset) < len(build("SignedEASE")[1][0]._dataset)
    expected = theirs.full_sort_predict(everybody(theirs))
    scores = ours.full_sort_predict(everybody(ours))
    # RecBole numbers items anew where dislikes are dropped; every item here is liked by someone.
    names = [parts[0]._dataset.field2id_token["item_id"], build("SignedEASE")[1][0]._dataset]
    order = [names[1].token2id("item_id", token) for token in names[0][1:]]
    users = [
        names[1].token2id("user_id", token)
        for token in parts[0]._dataset.field2id_token["user_id"][1:]
    ]
    ours_in_order = scores.view(ours.n_users, -1)[users][:, order]
    torch.testing.assert_close(
        ours_in_order, expected.float().view(theirs.n_users, -1)[1:, 1:], rtol=1e-4, atol=1e-5
    )


def test_scores_by_hand(build):
    options = {"rating_slope": 0.8, "user_exponent": 0.25}
    model, parts = build("SignedEASE", disliked_weight=0.5, reg_weight=2.0, **options)
    feat = parts[0]._dataset.inter_feat
    history = np.zeros((model.n_users, model.n_items))
    for user, item, label, rating in zip(
        feat["user_id"], feat["item_id"], feat["label"], feat["rating"], strict=True
    ):
        history[user, item] = (1.0 if label else 0.5) * np.exp(0.8 * (rating - 5) / 4)
    of_user = np.maximum((history > 0).sum(axis=1), 1) ** -0.5
    gram = history.T @ ((of_user / of_user.mean())[:, None] * history)
    inverse = np.linalg.inv(gram + 2.0 * np.eye(model.n_items))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    scores = model.full_sort_predict(everybody(model)).view(model.n_users, -1)
    np.testing.assert_allclose(scores.numpy(), history @ weights, rtol=1e-4, atol=1e-5)
    users, items = torch.tensor([3, 1, 3, 7]), torch.tensor([2, 5, 9, 1])
    pairs = model.predict({"user_id": users, "item_id": items})
    torch.testing.assert_close(pairs, scores[users, items])


def test_it_finds_the_known_answer_and_loads_again(build):
    build("SignedEASE")
    options = {**OPTIONS, "data_path": "dataset", "reg_weight": 1.0}
    record = recbole_pngnn.run("SignedEASE", "known", config_dict=options)
    assert record["test_result"]["recall@1"] == 1.0
    assert record["training_interactions"] == len(known_answer()[0])
    _, model, *_ = recbole_pngnn.load_data_and_model(record["checkpoint"])
    again, _ = build("SignedEASE", reg_weight=1.0)
    torch.testing.assert_close(
        model.full_sort_predict(everybody(model)), again.full_sort_predict(everybody(again))
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"disliked_weight": -0.1}, "disliked_weight"),
        ({"reg_weight": 0}, "reg_weight"),
        ({"rating_slope": -1}, "rating_slope"),
        ({"user_exponent": 2}, "user_exponent"),
        (
            {"like_threshold": None, "metrics": ["Recall"], "valid_metric": "Recall@1"},
            "SignedEASE needs to know which interactions were liked",
        ),
    ],
)
def test_errors(build, options, message):
    with pytest.raises(ValueError, match=message):
        build("SignedEASE", **options)
