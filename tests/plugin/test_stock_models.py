"""RecBole's own models after ``import recbole_pngnn``: they train, and land where they landed."""

import json
import math
from pathlib import Path

import pytest
import recbole.quick_start

import recbole_pngnn

RECORDS = Path(__file__).parent.parent.parent / "results" / "ml-100k"
STOCK = ["BPR", "LightGCN", "NGCF", "EASE", "ItemKNN", "SGL", "SpectralCF", "MultiVAE"]
# One epoch on ml-100k ranks between a random list (0.007) and what the best model reaches trained
# (0.31); EASE and ItemKNN have nothing to train and are there at once.
CLOSED_FORM = {"EASE": (0.25, 0.40), "ItemKNN": (0.20, 0.35)}


@pytest.mark.parametrize("protocol", ["recbole", "signed"])
@pytest.mark.parametrize("model", STOCK)
def test_one_epoch(model, protocol):
    result = recbole.quick_start.run_recbole(
        model=model,
        dataset="ml-100k",
        config_dict={
            "protocol": protocol,
            "epochs": 1,
            "show_progress": False,
            "state": "WARNING",
            "metrics": ["NDCG"],
            "topk": 10,
            "valid_metric": "NDCG@10",
        },
    )
    low, high = CLOSED_FORM.get(model, (0.002, 0.30))
    for phase in ("best_valid_result", "test_result"):
        assert all(math.isfinite(value) for value in result[phase].values())
    assert low < result["test_result"]["ndcg@10"] < high


@pytest.mark.parametrize(
    ("model", "options"),
    [("EASE", {"reg_weight": 250}), ("LightGCN", {"epochs": 30, "learning_rate": 0.005})],
)
def test_band_of_recorded_seeds(model, options):
    """A seed that is not recorded lands within 4 standard deviations of those that are."""
    records = [json.loads(file.read_text()) for file in RECORDS.glob(f"{model}-seed*.json")]
    assert len(records) == 5
    for record in records:
        assert options.items() <= record["options"].items()
    result = recbole_pngnn.run(
        model, "ml-100k", config_dict={**options, "seed": 6, "show_progress": False}
    )
    for key in ("precision@10", "recall@10", "ndcg@10", "signauc"):
        values = [record["test_result"][key] for record in records]
        mean = sum(values) / len(values)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
        assert result["test_result"][key] == pytest.approx(mean, abs=4 * deviation), key


def test_a_recorded_run_is_repeated():
    record = json.loads((RECORDS / "EASE-seed1.json").read_text())
    options = {"reg_weight": 250, "seed": 1, "show_progress": False}
    result = recbole_pngnn.run("EASE", "ml-100k", config_dict=options)
    assert result["test_result"] == pytest.approx(record["test_result"], abs=5e-4)
