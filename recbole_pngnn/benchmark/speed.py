"""``make bench``: PNGNN beside RecBole's LightGCN, NGCF and SGL, median of rounds in one run."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed
from tabulate import tabulate

from recbole_pngnn.benchmark.ratings import prepare_ratings
from recbole_pngnn.record import commit, peak_memory_mib, versions, write_json

BATCH_SIZE, N_LAYERS, EMBEDDING_SIZE = 4096, 4, 64
ROUNDS = 11


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and write the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="folder or zip of MovieLens-1M")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    options = parser.parse_args(arguments)
    sys.argv = sys.argv[:1]  # RecBole's Config would read them
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(prepare_ratings(options.source, Path(folder)), options.rounds)
    print(figures_table(figures))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        write_json(figures, options.output)
    return 0


def measure(dataset: Path, rounds: int) -> dict[str, Any]:
    """Time each case once a round, the cases one after the other.

    A case is called twice in a round and the second call is timed: the caches hold what it uses,
    as they do in a training, and not what the case before it used.

    Args:
        dataset: Folder of a prepared dataset.
        rounds: Number of rounds.

    Returns:
        Medians in milliseconds by case, the ratios made of them, and what they were measured on.
    """
    pngnn, data = _build("PNGNN", dataset, train_interactions="rated")
    users, items, liked = _batch(data)
    batch = {"user_id": users, "item_id": items, "label": liked}
    cases: dict[str, Callable[[], Any]] = {
        "PNGNN propagation, both graphs": _propagation(pngnn.encoder),
        "PNGNN step, 4096 x 40": _step(pngnn, batch),
        "PNGNN evaluation, all users": _evaluation(pngnn, data),
    }
    for case in cases.values():
        case()
    memory = peak_memory_mib()  # before anything else is built
    n_edges = {
        "PNGNN": len(pngnn.encoder.positive_adjacency.values)
        + len(pngnn.encoder.negative_adjacency.values)
    }
    for name in ("LightGCN", "NGCF", "SGL"):
        for fast in (False, True):
            model, stock_data = _build(name, dataset, fast_graph=fast)
            users, items, _ = _batch(stock_data)
            sampled = torch.randint(1, model.n_items, (BATCH_SIZE,))
            batch = {"user_id": users, "item_id": items, "neg_item_id": sampled}
            label = f"{name}, fast_graph" if fast else f"{name}, stock"
            if name != "SGL":  # its loss takes three graphs through the same propagation
                cases[f"{label}: propagation"] = _propagation(model)
            cases[f"{label}: step, 4096 pairs"] = _step(model, batch)
            n_edges[name] = 2 * len(stock_data[0]._dataset)

    times: dict[str, list[float]] = {case: [] for case in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            case()
            started = time.perf_counter()
            case()
            times[name].append(1000 * (time.perf_counter() - started))
    median = {name: statistics.median(values) for name, values in times.items()}
    stock, own = "LightGCN, stock: propagation", "PNGNN propagation, both graphs"
    per_edge = {
        "stock": median[stock] / n_edges["LightGCN"],
        "own": median[own] / n_edges["PNGNN"],
    }
    return {
        "dataset": dataset.name,
        "users": pngnn.n_users - 1,
        "items": pngnn.n_items - 1,
        "directed_edges": n_edges,
        "embedding_size": EMBEDDING_SIZE,
        "n_layers": N_LAYERS,
        "rounds": rounds,
        "median_ms": {name: round(value, 2) for name, value in median.items()},
        "all_ms": {name: [round(t, 2) for t in values] for name, values in times.items()},
        "ratios": {
            "propagation per edge, stock LightGCN to PNGNN": round(
                per_edge["stock"] / per_edge["own"], 2
            ),
            "stock LightGCN propagation to a PNGNN step": round(
                median[stock] / median["PNGNN step, 4096 x 40"], 2
            ),
            **{
                f"{name} step, stock to fast_graph": round(
                    median[f"{name}, stock: step, 4096 pairs"]
                    / median[f"{name}, fast_graph: step, 4096 pairs"],
                    2,
                )
                for name in ("LightGCN", "NGCF", "SGL")
            },
        },
        "pngnn_peak_memory_mib": memory,
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "commit": commit(),
        "versions": versions(),
    }


def figures_table(figures: dict[str, Any]) -> str:
    """Lay out what :func:`measure` returns as text."""
    rows = [[name, f"{value:.1f}"] for name, value in figures["median_ms"].items()]
    rows += [[name, f"{value:.2f} x"] for name, value in figures["ratios"].items()]
    if figures["pngnn_peak_memory_mib"]:
        rows.append(["PNGNN peak memory", f"{figures['pngnn_peak_memory_mib']:.0f} MiB"])
    title = (
        f"{figures['dataset']}: {figures['users']} users, {figures['items']} items, "
        f"d {EMBEDDING_SIZE}, {N_LAYERS} layers, {figures['threads']} threads; propagation is "
        f"forward and backward"
    )
    headers = ["case", f"median ms of {figures['rounds']}"]
    table = tabulate(rows, headers=headers, disable_numparse=True, colalign=("left", "right"))
    return f"{title}\n\n{table}"


def _build(name: str, dataset: Path, **options: Any) -> tuple[Any, Any]:
    """Build a model and its dataloaders for training, validation and test."""
    width = {"hidden_size_list": [EMBEDDING_SIZE] * N_LAYERS}
    layers = width if name == "NGCF" else {"n_layers": N_LAYERS}
    config = Config(
        model=name,
        dataset=dataset.name,
        config_dict={
            "protocol": "signed",
            "data_path": str(dataset.parent),
            "embedding_size": EMBEDDING_SIZE,
            **layers,
            "train_batch_size": BATCH_SIZE,
            "use_gpu": False,
            "show_progress": False,
            **options,
        },
    )
    init_seed(config["seed"], config["reproducibility"])
    data = data_preparation(config, create_dataset(config))
    model = get_model(name)(config, data[0]._dataset)
    return model, (*data, config)


def _batch(data: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    interactions = data[0]._dataset.inter_feat
    rows = torch.randperm(len(interactions))[:BATCH_SIZE]
    return tuple(interactions[field][rows] for field in ("user_id", "item_id", "label"))  # type: ignore[return-value]


def _propagation(module: Any) -> Callable[[], None]:
    def propagate() -> None:
        users, items = module.forward()
        torch.autograd.backward((users.sum(), items.sum()))
        module.zero_grad()

    module.train()
    return propagate


def _step(model: Any, batch: dict[str, torch.Tensor]) -> Callable[[], None]:
    from recbole.data.interaction import Interaction

    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    interaction = Interaction(batch)
    model.train()

    def step() -> None:
        if not model.training:  # another case evaluates; SGL makes new graphs at each switch
            model.train()
        optimizer.zero_grad()
        model.calculate_loss(interaction).backward()
        optimizer.step()

    return step


def _evaluation(model: Any, data: Any) -> Callable[[], Any]:
    config = data[3]
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    return lambda: trainer.evaluate(data[2], load_best_model=False)


if __name__ == "__main__":
    sys.exit(main())
