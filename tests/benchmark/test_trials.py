"""Tables of trials and of ablations, from lines and records by hand."""

import json

import pytest

from recbole_pngnn.benchmark import tables
from recbole_pngnn.benchmark.trials import TRIAL_METRICS, ablation_table, trials_table


@pytest.fixture
def trials(tmp_path):
    valid = dict(zip(TRIAL_METRICS, (0.1, 0.2, 0.3, 0.4, 0.5), strict=True))
    lines = [
        {"group": "loss", "label": "one", "valid": valid, "epoch": 30},
        {"group": "graph", "label": "two", "valid": valid, "epoch": None},
        {"group": "loss", "label": "three", "valid": {"ndcg@10": 0.25}, "epoch": 10},
    ]
    file = tmp_path / "trials-fold1.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_a_group_of_trials(trials):
    assert (
        trials_table(trials, "loss")
        == """
| on validation   |   P@5 |   R@5 |   NDCG@10 |   R@20 |   SignAUC |   epoch |
|:----------------|------:|------:|----------:|-------:|----------:|--------:|
| one             | .1000 | .2000 |     .3000 |  .4000 |     .5000 |      30 |
| three           |       |       |     .2500 |        |           |      10 |""".lstrip()
    )


def test_an_unknown_group_is_named(trials):
    with pytest.raises(ValueError, match="no trial of the group 'los'; groups are graph, loss"):
        trials_table(trials, "los")


def test_a_document_shows_a_group(trials, monkeypatch):
    monkeypatch.setattr(tables, "RESULTS", trials.parent)
    filled = tables.fill("<!-- table trials:graph -->\nold\n<!-- end -->\n")
    assert filled.splitlines()[3].startswith("| two ")
    assert "old" not in filled


def test_an_ablation(tmp_path):
    for name, scale in (("whole", 1.0), ("part", 0.5)):
        result = {metric: scale * 0.2 for metric in TRIAL_METRICS}
        record = {"valid_result": result, "test_result": result if name == "whole" else None}
        (tmp_path / f"{name}.json").write_text(json.dumps(record))
    rows = ablation_table(tmp_path, {"whole": "all of it", "part": "less"}).splitlines()
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    assert cells[0][1:3] == ["valid P@5", "valid R@5"]
    assert cells[2] == ["all of it", *[".2000"] * 10]
    assert cells[3] == ["less", *[".1000"] * 5, *[""] * 5]


def test_an_ablation_over_splits(tmp_path):
    for seed, value in ((1, 0.1), (2, 0.3)):
        result = dict.fromkeys(TRIAL_METRICS, value)
        record = {"valid_result": result, "test_result": result}
        (tmp_path / f"part-seed{seed}.json").write_text(json.dumps(record))
    row = ablation_table(tmp_path, {"part-seed*": "both"}).splitlines()[2]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == ["both", *[".2000"] * 10]
    with pytest.raises(FileNotFoundError, match=r"no record .*whole-seed\*\.json"):
        ablation_table(tmp_path, {"whole-seed*": "none"})
