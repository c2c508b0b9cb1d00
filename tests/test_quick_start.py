"""Runs, records and checkpoints."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import recbole.quick_start
import torch

import recbole_pngnn

QUIET = {"show_progress": False, "epochs": 1}


def run_python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_equals_recboles_own_run():
    options = {**QUIET, "epochs": 2}
    ours = recbole_pngnn.run("PNGNN", "ml-100k", config_dict=options)
    theirs = recbole.quick_start.run_recbole("PNGNN", "ml-100k", config_dict=options)
    assert ours["test_result"] == dict(theirs["test_result"])
    assert ours["valid_result"] == dict(theirs["best_valid_result"])
    assert ours["best_valid_score"] == theirs["best_valid_score"]


def test_record(tmp_path):
    file = tmp_path / "results" / "run.json"
    options = {**QUIET, "learning_rate": 0.01, "output_dir": "elsewhere"}
    record = recbole_pngnn.run("PNGNN", "ml-100k", config_dict=options, result_file=file)
    assert json.loads(file.read_text()) == record
    assert (record["model"], record["dataset"], record["seed"]) == ("PNGNN", "ml-100k", 2020)
    assert record["epochs"] == 1
    assert record["options"]["learning_rate"] == 0.01
    keys = [f"{m}@{k}" for m in ("precision", "recall", "ndcg") for k in (5, 10, 15, 20)]
    for phase in ("valid_result", "test_result"):
        assert list(record[phase]) == [*keys, "signauc"]
        assert all(0 < value < 1 for value in record[phase].values())
    assert set(record["seconds"]) == {"load", "train", "test"}
    assert {"recbole", "torch", "numpy", "scipy", "pandas"} <= set(record["versions"])
    assert len(record["config_hash"]) == 64
    # Everything that a run leaves is in output_dir, and no absolute place is in the record.
    assert {path.name for path in Path.cwd().iterdir()} == {"elsewhere", "results"}
    assert Path(record["checkpoint"]).parent == Path("elsewhere/checkpoints")
    assert Path(record["log"]).is_file()
    assert list(Path("elsewhere/tensorboard").iterdir())
    assert str(tmp_path) not in file.read_text()
    assert os.path.expanduser("~") + os.sep not in file.read_text()


def test_without_validation_the_last_epoch_is_tested(atomic):
    rows = [(f"u{u}", f"i{i}", 5 if (u + i) % 3 else 1) for u in range(8) for i in range(9)]
    train = [row for n, row in enumerate(rows) if n % 4]
    test = [row for n, row in enumerate(rows) if not n % 4]
    atomic("d", train, [], test)
    record = recbole_pngnn.run(
        "PNGNN", "d", config_dict={**QUIET, "epochs": 12, "data_path": "dataset", "topk": [5]}
    )
    assert record["valid_result"] == {}
    assert record["best_valid_score"] is None
    assert record["epochs"] == 12
    assert torch.load(record["checkpoint"], weights_only=False)["epoch"] == 11


def test_a_figure_that_is_not_a_number_is_null_in_the_record(atomic, tmp_path):
    atomic("d", [("u", "a", 5), ("v", "b", 5), ("v", "c", 2)], [], [("u", "b", 5)])
    options = {**QUIET, "data_path": "dataset", "topk": [1]}
    record = recbole_pngnn.run("BPR", "d", config_dict=options, result_file=tmp_path / "r.json")
    assert record["test_result"]["signauc"] is None
    assert json.loads((tmp_path / "r.json").read_text()) == record


@pytest.mark.parametrize("model", ["PNGNN", "LightGCN"])
def test_a_checkpoint_in_a_fresh_process(model):
    record = recbole_pngnn.run(model, "ml-100k", config_dict=QUIET)
    code = f"""
