"""Reports from records by hand: what is marked, what is compared, what is left out."""

import csv
import io
import itertools
import json
import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recbole_pngnn import plotting
from recbole_pngnn.benchmark import tables
from recbole_pngnn.benchmark.differences import differences_table, named
from recbole_pngnn.benchmark.plan import Recorded, cells, search_key, search_of, setting_hash
from recbole_pngnn.benchmark.records import Results
from recbole_pngnn.benchmark.report.cells import duration, number
from recbole_pngnn.benchmark.report.latex import escape, latex
from recbole_pngnn.benchmark.report.long import long_csv
from recbole_pngnn.benchmark.report.markdown import chosen, markdown
from recbole_pngnn.benchmark.report.plots import activity_bounds, activity_means, looks
from recbole_pngnn.benchmark.report.summary import summarise
from recbole_pngnn.benchmark.report.write import write_report
from recbole_pngnn.benchmark.suite import read_suite
from recbole_pngnn.cli import main
from recbole_pngnn.protocol.by_user import UserResults

SUITE = """
title: A_title & more
metrics: [Precision, NDCG]
topk: [2]
valid_metric: NDCG@2
main_metric: precision@2
trials: 2
references: published.json
tables: [[precision@2, ndcg@2, train_seconds]]
datasets:
  d: {splits: [d1, d2]}
rows:
  - {name: weak, model: Pop, baseline: true}
  - {name: strong, model: BPR, baseline: true}
  - {name: ours, model: EASE, reference: ours (paper), search: {reg_weight: {uniform: [1, 9]}}}
  - {name: half, model: LightGCN}
  - {name: none, model: NGCF, reference: none (paper)}
"""
N_USERS = 40
PRECISION = {"weak": 0.2, "strong": 0.5, "ours": 0.9, "half": 1.0}


def users_of(split, rate, changed=False):
    generator = np.random.default_rng([int(split[-1]), int(100 * rate)])
    ids = [f"u{n:02}" for n in range(N_USERS)]
    return UserResults(
        users=np.array(ids if split == "d1" else ids[5:]),
        n_rated=np.arange(N_USERS)[(0 if split == "d1" else 5) :] + 1 + changed,
        n_liked=np.full(N_USERS - (0 if split == "d1" else 5), 9),
        hits=generator.random((N_USERS - (0 if split == "d1" else 5), 2)) < rate,
        sign_auc=None,
    )


@pytest.fixture
def suite():
    Path("s.yaml").write_text(SUITE)
    Path("results").mkdir()
    published = {
        "test_result": {
            "ours (paper)": {"precision@2": 0.1234},
            "none (paper)": {"precision@2": 0.4321},
        }
    }
    Path("results/published.json").write_text(json.dumps(published))
    return read_suite(Path("s.yaml"))


@pytest.fixture
def results(suite):
    """Records of every run but the second of `half` and those of `none`."""
    results = Results(Path("results"))
    search = search_of(suite, next(c for c in cells(suite) if c.row.name == "ours"))
    for n, value in enumerate((0.25, 0.75)):
        results.add_trial(
            {
                "search": search_key(suite, search),
                "number": n,
                "parameters": {"reg_weight": 2.5 + n},
                "value": value,
                "state": "complete",
                "seconds": {"process": 1800.0},
                "data": "d1",
                "split": "d1",
                "data_fingerprint": "f" * 64,
            }
        )
    for cell in cells(suite):
        if cell.row.name in PRECISION and (cell.row.name, cell.data) != ("half", "d2"):
            record(suite, results, cell)
    return results


def record(suite, results, cell, **changes):
    recorded = Recorded(suite, results.runs(), results.trials())
    hashed = setting_hash(suite, cell, recorded.chosen(cell))
    by_user = users_of(cell.data, PRECISION[cell.row.name], **changes)
    return results.add_run(
        {
            "setting": hashed,
            "key": hashed[::-1],
            "split": cell.split.dataset,
            "test": {name: round(by_user.mean(name), 6) for name in suite.result_names},
            "seconds": {"train": 12.34, "process": 720.0},
            "peak_memory_mib": None,
            "commit": "f" * 40,
            "versions": {"torch": "2"},
        },
        by_user,
    )


