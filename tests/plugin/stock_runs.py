"""Run RecBole's own models, with the plugin imported or without it, and print what came of it.

``python tests/plugin/stock_runs.py plugin|stock [MODEL ...]``: without names every general
recommender. ``stock`` mends by hand, and in other words than the plugin, what could not run.
"""

import hashlib
import importlib
import json
import logging
import os
import pkgutil
import re
import sys
import tempfile
import warnings
from pathlib import Path


def mend_by_hand():
    import types

    import numpy as np
    import scipy.sparse
    import torch

    np.float_, np.complex_, np.unicode_ = np.float64, np.complex128, np.str_
    if not hasattr(scipy.sparse.dok_matrix, "_update"):
        scipy.sparse.dok_matrix._update = lambda self, data: self._dict.update(data)
    ray = types.ModuleType("ray")
    ray.tune = types.ModuleType("ray.tune")
    sys.modules |= {"ray": ray, "ray.tune": ray.tune}
    load = torch.load
    torch.load = lambda *args, **options: load(*args, **{"weights_only": False, **options})


def process_state():
    root = logging.getLogger()
    return {
        "filters": [str(entry) for entry in warnings.filters],
        "handlers": [type(handler).__name__ for handler in root.handlers],
        "level": root.level,
    }


def write_dataset(folder):
    """Ratings with many digits, users and items of many degrees."""
    folder.mkdir()
    lines = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    for user in range(1, 41):
        for item in range(1, 41):
            if (user * 31 + item * 17) % 11 < 4:
                rating = 1 + (user * 7919 + item * 104729) % 4000000 / 999999.7
                lines.append(f"u{user}\ti{item}\t{rating!r}\t{881250000 + user * item}")
    (folder / "tiny.inter").write_text("\n".join(lines) + "\n")


def outcome(model):
    import torch
    from recbole.quick_start import run_recbole

    before = {path for path in Path().rglob("*") if path.is_file()}
    options = {"epochs": 1, "data_path": ".", "topk": [3], "valid_metric": "NDCG@3"}
    # Keys of other people's, which are the plugin's or near to them.
    options |= {"top_k": 3, "metric": "x", "eval_batch": 3, "reg_wieght": 1, "learing_rate": 1}
    options |= {"like_threshold": 4, "output_dir": "x", "fast_graph": True, "protocol": "http"}
    options |= {"show_progress": False, "state": "ERROR", "train_batch_size": 64}
    options |= {"save_dataset": True, "checkpoint_dir": f"saved-{model}"}
    config = dict(options)
    result = run_recbole(model, "tiny", config_dict=config)
    made = {path for path in Path().rglob("*") if path.is_file()} - before
    digest = hashlib.sha256()
    for path in sorted(made):
        if path.name.startswith(f"{model}-") and path.suffix == ".pth":
            checkpoint = torch.load(path, weights_only=False)
            for name, value in checkpoint["state_dict"].items():
                digest.update(name.encode() + value.cpu().numpy().tobytes())
            digest.update(repr(checkpoint["other_parameter"]).encode())
            digest.update(str(checkpoint["config"]).encode())
            kind = type(checkpoint["config"]["model"]).__name__
    return {
        "valid": repr(result["best_valid_result"]),
        "test": repr(result["test_result"]),
        "bits": digest.hexdigest(),
        "model": kind,
        "options": repr(config),
        # without the time and the machine
        "files": sorted(re.sub(r"[\d-]{5,}.*", "", str(path)) for path in made),
    }


def main(mode, models):
    found = {"plain": process_state()}
    if mode == "plugin":
        import recbole_pngnn  # noqa: F401
    else:
        mend_by_hand()
    import recbole.quick_start
    from recbole.config import Config

    found["imported"] = process_state()
    if not models:
        import recbole.model.general_recommender as package

        for module in pkgutil.iter_modules(package.__path__):
            members = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
            models += [name for name in members if name.lower() == module.name]
    os.chdir(tempfile.mkdtemp())
    write_dataset(Path("tiny"))
    for model in models:
        try:
            found[model] = outcome(model)
        except Exception as error:  # of a package that is not there, for one
            found[model] = f"{type(error).__name__}: {error}"
    found["run"] = process_state()

    class Theirs(recbole.model.general_recommender.BPR):
        """A class of somebody's, handed over."""

    theirs = Config(Theirs, "tiny", config_dict={"like_treshold": 3, "n_layer": 2})
    found["theirs"] = [type(theirs["model"]).__name__, "protocol" in theirs]
    try:
        Config("BPR", "tiny", config_file_list=["nothing.yaml"])
    except FileNotFoundError:
        found["missing"] = "FileNotFoundError"
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
