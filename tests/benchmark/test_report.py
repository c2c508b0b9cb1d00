"""Reports from records by hand: what is marked, what is compared, what is left out."""

import csv
import io
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recbole_pngnn import plotting
from recbole_pngnn.benchmark import tables
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


def test_rows_of_different_data_are_not_compared(suite, results):
    cell = next(c for c in cells(suite) if c.row.name == "half" and c.data == "d2")
    record(suite, results, cell, changed=True)
    with pytest.raises(ValueError, match="weak and half were measured on different data of d2"):
        summarise(suite, results)


def test_published_figures_that_are_not_there(suite, results):
    Path("results/published.json").write_text('{"test_result": {"other": {}}}')
    with pytest.raises(ValueError, match=r"no published figures 'ours \(paper\)'.* has other"):
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
