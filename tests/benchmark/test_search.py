"""Searches: what is proposed, what is cut, what a trial looks at."""

import json
import sys
from pathlib import Path

import pytest

from recbole_pngnn.benchmark.plan import Search, best_trial, cells
from recbole_pngnn.benchmark.search import LEAST_FOR_MEDIAN, cut_below, next_parameters
from recbole_pngnn.benchmark.suite import Range, read_suite
from recbole_pngnn.benchmark.worker import Request, Third, answer

KEY = "0123456789abcdef"
RANGES = {
    "reg_weight": Range("loguniform", (1.0, 1000.0)),
    "dropout": Range("uniform", (0.0, 0.5)),
    "layers": Range("choice", ([64], [64, 64], "wide", 3)),
}


def trial(parameters, value, state="complete", at_third=None):
    return {"parameters": parameters, "value": value, "state": state, "at_third": at_third}


def search_for(n_trials, score, ranges=RANGES, start=None, known=()):
    trials = list(known)
    while len(trials) < n_trials:
        parameters = next_parameters(ranges, start or {}, trials, KEY)
        trials.append(trial(parameters, score(parameters)))
    return trials


def test_a_search_that_is_stopped_goes_on_as_it_would_have():
    def score(parameters):
        return -abs(parameters["dropout"] - 0.2)

    whole = search_for(9, score)
    assert search_for(9, score, known=json.loads(json.dumps(whole[:6]))) == whole
    for found in whole:
        parameters = found["parameters"]
        assert 1 <= parameters["reg_weight"] <= 1000
        assert 0 <= parameters["dropout"] <= 0.5
        assert parameters["layers"] in RANGES["layers"].values
    assert len({found["parameters"]["dropout"] for found in whole}) == 9


