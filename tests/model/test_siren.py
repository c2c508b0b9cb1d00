"""SiReN inside RecBole: PNGNN with another encoder."""

import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, init_seed

import recbole_pngnn
from recbole_pngnn.nn.layers import SirenEncoder
from tests.model.test_pngnn import known_answer

OPTIONS = {"topk": [1], "valid_metric": "NDCG@1", "show_progress": False}


@pytest.fixture
def known(atomic):
    train, test = known_answer()
    atomic("known", train, (), test)


def test_it_has_pngnns_options_and_its_own(known, make_config):
    config = make_config("SiReN", "known", **OPTIONS)
    pngnn = make_config("PNGNN", "known", **OPTIONS)
    for key in ("n_samples", "reg_weight", "feedback_coefficient", "train_interactions"):
        assert config[key] == pngnn[key]
    assert (config["n_mlp_layers"], config["mlp_dropout"]) == (2, 0.5)
    assert pngnn["n_mlp_layers"] is None
    init_seed(1, True)
    model = get_model("SiReN")(config, data_preparation(config, create_dataset(config))[0]._dataset)
    assert isinstance(model.encoder, SirenEncoder)
    # Scores by hand: attention over the propagated embeddings and the MLP's.
    model.eval()
    fused = model.attention(*model.encoder())
    scores = model.full_sort_predict({"user_id": torch.arange(model.n_users)})
    expected = fused[: model.n_users] @ fused[model.n_users :].T
    torch.testing.assert_close(scores.view_as(expected), expected)


def test_it_learns_the_known_answer(known):
    options = {**OPTIONS, "data_path": "dataset", "epochs": 80, "embedding_size": 16}
    record = recbole_pngnn.run("SiReN", "known", config_dict=options)
    assert record["test_result"]["recall@1"] == 1.0


@pytest.mark.parametrize("key", ["n_mlp_layers", "mlp_dropout"])
def test_a_missing_option_is_named(known, make_config, key):
    config = make_config("SiReN", "known", **OPTIONS, **{key: None})
    with pytest.raises(ValueError, match=f"the option {key} is missing"):
        get_model("SiReN")(config, data_preparation(config, create_dataset(config))[0]._dataset)
