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
    left = estimate.seconds([("EASE", "a"), ("BPR", "b")], running=[("EASE", "a", 5)], at_once=2)
    assert left == pytest.approx((15 + 100 - 5) / 2)
    assert Estimate([]).seconds([("EASE", "a")], [], 1) is None
    assert Estimate([]).seconds([], [], 1) == 0


def test_a_job_that_takes_longer_than_its_like_takes_nothing_off_the_others():
    estimate = Estimate([record("EASE", "a", 15)])
    jobs = [("EASE", "a")] * 3
    assert estimate.seconds(jobs, [("EASE", "a", 40)], at_once=1) == 30
    assert estimate.seconds(jobs[:1], [("EASE", "a", 40)], at_once=1) == 0
    assert estimate.seconds([], [("EASE", "a", 10)], at_once=1) == 0  # recorded by another process