def test_a_table(suite, results):
    text = markdown(summarise(suite, results))
    rows = {
        line.split("|")[1].strip(): line
        for line in text.splitlines()
        if "|" in line and "--" not in line
    }
    assert list(rows) == [
        "d",
        "weak",
        "strong",
        "ours",
        "ours (paper)",
        "half (1 of 2 runs)",
        "none (paper)",  # its row is not recorded
    ]
    precision = {}
    for name in ("weak", "strong", "ours"):
        values = [users_of(split, PRECISION[name]).mean("precision@2") for split in ("d1", "d2")]
        precision[name] = f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}".replace("0.", ".")
    assert f" {precision['weak']} ↓ |" in rows["weak"]
    assert f"<u>{precision['strong']}</u> |" in rows["strong"]
    assert f"**{precision['ours']}** ↑ |" in rows["ours"]
    assert rows["ours (paper)"].count(".") == 1
    assert ".1234" in rows["ours (paper)"]
    assert ".4321" in rows["none (paper)"]
    costs = markdown(summarise(replace(suite, tables=(("train_seconds",),)), results))
    assert "| ours " in costs
    assert "(paper)" not in costs  # publishes nothing of it
    # One run more would change it: no rank, no test, no spread.
    assert not re.search(r"[*<±↑]", rows["half (1 of 2 runs)"])
    assert rows["ours"].rstrip("| ").endswith("12.3")
    assert "d: 40 users; 2 runs a row (2 splits, 1 seed), mean ± standard deviation." in text
    # Seven runs, two trials.
    assert "Computing: 1.4 h of runs and 1.0 h of trials, one process after another." in text
    assert "above or below strong, the strongest baseline in P@2" in text
    assert "after Holm's correction for 4 comparisons" in text
    assert "Not recorded yet: none." in text


@pytest.mark.parametrize(
    ("hours", "text"), [(1.44, "1.4 h"), (0.1, "0.1 h"), (0.099, "5.9 min"), (0.0, "0.0 min")]
)
def test_short_computing_is_in_minutes(hours, text):
    assert duration(hours) == text


def test_every_figure_as_csv(suite, results):
    lines = list(csv.DictReader(io.StringIO(long_csv(summarise(suite, results)))))
    found = {(line["row"], line["metric"]): line for line in lines}
    assert len(found) == len(lines) == 4 * 3
    assert found["strong", "ndcg@2"]["baseline"] == "strongest"
    assert found["weak", "ndcg@2"]["baseline"] == "yes"
    assert found["ours", "precision@2"]["published"] == "0.1234"
    assert found["half", "ndcg@2"]["p"] == found["strong", "ndcg@2"]["p"] == ""
    # Each user once: the mean of its splits, against the baseline's.
    means = {}
    for name in ("ours", "strong"):
        of_user = {}
        for split in ("d1", "d2"):
            part = users_of(split, PRECISION[name])
            for user, value in zip(part.users, part.metric("ndcg@2"), strict=True):
                of_user.setdefault(str(user), []).append(value)
        means[name] = np.array([np.mean(of_user[user]) for user in sorted(of_user)])
    line = found["ours", "ndcg@2"]
    expected = stats.ttest_rel(means["ours"], means["strong"]).pvalue
    assert float(line["p"]) == pytest.approx(expected, rel=1e-4)
    assert float(line["difference"]) == pytest.approx(
        (means["ours"] - means["strong"]).mean(), 1e-4
    )
    p_values = sorted(float(line["p"]) for line in lines if line["p"])
    smallest = min((line for line in lines if line["p"]), key=lambda line: float(line["p"]))
    assert len(p_values) == 4
    assert float(smallest["p_holm"]) == pytest.approx(4 * p_values[0], rel=1e-4)


def test_latex(suite, results):
    summary = summarise(suite, results)
    text = latex(summary, summary.tables[0])
    for command in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(command) == 1
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(body) == 7
    assert {line.count("&") for line in body} == {3}
    assert r"\emph{ours (paper)} & .1234 &  &  \\" in text
    assert re.search(r"ours & \\textbf\{\.\d{4}\} \{\\scriptsize\$\\pm\$\.\d{4}\}\$\^", text)
    assert escape("50% of A_1 & B ~ C") == r"50\% of A\_1 \& B \textasciitilde{} C"


