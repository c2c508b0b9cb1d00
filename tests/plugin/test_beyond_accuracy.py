"""RecBole's metrics of what is recommended at all: they are measured, and right."""

import math
from collections import Counter

import numpy as np
import pytest
import recbole.trainer.trainer as recbole_trainer
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.evaluator.collector import Collector
from recbole.utils import get_model, get_trainer, init_seed

from recbole_pngnn.protocol.sign_auc import SignedCollector

METRICS = ["ItemCoverage", "AveragePopularity", "ShannonEntropy", "GiniIndex", "TailPercentage"]
K = [2, 3]


@pytest.fixture
def folder(atomic):
    parts = [], [], [], []
    for user in range(11):
        for item in range(13):
            if user * item % 5 != 2:
                part = parts[(3 * user + item) % 4]
                part.append((f"u{user}", f"i{item}", 5 if (user + item) % 3 else 1))
    return str(atomic("tiny", *parts[:3]))


def by_hand(lists, counts, n_items, k):
    """Each metric by its formula, user by user and item by item."""
    lists = [row[:k] for row in lists]
    shown = Counter(item for row in lists for item in row)
    total = sum(shown.values())
    # The padding item counts among the items, as RecBole has it.
    ordered = sorted(shown.get(item, 0) for item in range(n_items))
    gini = sum((2 * i - n_items - 1) * p for i, p in enumerate(ordered, 1)) / (n_items * total)
    entropy = -sum(n / total * math.log(n / total) for n in shown.values()) / len(shown)
    tail = [item for item, _ in sorted(counts.items(), key=lambda pair: pair[::-1])]
    tail = set(tail[: max(int(len(counts) * 0.1), 1)])
    return {
        "itemcoverage": len(shown) / n_items,
        "averagepopularity": np.mean([np.mean([counts.get(i, 0) for i in row]) for row in lists]),
        "shannonentropy": entropy,
        "giniindex": gini,
        "tailpercentage": np.mean([np.mean([i in tail for i in row]) for row in lists]),
    }


@pytest.mark.parametrize("protocol", ["signed", "recbole", None])
@pytest.mark.parametrize("model", ["BPR", "EASE", "PNGNN", "SiReN", "SignedEASE"])
def test_they_are_measured_as_by_hand(folder, model, protocol, monkeypatch):
    options = {"data_path": folder, "topk": K, "metrics": METRICS, "epochs": 1, "eval_step": 1}
    options |= {"valid_metric": "ItemCoverage@2", "show_progress": False, "state": "WARNING"}
    options |= {"benchmark_filename": ["train", "valid", "test"], "metric_decimal_place": 8}
    options |= {"load_col": {"inter": ["user_id", "item_id", "rating"]}}
    if protocol is not None:
        options["protocol"] = protocol
    if protocol == "recbole" and model not in ("BPR", "EASE"):
        options["like_threshold"] = {"rating": 3.5}
    if protocol == "signed" or options.get("like_threshold") or model in ("PNGNN", "SiReN"):
        options["metrics"] = [*METRICS, "SignAUC"]
    config = Config(model, "tiny", config_dict=options)
    init_seed(1, True)
    train, valid, test = data_preparation(config, create_dataset(config))
    network = get_model(config["model"])(config, train._dataset)
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, network)
    assert type(trainer.eval_collector) is (
        SignedCollector if "SignAUC" in config["metrics"] else Collector
    )
    kept, evaluate = [], trainer.evaluator.evaluate
    trainer.evaluator.evaluate = lambda collected: kept.append(collected) or evaluate(collected)
    _, validated = trainer.fit(train, valid, show_progress=False)
    tested = trainer.evaluate(test, load_best_model=True, show_progress=False)
    counts = Counter(train._dataset.inter_feat["item_id"].tolist())
    for result, collected in ((validated, kept[0]), (tested, kept[-1])):
        lists = collected.get("rec.items").tolist()
        for k in K:
            for metric, value in by_hand(lists, counts, train._dataset.item_num, k).items():
                assert result[f"{metric}@{k}"] == pytest.approx(value, abs=1e-7), metric
    assert ("signauc" in tested) == ("SignAUC" in config["metrics"])


def test_a_collector_keeps_what_is_of_the_training():
    collector = recbole_trainer.Collector(
        {"metrics": ["GiniIndex"], "topk": K, "device": "cpu", "eval_args": {"mode": "full"}}
    )
    collector.data_struct.set("data.num_items", 7)
    assert collector.get_data_struct().get("data.num_items") == 7
    assert collector.get_data_struct().get("data.num_items") == 7
