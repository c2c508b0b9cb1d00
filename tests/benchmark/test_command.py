"""``recbole-pngnn benchmark`` as it is typed: run, stopped, killed, failed, resumed, reported."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from recbole_pngnn.benchmark.process import Process
from recbole_pngnn.benchmark.records import Results, read_lines
from recbole_pngnn.benchmark.worker import Request
from recbole_pngnn.cli import main

PREPARE = ["csv", "--ratings", "ratings.csv", "--user", "u", "--item", "i", "--rating", "r"]
PREPARE += ["--split", "0.5,0.2,0.3"]
SUITE = """
title: Small
topk: [3, 5]
valid_metric: NDCG@3
trials: 2
datasets:
  small:
    splits:
      - {dataset: small-1, prepare: PREPARE}
      - {dataset: small-2, prepare: [*WORDS, --seed, 2]}
rows:
  - {model: Pop, baseline: true}
  - {name: linear, model: EASE, search: {reg_weight: {loguniform: [1, 1000]}}}
  - {name: fails, model: BPR, options: {learning_rate: -1}}
  - name: waits
    model: Pop
    variant: mine
    augment: [--provider, random]
    answers: "answers/{dataset}.jsonl"
"""


def write_ratings(folder, n_users=40, n_items=30):
    generator = np.random.default_rng(0)
    lines = ["u,i,r"]
    for user in range(n_users):
        for item in generator.permutation(n_items)[: 10 + user % 9]:
            lines.append(f"u{user},i{item},{generator.integers(1, 6)}")
    (folder / "ratings.csv").write_text("\n".join(lines) + "\n")


def write_suite(folder):
    first = json.dumps([*PREPARE, "--seed", "1"])
    second = json.dumps([*PREPARE, "--seed", "2"])
    text = SUITE.replace("PREPARE", first, 1).replace("[*WORDS, --seed, 2]", second)
    (folder / "small.yaml").write_text(text)


def start(folder, *words):
    return subprocess.Popen(
        [sys.executable, "-m", "recbole_pngnn", "benchmark", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "7"},
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder where the suite ran once, with what was printed."""
    folder = tmp_path_factory.mktemp("benchmark")
    write_ratings(folder)
    write_suite(folder)
    process = start(folder, "small.yaml", "--jobs=2")
    output, errors = process.communicate(timeout=300)
    return folder, process.returncode, output, errors


@pytest.fixture
def there(finished, monkeypatch):
    """Work where the suite ran."""
    monkeypatch.chdir(finished[0])
    return finished[0]


def test_a_row_that_fails_is_reported_and_stops_no_other(finished):
    folder, status, output, errors = finished
    assert status == 1, errors
    for split in ("small-1", "small-2"):
        found = re.search(rf"FAILED fails, {split}, seed 2020: (.*) \(log: (.*)\)", errors)
        assert found, errors
        assert "learning_rate must be a number above 0; found -1" in found[1]
        assert "Traceback" in (folder / found[2]).read_text()
        assert f"waits, {split}, seed 2020 waits for the answers answers/{split}.jsonl" in output
    assert "6 runs and trials made, 0 runs recorded before" in output
    assert "linear, small-2, seed 2020: ndcg@3 ." not in output
    runs = Results(folder / "results").runs()
    assert sorted((run["row"], run["split"]) for run in runs) == [
        ("Pop", "small-1"),
        ("Pop", "small-2"),
        ("linear", "small-1"),
        ("linear", "small-2"),
    ]


def test_a_record_says_what_was_run_and_how(finished):
    folder = finished[0]
    results = Results(folder / "results")
    text = results.runs_file.read_text() + results.trials_file.read_text()
    assert str(folder) not in text
    assert "/tmp" not in text
    trials = results.trials()
    best = max(trials, key=lambda trial: trial["value"])
    for run in results.runs():
        assert set(run["seconds"]) == {"load", "train", "test", "process"}
        assert len(run["config_hash"]) == len(run["data_fingerprint"]) == len(run["key"]) == 64
        assert run["versions"]["recbole"] == "1.2.1"
        assert list(run["valid"]) == list(run["test"])
        assert run["measured"]["like_threshold"] == {"rating": 3.5}
        assert len(run["observed"]) == 64
        expected = best["parameters"] if run["row"] == "linear" else {}
        assert run["config"] == expected
        by_user = results.by_user(run)
        for metric, value in run["test"].items():
            assert by_user.mean(metric) == pytest.approx(value, abs=1e-6), metric
    # The chosen setting on the split of the search is the best trial again.
    again = next(run for run in results.runs() if run["row"] == "linear")
    assert again["valid"] == best["valid"]


def test_trials_say_nothing_of_the_test_part(finished):
    trials = Results(finished[0] / "results").trials()
    assert [(t["number"], t["split"], t["state"]) for t in trials] == [
        (0, "small-1", "complete"),
        (1, "small-1", "complete"),
    ]
    for trial in trials:
        assert "test" not in trial
        assert trial["value"] == trial["valid"]["ndcg@3"]
        assert trial["config"] == trial["parameters"]
        assert 1 <= trial["parameters"]["reg_weight"] <= 1000


