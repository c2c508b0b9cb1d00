"""Types of RecBole's own options."""

from pathlib import Path

import pytest
import yaml
from recbole.config import Config, configurator
from recbole.model import general_recommender

from recbole_pngnn.plugin.values import GENERAL, _of_model

STOCK = sorted(name for name, kind in vars(general_recommender).items() if isinstance(kind, type))
PROPERTIES = Path(configurator.__file__).parent.parent / "properties"


@pytest.mark.parametrize("model", STOCK)
def test_every_default_is_right(model, make_config, atomic):
    atomic("d", [("u", "a", 5)], [], [("u", "b", 5)])
    make_config(model, "d")


@pytest.mark.parametrize(
    "file", sorted((PROPERTIES / "model").glob("*.yaml")), ids=lambda f: f.stem
)
def test_defaults_of_all_models_pass_their_own_checks(file):
    loader = Config._build_yaml_loader(None)
    defaults = yaml.load(file.read_text(), Loader=loader)
    for key, check in _of_model(file, loader).items():
        assert check(defaults[key]) is None, key


def test_defaults_of_recbole_pass():
    defaults = yaml.load((PROPERTIES / "overall.yaml").read_text(), Config._build_yaml_loader(None))
    for key, value in defaults.items():
        assert key not in GENERAL or GENERAL[key](value) is None, key


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("epochs", -1, "epochs must be a whole number of at least 1; found -1"),
        ("load_col", {}, "load_col loads no column of the interactions"),
        ("load_col", {"inter": None}, "load_col must be a dict whose inter is a list of names"),
        ("load_col", {"inter": "user_id"}, "load_col must be a dict whose inter is a list"),
        ("unused_col", {"net": ["a"]}, "names a file 'net', and files are inter, user, item"),
        ("unload_col", {"inter": 3}, "unload_col must be a dict whose inter is a list"),
        ("alias_of_user_id", 3, "alias_of_user_id must be a list"),
        ("preload_weight", "id", "preload_weight must be a dict"),
        ("numerical_features", None, "numerical_features must be a list of texts"),
        ("discretization", "age", "discretization must be a dict"),
        ("transform", [], "transform must be a text"),
        ("threshold", {"rating": "4"}, "threshold must be a dict of one column and a number"),
        ("encoding", "rot13", "encoding must be an encoding that Python knows"),
        ("enable_amp", None, "enable_amp must be True or False"),
        ("local_rank", 0, "local_rank is set by RecBole"),
        ("epochs", True, "epochs must be a whole number"),
        ("epochs", None, "epochs must be a whole number"),
        ("train_batch_size", 0, "train_batch_size must be a whole number of at least 1"),
        ("learning_rate", 0, "learning_rate must be a number above 0"),
        ("learning_rate", float("nan"), "learning_rate must be a number above 0"),
        ("weight_decay", -0.1, "weight_decay must be a number of at least 0"),
        ("seed", 2**32, "at most 4294967295"),
        ("learner", "adamm", r"did you mean adamw?\?"),
        ("topk", [5, 0], r"such as \[5,10\]; found \[5, 0\]"),
        ("topk", [], "topk must be"),
        ("metrics", ["NDGC"], "there is no metric 'NDGC'; did you mean NDCG"),
        ("metrics", ["NDCG@10"], "cut-offs are set by topk"),
        ("metrics", 5, "metrics must be a list"),
        ("metrics", ["RMSE"], "RMSE measures predicted values"),
        ("valid_metric", "NDCG", "needs a cut-off, such as NDCG@10"),
        ("valid_metric", "SignAUC@5", "write SignAUC"),
        ("valid_metric", "NDGC@5", "did you mean NDCG@5"),
        ("show_progress", "no", "show_progress must be True or False; found 'no'"),
        ("gpu_id", "first", "gpu_id must be numbers of GPUs"),
        ("state", "loud", "state must be one of"),
        ("encoding", "utf-9", "an encoding that Python knows"),
        ("eval_args", {"splits": {}}, "without 'splits'; did you mean split"),
        ("eval_args", {"mode": 5}, "whose mode is full"),
        ("clip_grad_norm", 5, "such as {'max_norm': 5}"),
        ("benchmark_filename", "train", "benchmark_filename must be a list"),
        ("val_interval", {"rating": "abc"}, "whose rating is an interval"),
        ("user_inter_num_interval", "5", "an interval"),
        ("train_neg_sample_args", {"sample_num": 0}, "whose sample_num is a whole number of at"),
        ("train_neg_sample_args", None, "BPR learns from sampled items"),
        ("train_neg_sample_args", {"dynamic": True}, "set candidate_num"),
        ("unused_col", {"inter": ["rating"]}, "leaves out rating, and like_threshold needs it"),
        ("alias_of_user_id", ["friend"], "names friend, and load_col does not load it"),
        (
            "embedding_size",
            "8",
            "embedding_size must be a whole number of at least 1; found '8', a",
        ),
        ("data_path", 5, "data_path must be a text"),
    ],
)
def test_a_wrong_value_is_named(key, value, message):
    # A text of a file, not RecBole's evaluation of a text of a dict, is what is checked.
    options = {"data_path": "dataset", key: value}
    Path("o.yaml").write_text(yaml.safe_dump(options))
    with pytest.raises(ValueError, match=message):
        Config("BPR", "d", ["o.yaml"], {"protocol": "signed"})


@pytest.mark.parametrize("interval", ["[1,6]", [1, 6], (1, 6), "[1,2];(3,inf)"])
def test_an_interval_may_have_been_read_as_a_list(interval):
    """RecBole writes it as a text again."""
    assert GENERAL["user_inter_num_interval"](interval) is None
    assert GENERAL["val_interval"]({"rating": interval}) is None


def test_others_are_left_alone():
    """RecBole's own protocol takes what RecBole takes."""
    config = Config("BPR", "d", config_dict={"epochs": 0, "learner": "adamm", "data_path": "x"})
    assert (config["epochs"], config["learner"]) == (0, "adamm")


@pytest.mark.parametrize(
    ("model", "key", "value", "message"),
    [
        ("LightGCN", "n_layers", 1.5, "n_layers must be a whole number of at least 0"),
        ("LightGCN", "reg_weight", "x", "reg_weight must be a number"),
        ("NeuMF", "mlp_hidden_size", 64, r"mlp_hidden_size must be a list, such as \[128, 64\]"),
        ("NeuMF", "dropout_prob", 2, "dropout_prob must be a number between 0 and 1"),
        ("NeuMF", "mf_train", "no", "mf_train must be True or False"),
        ("SGL", "type", "XX", "type must be one of ED, ND, RW"),
        ("MultiVAE", "mlp_hidden_size", [0], "whole number of at least 1"),
        ("DCN", "model", "DCN", "DCN is a context model"),
    ],
)
def test_options_of_stock_models(model, key, value, message):
    with pytest.raises(ValueError, match=message):
        Config(model, "d", config_dict={"protocol": "signed", "data_path": "x", key: value})
