"""A training that is killed and goes on ends, bit for bit, where it would have ended."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("kill_and_resume.py")

COMMON = {
    "epochs": 9,
    "stopping_step": 50,
    "learning_rate": 0.05,
    "train_batch_size": 64,
    "embedding_size": 8,
    "topk": [5],
    "valid_metric": "NDCG@5",
    "show_progress": False,
}
SOFTMAX = {
    "loss": "dual_softmax",
    "negative_graph": "sign",
    "learning_rate_decay": "linear",
    "train_batch_size": 8,
    "item_item_weight": 0.1,
    "item_item_train_weight": 0.1,
    "epochs": 12,
}
CASES = [
    ("PNGNN", {}, {"at": "validation", "epoch": 4}),
    ("PNGNN", SOFTMAX, {"at": "batch", "batches": 30}),
    ("SiReN", {"eval_step": 2}, {"at": "batch", "batches": 33}),
    ("LightGCN", {"eval_step": 2}, {"at": "batch", "batches": 25}),
    ("LightGCN", {}, {"at": "between the two files", "saves": 3}),
    ("BPR", {"stopping_step": 2, "epochs": 40}, {"at": "validation", "epoch": 3}),
    (
        "MultiVAE",
        {"mlp_hidden_size": [16], "latent_dimension": 4},
        {"at": "validation", "epoch": 5},
    ),
]


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    """For every case what came of it whole, killed and resumed, and where it was killed."""
    folder = tmp_path_factory.mktemp("killed")
    rng = np.random.default_rng(5)
    parts = {"train": [], "valid": [], "test": []}
    for user in range(30):
        for item in rng.choice(40, size=16, replace=False):
            part = rng.choice(list(parts), p=[0.6, 0.2, 0.2])
            rating = 5 if (user + item) % 3 else 1
            parts[part].append(f"u{user}\ti{item}\t{rating}")
    (folder / "data" / "d").mkdir(parents=True)
    for part, rows in parts.items():
        text = "\n".join(["user_id:token\titem_id:token\trating:float", *rows]) + "\n"
        (folder / "data" / "d" / f"d.{part}.inter").write_text(text)
    options = {**COMMON, "data_path": str(folder / "data")}
    options["benchmark_filename"] = ["train", "valid", "test"]
    cases = [
        {"model": model, "options": {**options, **more}, "point": point}
        for model, more, point in CASES
    ]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(cases)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "number", range(len(CASES)), ids=[f"{n}-{model}" for n, (model, _, _) in enumerate(CASES)]
)
def test_killed_and_resumed_is_never_stopped(trainings, number):
    whole, resumed, behind = trainings[number]
    assert 0 < resumed["resumed"] == behind + 1 < whole["epochs"]
    assert whole.pop("resumed") is None
    del resumed["resumed"]
    assert resumed == whole