def test_a_search_learns():
    ranges = {"x": Range("uniform", (0.0, 1.0))}
    trials = search_for(30, lambda parameters: -((parameters["x"] - 0.7) ** 2), ranges)
    late = [abs(found["parameters"]["x"] - 0.7) for found in trials[15:]]
    early = [abs(found["parameters"]["x"] - 0.7) for found in trials[:5]]
    assert sorted(late)[len(late) // 2] < sorted(early)[len(early) // 2]
    assert min(late) < 0.02


@pytest.mark.parametrize("outside", [{"layers": 1024}, {"reg_weight": 0.0}, {"dropout": 0.6}])
def test_it_does_not_start_outside_of_a_range(outside):
    # The options of the suite and the data set are there too, for rows that search them not.
    first = next_parameters(RANGES, {"reg_weight": 250, "layers": 3, **outside}, [], KEY)
    assert first["layers"] == (3 if "layers" not in outside else first["layers"])
    assert first["layers"] in RANGES["layers"].values
    assert (first["reg_weight"] == 250.0) == ("reg_weight" not in outside)
    assert 1 <= first["reg_weight"] <= 1000
    assert 0 <= first["dropout"] <= 0.5


def test_the_first_trial_starts_at_the_rows_options():
    first = next_parameters(RANGES, {"reg_weight": 250, "layers": [64, 64], "n": 1}, [], KEY)
    assert first["reg_weight"] == 250.0
    assert first["layers"] == [64, 64]


def test_trials_that_were_cut_or_diverged_are_told_too():
    known = [
        trial({"reg_weight": 10.0, "dropout": 0.1, "layers": 3}, None, "diverged"),
        trial({"reg_weight": 20.0, "dropout": 0.2, "layers": "wide"}, 0.1, "cut", 0.1),
    ]
    assert set(next_parameters(RANGES, {}, known, KEY)) == set(RANGES)


def test_without_optuna(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ValueError, match=r'pip install "recbole-pngnn\[tune\]"'):
        next_parameters(RANGES, {}, [], KEY)


def test_what_is_far_behind_is_cut():
    scores = [0.1, 0.4, None, 0.2, 0.3]
    trials = [trial({}, None, at_third=score) for score in scores]
    assert cut_below(trials) == pytest.approx(0.75 * 0.25)
    assert cut_below(trials[:LEAST_FOR_MEDIAN]) is None


def test_trials_that_stopped_before_a_third_count_too():
    early = [trial({}, score) for score in (0.1, 0.4, 0.2)]
    later = trial({}, 0.9, at_third=0.3)
    diverged = trial({}, None, state="diverged")
    assert cut_below([*early, later, diverged]) == pytest.approx(0.75 * 0.25)
    assert cut_below([*early, diverged]) is None


@pytest.mark.parametrize(
    ("below", "validations", "epochs", "stops_at", "score"),
    [
        (0.5, [0.1, 0.4, 0.4, 0.9], 9, 3, 0.4),  # behind at the third of nine
        (0.4, [0.1, 0.4, 0.4, 0.9], 9, None, 0.4),  # as good as the median
        (None, [0.1, 0.1, 0.1], 9, None, 0.1),
        (0.5, [0.1], 1, None, 0.1),  # a model that is fitted at once
        (0.5, [0.1, 0.2], 9, None, None),  # stopped before a third
    ],
)
def test_a_trial_is_cut_at_a_third(below, validations, epochs, stops_at, score):
    third = Third(below)
    stopped = None
    for epoch, best in enumerate(validations, 1):
        if third(epoch, epochs, best):
            stopped = epoch
            break
    assert (stopped, third.score, third.cut) == (stops_at, score, stops_at is not None)


def test_the_best_trial_is_a_finished_one():
    Path("s.yaml").write_text(
        "{trials: 3, datasets: {d: {splits: [d1]}}, "
        "rows: [{model: EASE, search: {reg_weight: {uniform: [1, 2]}}}]}"
    )
    suite = read_suite(Path("s.yaml"))
    search = Search(cells(suite)[0], 3)
    trials = [trial({}, 0.9, "cut"), trial({"a": 1}, 0.5), trial({"a": 2}, 0.5)]
    assert best_trial(trials, search)["parameters"] == {"a": 1}
    with pytest.raises(ValueError, match="search of EASE, d1, seed 2020: each of 2 trials"):
        best_trial([trial({}, None, "diverged")] * 2, search)


@pytest.fixture
def request_for(atomic):
    """Make a request for a model on a small dataset, whose test part the caller may change."""

    def make(flip=False, **changes):
        rows = [(f"u{u}", f"i{i}", 5 if (u + i) % 3 else 1) for u in range(12) for i in range(18)]
        train = [row for n, row in enumerate(rows) if n % 4 > 1]
        valid = [row for n, row in enumerate(rows) if n % 4 == 1]
        test = [row for n, row in enumerate(rows) if n % 4 == 0]
        if flip:  # what was liked is disliked and the other way round
            test = [(user, item, 6 - rating) for user, item, rating in test]
        folder = atomic("tiny", train, valid, test)
        work = Path("work")
        work.mkdir(exist_ok=True)
        options = {"epochs": 6, "topk": [3], "valid_metric": "NDCG@3", "learning_rate": 0.01}
        return Request(
            **{
                "model": "BPR",
                "dataset": "tiny",
                "data_path": str(folder),
                "options": options,
                "work": str(work),
                "test": False,
                **changes,
            }
        )

    return make


def as_written(found):
    return json.loads(json.dumps(found, allow_nan=False))


def test_a_trial_does_not_depend_on_the_test_part(request_for):
    # That nothing evaluates it is a test of recbole_pngnn.run.
    found = answer(request_for())
    flipped = answer(request_for(flip=True))
    assert found["data_fingerprint"] != flipped["data_fingerprint"]
    for key in ("valid", "best_valid_score", "at_third", "epochs"):
        assert found[key] == flipped[key]
    assert found["test"] == flipped["test"] == {}
    assert not list(Path("work").rglob("*.pth"))
    assert not list(Path("work").glob("*.npz"))


def test_a_trial_far_behind_is_cut_at_a_third_of_its_epochs(request_for):
    whole = as_written(answer(request_for(cut_below=0.0)))
    assert (whole["epochs"], whole["cut"]) == (6, False)
    behind = as_written(answer(request_for(cut_below=1.1)))
    assert (behind["epochs"], behind["cut"]) == (2, True)
    assert behind["at_third"] == behind["best_valid_score"] == whole["at_third"]


def test_a_trial_that_diverges_is_a_result_and_a_run_is_not(request_for, monkeypatch):
    import recbole_pngnn

    def diverge(*args, **kwargs):
        raise ValueError("Training loss is nan")

    monkeypatch.setattr(recbole_pngnn, "run", diverge)
    assert answer(request_for()) == {"diverged": True}
    with pytest.raises(ValueError, match="Training loss is nan"):
        answer(request_for(test=True))
