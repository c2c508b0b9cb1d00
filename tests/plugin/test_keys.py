"""Slips in the keys of options, and the keys of other people, which are none of ours."""

import pytest
from recbole.config import Config
from recbole.model.general_recommender import BPR, LightGCN

import recbole_pngnn
from recbole_pngnn.plugin import config as plugin_config


@pytest.mark.parametrize(
    ("model", "key", "meant"),
    [
        ("LightGCN", "reg_wieght", "reg_weight"),
        ("LightGCN", "n_layer", "n_layers"),
        ("SGL", "ssl_tua", "ssl_tau"),
        ("EASE", "regweight", "reg_weight"),
        ("ItemKNN", "shrinks", "shrink"),
        ("BPR", "learing_rate", "learning_rate"),
        ("BPR", "learning-rate", "learning_rate"),
        ("BPR", "epoch", "epochs"),
        ("BPR", "Stopping_Step", "stopping_step"),
        ("BPR", "top_k", "topk"),
        ("BPR", "metric", "metrics"),
        ("BPR", "batch_size", "eval_batch_size or train_batch_size"),
        ("BPR", "like_treshold", "like_threshold"),
        ("PNGNN", "n_layer", "n_layers"),
    ],
)
def test_a_slip_is_an_error_under_the_protocol(make_config, model, key, meant):
    message = f"the option {key} is read by nothing; did you mean {meant}"
    with pytest.raises(ValueError, match=message):
        make_config(model, "ml-100k", **{key: 1})
    if model != "PNGNN":
        assert Config(model, "ml-100k", config_dict={key: 1})[key] == 1
        assert make_config(model, "ml-100k", protocol="recbole", **{key: 1})[key] == 1


def test_slips_in_files_and_on_our_command_line_count(tmp_path, monkeypatch):
    file = tmp_path / "mine.yaml"
    file.write_text("reg_wieght: 1\n")
    with pytest.raises(ValueError, match="did you mean reg_weight"):
        recbole_pngnn.run("LightGCN", "ml-100k", [str(file)])
    monkeypatch.setattr("sys.argv", ["run", "--n_layer=1"])
    Config("LightGCN", "ml-100k", config_dict={"protocol": "signed"})
    monkeypatch.setattr(plugin_config, "STRICT_COMMAND_LINE", True)
    with pytest.raises(ValueError, match="did you mean n_layers"):
        Config("LightGCN", "ml-100k", config_dict={"protocol": "signed"})


def reads_in_a_function(config):
    return config["metric"]


class Theirs(BPR):
    """A model of somebody else's, whose options are near to RecBole's."""

    def __init__(self, config, dataset):
        super().__init__(config, dataset)
        self.top_k, self.kind = config["top_k"], reads_in_a_function(config)

    @staticmethod
    def batch(config):
        return [config[key] for key in ("eval_batch", "n_layer")]


THEIRS = {"top_k": 3, "metric": "cosine", "eval_batch": 4, "n_layer": 2}


@pytest.mark.parametrize("protocol", [None, "recbole", "signed"])
def test_keys_that_a_models_code_names_are_its_own(protocol):
    options = THEIRS if protocol is None else {**THEIRS, "protocol": protocol}
    config = Config(Theirs, "ml-100k", config_dict=options)
    assert {key: config[key] for key in THEIRS} == THEIRS


def test_a_slip_in_a_datasets_own_file(atomic, make_config):
    folder = atomic("d", [("u", "a", 5)], [], [("u", "b", 5)])
    file = folder / "d" / "d.yaml"
    # mlp_hidden_size is NeuMF's, and note is nobody's: a dataset's file serves all models.
    file.write_text("benchmark_filename: [train, test]\nmlp_hidden_size: [8]\nnote: mine\nk: 5\n")
    make_config("BPR", "d")
    file.write_text("embeding_size: 8\n")
    with pytest.raises(ValueError, match=r"d.yaml: the option embeding_size .*mean embedding_size"):
        make_config("BPR", "d")


def test_another_programs_options_of_our_names_do_nothing():
    options = {"like_threshold": 4, "output_dir": "x", "fast_graph": "no", "protocol": "tcp"}
    config = Config(LightGCN, "ml-100k", config_dict={**options, "train_interactions": "rated"})
    assert config["checkpoint_dir"] == "saved"
    assert {key: config[key] for key in options} == options
    assert type(config["model"]) is str


def test_the_callers_dict_is_converted_as_recbole_does_it():
    options = {"embedding_size": "8"}
    Config("BPR", "ml-100k", config_dict=options)
    assert options == {"embedding_size": 8}


def test_a_file_that_is_not_there_is_the_error_that_it_was():
    with pytest.raises(FileNotFoundError, match=r"no config file nothing\.yaml"):
        Config("BPR", "ml-100k", ["nothing.yaml"])
