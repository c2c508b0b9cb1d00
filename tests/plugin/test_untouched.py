"""Who imports the plugin and does not ask for it has RecBole as it was, to the last bit."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "stock_runs.py"  # without names: every general recommender
MODELS = ["Pop", "ItemKNN", "BPR", "LightGCN", "NGCF", "SGL", "EASE", "MultiVAE", "SpectralCF"]


def test_stock_runs_are_the_same_with_and_without():
    found = {}
    for mode in ("stock", "plugin"):
        command = [sys.executable, "-W", "ignore", str(SCRIPT), mode, *MODELS]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        found[mode] = json.loads(done.stdout.splitlines()[-1])
    for model in MODELS:
        assert found["stock"][model]["bits"], found["stock"][model]
    assert found["plugin"] == found["stock"]
