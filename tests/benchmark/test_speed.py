"""The benchmark of speed: its data, and a small run of it."""

import json

import pytest

from recbole_pngnn.benchmark import speed
from recbole_pngnn.benchmark.ratings import prepare_ratings, synthetic_ratings


def test_synthetic_ratings_have_the_shape_asked_for():
    ratings = synthetic_ratings(n_users=60, n_items=40, n_ratings=900, seed=3)
    assert len(ratings) == 900
    assert not ratings.duplicated(["user", "item"]).any()
    assert ratings["user"].nunique() == 60
    assert ratings["item"].nunique() == 40
    assert (ratings["rating"] > 3.5).mean() == pytest.approx(0.575, abs=0.06)
    # A long tail: the busiest tenth of the items has far more than a tenth of the ratings.
    counts = ratings["item"].value_counts()
    assert counts.iloc[:4].sum() > 0.2 * 900
    assert ratings.equals(synthetic_ratings(60, 40, 900, seed=3))


def test_a_source_that_is_not_there_is_replaced_by_made_up_ratings(tmp_path, monkeypatch):
    small = synthetic_ratings(60, 40, 900)
    monkeypatch.setattr("recbole_pngnn.benchmark.ratings.synthetic_ratings", lambda: small)
    assert prepare_ratings(tmp_path / "missing", tmp_path).name == "synthetic"


def test_a_small_run(tmp_path, monkeypatch, capsys):
    small = synthetic_ratings(300, 100, 9000)
    monkeypatch.setattr("recbole_pngnn.benchmark.ratings.synthetic_ratings", lambda: small)
    assert speed.main(["--rounds=2", "--output=out/speed.json"]) == 0
    figures = json.loads((tmp_path / "out" / "speed.json").read_text())
    assert figures["users"] == 300
    assert figures["directed_edges"]["PNGNN"] == pytest.approx(2 * 0.8 * 9000, rel=0.02)
    for name, value in figures["median_ms"].items():
        first, second = figures["all_ms"][name]
        assert value == pytest.approx((first + second) / 2, abs=0.02)
    stock = figures["median_ms"]["LightGCN, stock: propagation"]
    step = figures["median_ms"]["PNGNN step, 4096 x 40"]
    ratio = figures["ratios"]["stock LightGCN propagation to a PNGNN step"]
    assert ratio == pytest.approx(stock / step, abs=0.01 + 0.01 * stock / step)
    assert "PNGNN evaluation, all users" in capsys.readouterr().out