def test_a_page_that_needs_no_other_file(suite, results):
    write_report(suite, results, Path("report"))
    text = Path("report/index.html").read_text()
    assert "<h1>A_title &amp; more</h1>" in text
    assert text.count('src="data:image/svg+xml;base64,') == 3
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "<b>" in text
    assert "reg_weight: 3.5" in text
    assert "commit ffffffffffff, torch 2" in text
    assert "d-cutoffs.svg" in Path("report/report.md").read_text()


def test_what_was_chosen(suite, results):
    summary = summarise(suite, results)
    row = chosen(summary.tables[0]).splitlines()[-1]
    cells_of_row = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells_of_row == ["ours", "d1, seed 2020", "2 (0 cut)", "0.7500", "reg_weight: 3.5"]


def cell_of(suite, row, data="d2"):
    return next(c for c in cells(suite) if (c.row.name, c.data) == (row, data))


GONE = "gone"


def change(number, **fields):
    """Change a recorded run in place, as an editor would."""
    file = Path("results/runs.jsonl")
    lines = file.read_text().splitlines()
    changed = {**json.loads(lines[number]), **fields}
    lines[number] = json.dumps({key: value for key, value in changed.items() if value != GONE})
    file.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (
            {"data_fingerprint": "a" * 64},
            {"data_fingerprint": "b" * 64},
            "on different data of d1: data_fingerprint is aaaaaaaaaaaa in results/runs.jsonl, line "
            "1 and bbbbbbbbbbbb in results/runs.jsonl, line 2; it was prepared anew",
        ),
        ({"observed": "a" * 64}, {"observed": "b" * 64}, "observed is aaaaaaaaaaaa in"),
        (
            {"config": {"like_threshold": 3}},
            {"config": {}},
            "in different ways of d1: like_threshold is 3 in results/runs.jsonl, line 1 and not gi",
        ),
        # A variant has another training part, the same users and the same observed ratings.
        ({"data_fingerprint": "f" * 64}, {"data_fingerprint": "b", "data": "d1-random"}, None),
        ({"observed": "a"}, {"observed": "b", "data": "d1-random"}, "observed is a in"),
        ({"observed": "a"}, {}, None),  # a record of 0.1.0
        ({"config": {"n_layers": 1}}, {"config": {"n_layers": 2}}, None),
    ],
)
def test_records_that_may_and_may_not_stand_in_one_table(suite, results, first, second, words):
    change(0, **first)
    change(1, **second)
    if words is None:
        assert len(summarise(suite, results).tables[0].rows) == 4
        return
    with pytest.raises(ValueError, match=r"^weak and strong were measured ") as error:
        summarise(suite, results)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_trials_on_other_data_than_the_runs(suite, results):
    trials = Path("results/trials.jsonl")
    lines = [json.loads(line) for line in trials.read_text().splitlines()]
    for line, fingerprint in zip(lines, "ab", strict=True):
        line["data_fingerprint"] = fingerprint
    trials.write_text("".join(json.dumps(line) + "\n" for line in lines))
    # A search is of the data of its last trial, so this one is not finished.
    recorded = Recorded(suite, results.runs(), results.trials())
    search = search_of(suite, cell_of(suite, "ours"))
    assert [trial["number"] for trial in recorded.trials(search)] == [1]
    assert recorded.run(cell_of(suite, "ours")) is None
    with pytest.raises(ValueError, match=r"trials on different data: .* is a in .*line 1 and b in"):
        summarise(suite, results)
    lines[0]["data_fingerprint"] = "b"
    trials.write_text("".join(json.dumps(line) + "\n" for line in lines))
    place = next(n for n, run in enumerate(results.runs()) if run["setting"] == hash_of_ours(suite))
    change(place, data_fingerprint="a")
    with pytest.raises(ValueError, match="ours and the search of ours were measured on different"):
        summarise(suite, results)


