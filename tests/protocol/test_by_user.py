"""Results of each user: their means are RecBole's, and each is what a hand computes."""

from types import SimpleNamespace

import numpy as np
import pytest

import recbole_pngnn
from recbole_pngnn.protocol.by_user import UserResults

METRICS = ["Precision", "Recall", "NDCG", "Hit", "SignAUC"]


def _ratings(part, n_users=12, n_items=30):
    """A few ratings a user and part; some users like nothing in the test part."""
    generator = np.random.default_rng(len(part))
    rows = []
    for user in range(n_users):
        first = {"train": 0, "valid": 12, "test": 18}[part]
        order = np.random.default_rng(user).permutation(n_items)[first:][: 4 + user % 3]
        likes_none = part == "test" and user % 5 == 4
        for item in order:
            rating = 1 if likes_none else int(generator.integers(1, 6))
            rows.append((f"u{user}", f"i{item}", rating))
    return rows


@pytest.fixture
def options(atomic):
    folder = atomic("tiny", *(_ratings(part) for part in ("train", "valid", "test")))
    return {
        "data_path": str(folder),
        "metrics": METRICS,
        "topk": [1, 3, 5],
        "valid_metric": "NDCG@3",
        "epochs": 3,
        "show_progress": False,
    }


def test_means_over_users_are_the_recorded_ones(options):
    seen = []
    record = recbole_pngnn.run("BPR", "tiny", config_dict=options, on_test=seen.append)
    (results,) = seen
    assert set(record["test_result"]) == {
        *(f"{name.lower()}@{k}" for name in METRICS[:-1] for k in (1, 3, 5)),
        "signauc",
    }
    for name, value in record["test_result"].items():
        assert results.mean(name) == pytest.approx(value, abs=1e-6), name
    test, train = _ratings("test"), _ratings("train")
    liked = {user for user, _, rating in test if rating > 3.5}
    assert set(results.users) == liked
    for user, n_liked, n_rated in zip(results.users, results.n_liked, results.n_rated, strict=True):
        assert n_liked == sum(row[0] == user and row[2] > 3.5 for row in test)
        assert n_rated == sum(row[0] == user for row in train)
    same = recbole_pngnn.run("BPR", "tiny", config_dict=options)
    assert same["test_result"] == record["test_result"]


def test_metrics_by_hand():
    results = UserResults(
        users=np.array(["a", "b"]),
        n_rated=np.array([3, 4]),
        n_liked=np.array([1, 3]),
        hits=np.array([[0, 1, 0], [1, 0, 1]], dtype=bool),
        sign_auc=np.array([np.nan, 0.25]),
    )
    assert results.metric("precision@2").tolist() == [0.5, 0.5]
    assert results.metric("recall@3").tolist() == [1.0, 2 / 3]
    assert results.metric("hit@1").tolist() == [0.0, 1.0]
    discount = 1 / np.log2([2, 3, 4])
    expected = [discount[1], (discount[0] + discount[2]) / discount.sum()]
    np.testing.assert_allclose(results.metric("ndcg@3"), expected, rtol=1e-12)
    assert results.mean("signauc") == 0.25


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("f1@3", "no metric 'f1@3' by user"),
        ("recall@4", "needs a list of 1 to 3 items"),
        ("recall", "needs a list of 1 to 3 items"),
        ("signauc", "SignAUC was not measured"),
    ],
)
def test_a_metric_that_is_not_there(name, words):
    shape = (1, 3)
    results = UserResults(
        np.array(["a"]), np.ones(1, int), np.ones(1, int), np.zeros(shape, bool), None
    )
    with pytest.raises(ValueError, match=words):
        results.metric(name)


def test_results_by_user_need_lists(options):
    options |= {"metrics": ["SignAUC"], "valid_metric": "SignAUC"}
    with pytest.raises(ValueError, match="add Precision, Recall or NDCG"):
        recbole_pngnn.run("Pop", "tiny", config_dict=options, on_test=lambda results: None)


def test_without_a_test_nothing_looks_at_the_test_part(options, monkeypatch):
    from recbole_pngnn import quick_start

    prepared = quick_start.data_preparation
    parts = {}

    def remember(config, dataset):
        parts["train"], parts["valid"], parts["test"] = prepared(config, dataset)
        return parts["train"], parts["valid"], parts["test"]

    monkeypatch.setattr(quick_start, "data_preparation", remember)
    evaluated = []
    trainer_class = quick_start.get_trainer(None, "BPR")
    evaluate = trainer_class.evaluate

    def watched(self, eval_data, *args, **kwargs):
        evaluated.append(eval_data)
        return evaluate(self, eval_data, *args, **kwargs)

    monkeypatch.setattr(trainer_class, "evaluate", watched)
    record = recbole_pngnn.run("BPR", "tiny", config_dict=options, saved=False, test=False)
    assert record["test_result"] == {}
    assert record["valid_result"]
    assert evaluated
    assert all(data is parts["valid"] for data in evaluated)


def test_an_observer_of_the_validation_stops_the_training(options):
    seen = []

    def enough(epoch, epochs, best):
        seen.append(SimpleNamespace(epoch=epoch, epochs=epochs, best=best))
        return epoch == 2

    record = recbole_pngnn.run(
        "BPR", "tiny", config_dict=options | {"epochs": 6}, on_validation=enough
    )
    assert [(s.epoch, s.epochs) for s in seen] == [(1, 6), (2, 6)]
    assert record["epochs"] == 2
    assert record["best_valid_score"] == seen[-1].best
    assert record["test_result"]
