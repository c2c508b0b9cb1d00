"""Figures: the same one is the same file, and without matplotlib the error says so."""

import sys
from pathlib import Path

import matplotlib
import pytest

from recbole_pngnn import plotting


def _draw():
    with plotting.style():
        figure, (left, right) = plotting.new_figure(4, 2, n_columns=2)
        left.errorbar([5, 10], [0.1, 0.2], yerr=[0.01, 0.02], label="PNGNN")
        left.legend()
        right.scatter([1, 2], [3, 4])
    return figure


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_figure_is_the_same_file(kind):
    plotting.save(_draw(), Path(f"a.{kind}"))
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": "other", "figure.dpi": 50}):
        plotting.save(_draw(), Path(f"b.{kind}"))
    data = Path(f"a.{kind}").read_bytes()
    assert data == Path(f"b.{kind}").read_bytes()
    assert matplotlib.__version__.encode() not in data
    assert data.startswith(b"\x89PNG" if kind == "png" else b"<?xml")


def test_another_kind_of_file():
    with pytest.raises(ValueError, match="svg or png, found 'pdf'"):
        plotting.save(_draw(), Path("figure.pdf"))


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ValueError, match=r'pip install "recbole-pngnn\[plot\]"'):
        plotting.new_figure(4, 2)
