"""Mistakes at the command line: a line that says what, what was found, and what to do."""

import logging
import os
import pickle
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from recbole_pngnn.cli import main

SMALL = ["--dataset=d", "--data_path=dataset", "--topk=[1]", "--show_progress=False"]
RUN = ["run", "--model=BPR", *SMALL, "--valid_metric=NDCG@1", "--epochs=1"]
TRAIN = [("u", "a", 5), ("v", "b", 5), ("v", "c", 2), ("u", "c", 4), ("w", "d", 1)]


@pytest.fixture
def tell(capsys):
    """Run a command in this process: its status and its last line of errors."""

    def run(*words):
        capsys.readouterr()
        try:
            status = main([*map(str, words)])
        except SystemExit as error:
            status = error.code
        errors = capsys.readouterr().err.splitlines()
        assert not any("Traceback" in line for line in errors)
        return status, errors[-1] if errors else ""

    return run


@pytest.fixture
def data(atomic):
    return atomic("d", TRAIN, [("v", "a", 5)], [("u", "b", 5)])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--epochs=0"], "epochs must be a whole number of at least 1; found 0"),
        (["run", "--epochs='5'"], "found '5', a text: take it out of its quotes"),
        (["run", "--learning_rate=abc"], "learning_rate must be a number above 0; found 'abc'"),
        (["run", "--epochs=2", "--epochs=1"], "--epochs is given twice, as 2 and as 1"),
        (["run", "--model=A", "--model=B"], "--model is given twice, as A and as B"),
        (["run", "--model=SASRec"], "and SASRec is a sequential model"),
        (["run", "--model=FM"], "FM is a context model"),
        (["run", "--model=CKE"], "CKE is a knowledge model"),
        (["run", "--model=pngnn"], "did you mean PNGNN?"),
        (["run", "--model="], "the option --model has no value"),
        (["run", "--topk=[5,10"], "topk is no list that can be read: [5,10"),
        (["run", "--metrics=[NDCG,Hit]"], "--metrics=\"['NDCG','Recall']\""),
        (["run", "--eval_args={'split'"], "eval_args is no dict that can be read"),
        (["run", "--learning-rate=1"], "--learning-rate is no option; did you mean --learning_rat"),
        (["run", "\u2013epochs=1"], "U+2013, which only looks like a hyphen; type --epochs=1"),
        (["run", "-epochs=1"], "did you mean --epochs=1?"),
        (["run", "--epochs="], "the option --epochs has no value"),
        (["run", "--config_files", "a.yaml", "b.yaml"], '--config_files="a.yaml b.yaml"'),
        (["run", "--config_files=pngnn-sofmax"], "did you mean pngnn-softmax?"),
        (["runn"], "there is no command 'runn'; did you mean run?"),
        (["prepare", "cvs"], "there is no source 'cvs'; did you mean csv?"),
        (["recommend", "--checkpont=x"], "did you mean --checkpoint?"),
        (["recommend", "\u2014checkpoint=x"], "type --checkpoint=x"),
        (["recommend", "--checkpoint=x", "--data-path=y"], "did you mean --data_path?"),
        (["recommend", "--checkpoint=x", "--k=few"], "whole number of at least 1, found 'few'"),
        (["recommend", "--checkpoint=x", "--output=."], "the output . is a folder"),
        (["recommend", "--checkpoint=x", "--output=no/o.csv"], "there is no folder for the output"),
    ],
)
def test_a_mistake_is_a_line_and_status_2(words, message, tell):
    status, line = tell(*words)
    assert status == 2
    assert line.startswith("error: ")
    assert message in line


def test_columns_between_spaces(atomic, tell):
    folder = atomic("d", TRAIN, [("v", "a", 5)], [("u", "b", 5)])
    for file in (folder / "d").glob("*.inter"):
        file.write_text(file.read_text().replace("\t", " "))
    assert "--field_separator=' '" in tell(*RUN)[1]
    assert tell(*RUN, "--field_separator= ")[0] == 0


def test_values_are_no_code(tell):
    """RecBole evaluates the words of a command line as Python."""
    evil = "__import__('pathlib').Path('made').touch()"
    for words in (["run", f"--epochs={evil}"], ["run", f"--data_path={evil}", "--dataset=x"]):
        assert tell(*words)[0] == 2
    assert not Path("made").exists()


def test_values_with_an_equals_sign_and_names_that_are_numbers(data, tell):
    assert tell(*RUN, "--output_dir=a=b")[0] == 0
    assert Path("a=b/checkpoints").is_dir()
    Path("dataset").rename("2024")
    words = [word.replace("dataset", "2024") if "data_path" in word else word for word in RUN]
    assert tell(*words)[0] == 0


def test_the_model_of_an_options_file_is_taken(data, tell, caplog):
    Path("m y.yaml").write_text("\ufeffmodel: Pop\nepochs: 1\n", encoding="utf-8")
    status, _ = tell("run", *SMALL, "--valid_metric=NDCG@1", "--config_files=m y.yaml")
    assert status == 0
    assert list(Path("output/log").glob("Pop-d-*.log"))


def test_a_metric_that_is_defined_for_nobody_is_told(data, tell):
    words = [word for word in RUN if "valid_metric" not in word]
    status, line = tell(*words, "--valid_metric=SignAUC")
    assert (status, "valid_metric SignAUC cannot be measured" in line) == (2, True)


