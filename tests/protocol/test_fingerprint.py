"""What tells data from other data: the bytes of the files that are read, and of no others."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.protocol import fingerprint as module
from recbole_pngnn.protocol.fingerprint import config_fingerprint, fingerprint

HEADER = "user_id:token\titem_id:token\trating:float\n"


def digest(*files):
    return hashlib.sha256(b"".join(n.encode() + b"\0" + text.encode() for n, text in files))


@pytest.mark.parametrize("name", ["d", "d[1]", "x*", "a b", "q?", "ü"])
def test_names_are_taken_as_they_are(tmp_path, name):
    (tmp_path / f"{name}.inter").write_text("1")
    (tmp_path / f"{name}-backup.inter").write_text("unread")
    (tmp_path / f"{name}.old.inter").write_text("unread")
    assert fingerprint(tmp_path, name) == digest((f"{name}.inter", "1")).hexdigest()


@given(texts=st.lists(st.text(max_size=30), min_size=3, max_size=3))
def test_parts_count_in_the_order_of_their_names(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("d")
    parts = dict(zip(["train", "valid", "test"], texts, strict=True))
    for part, text in parts.items():
        (folder / f"d.{part}.inter").write_bytes(text.encode())
    expected = digest(*[(f"d.{part}.inter", parts[part]) for part in ("test", "train", "valid")])
    assert fingerprint(folder, "d", list(parts)) == expected.hexdigest()
    (folder / "d.yaml").write_text("benchmark_filename: [train, valid, test]\n")
    assert fingerprint(folder, "d") == expected.hexdigest()
    two = digest(*[(f"d.{part}.inter", parts[part]) for part in ("test", "train")])
    assert fingerprint(folder, "d", ["train", "test"]) == two.hexdigest()


def test_a_file_of_several_chunks_and_one_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 7)
    (tmp_path / "d.inter").write_text("0123456789" * 5)
    assert fingerprint(tmp_path, "d") == digest(("d.inter", "0123456789" * 5)).hexdigest()
    assert fingerprint(tmp_path, "e") is None
    assert fingerprint(tmp_path, "d", ["train", "test"]) is None


def test_files_are_read_once_until_they_change(tmp_path, monkeypatch):
    file = tmp_path / "d.inter"
    file.write_text("a")
    os.utime(file, ns=(1, 1))
    monkeypatch.setattr(module, "_SETTLED_NS", 0)
    found = fingerprint(tmp_path, "d")
    with monkeypatch.context() as patched:
        patched.setattr(module.hashlib, "sha256", None)  # nothing is computed
        assert fingerprint(tmp_path, "d") == found
    file.write_text("b")  # of the same length
    os.utime(file, ns=(2, 2))
    assert fingerprint(tmp_path, "d") == digest(("d.inter", "b")).hexdigest()


def test_features_count_where_they_are_loaded(tmp_path, make_config):
    folder = tmp_path / "dataset" / "d"
    folder.mkdir(parents=True)
    (folder / "d.inter").write_text(HEADER)
    (folder / "d.item").write_text("item_id:token\n")
    plain = make_config("BPR", "d")
    assert config_fingerprint(plain) == plain["data_fingerprint"]
    assert plain["data_fingerprint"] == digest(("d.inter", HEADER)).hexdigest()
    columns = {"inter": ["user_id", "item_id", "rating"], "item": ["item_id"]}
    loaded = make_config("BPR", "d", load_col=columns)
    expected = digest(("d.inter", HEADER), ("d.item", "item_id:token\n")).hexdigest()
    assert loaded["data_fingerprint"] == expected
