"""The real command line, as people type it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recbole_pngnn.cli import main

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "recbole_pngnn"]
SCRIPT = [sys.executable, str(ROOT / "run_recbole.py")]


def run(command, *words, **options):
    return subprocess.run(
        [*command, *map(str, words)], capture_output=True, text=True, timeout=300, **options
    )


def test_run_recbole_py():
    done = run(SCRIPT, "--model=PNGNN", "--epochs", "2", "--result_file=out/result.json")
    assert done.returncode == 0, done.stderr
    record = json.loads(Path("out/result.json").read_text())
    assert (record["model"], record["dataset"], record["epochs"]) == ("PNGNN", "ml-100k", 2)
    # The table on the screen shows the figures of the record.
    lines = done.stdout.splitlines()
    for name in ("precision", "recall", "ndcg"):
        (row,) = [line for line in lines if line.split()[:1] == [name]]
        expected = [f"{record['test_result'][f'{name}@{k}']:.4f}" for k in (5, 10, 15, 20)]
        assert row.split()[1:] == expected
    assert "epoch 2/2" in done.stderr
    assert "WARN" not in done.stderr


def test_config_files_and_options_of_recbole(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("epochs: 1\ntopk: [3]\nvalid_metric: NDCG@3\n")
    done = run(SCRIPT, "--model=EASE", f"--config_files={file}", "--reg_weight=100", "--seed=3")
    assert done.returncode == 0, done.stderr
    assert "@3" in done.stdout
    assert "seed 3" in done.stdout


def test_without_recbole():
    """As on Python 3.12 and later, where pip leaves RecBole out."""
    code = (
        "import importlib.abc, sys\n"
        "class Without(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'recbole':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "from recbole_pngnn.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = run([sys.executable, "-c", code], "run", "--model=PNGNN")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: RecBole is not installed")
    assert line.endswith("pip install --no-deps recbole==1.2.1")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["run"],
        ["prepare"],
        ["prepare", "ml-1m"],
        ["prepare", "ml-100k"],
        ["prepare", "csv"],
        ["augment"],
        ["recommend"],
    ],
)
def test_help_everywhere(words):
    done = run(COMMAND, *words, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: recbole-pngnn")
    assert len(done.stdout.splitlines()) > 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--model=LightGNC"], "error: there is no model named 'LightGNC'; did you mean"),
        (["run", "--colour=red"], "error: the option colour is read by nothing"),
        (["run", "--n_layer=2"], "error: the option n_layer is read by nothing; did you mean n_l"),
        (["run", "--epochs"], "error: the option --epochs has no value"),
        (["run", "epochs=2"], "error: 'epochs=2' is no option"),
        (["run", "--a=b=c"], "error: the option a is read by nothing"),
        (["run", "--config_files=no.yaml"], "error: there is no config file no.yaml"),
        (["run", "--dataset=mine"], "mine"),
        (
            ["run", "--reading=both"],
            "error: reading must be one of fused, partitioned, disinterest",
        ),
        (["run", "--n_layers=1.5"], "error: n_layers must be a whole number, found 1.5"),
        (["run", "--resume=no.pth"], "error: there is no checkpoint no.pth to go on from"),
        (["run", "--nproc=2"], "error: this command trains in one process"),
        (["recommend", "--checkpoint=no.pth"], "error: there is no checkpoint no.pth"),
        (["recommend", "--checkpoint=x", "--k=0"], "error: k must be at least 1, found 0"),
        (["recommend", "--checkpoint=x", "--users=,"], "error: --users ',' names no user"),
        (["recommend", "--checkpoint=x", "--colour=red"], "unrecognized arguments: --colour=red"),
    ],
)
def test_what_the_user_can_mend_is_a_line_and_status_2(words, message, capsys):
    try:
        status = main(words)
    except SystemExit as error:
        status = error.code
    errors = capsys.readouterr().err
    assert status == 2, errors
    assert message in errors
    assert "Traceback" not in errors


def test_the_traceback_is_there_for_those_who_ask():
    environment = {**os.environ, "RECBOLE_PNGNN_TRACEBACK": "1"}
    done = run(COMMAND, "run", "--model=LightGNC", env=environment)
    assert "Traceback" in done.stderr


def test_recommend():
    assert run(SCRIPT, "--epochs=1", "--result_file=r.json").returncode == 0
    checkpoint = json.loads(Path("r.json").read_text())["checkpoint"]
    done = run(COMMAND, "recommend", "--checkpoint", checkpoint, "--users=196,nobody", "--k=3")
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header == "user_id,rank,item_id,score,title"
    assert [row.split(",")[:2] for row in rows] == [["196", "1"], ["196", "2"], ["196", "3"]]
    assert "1 unknown user(s) left out: nobody" in done.stderr
    Path("users.txt").write_text("186\n22\n")
    done = run(
        COMMAND, "recommend", "--checkpoint", checkpoint, "--users=users.txt", "--output=o.csv"
    )
    assert done.stdout == "o.csv: 40 rows for 2 users\n"
    assert len(Path("o.csv").read_text().splitlines()) == 41


def test_ctrl_c_names_the_checkpoint_to_go_on_from():
    process = subprocess.Popen(
        [*SCRIPT, "--epochs=1000", "--stopping_step=1000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 120
        while not list(Path("output").glob("checkpoints/*.pth")):
            assert time.monotonic() < deadline, "no checkpoint was written"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    (line,) = [line for line in errors.splitlines() if line.startswith("stopped; go on with")]
    word = line.split()[-1]
    assert word.startswith("--resume=output/checkpoints/PNGNN-")
    done = run(SCRIPT, word, "--epochs=1000", "--stopping_step=1", "--result_file=r.json")
    assert done.returncode == 0, done.stderr
    assert 0 < json.loads(Path("r.json").read_text())["epochs"] < 999


def test_a_killed_run_leaves_a_checkpoint_to_go_on_from():
    process = subprocess.Popen(
        [*SCRIPT, "--epochs=1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 120
        while not (found := list(Path("output").glob("checkpoints/*.pth"))):
            assert time.monotonic() < deadline, "no checkpoint was written"
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = run(SCRIPT, f"--resume={found[0]}", "--epochs=2", "--result_file=r.json")
    assert done.returncode == 0, done.stderr
