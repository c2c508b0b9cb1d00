"""Tables are made from records, and the README's are the ones of today."""

import json
from pathlib import Path

import pytest

from recbole_pngnn.benchmark import tables
from recbole_pngnn.benchmark.plan import Recorded, cells
from recbole_pngnn.benchmark.records import Results
from recbole_pngnn.benchmark.show import result_table
from recbole_pngnn.benchmark.suite import find_suite, read_suite
from recbole_pngnn.cli import main

ROOT = Path(__file__).parent.parent.parent


def test_documents_show_what_is_recorded(monkeypatch):
    monkeypatch.chdir(ROOT)
    documents = [
        file.read_text(encoding="utf-8") for file in (Path("README.md"), *Path("docs").glob("*.md"))
    ]
    for name in tables.TABLES:
        assert any(f"<!-- table {name} -->" in document for document in documents), name
    for document in documents:
        assert tables.fill(document) == document


def test_the_documented_prompt_is_the_one_that_is_sent(capsys):
    words = "augment --dataset ml-100k --provider openai --model MODEL --base_model Pop --dry_run"
    options = ["--history", "6", "--limit_users", "1", "--base_options", "{show_progress: False}"]
    assert main([*words.split(), *options]) == 0
    recorded = (ROOT / "results" / "augmentation" / "prompt.txt").read_text(encoding="utf-8")
    assert capsys.readouterr().out.split("--- prompt 1\n")[1] == recorded


def test_no_record_names_a_place():
    for file in (ROOT / "results").rglob("*.json"):
        text = file.read_text(encoding="utf-8")
        assert "/tmp/" not in text, file
        assert "/home/" not in text, file
        assert json.loads(text), file


def test_a_table_of_a_record(monkeypatch, tmp_path):
    folder = tmp_path / "results" / "ml-100k"
    folder.mkdir(parents=True)
    metrics = [f"{name}@{k}" for name in ("precision", "recall", "ndcg") for k in (5, 10, 15, 20)]
    result = {metric: place / 100 for place, metric in enumerate(metrics)} | {"ndcg@20": 1.0}
    (folder / "PNGNN.json").write_text(json.dumps({"test_result": result}))
    document = "before\n<!-- table ml-100k -->\nold\nold\n<!-- end -->\nafter\n"
    expected = """before
<!-- table ml-100k -->
| PNGNN on ml-100k   |    @5 |   @10 |   @15 |    @20 |
|:-------------------|------:|------:|------:|-------:|
| Precision          | .0000 | .0100 | .0200 |  .0300 |
| Recall             | .0400 | .0500 | .0600 |  .0700 |
| NDCG               | .0800 | .0900 | .1000 | 1.0000 |
<!-- end -->
after
"""
    assert tables.fill(document) == expected
    assert tables.fill(expected) == expected
    Path("doc.md").write_text(document)
    assert tables.main(["doc.md"]) == 0
    assert Path("doc.md").read_text() == expected


def test_a_mark_without_a_table():
    with pytest.raises(ValueError, match="there is no table 'fold9'; there are fold1, "):
        tables.fill("<!-- table fold9 -->\n<!-- end -->")


def test_parts_of_a_suite(monkeypatch):
    monkeypatch.chdir(ROOT)

    def headers(name):
        rows = [line for line in tables.of_suite(name).splitlines() if line.startswith("| ml-1m ")]
        return [[cell.strip() for cell in row.strip("|").split("|")][1:] for row in rows]

    paper = [f"{metric}@{k}" for k in (5, 10, 15, 20) for metric in "PR"]
    costs = ["SignAUC", "training, s", "memory, MiB"]
    assert headers("table1") == [paper, costs]
    assert headers("table1/1") == [paper]
    assert headers("table1/brief") == [["P@5", "R@5", "NDCG@10", "P@20", "R@20", "SignAUC"]]
    with pytest.raises(ValueError, match=r"no table1/3; there are table1/\{1, 2, brief\}"):
        tables.of_suite("table1/3")


def test_the_table_on_the_screen():
    record = {
        "model": "M",
        "dataset": "d",
        "users": 3,
        "items": 4,
        "training_interactions": 5,
        "seed": 6,
        "epochs": 7,
        "seconds": {"train": 8.04, "test": 0.96},
        "peak_memory_mib": None,
        "test_result": {"recall@10": 0.5, "ndcg@10": None, "recall@5": 0.25, "signauc": 0.75},
        "valid_result": {"recall@5": 0.1},
        "valid_metric": "Recall@5",
        "best_valid_score": 0.1,
        "checkpoint": "c.pth",
        "log": None,
    }
    assert (
        result_table(record)
        == """
M on d: 3 users, 4 items, 5 training interactions, seed 6

  test      @5     @10
------  ------  ------
recall  0.2500  0.5000
  ndcg       -       -

signauc 0.7500

7 epoch(s) in 8.0 s, test in 1.0 s
best validation Recall@5: 0.1000
checkpoint: c.pth"""
    )


def test_the_suite_preset_has_what_others_chose(monkeypatch):
    """EASE's options are those that ``main`` chose on ml-1m, the paper's rows Table 1's runs."""
    monkeypatch.chdir(ROOT)
    results = Results(Path("results"))

    def recorded(name):
        suite = read_suite(find_suite(name))
        of_ml_1m = [cell for cell in cells(suite) if cell.dataset.name == "ml-1m"]
        first = {cell.row.name: cell for cell in reversed(of_ml_1m)}
        return Recorded(suite, results.runs(), results.trials()), first

    (main_records, of_main), (ours, of_ours), (table1, of_table1) = map(
        recorded, ("main", "preset", "table1")
    )
    ease = of_ours["EASE, ratings weighted"].row.options
    assert main_records.chosen(of_main["EASE, ratings weighted"]) == ease
    for row, its in (("LightGCN", "LightGCN"), ("PNGNN, the paper's options", "PNGNN")):
        assert ours.run(of_ours[row])["key"] == table1.run(of_table1[its])["key"]