import json, recbole_pngnn
from recbole.quick_start import load_data_and_model
from recbole.trainer import Trainer
config, model, dataset, train, valid, test = load_data_and_model({record["checkpoint"]!r})
result = Trainer(config, model).evaluate(test, load_best_model=False)
masked = sum(len(items) for items in test.uid2history_item if items is not None)
print(json.dumps([{{k: float(v) for k, v in result.items()}}, len(train._dataset), masked]))
"""
    result, n_train, masked = run_python(code)
    assert result == record["test_result"]
    assert n_train == record["training_interactions"]
    # Of 100,000 ratings 90% are in training and validation; a few users have nothing to find.
    assert 85_000 < masked < 91_000


def test_a_stock_checkpoint_brings_the_plugin_with_it():
    record = recbole_pngnn.run("BPR", "ml-100k", config_dict=QUIET)
    code = f"""
import json, sys, torch
import recbole.data.dataset
before = "recbole_pngnn" in sys.modules
torch.load({record["checkpoint"]!r}, weights_only=False)
print(json.dumps([before, "recbole_pngnn" in sys.modules]))
"""
    assert run_python(code) == [False, True]


@pytest.fixture
def checkpoint(atomic):
    train = [("u", "a", 5), ("v", "b", 5), ("v", "c", 2), ("u", "c", 4), ("w", "b", 1)]
    atomic("d", train, [], [("u", "b", 5)])
    options = {**QUIET, "data_path": "dataset", "topk": [1]}
    return Path(recbole_pngnn.run("BPR", "d", config_dict=options)["checkpoint"])


def test_changed_data_are_found_out(checkpoint, atomic):
    atomic("d", [("v", "b", 5), ("u", "a", 5), ("v", "c", 2)], [], [("u", "b", 5)])
    with pytest.raises(ValueError, match=r"are not those that .* was trained on"):
        recbole_pngnn.load_data_and_model(checkpoint)


def test_data_that_moved_are_found_by_data_path(checkpoint):
    Path("dataset").rename("moved")
    with pytest.raises(ValueError, match="name the folder of datasets by data_path"):
        recbole_pngnn.load_data_and_model(checkpoint)
    dataset = recbole_pngnn.load_data_and_model(checkpoint, "moved")[2]
    assert dataset.user_num == 4


def test_what_is_no_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        recbole_pngnn.load_data_and_model(tmp_path / "missing.pth")
    (tmp_path / "text.pth").write_text("text")
    with pytest.raises(ValueError, match="is not a checkpoint of RecBole's trainer"):
        recbole_pngnn.load_data_and_model(tmp_path / "text.pth")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="is not a checkpoint of RecBole's trainer"):
        recbole_pngnn.load_data_and_model(tmp_path / "weights.pth")


def test_a_result_file_that_cannot_be_written_is_found_before_training(tmp_path):
    with pytest.raises(ValueError, match="is a folder; give a file name"):
        recbole_pngnn.run("PNGNN", "ml-100k", result_file=tmp_path)
    assert not Path("output").exists()


def test_a_validation_metric_that_is_not_measured_is_an_error():
    with pytest.raises(ValueError, match=r"valid_metric NDCG@10 is not measured: .* at \[5\]"):
        recbole_pngnn.run("PNGNN", "ml-100k", config_dict={**QUIET, "topk": [5]})


def test_several_processes_are_refused():
    with pytest.raises(ValueError, match="trains in one process, and nproc is 2"):
        recbole_pngnn.run("PNGNN", "ml-100k", config_dict={"nproc": 2})


def test_tuning():
    from recbole.quick_start import objective_function
    from recbole.trainer import HyperTuning

    Path("fixed.yaml").write_text(
        "model: PNGNN\ndataset: ml-100k\nepochs: 1\nshow_progress: False\nstate: WARNING\n"
    )
    tuning = HyperTuning(
        objective_function,
        params_dict={"choice": {"learning_rate": [0.005, 0.01]}},
        fixed_config_file_list=["fixed.yaml"],
        algo="exhaustive",
    )
    tuning.run()
    assert len(tuning.params2result) == 2
    scores = {name: float(r["best_valid_score"]) for name, r in tuning.params2result.items()}
    best = max(scores, key=scores.get)
    assert best == f"learning_rate:{tuning.best_params['learning_rate']}"
    assert len(set(scores.values())) == 2
    assert all(math.isfinite(score) for score in scores.values())
