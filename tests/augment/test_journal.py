"""The journal loses nothing and belongs to one process and one dataset."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.journal import Journal

IDENTITY = {"dataset": "d", "train_sha256": "0" * 64}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "deep" / "journal.jsonl"


def test_records_are_found_again(file):
    with Journal(file, IDENTITY) as journal:
        journal.add({"key": "a", "status": 200, "body": "ünï\ncode"})
        journal.add({"key": "a", "status": 500, "body": ""})
        assert len(journal) == 2
    with Journal(file, IDENTITY) as journal:
        assert [record["status"] for record in journal.find("a")] == [200, 500]
        assert journal.find("a")[0]["body"] == "ünï\ncode"
        assert journal.find("b") == []


@given(cut=st.integers(1, 200))
def test_a_torn_last_line_costs_that_line_alone(tmp_path_factory, cut):
    file = tmp_path_factory.mktemp("j") / "journal.jsonl"
    with Journal(file, IDENTITY) as journal:
        journal.add({"key": "a", "status": 200, "body": "whole"})
        size = file.stat().st_size
        journal.add({"key": "b", "status": 200, "body": "x" * 200})
    os.truncate(file, min(size + cut, file.stat().st_size - 1))
    with Journal(file, IDENTITY) as journal:
        assert len(journal.find("a")) == 1
        journal.add({"key": "c", "status": 200, "body": "next"})
    with Journal(file, IDENTITY) as journal:
        assert [len(journal.find(key)) for key in "ac"] == [1, 1]
        assert journal.n_unreadable + len(journal.find("b")) == 1


def test_another_process_is_refused(file):
    code = (
        "import sys; from pathlib import Path\n"
        "from recbole_pngnn.augment.journal import Journal\n"
        f"Journal(Path({str(file)!r}), {IDENTITY!r})\n"
    )
    with Journal(file, IDENTITY):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "is in use by another process" in done.stderr
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_journal_of_another_dataset_is_refused(file):
    Journal(file, IDENTITY).close()
    with pytest.raises(AugmentError, match="belongs to another dataset: its dataset is 'd'"):
        Journal(file, {**IDENTITY, "dataset": "e"})
    with pytest.raises(AugmentError, match="its train_sha256 is"):
        Journal(file, {**IDENTITY, "train_sha256": "1" * 64})


def test_some_other_file_is_refused_and_left_as_it_is(tmp_path):
    file = tmp_path / "thesis.txt"
    file.write_text("Chapter one.\nChapter two.\n")
    with pytest.raises(AugmentError, match="is not a journal"):
        Journal(file, IDENTITY)
    assert file.read_text() == "Chapter one.\nChapter two.\n"


def test_a_full_disk_leaves_the_journal_as_it_was(file, monkeypatch):
    write = os.write
    journal = Journal(file, IDENTITY)
    journal.add({"key": "a", "status": 200, "body": "whole"})
    before = file.read_bytes()
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:7]))
    with pytest.raises(AugmentError, match=r"cannot write the journal .*No space left"):
        journal.add({"key": "b", "status": 200, "body": "half"})
    monkeypatch.undo()
    assert file.read_bytes() == before
    journal.add({"key": "c", "status": 200, "body": "room again"})
    journal.close()
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [record.get("key") for record in records] == [None, "a", "c"]
