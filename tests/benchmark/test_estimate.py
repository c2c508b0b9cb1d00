"""How long the rest takes."""

import pytest

from recbole_pngnn.benchmark.estimate import Estimate

EASE_A, BPR_B = ("EASE", "EASE", "a"), ("BPR", "BPR", "b")


def record(model, dataset, seconds, row=None):
    job = {"row": row or model, "model": model, "dataset": dataset}
    return {**job, "seconds": {"process": seconds}}


def test_a_job_takes_what_its_like_took():
    estimate = Estimate(
        [
            record("EASE", "a", 10),
            record("EASE", "a", 20),
            record("BPR", "b", 100),
            {"row": "BPR", "model": "BPR", "dataset": "b", "seconds": {}},
        ]
    )
    assert estimate.job(*EASE_A) == 15
    assert estimate.job("EASE", "EASE", "b") == 100  # another model on that dataset
    assert estimate.job("EASE", "EASE", "c") is None
    left = estimate.seconds([EASE_A, BPR_B], running=[(EASE_A, 5)], at_once=2)
    assert left == pytest.approx((15 + 100 - 5) / 2)
    assert Estimate([]).seconds([EASE_A], [], 1) is None
    assert Estimate([]).seconds([], [], 1) == 0


def test_a_job_takes_what_its_row_took_where_a_model_has_several():
    slow, quick = record("PNGNN", "a", 1300, "dual_bpr"), record("PNGNN", "a", 100, "preset")
    estimate = Estimate([slow, quick])
    assert estimate.job("preset", "PNGNN", "a") == 100
    assert estimate.job("another", "PNGNN", "a") == 700
    assert estimate.job("preset", "SiReN", "a") == 700


def test_a_job_that_takes_longer_than_its_like_takes_nothing_off_the_others():
    estimate = Estimate([record("EASE", "a", 15)])
    jobs = [EASE_A] * 3
    assert estimate.seconds(jobs, [(EASE_A, 40)], at_once=1) == 30
    assert estimate.seconds(jobs[:1], [(EASE_A, 40)], at_once=1) == 0
    assert estimate.seconds([], [(EASE_A, 10)], at_once=1) == 0  # recorded by another process


@pytest.mark.parametrize(
    "record", [{}, {"seconds": None}, {"seconds": {"process": 3}}, {"seconds": 3, "row": []}]
)
def test_records_that_say_nothing_of_the_time(record):
    assert Estimate([record]).job("a", "b", "c") is None
