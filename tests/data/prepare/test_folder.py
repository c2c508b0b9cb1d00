"""A dataset appears whole or not at all, and replaces another only when asked."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recbole_pngnn.data.prepare import PrepareError, datasets
from recbole_pngnn.data.prepare.folder import new_folder


def in_new_process(setup, *words):
    """Run ``prepare`` behind some lines of code that break it."""
    code = f"import os, signal, sys\nfrom recbole_pngnn.cli import main\n{setup}\nsys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, "prepare", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


KILLED_WHILE_WRITING = """
from recbole_pngnn.data.prepare import atomic
write, left = atomic.write_atomic, [{after}]
def write_atomic(path, frame):
    if not left[0]:
        path.write_text("half a fi")
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    write(path, frame)
atomic.write_atomic = write_atomic
"""


@pytest.mark.parametrize("after", [0, 2])
def test_a_kill_while_writing_leaves_nothing_under_the_name(prepare, zipped, written, after):
    words = ("ml-1m", "--source", zipped(), "--name", "d")
    killed = in_new_process(KILLED_WHILE_WRITING.format(after=after), *words, "--output", "out")
    assert killed.returncode == -signal.SIGKILL
    (partial,) = Path("out").iterdir()
    assert partial.name.startswith(".d.partial-")
    assert len(list(partial.iterdir())) == after + 1
    assert prepare(*words).status == 0
    assert prepare(*words, output="clean").status == 0
    assert written("d").files == written("d", "clean").files


KILLED_BETWEEN_RENAMES = """
rename, left = os.rename, [1]
def killing_rename(*paths):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    rename(*paths)
os.rename = killing_rename
"""


def test_a_kill_while_replacing_keeps_both(prepare, zipped, written):
    words = ("ml-1m", "--source", zipped(), "--name", "d", "--overwrite")
    assert prepare(*words).status == 0
    old = written("d").files
    killed = in_new_process(KILLED_BETWEEN_RENAMES, *words, "--seed", 5, "--output", "out")
    assert killed.returncode == -signal.SIGKILL
    new, aside = sorted(Path("out").iterdir())
    assert new.name.startswith(".d.partial-")
    assert aside.name.startswith(".d.replaced-")
    assert (aside / "d.train.inter").read_bytes() == old[".train.inter"]
    assert prepare(*words).status == 0
    assert written("d").files == old


def test_a_full_disk_is_an_error_and_leaves_nothing(zipped, nothing_in):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))"
    done = in_new_process(limit, "ml-1m", "--source", zipped(), "--name", "d", "--output", "out")
    assert (done.returncode, done.stderr) == (2, "error: cannot write out/d: File too large\n")
    assert nothing_in("out")


def test_ctrl_c_leaves_nothing_and_the_old_one_untouched(prepare_csv, written, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    assert prepare_csv().status == 0
    old = written().files
    with monkeypatch.context() as patched:
        patched.setattr("recbole_pngnn.data.prepare.atomic.number_texts", stop)
        assert prepare_csv("--overwrite").status == 130
    assert written().files == old
    assert [path.name for path in Path("out").iterdir()] == ["mine"]


def test_a_rename_that_fails_puts_the_old_one_back(prepare_csv, written, monkeypatch):
    assert prepare_csv().status == 0
    old = written().files
    rename, calls = os.rename, []

    def fail_second(*paths):
        calls.append(paths)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        rename(*paths)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", fail_second)
        done = prepare_csv("--overwrite", "--seed", "3")
    assert len(calls) == 3
    assert (done.status, done.err) == (2, "error: cannot write out/mine: Input/output error\n")
    assert written().files == old
    assert [path.name for path in Path("out").iterdir()] == ["mine"]


def test_a_dataset_is_replaced_only_when_asked(prepare_csv, written):
    assert prepare_csv().status == 0
    old = written().files
    done = prepare_csv(rows=["x,y,1", "x,z,2"])
    assert done.status == 2
    assert "out/mine exists; give --overwrite to replace it, or another --name" in done.err
    assert written().files == old
    assert prepare_csv("--overwrite", rows=["x,y,1", "x,z,2"]).status == 0
    assert written().ratings == [("x", "y", "1"), ("x", "z", "2")]
    assert [path.name for path in Path("out").iterdir()] == ["mine"]


def test_what_exists_is_told_before_the_work(prepare_csv):
    assert prepare_csv().status == 0
    assert "exists; give --overwrite" in prepare_csv(content="no ratings at all").err


def test_a_failed_replacement_keeps_the_old_one(prepare_csv, written):
    assert prepare_csv().status == 0
    old = written().files
    assert prepare_csv("--overwrite", rows=["x,y,bad"]).status == 2
    assert written().files == old


def test_a_dataset_that_appears_meanwhile_is_not_replaced(prepare_csv, monkeypatch):
    write = datasets.write_dataset

    def write_slowly(folder, *what):
        Path("out/mine").mkdir()
        Path("out/mine/manifest.json").write_text("another's")
        write(folder, *what)

    monkeypatch.setattr(datasets, "write_dataset", write_slowly)
    done = prepare_csv()
    assert (done.status, "cannot write out/mine: Directory not empty" in done.err) == (2, True)
    assert Path("out/mine/manifest.json").read_text() == "another's"
    assert [path.name for path in Path("out").iterdir()] == ["mine"]


def test_an_empty_folder_is_no_dataset(prepare_csv, written):
    Path("out/mine").mkdir(parents=True)
    assert "exists; give --overwrite" in prepare_csv().err
    assert prepare_csv("--overwrite").status == 0
    assert len(written().ratings) == 4


def test_what_prepare_did_not_write_is_never_deleted(prepare_csv):
    thesis = Path("out/mine/thesis.tex")
    thesis.parent.mkdir(parents=True)
    thesis.write_text("years of work")
    done = prepare_csv("--overwrite")
    assert (done.status, "was not written by prepare (it has no man" in done.err) == (2, True)
    assert thesis.read_text() == "years of work"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_not_a_folder_is_never_deleted(prepare_csv, kind):
    Path("out").mkdir()
    Path("elsewhere").mkdir()
    if kind == "file":
        Path("out/mine").write_text("mine")
    else:
        Path("out/mine").symlink_to(Path("elsewhere").absolute())
    done = prepare_csv("--overwrite")
    assert (done.status, "out/mine is not a folder; remove it yourself" in done.err) == (2, True)
    assert os.path.lexists("out/mine")


def test_an_output_that_is_a_file(prepare_csv):
    Path("out").write_text("a file")
    done = prepare_csv()
    assert (done.status, "cannot write out/mine: Not a directory" in done.err) == (2, True)
    assert Path("out").read_text() == "a file"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ml-100k", "'ml-100k' is taken: for it RecBole ignores data_path and loads its own copy"),
        ("../x", "'../x' is not a plain folder name; use letters, digits and . _ - +"),
        ("a/b", "is not a plain folder name"),
        (".hidden", "is not a plain folder name"),
        ("", "is not a plain folder name"),
        ("two words", "is not a plain folder name"),
        ("x" * 151, "is 151 bytes long; give one of at most 150"),
        ("é" * 76, "is 152 bytes long; give one of at most 150"),
        ("d[1]", "is not a plain folder name"),
        ("..", "is not a plain folder name"),
    ],
)
def test_names_that_cannot_be_used(prepare, csv_file, nothing_in, name, message):
    columns = ("--user", "userId", "--item", "movieId", "--rating", "stars")
    for words in (["ml-100k"], ["csv", "--ratings", csv_file(), *columns]):
        done = prepare(*words, "--name", name)
        assert (done.status, message in done.err) == (2, True), done.err
    assert nothing_in("out")


def test_the_lent_folder_is_gone_after_any_exception(tmp_path):
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path, "d") as folder:
        (folder / "half").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(PrepareError, match=r"cannot write .*d: No space left"),
        new_folder(tmp_path, "d"),
    ):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
