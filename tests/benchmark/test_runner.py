"""The runner with workers that answer at once: full disks, workers that hang, two at a time.

A worker is a real process with the real request and answer, and a program of these tests in place
of the training.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from recbole_pngnn.benchmark import process as process_module
from recbole_pngnn.benchmark.lock import NAME, alone_in
from recbole_pngnn.benchmark.process import Limits, Process
from recbole_pngnn.benchmark.records import pack, read_lines
from recbole_pngnn.benchmark.worker import Request
from recbole_pngnn.cli import main
from recbole_pngnn.protocol.by_user import UserResults

WORKER = """#!{python}
import json, os, shutil, subprocess, sys, time
from pathlib import Path
request = json.loads(sys.stdin.readline())
options, work = request["options"], Path(request["work"])
with open({asked!r}, "a") as file:
    file.write(json.dumps(request) + "\\n")
if options.get("hangs"):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path({pids!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
    time.sleep(600)
if options.get("full"):
    answer = {{"error": "OSError: [Errno 28] No space left on device: 'x.pth'"}}
else:
    for name in ("users.npz", "hits.npz"):
        shutil.copy(Path({made!r}, name), work)
    answer = {{"diverged": False, "valid": {{"precision@1": 0.5}}, "test": {{"precision@1": 0.5}},
              "best_valid_score": 0.5, "seconds": {{"train": 1.0}}, "peak_memory_mib": None,
              "commit": None, "versions": {{}}}}
part = work / "part"
part.write_text(json.dumps(answer))
part.replace(work / "answer.json")
if options.get("hangs_at_its_end"):
    time.sleep(600)
"""
PYTHON = sys.executable
SUITE = """
metrics: [Precision]
topk: [1]
valid_metric: Precision@1
tables: [[precision@1]]
datasets: {d: {splits: [d]}}
rows:
"""


@pytest.fixture
def suite(atomic, monkeypatch, tmp_path):
    """Write a suite of rows by their options, and let the program above answer for them."""
    rows = [(f"u{u}", f"i{i}", 5 if (u + i) % 3 else 1) for u in range(6) for i in range(6)]
    atomic("d", rows[::2], rows[1::4], rows[3::4])
    program = tmp_path / "worker"
    by_user = UserResults(
        users=np.array(["a", "b"]),
        n_rated=np.array([3, 4]),
        n_liked=np.array([1, 1]),
        hits=np.array([[True], [False]]),
        sign_auc=None,
    )
    for file, data in zip(("users.npz", "hits.npz"), pack(by_user), strict=True):
        (tmp_path / file).write_bytes(data)
    places = {name: str(tmp_path / name) for name in ("asked", "pids")}
    program.write_text(WORKER.format(python=PYTHON, made=str(tmp_path), **places))
    program.chmod(0o755)
    monkeypatch.setattr(process_module.sys, "executable", str(program))

    def write(*options):
        lines = [f"  - {{name: row{n}, model: Pop, options: {o}}}\n" for n, o in enumerate(options)]
        Path("s.yaml").write_text(SUITE + "".join(lines))
        return "s.yaml"

    return write


def asked():
    return [json.loads(line)["options"] for line in Path("asked").read_text().splitlines()]


def recorded(folder="results"):
    return [run["row"] for run in read_lines(Path(folder) / "runs.jsonl")]


def test_the_suite_stops_at_a_record_that_cannot_be_written_and_loses_nothing(suite, capsys):
    name = suite("{n: 0}", "{n: 1}", "{n: 2}")
    Path("results").mkdir()
    runs = Path("results/runs.jsonl")
    runs.symlink_to("/dev/full")
    assert main(["benchmark", name]) == 2
    error = capsys.readouterr().err
    assert "row0, d, seed 2020 ended well, and its record cannot be written into results" in error
    assert "No space left on device" in error
    kept = Path(error.split("kept in ")[1].split(":")[0])
    assert kept.is_dir()
    assert [options["n"] for options in asked()] == [0]
    # With room the same command records it, and runs the others alone.
    runs.unlink()
    assert main(["benchmark", name]) == 0
    assert "3 runs and trials made, 0 runs recorded before" in capsys.readouterr().out
    assert recorded() == ["row0", "row1", "row2"]
    assert [options["n"] for options in asked()] == [0, 1, 2]
    assert not kept.exists()
    assert read_lines(runs)[0]["seconds"]["process"] > 0


def test_what_was_kept_of_other_data_is_not_recorded(suite, capsys):
    name = suite("{n: 0}")
    Path("results").mkdir()
    Path("results/runs.jsonl").symlink_to("/dev/full")
    assert main(["benchmark", name]) == 2
    kept = next(Path("output/benchmark/s/work").glob("*/kept-*.json"))
    answer = json.loads(kept.read_text())
    kept.write_text(json.dumps({**answer, "data_fingerprint": "of yesterday"}))
    Path("results/runs.jsonl").unlink()
    assert main(["benchmark", name]) == 0
    assert len(asked()) == 2


def test_nothing_is_trained_where_records_cannot_be_written(suite, capsys):
    name = suite("{n: 0}", "{n: 1}")
    Path("results").mkdir()
    Path("results/by_user").write_text("no folder")
    assert main(["benchmark", name]) == 2
    error = capsys.readouterr().err
    assert "results cannot be written (" in error
    assert "what is run would be lost" in error
    assert not Path("asked").exists()


def test_a_worker_whose_disk_is_full_stops_the_others(suite, capsys):
    assert main(["benchmark", suite("{full: 1}", "{n: 1}")]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert len(asked()) == 1


def test_two_rows_of_one_run(suite, capsys):
    name = suite("{n: 0}", "{n: 0}", "{n: 1}")
    text = Path(name).read_text()
    Path(name).write_text(text.replace("row0", "a/b").replace("row1", f'"a|b{"x" * 300}"'))
    assert main(["benchmark", name, "--jobs=3"]) == 0
    assert recorded() == ["a/b", "row2"]
    assert sorted(options["n"] for options in asked()) == [0, 1]
    assert len(list(Path("output/benchmark/s/logs").iterdir())) == 2


def test_a_variant_of_a_split_that_was_prepared_anew(suite, capsys):
    name = suite("{n: 0}", "{n: 1}")
    text = Path(name).read_text().replace("name: row1", "name: row1, variant: random")
    Path(name).write_text(text)
    variant = Path("dataset/d-random")
    variant.mkdir()
    for part in ("train", "valid", "test"):
        head, *lines = Path(f"dataset/d/d.{part}.inter").read_text().splitlines()
        if part == "train":
            head += "\tsource:token\tweight:float"
            lines = [f"{line}\tobserved\t1" for line in lines] + ["u0\ti1\t5\trandom\t1"]
        (variant / f"d-random.{part}.inter").write_text("\n".join([head, *lines]) + "\n")
    # Which files are loaded, and so make its fingerprint, is said there.
    (variant / "d-random.yaml").write_text("benchmark_filename: [train, valid, test]\n")
    assert main(["benchmark", name]) == 0, capsys.readouterr().err
    runs = read_lines(Path("results/runs.jsonl"))
    assert len({run["observed"] for run in runs}) == 1
    assert len({run["data_fingerprint"] for run in runs}) == 2
    train = Path("dataset/d/d.train.inter")
    train.write_text(train.read_text().replace("\t5", "\t4", 1))
    capsys.readouterr()
    main(["benchmark", name])
    assert "d-random was made from other ratings than dataset/d has today; remove the folder" in (
        capsys.readouterr().err
    )


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("--run_timeout=1.5", "it took longer than 1.5 s, the limit of --run_timeout (log: "),
        ("--idle_timeout=1.5", "it hangs: for 1.5 s, the limit of --idle_timeout, its process"),
    ],
)
def test_a_worker_that_hangs_is_ended_with_its_children_and_the_others_go_on(
    suite, capsys, limit, said
):
    name = suite("{hangs: 1}", "{n: 1}")
    assert main(["benchmark", name, limit, "--row=row0"]) == 1
    assert said in capsys.readouterr().err
    assert all(map(gone, map(int, Path("pids").read_text().split())))
    assert main(["benchmark", name, "--row=row1"]) == 0
    assert recorded() == ["row1"]


def test_a_worker_that_hangs_beside_one_that_does_not(suite, capsys):
    name = suite("{hangs: 1}", "{n: 1}", "{hangs_at_its_end: 1}")
    assert main(["benchmark", name, "--idle_timeout=2", "--jobs=2"]) == 1
    assert "FAILED row0, d, seed 2020: it hangs" in capsys.readouterr().err
    assert recorded() == ["row1", "row2"]


def test_who_computes_does_not_hang(tmp_path, monkeypatch):
    code = "import sys, time; e = time.time() + 60\nwhile time.time() < e: pass"
    program = tmp_path / "busy"
    program.write_text(f"#!{PYTHON}\n{code}\n")
    program.chmod(0o755)
    monkeypatch.setattr(process_module.sys, "executable", str(program))
    monkeypatch.setattr(process_module, "_LOOK_EVERY", 0.05)
    request = Request("Pop", "d", "dataset", {}, str(tmp_path / "work"), test=True)
    process = Process(request, tmp_path / "log", 1, Limits(idle=1.0))
    try:
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            assert process.overdue() is None
            time.sleep(0.05)
        os.kill(process._process.pid, signal.SIGSTOP)
        end = time.monotonic() + 20
        while process.overdue() is None:
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        process.stop()
    assert process.ended()


def test_a_suites_own_limit(suite, capsys):
    name = suite("{hangs: 1}")
    Path(name).write_text("run_timeout: 1.5\n" + Path(name).read_text())
    assert main(["benchmark", name]) == 1
    assert "it took longer than 1.5 s" in capsys.readouterr().err


HOLDER = """
import sys, time
from pathlib import Path
from recbole_pngnn.benchmark.lock import alone_in
with alone_in(Path(sys.argv[1]), "a test"):
    print("there", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the results, started in another folder."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "results").mkdir()
    (elsewhere / "link").symlink_to(tmp_path / "results")
    process = subprocess.Popen(
        [PYTHON, "-c", HOLDER, "link"], cwd=elsewhere, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "there\n"
    yield process
    process.kill()
    process.wait()


def test_one_benchmark_at_a_time_records_in_a_folder(suite, holder, capsys):
    name = suite("{n: 0}")
    assert main(["benchmark", name]) == 2
    error = capsys.readouterr().err
    assert "a benchmark that records in results is being run by another process" in error
    assert f"process {holder.pid} on " in error
    assert "elsewhere, since " in error
    assert not Path("asked").exists()
    # Its records are read all the same, and others made elsewhere.
    assert main(["benchmark", name, "--list"]) == 0
    assert main(["benchmark", name, "--results=others"]) == 0
    # A kill leaves the file, and nobody who holds it.
    holder.kill()
    holder.wait()
    assert Path("results", NAME).is_file()
    assert main(["benchmark", name]) == 0
    assert not Path("results", NAME).exists()


def test_the_lock_of_another_machine(tmp_path):
    owner = {"pid": os.getpid(), "host": "another.example", "folder": "/there", "since": "today"}
    file = tmp_path / NAME
    file.write_text(json.dumps(owner))
    with (
        pytest.raises(ValueError, match=r"on another\.example, .*; where that one is gone, remove"),
        alone_in(tmp_path, "a benchmark"),
    ):
        pass
    # Its owner touches it while it lives.
    os.utime(file, (time.time() - 3600,) * 2)
    with alone_in(tmp_path, "a benchmark"):
        assert json.loads(file.read_text())["pid"] == os.getpid()
    assert not file.exists()
    file.write_text("of no owner")
    with alone_in(tmp_path, "a benchmark"):
        pass