@pytest.mark.parametrize("content", [b"junk", b"", pickle.dumps([1])])
def test_a_saved_dataset_that_is_none(data, tell, content):
    folder = Path("output/checkpoints")
    folder.mkdir(parents=True)
    (folder / "d-SignedDataset.pth").write_bytes(content)
    (folder / "d-Dataset.pth").write_bytes(content)
    status, line = tell(*RUN)
    assert status == 2
    assert "a file that save_dataset or save_dataloaders wrote cannot be used" in line


def test_what_was_not_foreseen_is_told_and_kept(data, tell, monkeypatch, capsys):
    def broken(*_):
        raise KeyError("a fault")

    monkeypatch.setattr("recbole_pngnn.quick_start.create_dataset", broken)
    status, line = tell(*RUN)
    assert status == 1
    assert "did not foresee this: KeyError: 'a fault'; its traceback is in " in line
    kept = Path(line.split("traceback is in ")[1].split(" (")[0])
    assert "in broken" in kept.read_text()
    monkeypatch.setenv("RECBOLE_PNGNN_TRACEBACK", "1")
    assert main(RUN) == 1
    printed = capsys.readouterr().err
    assert "in broken" in printed
    assert "KeyError: 'a fault'\nerror: a fault of recbole-pngnn" in printed


def test_too_little_memory_and_disk_are_told(data, tell):
    status, line = tell(*RUN, f"--embedding_size={10**12}")
    assert status == 2
    assert line.startswith("error: there is not enough memory: ")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # a full disk, for one process
    try:
        status, line = tell(*RUN, "--embedding_size=10000")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 2
    assert "disk" in line


@pytest.fixture
def checkpoint(data, tell):
    assert tell(*RUN)[0] == 0
    (file,) = (f for f in Path("output/checkpoints").glob("BPR-*.pth") if ".last" not in f.name)
    return file


def test_what_is_no_checkpoint(checkpoint, tell):
    content = checkpoint.read_bytes()
    whole = torch.load(checkpoint, weights_only=False)
    files = {
        "text.pth": b"text",
        "empty.pth": b"",
        "cut.pth": content[: len(content) // 2],
        "gone.pth": content.replace(b"general_recommender.bpr", b"general_recommender.bqr"),
    }
    for name, data in files.items():
        Path(name).write_bytes(data)
    torch.save({**whole, "config": {"dataset": "d"}}, "dict.pth")
    torch.save({**whole, "state_dict": {}}, "weights.pth")
    torch.save([1], "list.pth")
    for name in [*files, "dict.pth", "list.pth", "weights.pth"]:
        status, line = tell("recommend", f"--checkpoint={name}")
        assert (status, line.startswith("error: ")) == (2, True)
        assert name in line


def test_users_however_they_are_named(checkpoint, tell, capsys):
    words = ["recommend", f"--checkpoint={checkpoint}", "--k=1"]

    def served(users):
        capsys.readouterr()
        assert main([*words, f"--users={users}"]) == 0
        return [row.split(",")[0] for row in capsys.readouterr().out.splitlines()[1:]]

    assert served(",".join([*(f"nobody{n}" for n in range(100)), "v", "u"])) == ["v", "u"]
    Path("ids.txt").write_bytes(b"\xef\xbb\xbfw\r\n\r\nu\r\n")
    assert served("ids.txt") == ["w", "u"]
    Path("ids.txt").write_text("w\nu\n", encoding="utf-16")
    assert served("ids.txt") == ["w", "u"]
    Path("u").write_text("v\n")  # a file with the name of a user
    assert served("u") == ["v"]
    assert served("u,") == ["u"]
    assert served("x,u") == ["u"]
    status, line = tell(*words, "--users=missing.txt")
    assert status == 2
    assert line.endswith("if missing.txt is to be a file of ids, there is no such file")
    Path("latin.txt").write_bytes(b"u\n\xe9\n")
    status, line = tell(*words, "--users=latin.txt")
    assert line == "error: latin.txt, line 2: the byte 0xe9 is not utf-8; save the file as UTF-8"


def test_lists_are_written_whole_or_not_at_all(checkpoint, tell, monkeypatch):
    words = ["recommend", f"--checkpoint={checkpoint}", "--k=1"]
    Path("old.csv").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    status, line = tell(*words, "--output=old.csv")
    assert status == 2
    assert line.startswith("error: the disk takes no more")
    assert Path("old.csv").read_text() == "old"
    assert not list(Path().glob("*.partial*"))


def test_a_list_comes_without_titles_that_cannot_be_read(checkpoint, tell, caplog):
    Path("dataset/d/d.item").write_text("item_id:token\ttitle:token_seq\na\tx\ty\n")
    with caplog.at_level(logging.WARNING):
        assert tell("recommend", f"--checkpoint={checkpoint}", "--users=u")[0] == 0
    assert "come without titles: " in caplog.text
    assert "d.item, line 2: 3 fields, and the header has 2" in caplog.text


def test_help_is_quick_and_says_what_the_modules_say(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    quick = capsys.readouterr().out
    words = ["--help", "prepare", "augment", "benchmark", "augment report"]
    with pytest.raises(SystemExit):
        main(words)  # with all modules imported
    assert capsys.readouterr().out == quick
    code = "import sys, recbole_pngnn.cli; print([m for m in sys.argv[1:] if m in sys.modules])"
    names = ["torch", "pandas", "numpy", "openai", "pydantic", "yaml", "recbole"]
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
