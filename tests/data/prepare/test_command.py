"""The real command, and what it imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recbole_pngnn.cli import main
from recbole_pngnn.data.prepare import prepare_csv as prepare_csv_function
from recbole_pngnn.data.prepare import prepare_ml_1m


def run(*command):
    return subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, env={**os.environ}
    )


def test_the_command(zipped, written, movielens):
    """As a user types it, into ``dataset``."""
    words = ("--source", zipped(), "--split", "0.8,0,0.2", "--seed", "1")
    done = run("-m", "recbole_pngnn", "prepare", "ml-1m", *words)
    assert (done.returncode, done.stderr) == (0, "")
    name = "ml-1m-split-80-0-20-seed1"
    assert (
        f"next: recbole-pngnn run --model=PNGNN --dataset={name} --data_path=dataset" in done.stdout
    )
    assert written(name, "dataset").ratings == sorted(movielens.ratings)


def test_an_error_is_a_line():
    done = run("-m", "recbole_pngnn", "prepare", "ml-1m", "--source", "no.zip")
    expected = "error: no.zip does not exist; give GroupLens' ml-1m.zip or its folder\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)
    assert not Path("dataset").exists()


@pytest.mark.parametrize("source", ["ml-1m", "ml-100k"])
def test_neither_torch_nor_recbole_is_imported(zipped, source):
    words = ["prepare", source, *(["--source", str(zipped())] if source == "ml-1m" else [])]
    code = (
        f"import sys; from recbole_pngnn.cli import main; assert main({words!r}) == 0; "
        "print(sorted({'torch', 'recbole', 'ray', 'pandas'} & set(sys.modules)))"
    )
    done = run("-c", code)
    assert done.stdout.splitlines()[-1:] == ["['pandas']"], done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: --ratings, --name"),
        (["--encodings", "x"], "did you mean --encoding?"),
    ],
)
def test_what_is_required(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["prepare", "csv", *words])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_as_functions(prepare_csv, csv_file, folded, written):
    """The same from Python as from the command line."""
    assert prepare_csv("--seed", "2").status == 0
    columns = {"user": "userId", "item": "movieId", "rating": "stars"}
    folder = prepare_csv_function(str(csv_file()), "python", name="mine", seed=2, **columns)
    assert folder == Path("python/mine")
    assert written("mine", "python").files == written("mine").files
    with pytest.raises(ValueError, match="fold and split exclude each other"):
        prepare_ml_1m(folded(), "python", fold=1, split=(0.8, 0.0, 0.2))
