"""Options that the chosen mode does not read are refused by their names."""

import inspect
import json
import re
from pathlib import Path

import pytest
import yaml
from recbole.config import Config

from recbole_pngnn.model import modes
from recbole_pngnn.model.pngnn import PNGNN
from recbole_pngnn.model.signed_ease import SignedEASE
from recbole_pngnn.model.siren import SiReN
from recbole_pngnn.plugin.config import presets, properties_dir

SOFTMAX = {"loss": "dual_softmax"}
SIGN = {**SOFTMAX, "negative_graph": "sign"}
RESULTS = Path(__file__).parent.parent.parent / "results"
NEGATIVES = {"distribution": "uniform", "sample_num": 40}


@pytest.mark.parametrize("model", modes.TABLES)
def test_the_table_has_each_option_of_the_models_yaml(model):
    files = {"PNGNN": ["PNGNN"], "SiReN": ["PNGNN", "SiReN"], "SignedEASE": ["SignedEASE"]}[model]
    for name in files:
        file = properties_dir() / "model" / f"{name}.yaml"
        assert set(yaml.safe_load(file.read_text(encoding="utf-8"))) <= set(modes.TABLES[model])


@pytest.mark.parametrize("model_class", [PNGNN, SiReN, SignedEASE])
def test_the_table_has_each_option_that_the_model_reads(model_class):
    source = inspect.getsource(inspect.getmodule(model_class))
    read = set(re.findall(r'read_\w+\(\s*config,\s*"(\w+)"', source))
    assert read
    assert read <= set(modes.TABLES[model_class.__name__])


@pytest.mark.parametrize(
    ("model", "options", "named"),
    [
        ("PNGNN", {"temperature": 0.5}, "temperature with loss dual_bpr"),
        ("PNGNN", {"disliked_weight": None}, "disliked_weight with loss dual_bpr"),
        ("PNGNN", {"softmax_samples": 100}, "softmax_samples with loss dual_bpr"),
        ("PNGNN", {"item_item_ridge": 9.0}, "item_item_ridge with loss dual_bpr"),
        ("PNGNN", {"item_item_weight": 0.1}, "item_item_weight with loss dual_bpr"),
        ("PNGNN", {"sign_weight": 1.0}, "sign_weight with loss dual_bpr"),
        ("PNGNN", {"disinterest_threshold": 0.2}, "disinterest_threshold with reading fused"),
        ("PNGNN", {"train_neg_sample_args": NEGATIVES}, "train_neg_sample_args in any mode"),
        ("PNGNN", {"fast_graph": False}, "fast_graph in any mode"),
        (
            "PNGNN",
            {"reading": "partitioned", "attention_dropout": 0.1},
            "attention_dropout with reading partitioned",
        ),
        (
            "PNGNN",
            {"negative_graph": "sum", "attention_dropout": 0.1},
            "attention_dropout with negative_graph sum",
        ),
        ("PNGNN", {**SOFTMAX, "reg_weight": 0.1}, "reg_weight with loss dual_softmax"),
        ("PNGNN", {**SOFTMAX, "reg_target": "ego"}, "reg_target with loss dual_softmax"),
        ("PNGNN", {**SOFTMAX, "n_samples": 8}, "n_samples with loss dual_softmax"),
        ("PNGNN", {**SOFTMAX, "feedback_coefficient": 3.0}, "feedback_coefficient with loss"),
        (
            "PNGNN",
            {**SOFTMAX, "sampling_exponent": 1.0},
            "sampling_exponent with loss dual_softmax, softmax_samples ~: leave it out, or set "
            "loss: dual_bpr, or softmax_samples: a number",
        ),
        ("PNGNN", {**SOFTMAX, "item_item_ridge": 9.0}, "item_item_ridge with item_item_weight 0"),
        (
            "PNGNN",
            {**SOFTMAX, "item_item_weight": 0.1, "item_item_folds": 3},
            "item_item_folds with item_item_train_weight 0",
        ),
        ("PNGNN", {**SOFTMAX, "sign_embedding_size": 8}, "with negative_graph attention"),
        (
            "PNGNN",
            {**SOFTMAX, "train_interactions": "liked", "disliked_weight": 0.5},
            "disliked_weight with train_interactions liked",
        ),
        ("SiReN", {"negative_graph": "sum"}, "negative_graph in any mode"),
        ("SiReN", {"reading": "partitioned"}, "reading in any mode"),
        ("SiReN", {"temperature": 0.5}, "temperature with loss dual_bpr"),
        ("SignedEASE", {"learning_rate": 0.1}, "learning_rate in any mode"),
        ("SignedEASE", {"train_neg_sample_args": NEGATIVES}, "train_neg_sample_args in any mode"),
        (
            "PNGNN",
            {"temperature": 0.5, "n_samples": 4, "user_exponent": 0.5, "fast_graph": False},
            "temperature, user_exponent with loss dual_bpr: leave it out, or set loss: "
            "dual_softmax; nor fast_graph in any mode: leave it out",
        ),
    ],
)
@pytest.mark.parametrize("protocol", ["signed", "recbole"])
def test_what_is_not_read_is_named(make_config, model, options, named, protocol):
    if protocol == "recbole" and "fast_graph" in options:
        pytest.skip("an option of the protocol signed")
    with pytest.raises(ValueError, match=f"^{model} does not read .*{re.escape(named)}"):
        make_config(model, "ml-100k", protocol=protocol, **options)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("PNGNN", {"n_samples": 8, "reg_weight": 0.1, "attention_dropout": 0.1}),
        ("PNGNN", {"reading": "disinterest", "disinterest_threshold": 0.2}),
        ("PNGNN", {**SOFTMAX, "temperature": 0.5, "user_exponent": 0.5}),
        ("PNGNN", {**SOFTMAX, "softmax_samples": 9, "sampling_exponent": 1.0}),
        ("PNGNN", {**SOFTMAX, "item_item_train_weight": 0.1, "item_item_ridge": 9.0}),
        ("PNGNN", {**SIGN, "sign_weight": 1.0, "sign_embedding_size": 8}),
        ("PNGNN", {"temperature": 0.2, "item_item_ridge": 200, "fast_graph": True}),  # defaults
        ("SiReN", {"negative_graph": "attention", "reading": "fused", "mlp_dropout": 0.1}),
        ("SignedEASE", {"epochs": 5, "train_batch_size": 9, "train_neg_sample_args": {}}),
        ("SignedEASE", {"train_neg_sample_args": {"distribution": "uniform", "sample_num": 1}}),
    ],
)
def test_what_is_read_or_is_a_default_is_let_pass(make_config, model, options):
    make_config(model, "ml-100k", **options)