def hash_of_ours(suite):
    return setting_hash(suite, cell_of(suite, "ours", "d1"), {"reg_weight": 3.5})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"setting": GONE}, "setting must be a text, found nothing"),
        ({"setting": ["a"]}, "setting must be a text, found ['a']"),
        ({"test": 5}, "test must be a mapping, found 5"),
        ({"test": {"ndcg@2": "high"}}, "test must be a mapping of figures, also ndcg@2"),
        ({"seconds": {}}, "seconds must be a mapping with a number train"),
        ({"users_file": GONE}, "users_file must be a text"),
        ({"users_file": "../x.npz"}, "users_file '../x.npz' is no side file"),
        ({"test": {"ndcg@2": 0.5}}, "test must be a mapping with a figure precision@2"),
        ({"test": {"ndcg@2": 0.5, "precision@2": None}}, "with a figure precision@2"),
        ({"versions": {"torch": [2]}}, "versions must be a mapping of texts"),
        ({"versions": []}, "versions must be a mapping"),
        ({"config": 1}, "config must be a mapping"),
        ({"test": {"precision@2": 0.5, "ndcg@2": 0.5}}, "the file is of another run"),
    ],
)
def test_a_record_that_is_not_as_it_was_written(suite, results, fields, words, capsys):
    change(0, **fields)
    assert main(["benchmark", "s.yaml", "--report"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: results/runs.jsonl, line 1: ")
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{}", "search must be a text, found nothing"),
        ('{"search": "a", "number": "1"}', "number must be a whole number"),
        ('{"search": "a", "number": 1, "state": "lost"}', "state must be one of complete, cut"),
        ('{"search": "a", "number": 1, "state": "complete", "value": null}', "value must be a nu"),
    ],
)
@pytest.mark.parametrize("words_of_command", [["--list"], ["--report"]])
def test_a_trial_that_is_not_as_it_was_written(
    suite, results, line, words, words_of_command, capsys
):
    with Path("results/trials.jsonl").open("a") as file:
        file.write(line + "\n")
    assert main(["benchmark", "s.yaml", *words_of_command]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: results/trials.jsonl, line 3: ")
    assert words in error


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "its parameters are none, not reg_weight"),
        ({"reg": 2}, "its parameters are reg, not reg_weight"),
        ({"reg_weight": 20}, "reg_weight is 20, outside of its range"),
        ({"reg_weight": "2"}, "reg_weight is '2', outside of its range"),
    ],
)
def test_a_trial_of_other_options(suite, results, parameters, words):
    file = Path("results/trials.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[1]["parameters"] = parameters
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ValueError, match=r"results/trials\.jsonl, line 2: ") as error:
        summarise(suite, results)
    assert words in str(error.value)


def test_an_empty_record_and_marks_of_a_merge(suite, results, capsys):
    file = Path("results/runs.jsonl")
    good = file.read_text()
    for line, words in (("{}", "setting must be"), ("<<<<<<< ours", "a mark that a merge left")):
        file.write_text(f"{good}{line}\n")
        for command in (["--list"], ["--report"], ["--row=weak"]):
            assert main(["benchmark", "s.yaml", *command]) == 2
            error = capsys.readouterr().err.splitlines()[-1]
            assert f"results/runs.jsonl, line {good.count(chr(10)) + 1}" in error
            assert words in error


