"""Which options are read from where, and which are refused."""

import sys

import pytest
import yaml
from recbole.config import Config

from recbole_pngnn.plugin import config as plugin_config

ML_100K = {"data_path": "dataset"}


def test_command_line_beats_dict_beats_file_beats_model_beats_overall(
    make_config, tmp_path, monkeypatch
):
    def epochs_and_batch(**options):
        config = make_config("PNGNN", "ml-100k", **options)
        return config["epochs"], config["train_batch_size"], config["topk"]

    assert epochs_and_batch() == (60, 4096, [5, 10, 15, 20])  # model, model, overall
    file = tmp_path / "options.yaml"
    file.write_text("epochs: 7\ntopk: [3]\ntrain_batch_size: 9\n")

    def with_file(**options):
        config = Config("PNGNN", "ml-100k", [str(file)], options)
        return config["epochs"], config["train_batch_size"], config["topk"]

    assert with_file() == (7, 9, [3])
    assert with_file(epochs=8) == (8, 9, [3])
    monkeypatch.setattr(sys, "argv", ["x", "--epochs=11"])
    assert with_file(epochs=8) == (11, 9, [3])


def test_a_models_own_file_beats_the_overall_one(make_config):
    # RecBole's EASE.yaml and this plugin's overall.yaml are both defaults.
    assert make_config("EASE", "ml-100k")["reg_weight"] == 250.0
    assert make_config("PNGNN", "ml-100k")["train_interactions"] == "rated"
    assert make_config("EASE", "ml-100k")["train_interactions"] == "liked"


def test_the_options_that_prepare_wrote_are_read(atomic, make_config):
    atomic("d", [("u", "a", 5)], [], [("u", "b", 5)])
    assert make_config("BPR", "d")["benchmark_filename"] == ["train", "valid", "test"]


def test_stock_models_outside_the_plugins_commands_are_left_alone():

    config = Config("BPR", "ml-100k", config_dict={})
    assert "protocol" not in config
    assert config["like_threshold"] is None
    assert config["topk"] == [10]
    assert config["checkpoint_dir"] == "saved"
    assert "recbole_pngnn" not in config


def test_the_callers_dict_is_not_written_to():
    options = {"topk": "[5]", "epochs": "3"}
    Config("PNGNN", "ml-100k", config_dict=options)
    assert options == {"topk": "[5]", "epochs": "3"}


@pytest.mark.parametrize(
    ("model", "key", "hint"),
    [
        ("PNGNN", "feedback_coeficient", "did you mean feedback_coefficient"),
        ("PNGNN", "colour", "is read by nothing$"),
        ("BPR", "like_treshold", "did you mean like_threshold"),
    ],
)
def test_an_option_that_nothing_reads_is_an_error(make_config, model, key, hint):
    with pytest.raises(ValueError, match=f"the option {key} is read by nothing.*{hint}|{hint}"):
        make_config(model, "ml-100k", **{key: 1})


def test_a_stock_models_own_unlisted_option_is_no_error(make_config):
    assert make_config("BPR", "ml-100k", something_of_mine=1)["something_of_mine"] == 1


def test_words_of_another_programs_command_line_are_no_error(make_config, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["notebook", "--colour=red"])
    make_config("PNGNN", "ml-100k")
    monkeypatch.setattr(plugin_config, "STRICT_COMMAND_LINE", True)
    with pytest.raises(ValueError, match="the option colour is read by nothing"):
        make_config("PNGNN", "ml-100k")


def test_protocol_is_one_of_two(make_config):
    with pytest.raises(ValueError, match="protocol must be one of signed, recbole; found 'singed'"):
        make_config("BPR", "ml-100k", protocol="singed")
    with pytest.raises(ValueError, match="protocol must be one of signed, recbole; found 'mine'"):
        make_config("PNGNN", "ml-100k", protocol="mine")


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("SASRec", {"train_neg_sample_args": None}, "general recommenders"),
        ("FM", {}, "general recommenders"),
        (
            "BPR",
            {"eval_args": {"mode": "uni100", "split": {"RS": [8, 1, 1]}, "group_by": "user"}},
            "needs full ranking, and eval_args has mode",
        ),
        ("BPR", {"repeatable": True}, "repeatable: True masks nothing"),
    ],
)
def test_what_the_protocol_does_not_hold_for(make_config, model, options, message):
    with pytest.raises(ValueError, match=message):
        make_config(model, "ml-100k", **options)


def test_an_unknown_model_is_named_with_close_ones():
    with pytest.raises(ValueError, match="there is no model named 'LightGNC'; did you mean Light"):
        Config("LightGNC", "ml-100k")


def test_each_default_is_explained():
    folder = plugin_config.properties_dir()
    for file in (folder / "overall.yaml", folder / "model" / "PNGNN.yaml"):
        text = file.read_text(encoding="utf-8")
        for line in text.splitlines():
            if line and line[0].isalpha() and not line.endswith((":", "metrics:")):
                value = line.split("#")[0]
                nested = yaml.safe_load(value) == {line.split(":")[0]: None} and "~" not in value
                assert nested or "# (" in line or "#" in line, line


def test_the_hash_is_of_what_a_result_depends_on(make_config):
    def hashed(**options):
        return plugin_config.config_hash(make_config("PNGNN", "ml-100k", **options))

    assert hashed() == hashed(output_dir="elsewhere", show_progress=True)
    different = [
        {"seed": 1},
        {"n_layers": 2},
        {"like_threshold": {"rating": 2}},
        {"protocol": "recbole"},
        {"epochs": 2},
    ]
    hashes = {hashed(), *(hashed(**options) for options in different)}
    assert len(hashes) == len(different) + 1


def test_the_hash_tells_data_apart(atomic, make_config):
    atomic("d", [("u", "a", 5)], [], [("u", "b", 5)])
    before = plugin_config.config_hash(make_config("BPR", "d"))
    atomic("d", [("u", "a", 4)], [], [("u", "b", 5)])
    assert plugin_config.config_hash(make_config("BPR", "d")) != before


def test_presets_have_names(atomic, tmp_path):
    data_path = str(atomic("d", [("u", "a", 5), ("u", "c", 1)], [], [("u", "b", 5)]))
    options = {"data_path": data_path, "topk": [1], "show_progress": False}
    config = Config("PNGNN", "d", config_file_list=["pngnn-softmax"], config_dict=options)
    assert (config["loss"], config["embedding_size"]) == ("dual_softmax", 128)
    mine = tmp_path / "mine.yaml"
    mine.write_text("embedding_size: 16\n")
    config = Config("PNGNN", "d", ["pngnn-softmax", str(mine)], options)
    assert (config["loss"], config["embedding_size"]) == ("dual_softmax", 16)
    with pytest.raises(ValueError, match=r"no config file softmax.*presets are pngnn-softmax"):
        Config("PNGNN", "d", ["softmax"], options)


def test_every_key_of_a_preset_is_an_option():
    for preset in plugin_config.presets().values():
        options = plugin_config.yaml_keys([plugin_config.properties_dir() / "model" / "PNGNN.yaml"])
        assert set(plugin_config.yaml_keys([preset])) <= set(options)