def test_a_file_and_the_command_line_count_too(tmp_path, monkeypatch):
    file = tmp_path / "mine.yaml"
    file.write_text("temperature: 0.3\n")
    with pytest.raises(ValueError, match="does not read temperature"):
        Config("PNGNN", "ml-100k", [str(file)])
    monkeypatch.setattr("sys.argv", ["run", "--sign_weight=2"])
    with pytest.raises(ValueError, match="does not read sign_weight"):
        Config("PNGNN", "ml-100k")


@pytest.mark.parametrize("name", presets())
def test_a_preset_alone_is_read_whole(name, caplog):
    Config("PNGNN", "ml-100k", [name])
    assert "not read" not in caplog.text


def test_what_a_preset_brings_and_an_option_switches_off_is_told(make_config, caplog):
    off = {"item_item_weight": 0, "item_item_train_weight": 0, "negative_graph": "none"}
    config = Config("PNGNN", "ml-100k", ["pngnn-softmax"], off)
    assert config["negative_graph"] == "none"
    assert "sign_weight" in caplog.text
    assert "of the preset pngnn-softmax are not read" in caplog.text
    # What the user says beside it is the user's.
    with pytest.raises(ValueError, match="does not read sign_embedding_size"):
        Config("PNGNN", "ml-100k", ["pngnn-softmax"], {**off, "sign_embedding_size": 8})


@pytest.mark.parametrize("option", [{"loss": "dual_bpr"}, {"loss": "dual_bpr", "seed": 3}])
def test_a_preset_of_the_other_loss_says_what_to_do(option):
    with pytest.raises(
        ValueError,
        match=r"loss dual_bpr does not go with the preset pngnn-softmax, which is for loss "
        r"dual_softmax: .*sign_weight.*Leave out one",
    ):
        Config("PNGNN", "ml-100k", ["pngnn-softmax"], option)


def test_recorded_options_are_read():
    """Nothing that was recorded is refused."""
    overall = yaml.safe_load((properties_dir() / "overall.yaml").read_text("utf-8"))
    files = {name: properties_dir() / "model" / f"{name}.yaml" for name in modes.TABLES}
    own = {name: yaml.safe_load(file.read_text("utf-8")) for name, file in files.items()}
    own["SiReN"] = own["PNGNN"] | own["SiReN"]
    seen = set()
    for file in [*RESULTS.rglob("*.json"), *RESULTS.rglob("*.jsonl")]:
        text = file.read_text(encoding="utf-8")
        for line in [text] if file.suffix == ".json" else text.splitlines():
            if not any(f'"{model}"' in line for model in modes.TABLES):
                continue
            record = json.loads(line)
            if not isinstance(record, dict) or record.get("model") not in modes.TABLES:
                continue
            model, options = record["model"], record.get("options") or record.get("config") or {}
            defaults = overall | own[model]
            for option in options.keys() & defaults.keys() - {"train_neg_sample_args"}:
                lacking = modes.missing(modes.TABLES[model], option, defaults | options)
                assert lacking is None or options[option] == defaults[option], (file, option)
            seen.add(model)
    assert seen == set(modes.TABLES)