def test_what_is_recorded_is_not_made_again(there, capsys):
    words = ["benchmark", "small.yaml", "--row=Pop", "--row=linear"]
    before = Path("results/runs.jsonl").read_bytes()
    assert main(words) == 0
    assert "0 runs and trials made, 4 runs recorded before" in capsys.readouterr().out
    assert Path("results/runs.jsonl").read_bytes() == before
    assert not list(Path("output/benchmark/small/work").iterdir())


def test_the_list_of_what_is_recorded_and_missing(there, capsys):
    assert main(["benchmark", "small.yaml", "--list"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["Pop", "recorded", "recorded"] in lines
    assert ["linear", "2", "of", "2", "recorded", "recorded"] in lines
    assert ["fails", "missing", "missing"] in lines
    waiting = [f"answers/small-{n}.jsonl" for n in (1, 2)]
    assert ["waits", "waits", "for", waiting[0], "waits", "for", waiting[1]] in lines
    assert lines[-1] == "4 of 8 runs recorded".split()


def test_a_report_is_the_same_bytes_twice(there, tmp_path):
    assert main(["benchmark", "small.yaml", "--report", f"--output={tmp_path / 'b'}"]) == 0
    other = start(there, "small.yaml", "--report", f"--output={tmp_path / 'a'}")
    output, errors = other.communicate(timeout=120)
    assert other.returncode == 0, errors
    assert f"{tmp_path / 'a' / 'index.html'}" in output
    files = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert files == [
        "figures.csv",
        "index.html",
        "report.md",
        "small-activity.svg",
        "small-cutoffs.svg",
        "small-time.svg",
        "small.tex",
    ]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    report = (tmp_path / "a" / "report.md").read_text()
    for run in Results(Path("results")).runs():
        if run["split"] == "small-1":
            second = next(
                r
                for r in Results(Path("results")).runs()
                if r["row"] == run["row"] and r["split"] == "small-2"
            )
            mean = np.mean([run["test"]["ndcg@5"], second["test"]["ndcg@5"]])
            line = [text for text in report.splitlines() if text.startswith(f"| {run['row']} ")][2]
            assert f"{mean:.4f}"[1:] in line


def test_records_of_other_data_are_made_again(there, tmp_path, monkeypatch, capsys):
    import shutil

    for name in ("results", "dataset"):
        shutil.copytree(there / name, tmp_path / name)
    shutil.copy(there / "small.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    part = next(Path("dataset/small-2").glob("*.test.inter"))
    part.write_text(part.read_text().replace("\t5", "\t1"))
    assert main(["benchmark", "small.yaml", "--row=Pop"]) == 2
    captured = capsys.readouterr()
    assert "Pop, small-2" in captured.err
    assert "Pop and linear were measured on different data of small-2" in captured.err
    pops = [run for run in read_lines(Path("results/runs.jsonl")) if run["row"] == "Pop"]
    assert len(pops) == 3
    assert pops[1]["setting"] == pops[2]["setting"]
    assert pops[1]["key"] != pops[2]["key"]


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.05)


def test_stopped_and_killed_it_goes_on_where_it_was(atomic, tmp_path, capsys):
    rows = [(f"u{u}", f"i{i}", 5 if (u + i) % 3 else 1) for u in range(12) for i in range(18)]
    atomic("d", rows[::2], rows[1::4], rows[3::4])
    suite = """
topk: [3]
valid_metric: NDCG@3
datasets: {d: {splits: [d]}}
rows:
  - {model: Pop}
  - {name: slow, model: BPR, options: {epochs: EPOCHS, stopping_step: 1000000}}
"""
    Path("kill.yaml").write_text(suite.replace("EPOCHS", "1000000"))
    runs = Path("results/runs.jsonl")

    def workers_of(process):
        return psutil.Process(process.pid).children(recursive=True)

    # Ctrl-C, while another one asks for the same suite.
    process = start(tmp_path, "kill.yaml")
    wait_for(lambda: len(read_lines(runs)) == 1)
    wait_for(lambda: workers_of(process))
    assert main(["benchmark", "kill.yaml"]) == 2
    assert "suite kill is being run by another process" in capsys.readouterr().err
    workers = workers_of(process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped; what is recorded stays, the same command goes on" in errors
    assert not [worker for worker in workers if worker.is_running()]

    # kill -9: the worker notices that nobody waits for it.
    process = start(tmp_path, "kill.yaml")
    wait_for(lambda: workers_of(process))
    (worker,) = workers_of(process)
    process.kill()
    process.communicate()
    psutil.wait_procs([worker], timeout=60)
    assert not worker.is_running()

    # A line that was being written; then the same command, with a row that ends.
    with runs.open("a") as file:
        file.write('{"suite": "kill", "row": "slo')
    Path("kill.yaml").write_text(suite.replace("EPOCHS", "1"))
    assert main(["benchmark", "kill.yaml"]) == 0
    assert "1 runs and trials made, 1 runs recorded before" in capsys.readouterr().out
    assert [run["row"] for run in read_lines(runs)] == ["Pop", "slow"]
    assert runs.read_bytes().count(b"\n") == 2


def test_a_worker_that_is_killed_is_said_to_be(tmp_path):
    request = Request("BPR", "d", "dataset", {}, str(tmp_path / "work"), test=True)
    process = Process(request, tmp_path / "worker.log", 1)
    process._process.kill()
    wait_for(process.ended)
    with pytest.raises(ValueError, match=r"ended by SIGKILL; was the memory enough\? \(log: "):
        process.answer()
    process.stop()
    assert not (tmp_path / "work").exists()


def test_a_row_waits_for_a_language_models_answers_and_runs_with_them(tmp_path, capsys):
    write_ratings(tmp_path)
    titles = [f"i{item},Film {item}" for item in range(30)]
    Path("items.csv").write_text("\n".join(["i,title", *titles]) + "\n")
    words = [*PREPARE, "--items", "items.csv", "--title", "title", "--name", "small-1"]
    assert main(["prepare", *words]) == 0
    train = Path("dataset/small-1/small-1.train.inter").read_text().splitlines()[1:]
    rated = {tuple(line.split("\t")[:2]) for line in train}
    lines = [
        f"u{user},i{item},{item}"
        for user in range(3)
        for item in range(30)
        if (f"u{user}", f"i{item}") not in rated
    ]
    Path("candidates.csv").write_text("\n".join(["user_id,item_id,rank", *lines]) + "\n")
    augment = ["--provider", "openai", "--model", "m", "--users", "u0,u1,u2"]
    augment += ["--candidates_file", "candidates.csv", "--text_columns", "movie_title"]
    Path("v.yaml").write_text(
        f"""
topk: [3]
valid_metric: NDCG@3
datasets: {{small: {{splits: [small-1]}}}}
rows:
  - name: LLM
    model: Pop
    variant: openai
    augment: {json.dumps(augment)}
    answers: "answers-{{dataset}}.jsonl"
"""
    )
    assert main(["benchmark", "v.yaml", "--trust"]) == 0
    assert "LLM, small-1, seed 2020 waits for the answers answers-small-1.jsonl" in (
        capsys.readouterr().out
    )

    asked = ["augment", "--dataset", "small-1", *augment, "--export_batch", "asked.jsonl"]
    assert main(asked) == 0
    content = json.dumps({"liked": "A", "disliked": "B"})
    body = {
        "id": "x",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": content},
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    answers = [
        {"custom_id": request["custom_id"], "response": {"status_code": 200, "body": body}}
        for request in map(json.loads, Path("asked.jsonl").read_text().splitlines())
    ]
    assert len(answers) == 3
    Path("answers-small-1.jsonl").write_text("\n".join(map(json.dumps, answers)) + "\n")
    assert main(["benchmark", "v.yaml", "--trust"]) == 0, capsys.readouterr().err
    (run,) = read_lines(Path("results/runs.jsonl"))
    assert (run["split"], run["data"]) == ("small-1", "small-1-openai")
    made = Path("dataset/small-1-openai/small-1-openai.train.inter").read_text()
    assert made.count("openai") == 6
    # What was made up counts neither as activity nor as liked.
    users = Results(Path("results")).by_user(run)
    for user, n_rated in zip(users.users, users.n_rated, strict=True):
        assert n_rated == sum(line.split("\t")[0] == user for line in train)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        ("", "dataset/gone is missing, and the suite does not say how to prepare it"),
        (", prepare: [ml-1m, --fold, 1]", "it is made from ml-1m, which has to be given by --sou"),
        (", prepare: [csv, --nonsense]", "cannot make gone: "),
    ],
)
def test_data_that_cannot_be_made(prepare, words, capsys):
    Path("s.yaml").write_text(
        f"{{datasets: {{d: {{splits: [{{dataset: gone{prepare}}}]}}}}, rows: [{{model: Pop}}]}}"
    )
    assert main(["benchmark", "s.yaml"]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["quick", "--jobs=0"], "--jobs must be at least 1, found 0"),
        (["quick", "--output=x"], "--output is the folder of a report; give --report too"),
        (["nowhere"], "there is no suite nowhere"),
        (
            ["quick", "--run_timeout=0"],
            "--run_timeout must be a number of seconds above 0, found 0",
        ),
        (["quick", "--idle_timeout=nan"], "--idle_timeout must be a number of seconds above 0"),
        (["quick", "--report", "--row=Pop"], "--report is of all rows; leave --row out"),
        (["quick", "--results=file"], "--results is a folder, and file is a file"),
        (["quick", "--report", "--output=file"], "--output is a folder, and file is a file"),
        (["main", "--list", "--dataset=ml-10m"], "has no dataset 'ml-10m'; there are ml-100k, ml"),
        (["quick", "--list", "--row=PNGN"], "has no row 'PNGN'; there are Pop, LightGCN"),
    ],
)
def test_what_cannot_be_asked_for(words, said, capsys):
    Path("file").touch()
    assert main(["benchmark", *words]) == 2
    assert said in capsys.readouterr().err
