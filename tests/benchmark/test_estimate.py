"""How long the rest takes."""

import pytest

from recbole_pngnn.benchmark.estimate import Estimate


def record(model, dataset, seconds):
    return {"model": model, "dataset": dataset, "seconds": {"process": seconds}}


def test_a_job_takes_what_its_like_took():
    estimate = Estimate(
        [
            record("EASE", "a", 10),
            record("EASE", "a", 20),
            record("BPR", "b", 100),
            {"model": "BPR", "dataset": "b", "seconds": {}},
        ]
    )
    assert estimate.job("EASE", "a") == 15
    assert estimate.job("EASE", "b") == 100  # another model on that dataset
    assert estimate.job("EASE", "c") is None
    left = estimate.seconds([("EASE", "a"), ("BPR", "b")], passed=5, at_once=2)
    assert left == pytest.approx((15 + 100 - 5) / 2)
    assert estimate.seconds([("EASE", "a")], passed=99, at_once=1) == 0
    assert Estimate([]).seconds([("EASE", "a")], 0, 1) is None
    assert Estimate([]).seconds([], 0, 1) == 0