def test_a_test_that_points_the_other_way_than_the_means():
    """A user of a small split weighs more in a mean over runs than in a test over users."""
    Path("two.yaml").write_text(
        """
metrics: [Precision]
topk: [1]
valid_metric: Precision@1
tables: [[precision@1]]
datasets: {d: {splits: [big, small]}}
rows:
  - {name: base, model: Pop, baseline: true}
  - {name: other, model: BPR}
"""
    )
    suite, results = read_suite(Path("two.yaml")), Results(Path("results"))
    rates = {("base", "big"): 0.4, ("other", "big"): 0.6, ("base", "small"): 1.0}
    for cell in cells(suite):
        n_users = 400 if cell.data == "big" else 4
        hits = np.arange(n_users) < n_users * rates.get((cell.row.name, cell.data), 0.0)
        by_user = UserResults(
            users=np.array([f"{cell.data}{n:03}" for n in range(n_users)]),
            n_rated=np.ones(n_users, dtype=int),
            n_liked=np.ones(n_users, dtype=int),
            hits=hits[:, None],
            sign_auc=None,
        )
        results.add_run(
            {
                "row": cell.row.name,
                "setting": setting_hash(suite, cell, {}),
                "key": setting_hash(suite, cell, {}),
                "split": cell.data,
                "test": {"precision@1": by_user.mean("precision@1")},
                "seconds": {"train": 1, "process": 1},
                "peak_memory_mib": None,
                "versions": {},
            },
            by_user,
        )
    summary = summarise(suite, results)
    base, other = summary.tables[0].rows
    comparison = other.comparisons["precision@1"]
    assert comparison.direction() == 1
    assert other.figures["precision@1"].mean < base.figures["precision@1"].mean
    text = markdown(summary)
    line = next(line for line in text.splitlines() if line.startswith("| other"))
    assert "↕" in line
    assert not {"↑", "↓"} & set(line)
    assert "↕: significant over users, each counted once" in text
    assert r"$^{\updownarrow}$" in latex(summary, summary.tables[0])
    differences = differences_table(summary, ["precision@1"], named([("other", "base")]))
    assert "-.4000 ↕" in differences
    assert "the other way round than these means" in differences


HOSTILE = [
    "$x^{",
    "a | b",
    "=1+1",
    "+x",
    "-x",
    "@x",
    "<script>alert(1)</script>",
    "&%_#{}~^\\",
    "*bold* _it_ `code` [a](http://b)",
    "_hidden",
    "[x]",
    "*",
    "\\input{x}",
    "&lt;b&gt;",
    "名前 ü",
]


