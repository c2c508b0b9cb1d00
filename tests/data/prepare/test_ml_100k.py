"""MovieLens-100K from RecBole's copy."""

import importlib.util
import shutil
from collections import Counter
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from recbole.utils import utils

COPY = Path(utils.__file__).parents[1] / "dataset_example" / "ml-100k"


def test_what_is_written(prepare, written):
    done = prepare("ml-100k", "--split", "0.8,0.1,0.1", "--seed", "1")
    assert done.status == 0, done.err
    dataset = written("ml-100k-split-80-10-10-seed1")
    lines = (COPY / "ml-100k.inter").read_text().splitlines()
    assert dataset.headers[".valid.inter"] == lines[0].split("\t")
    assert dataset.ratings == sorted(tuple(line.split("\t")) for line in lines[1:])
    # A tenth of each user's ratings, rounded down; the fewest are 20.
    totals = Counter(user for user, *_ in dataset.ratings)
    for part in dataset.parts[1:]:
        assert Counter(user for user, *_ in part) == {u: n // 10 for u, n in totals.items()}
    for suffix in ("item", "user"):
        assert dataset.files[f".{suffix}"] == (COPY / f"ml-100k.{suffix}").read_bytes()
    assert dataset.manifest["source"]["file"] == "ml-100k.inter"
    assert (dataset.manifest["users"], dataset.manifest["items"]) == (943, 1682)


@pytest.fixture
def broken_copy(monkeypatch, tmp_path):
    """Let RecBole be found in a folder of its own, with a copy that a test can break."""
    package = tmp_path / "site" / "recbole"
    shutil.copytree(COPY, package / "dataset_example" / "ml-100k")
    spec = ModuleSpec("recbole", None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    return package / "dataset_example" / "ml-100k"


def test_a_copy_with_a_bad_line(prepare, broken_copy):
    with (broken_copy / "ml-100k.inter").open("a") as file:
        file.write("1\t2\tmany\t3\n")
    assert "ml-100k.inter, line 100002: rating:float 'many' is not a fin" in prepare("ml-100k").err


def test_a_copy_without_its_features(prepare, broken_copy, nothing_in):
    (broken_copy / "ml-100k.user").unlink()
    done = prepare("ml-100k")
    assert (done.status, "ml-100k.user: No such file" in done.err) == (2, True)
    assert nothing_in("out")


def test_recbole_without_its_copy(prepare, broken_copy):
    shutil.rmtree(broken_copy)
    assert "RecBole's copy of ml-100k is not at" in prepare("ml-100k").err


def test_no_recbole(prepare, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = prepare("ml-100k")
    assert (done.status, "RecBole is not installed, and ml-100k comes with" in done.err) == (
        2,
        True,
    )
