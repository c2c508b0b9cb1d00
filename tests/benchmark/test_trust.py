"""A suite of somebody else's: every word that opens a door is refused, until it is trusted."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from recbole_pngnn.benchmark.records import Results
from recbole_pngnn.benchmark.runner import run_suite
from recbole_pngnn.benchmark.suite import find_suite, read_suite
from recbole_pngnn.benchmark.trust import doors, require_trust
from recbole_pngnn.cli import main
from recbole_pngnn.plugin.config import properties_dir


def suite_of(row=None, split="d1", **top):
    content = {
        "datasets": {"d": {"splits": [split]}},
        "rows": [{"model": "Pop", **(row or {})}],
        **top,
    }
    Path("theirs.yaml").write_text(yaml.safe_dump(content))
    return read_suite(Path("theirs.yaml"))


def variant(*words):
    return {"variant": "v", "augment": ["--provider", "random", *words]}


@pytest.mark.parametrize(
    "row",
    [
        {"variant": "openai"},
        {"variant": "v", "augment": ["--provider=openai", "--model", "m"]},
        variant("--base_url", "https://elsewhere.example/v1"),
        variant("--base_url=https://elsewhere.example/v1"),
        variant("--base_u", "https://elsewhere.example/v1"),
        variant("--checkpoint", "model.pth"),
        variant("--check", "model.pth"),
        variant("--template", "theirs.txt"),
        variant("--base_options", "{dataset_save_path: x.pth}"),
        variant("--candidates_file", "c.csv"),
        variant("--journal", "j.jsonl"),
        variant("--output", "elsewhere"),
        variant("--overwrite"),
        variant("--users", "../../secret"),
        variant("--base_model", "their.package.Model"),
        {**variant(), "answers": "/etc/{dataset}"},
        {**variant(), "answers": "../{dataset}.jsonl"},
        {"model": "their.package.Model"},
        {"options": {"dataset_save_path": "data.pth"}},
        {"options": {"dataloaders_save_path": "data.pth"}},
        {"options": {"save_dataloaders": True}},
        {"options": {"checkpoint_dir": "there"}},
        {"options": {"pretrain_path": "weights.pth"}},
        {"options": {"log_wandb": True}},
        {"options": {"n_cate": 2}},
        {"options": {"learning_rate": "__import__('os').getpid()"}},
        {"options": {"x": " [].append(1)"}},
        {"options": {"x": "9**9**9"}},
        {"options": {"x": "f'{1}'"}},
        {"options": {"x": "(y := 1)"}},
        {"options": {"x": ["a", {"b": "../c"}]}},
        {"options": {"x": "~/c"}},
        {"options_on": {"d": {"dataset_save_path": "data.pth"}}},
    ],
)
def test_a_door_in_a_row(row):
    with pytest.raises(ValueError, match=r"^theirs\.yaml asks for .*rows: .*--trust") as error:
        require_trust(suite_of(row))
    assert "\n" not in str(error.value)


def test_a_door_in_a_search():
    search = {"x": {"choice": [1, "print(1)"]}, "save_dir": {"choice": ["a"]}}
    with pytest.raises(ValueError, match=r"'save_dir' .*'x': 'print\(1\)' \(RecBole ev"):
        require_trust(suite_of({"search": search}, trials=2))


@pytest.mark.parametrize(
    ("top", "words"),
    [
        ({"options": {"dataset_save_path": "x"}}, "options: 'dataset_save_path'"),
        ({"references": "../../paper.json"}, "references"),
        ({"references": "/etc/paper.json"}, "references"),
        ({"references": "C:\\paper.json"}, "references"),
        ({"split": {"dataset": "d1", "prepare": ["csv", "--ratings=ftp://e/x"]}}, "prepare"),
        ({"split": {"dataset": "d1", "prepare": ["csv", "--ratings", "http://e/x"]}}, "prepare"),
        ({"split": {"dataset": "d1", "prepare": ["csv", "--out", "x"]}}, "'--out' (writes"),
        ({"split": {"dataset": "d1", "prepare": ["csv", "--overwrite"]}}, "'--overwrite' (wr"),
    ],
)
def test_a_door_elsewhere(top, words):
    with pytest.raises(ValueError, match="--trust") as error:
        require_trust(suite_of(**top))
    assert words in str(error.value)


def test_what_needs_no_trust():
    row = {
        "options": {
            "learning_rate": "1e-3",
            "loss": "dual_softmax",
            "hidden_size_list": "[64, 64]",
            "pretrain_path": None,
            "save_dataset": False,
            "field_separator": "\\t",
            "pretrain_epochs": 3,
            "device": "cpu",
        },
        **variant("--seed", 3, "--picks=2", "--users", "u1,u2"),
        "answers": "answers/{dataset}.jsonl",
    }
    prepare = [
        "csv",
        "--ratings",
        "/data/ratings.csv",
        "--items=../i.csv",
        "--delimiter",
        "::",
        "--seed",
        -1,
    ]
    suite = suite_of(row, {"dataset": "d1", "prepare": prepare}, references="paper.json")
    assert list(doors(suite)) == []
    require_trust(suite)


def test_installed_suites_need_no_trust_and_copies_of_them_do():
    for file in (properties_dir() / "benchmark").glob("*.yaml"):
        require_trust(read_suite(file))
    Path("table1").write_text(find_suite("table1").read_text())
    copied = read_suite(find_suite("table1"))
    assert copied.file == Path("table1")
    with pytest.raises(ValueError, match="--provider openai"):
        require_trust(copied)


class Payload:
    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def test_nothing_is_unpickled_and_nobody_is_asked_without_trust(atomic, capsys):
    rows = [(f"u{u}", f"i{i}", 5 if (u + i) % 3 else 1) for u in range(9) for i in range(9)]
    atomic("d1", rows[::2], rows[1::4], rows[3::4])
    Path("data.pth").write_bytes(pickle.dumps(Payload()))
    suite = suite_of({"options": {"dataset_save_path": "data.pth"}}, valid_metric="NDCG@5")
    assert main(["benchmark", "theirs.yaml"]) == 2
    assert "names a file or an address, and may unpickle it" in capsys.readouterr().err
    with pytest.raises(ValueError, match="--trust"):
        run_suite(suite, Results(Path("results")))
    with pytest.raises(ValueError, match="--trust"):  # whatever it is called
        run_suite(replace(suite, name="quick"), Results(Path("results")))
    assert not Path("ran").exists()
    assert not Path("results").exists()
    # A suite may be looked at before it is trusted.
    assert main(["benchmark", "theirs.yaml", "--list"]) == 0
    suite_of(references="../paper.json")
    Path("results").mkdir()
    Path("paper.json").write_text(json.dumps({"test_result": {}}))
    assert main(["benchmark", "theirs.yaml", "--report"]) == 2
    assert "a file outside of the results" in capsys.readouterr().err
    assert main(["benchmark", "theirs.yaml", "--report", "--trust"]) == 0