def test_names_are_text_in_every_report(suite, results):
    rows = suite.rows[:1] * len(HOSTILE)
    rows = tuple(replace(row, name=name) for row, name in zip(rows, HOSTILE, strict=True))
    suite = replace(suite, rows=rows, title="<b>$x^{ | a", description="# <i>\n\n=1 $y_{ | b")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the font has no such letter
        write_report(suite, results, Path("report"))
    report = Path("report/report.md").read_text()
    table = [line for line in report.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {5}
    assert len(table) == 1 + len(HOSTILE)
    for text in (report, Path("report/index.html").read_text()):
        assert not re.search(r"(?<!\\)<(script|b>\$|i>)", text)
    assert report.startswith("# \\<b>\\$x^{ \\| a\n\n\\# \\<i>\n\n=1 \\$y\\_{ \\| b\n")
    lines = list(csv.DictReader(io.StringIO(Path("report/figures.csv").read_text())))
    names = {line["row"] for line in lines}
    assert len(names) == len(HOSTILE)
    assert not [name for name in names if name[0] in "=+-@"]
    assert {"'=1+1", "a | b"} < names
    tex = Path("report/d.tex").read_text()
    body = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {3}
    for line in body:
        assert not line.startswith(("[", "*"))
        assert r"\input" not in line
        assert not re.search(r"(?<!\\)[%#_^~](?!\{\\)", line.replace("$^{", "")), line
    images = re.findall(r"<!-- (.*?) -->", Path("report/d-time.svg").read_text())
    for name in HOSTILE[:2]:
        assert name in [image.replace(r"\$", "$") for image in images]
    assert any("_hidden" in image for image in images)


def test_a_report_without_matplotlib(suite, results, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["benchmark", "s.yaml", "--report", "--output=r"]) == 0
    said = capsys.readouterr().err
    assert 'tables alone: plots need matplotlib, which is not installed; pip install "rec' in said
    names = sorted(file.name for file in Path("r").iterdir())
    assert names == ["d.tex", "figures.csv", "index.html", "report.md"]
    assert Path("r/d.tex").read_text() == latex(
        summarise(suite, results), summarise(suite, results).tables[0]
    )
    assert "svg" not in Path("r/report.md").read_text()


def test_rows_of_different_data_are_not_compared(suite, results):
    cell = next(c for c in cells(suite) if c.row.name == "half" and c.data == "d2")
    record(suite, results, cell, changed=True)
    with pytest.raises(ValueError, match="weak and half were measured on different data of d2"):
        summarise(suite, results)


def test_published_figures_that_are_not_there(suite, results):
    Path("results/published.json").write_text('{"test_result": {"other": {}}}')
    with pytest.raises(ValueError, match=r"no published figures 'ours \(paper\)'.* has other"):
        summarise(suite, results)
    for content in ("{", "[]", "{}", '{"test_result": {"ours (paper)": {"ndcg@2": "x"}}}'):
        Path("results/published.json").write_text(content)
        with pytest.raises(ValueError, match=r"published\.json (is no JSON|must be a mapping)"):
            summarise(suite, results)
    Path("results/published.json").unlink()
    with pytest.raises(ValueError, match=r"there are no published figures in .*published\.json"):
        summarise(suite, results)


def test_a_report_of_nothing(suite):
    files = write_report(suite, Results(Path("results")), Path("report"))
    assert sorted(file.name for file in files) == ["figures.csv", "index.html", "report.md"]
    assert (
        "Not recorded yet: weak, strong, ours, half, none." in Path("report/report.md").read_text()
    )


def test_groups_of_activity(suite, results):
    row = summarise(suite, results).tables[0].rows[1]
    bounds = activity_bounds([row])
    assert bounds[0] == 1
    assert bounds[-1] == 41
    sizes = [sum(low <= n < high for n in range(1, 41)) for low, high in itertools.pairwise(bounds)]
    assert len(sizes) == 4
    assert max(sizes) - min(sizes) <= 4
    means, deviations = activity_means(row, "precision@2", bounds)
    for group, (low, high) in enumerate(itertools.pairwise(bounds)):
        of_runs = []
        for split in ("d1", "d2"):
            part = users_of(split, PRECISION["strong"])
            inside = [low <= n < high for n in part.n_rated]
            of_runs.append(part.hits[inside].mean())
        assert means[group] == pytest.approx(np.mean(of_runs))
        assert deviations[group] == pytest.approx(np.std(of_runs, ddof=1))


def test_of_many_rows_the_best_and_ours_are_in_colour(suite, results):
    weak, strong, ours, *_ = summarise(suite, results).tables[0].rows
    few = looks([weak, strong, ours], "precision@2")
    assert [look["color"] for look in few] == list(plotting.PALETTE[:3])
    many = [weak, *[strong] * 6, ours, weak]
    found = looks(many, "precision@2")
    grey = [place for place, look in enumerate(found) if look["color"] == plotting.GREY]
    assert grey == [0, 8]
    assert found[0]["marker"] != found[8]["marker"]
    coloured = [look["color"] for place, look in enumerate(found) if place not in grey]
    assert coloured == list(plotting.PALETTE[:7])


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (0.25, "ndcg@10", ".2500"),
        (1.0, "ndcg@10", "1.0000"),
        (0.00004, "ndcg@10", ".0000"),
        (10.04, "train_seconds", "10.0"),
        (0.04, "train_seconds", "0.0"),
        (512.6, "peak_memory_mib", "513"),
    ],
)
def test_figures_as_text(value, name, text):
    assert number(value, name) == text


def test_the_table_of_a_suite_in_a_document(suite, results, monkeypatch):
    monkeypatch.setattr(tables, "find_suite", lambda name: Path(f"{name[0]}.yaml"))
    document = "<!-- table suite:small -->\nold\n<!-- end -->\n"
    filled = tables.fill(document)
    assert markdown(summarise(suite, results)) in filled
    assert tables.fill(filled) == filled


def test_a_brief_table_of_a_suite(suite, results, monkeypatch):
    monkeypatch.setattr(tables, "find_suite", lambda name: Path(f"{name[0]}.yaml"))
    monkeypatch.setattr(tables, "BRIEF", ("recall@5", "signauc"))
    filled = tables.fill("<!-- table suite:small/brief -->\n<!-- end -->\n")
    one = replace(suite, tables=(("recall@5", "signauc"),))
    assert markdown(summarise(one, results)) in filled
    assert "P@5" not in filled
    with pytest.raises(ValueError, match=r"no small/short; there are small/\{1, brief\}"):
        tables.fill("<!-- table suite:small/short -->\n<!-- end -->\n")
