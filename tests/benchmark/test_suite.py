"""What a suite's file may say, and what is said of one that says something else."""

from pathlib import Path

import pytest
import yaml
from recbole.config import Config

from recbole_pngnn.benchmark.plan import cells, options_of, searches
from recbole_pngnn.benchmark.suite import find_suite, read_suite
from recbole_pngnn.plugin.config import properties_dir

SMALL = {
    "datasets": {"d": {"splits": ["d1", "d2"], "seeds": [1, 2]}},
    "rows": [{"model": "Pop"}, {"name": "linear", "model": "EASE", "baseline": True}],
}
INSTALLED = sorted(file.stem for file in (properties_dir() / "benchmark").glob("*.yaml"))


def read(changes=None, **row):
    content = {**SMALL, **(changes or {})}
    if row:
        content["rows"] = [{"model": "EASE", **row}]
    file = Path("mine.yaml")
    file.write_text(yaml.safe_dump(content))
    return read_suite(file)


def test_defaults():
    suite = read()
    assert suite.name == "mine"
    assert suite.main_metric == "ndcg@10"
    assert suite.result_names[:4] == ("precision@5", "precision@10", "precision@15", "precision@20")
    assert suite.result_names[-1] == "signauc"
    assert suite.tables[-1] == ("signauc", "train_seconds", "peak_memory_mib")
    assert [row.name for row in suite.rows] == ["Pop", "linear"]
    assert len(cells(suite)) == 2 * 2 * 2
    assert [str(cell) for cell in cells(suite)][:3] == [
        "Pop, d1, seed 1",
        "linear, d1, seed 1",
        "Pop, d2, seed 1",
    ]
    assert [cell.row.name for cell in cells(suite, ["linear"])] == ["linear"] * 4


def test_a_search_and_its_budget():
    suite = read(
        {"trials": 3}, search={"reg_weight": {"loguniform": ["1e1", 1000]}}, options={"x": 1}
    )
    (search,) = searches(suite)
    assert (search.trials, search.cell.data, search.cell.seed) == (3, "d1", 1)
    assert suite.rows[0].search["reg_weight"].values == (10.0, 1000.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"row": []}, "unknown key 'row'; did you mean rows? Known: metrics, topk"),
        ({"rows": []}, "rows must be a list"),
        ({"rows": [{"name": "a"}]}, "rows: 1: the key model is missing"),
        ({"rows": [{"model": "Pop"}] * 2}, "rows: Pop is there twice"),
        ({"datasets": {"d": {"splits": ["a/b"]}}}, "found 'a/b'"),
        ({"datasets": {"d": {}}}, "datasets: d: the key splits is missing"),
        ({"datasets": {"a": {"splits": ["d1"]}, "b": {"splits": ["d1"]}}}, "d1 is there twice"),
        ({"datasets": {"d": {"splits": [{"dataset": "a", "fold": 1}]}}}, "unknown key 'fold'"),
        ({"seeds": [1, 1]}, "seeds must be different whole numbers"),
        ({"metrics": ["Novelty"]}, "'novelty' is not one of precision"),
        ({"main_metric": "ndgc@10"}, "did you mean ndcg@10"),
        ({"valid_metric": "NDCG@7"}, "valid_metric: 'ndcg@7' is not one of"),
        ({"tables": [["precision@6"]]}, "tables: 'precision@6' is not one of"),
        ({"options": {"topk": [3]}}, "topk is the suite's own"),
        ({"rows": [{"model": "Pop", "options_on": {"e": {}}}]}, "options_on: 'e' is not one of d"),
        ({"rows": [{"model": "Pop", "options_on": {"d": {"seed": 1}}}]}, "seed is the suite's own"),
        ({"trials": -1}, "trials must be a whole number of at least 0"),
    ],
)
def test_what_a_suite_may_not_say(changes, words):
    with pytest.raises(ValueError, match=r"mine\.yaml") as error:
        read(changes)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"serach": {}}, "unknown key 'serach'; did you mean search?"),
        ({"search": {"a": {"choice": [1, 2]}}}, "search needs a budget; set trials"),
        ({"search": {"a": [1, 2]}}, "must be one of choice, uniform, loguniform"),
        ({"search": {"a": {"uniform": [2, 1]}}}, "uniform needs [lowest, highest]"),
        ({"search": {"a": {"uniform": [0, "x"]}}}, "needs numbers; found 'x'"),
        ({"search": {"a": {"loguniform": [0, 1]}}}, "loguniform needs bounds above 0"),
        ({"baseline": "yes, please"}, "baseline must be true or false"),
        ({"augment": ["--provider", "random"]}, "augment makes a variant; name it"),
        ({"answers": "a.jsonl"}, "answers are for a variant; name it"),
        ({"preset": "pngnn-sotfmax"}, "preset: 'pngnn-sotfmax' is not one of pngnn-softmax; did"),
        ({"options": [1]}, "options must be a mapping"),
        ({"options_on": {"d": 1}}, "options_on: d must be a mapping; found 1"),
    ],
)
def test_what_a_row_may_not_say(row, words):
    with pytest.raises(ValueError, match=r"mine\.yaml: rows: 1") as error:
        read(**row)
    assert words in str(error.value)


