"""What tests share: atomic files by hand, a Config that reads no command line, a place to write."""

import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Before RecBole, in every test: it cannot be imported whole on today's packages without.
import recbole_pngnn  # noqa: F401

# A loaded machine is no fault of what is tested.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

HEADER = ("user_id:token", "item_id:token", "rating:float", "source:token")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Work in an empty folder, with a command line that RecBole's Config finds nothing on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pytest"])
    return tmp_path


@pytest.fixture
def atomic(tmp_path):
    """Write a pre-split dataset: ``atomic(name, train=rows, valid=rows, test=rows)``.

    A row is user, item, rating and, where any row has one, source. ``more`` are further files by
    suffix, as text. Returns the folder of datasets, for ``data_path``.
    """

    def write(name, train, valid=(), test=(), **more):
        folder = tmp_path / "dataset" / name
        folder.mkdir(parents=True, exist_ok=True)
        parts = {"train": train, "valid": valid, "test": test}
        width = max(len(row) for rows in parts.values() for row in rows)
        for part, rows in parts.items():
            padded = [[*map(str, row), "observed"][:width] for row in rows]
            lines = ["\t".join(row) for row in [list(HEADER[:width]), *padded]]
            text = "\n".join(lines) + "\n"
            (folder / f"{name}.{part}.inter").write_text(text, encoding="utf-8")
        for suffix, text in more.items():
            (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")
        options = "benchmark_filename: [train, valid, test]\n"
        (folder / f"{name}.yaml").write_text(options, encoding="utf-8")
        return folder.parent

    return write


@pytest.fixture
def make_config():
    """Make RecBole's Config of a model on a dataset below ``./dataset``, with options."""
    from recbole.config import Config

    def make(model, dataset, **options):
        options = {"protocol": "signed", "data_path": str(Path("dataset")), **options}
        options.setdefault("show_progress", False)
        return Config(model=model, dataset=dataset, config_dict=options)

    return make