def test_a_search_starts_inside_of_its_range():
    search = {"reg_weight": {"uniform": [1, 2]}}
    read({"trials": 2}, search=search, options={"reg_weight": 1.5})
    with pytest.raises(ValueError, match="reg_weight starts at 250, the row's option"):
        read({"trials": 2}, search=search, options={"reg_weight": 250})


def test_options_of_a_row_on_one_dataset():
    datasets = {"d": {"splits": ["d1"], "options": {"a": 2, "b": 2}}, "e": {"splits": ["e1"]}}
    suite = read(
        {"options": {"a": 1, "c": 1}, "datasets": datasets, "trials": 2},
        options={"b": 3, "x": 3},
        options_on={"d": {"b": 4, "s": 1.5}},
        search={"s": {"uniform": [1, 2]}},
    )
    on_d, on_e = cells(suite)
    assert options_of(suite, on_d, {}) == {"a": 2, "b": 4, "c": 1, "s": 1.5, "x": 3}
    assert options_of(suite, on_d, {"s": 1.7})["s"] == 1.7
    assert options_of(suite, on_e, {}) == {"a": 1, "b": 3, "c": 1, "x": 3}
    with pytest.raises(ValueError, match="s starts at 3, the row's option"):
        read({"trials": 2}, options_on={"d": {"s": 3}}, search={"s": {"uniform": [1, 2]}})


def test_a_row_takes_its_options_from_a_preset():
    preset = yaml.safe_load((properties_dir() / "presets" / "pngnn-softmax.yaml").read_text())
    without = {key: value for key, value in preset.items() if key != "sign_weight"}
    options = {"negative_graph": "none", "sign_weight": None, "topk_of_mine": None}
    suite = read(model="PNGNN", preset="pngnn-softmax", options=options)
    assert suite.rows[0].options == {**without, "negative_graph": "none", "topk_of_mine": None}
    assert read(model="PNGNN", preset="pngnn-softmax").rows[0].options == preset
    search = {"temperature": {"uniform": [1, 2]}}
    with pytest.raises(ValueError, match=r"temperature starts at 0\.2, the row's option"):
        read({"trials": 2}, preset="pngnn-softmax", search=search)


def test_no_yaml_and_no_file():
    Path("broken.yaml").write_text("rows: [")
    with pytest.raises(ValueError, match=r"broken.yaml is no YAML"):
        read_suite(Path("broken.yaml"))
    Path("empty.yaml").write_text("")
    with pytest.raises(ValueError, match=r"empty.yaml must be a mapping of keys"):
        read_suite(Path("empty.yaml"))
    with pytest.raises(ValueError, match=r"there is no suite nowhere; .* quick"):
        find_suite("nowhere")
    with pytest.raises(ValueError, match="has no row 'Popp'; there are Pop, linear"):
        cells(read(), ["Popp"])


@pytest.mark.parametrize("name", INSTALLED)
def test_installed_suites_have_options_that_models_read(name, atomic):
    suite = read_suite(find_suite(name))
    folder = atomic("d", *[[("u", "i", 5)]] * 3)
    for cell in cells(suite):
        options = options_of(suite, cell, {})
        searched = {key: found.values[0] for key, found in cell.row.search.items()}
        config = Config(
            cell.row.model,
            "d",
            config_dict={
                **options,
                **searched,
                "protocol": "signed",
                "data_path": str(folder),
                "show_progress": False,
            },
        )
        for key in searched:
            own = config.internal_config_dict
            assert key in own, f"{cell.row.name}: {key} is no option of {cell.row.model}"


def test_some_datasets_of_a_suite():
    suite = read_suite(find_suite("main"))
    assert suite.of_datasets([]) == suite
    alone = suite.of_datasets(["ml-1m"])
    assert [dataset.name for dataset in alone.datasets] == ["ml-1m"]
    assert alone.rows == suite.rows
