"""Time and memory of what grows with users or items, each at a size where it once broke.

    python tools/size.py                     every row, each in a process of its own
    python tools/size.py alias regression    these rows
    PYTHONPATH=OLD python tools/size.py      the same on a checkout of another commit

A row may take 12 GiB; one that takes more is stopped and says so.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

import recbole_pngnn  # noqa: F401  # before RecBole

Job = Callable[[], object]


def _interactions(users: int, items: int, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ratings of few popular and many rare items, without padding."""
    rng = np.random.default_rng(0)
    popular = rng.power(0.3, n)
    pairs = rng.integers(1, users, n), 1 + (popular * (items - 1)).astype(np.int64)
    return torch.from_numpy(pairs[0]), torch.from_numpy(pairs[1])


def _alias(law: str) -> Job:
    from recbole_pngnn.nn.alias import AliasTable

    ranks = torch.arange(1, 1_000_001, dtype=torch.float64)
    weights = {"even": torch.ones_like(ranks), "power": ranks**-0.8}[law]
    weights[0] = 0.0 if law == "even" else weights[0]  # padding
    return lambda: AliasTable(weights / weights.sum())


def _regression(users: int, items: int, n: int, cross_fitted: bool) -> Job:
    from recbole_pngnn.nn.regression import ItemItemTerm, ItemRegression

    pairs = _interactions(users, items, n)

    def job() -> None:
        model = ItemRegression(*pairs, torch.ones(n), users, items, 200.0, 0.25)
        term = ItemItemTerm(model, 0.15, 0.05 if cross_fitted else 0.0, 2)
        term.in_training(torch.arange(5))
        term(torch.arange(100))

    return job


def _sign_auc() -> Job:
    from recbole_pngnn.protocol import sign_auc

    users = torch.arange(1, 100_001)
    one = torch.stack([torch.full((5000,), 7), torch.arange(1, 5001)], dim=1)
    pairs = torch.cat([torch.stack([users, users % 5000 + 1], dim=1), one])
    if hasattr(sign_auc, "_padded_rows"):
        return lambda: sign_auc._padded_rows(pairs, users)
    from recbole_pngnn.protocol.user_items import UserItems

    return lambda: UserItems(pairs.numpy(), 100_001).of(users.numpy())


def _exact_draws() -> Job:
    from recbole_pngnn.nn.sampling import DegreeSampler

    users, items = _interactions(100, 1_000_000, 2_000_000)
    sampler = DegreeSampler(users, items, 100, 1_000_000)
    return lambda: sampler._draw_exactly(torch.arange(512) % 100, None)


def _model(users: int, items: int, n: int, **options: object) -> torch.nn.Module:
    """A PNGNN on interactions, made without files."""
    from recbole.config import Config
    from recbole.data.interaction import Interaction

    from recbole_pngnn.model.pngnn import PNGNN
    from recbole_pngnn.protocol.threshold import LikeThreshold

    sys.argv = sys.argv[:1]
    config = Config("PNGNN", "ml-100k", config_dict={"embedding_size": 16, **options})
    columns = dict(zip(("user_id", "item_id"), _interactions(users, items, n), strict=True))
    columns["rating"] = (columns["item_id"] % 5 + 1).float()
    columns["label"] = (columns["rating"] > 3.5).float()

    class Data:
        inter_feat = Interaction(columns)
        like_threshold = LikeThreshold("rating", 3.5)

        def num(self, field: str) -> int:
            return users if field == config["USER_ID_FIELD"] else items

    return PNGNN(config, Data())


def _predict() -> Job:
    from recbole.data.interaction import Interaction

    asked = _interactions(1500, 1_000_000, 100_000)
    network = _model(1500, 1_000_000, 1_000_000, loss="dual_softmax", softmax_samples=100).eval()
    pairs = Interaction(dict(zip(("user_id", "item_id"), asked, strict=True)))
    return lambda: network.predict(pairs)


def _items_of_users() -> Job:
    from recbole_pngnn.protocol import masks

    pairs = torch.stack(_interactions(138_000, 20_000, 5_000_000), dim=1).numpy()
    if hasattr(masks, "_items_of_users"):
        return lambda: masks._items_of_users(pairs, 138_000)
    from recbole_pngnn.protocol.user_items import UserItems

    return lambda: UserItems(pairs, 138_000)


ROWS: dict[str, tuple[str, str, Callable[[], Job]]] = {
    "alias-even": ("AliasTable, even law", "1M items", lambda: _alias("even")),
    "alias-power": ("AliasTable, power law", "1M items", lambda: _alias("power")),
    "fit": (
        "ItemRegression.fit, SignedEASE",
        "17,894 x 17,660",
        lambda: _regression(17_894, 17_660, 400_000, False),
    ),
    "fit-small": (
        "ItemRegression.fit, SignedEASE",
        "18,000 x 6,000",
        lambda: _regression(18_000, 6_000, 400_000, False),
    ),
    "cross-fitted": (
        "cross_fitted + standardised, the preset",
        "17,894 x 17,660",
        lambda: _regression(17_894, 17_660, 400_000, True),
    ),
    "cross-fitted-wide": (
        "cross_fitted + standardised",
        "138,000 x 4,000",
        lambda: _regression(138_000, 4_000, 2_000_000, True),
    ),
    "sign-auc": ("SignAUC's dislikes", "100k users, one with 5,000", _sign_auc),
    "exact-draws": ("DegreeSampler._draw_exactly", "512 draws, 1M items", _exact_draws),
    "predict": ("predict, dual_softmax", "100k pairs, 1,500 x 1M", _predict),
    "items-of-users": ("masks of a phase", "5M pairs", _items_of_users),
}


def _measure(row: str) -> None:
    """Print seconds and the memory beside what the process had before, in MiB."""
    limit = 12 * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    job = ROWS[row][2]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    job()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{seconds:.2f}", f"{(peak - before) / 1024:.0f}")


def main() -> None:
    """Print the table of the rows that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="row", help=", ".join(ROWS))
    parser.add_argument("--measure", choices=ROWS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        _measure(asked.measure)
        return
    print("| what | size | seconds | MiB |\n|---|---|---|---|")
    for row in asked.rows or ROWS:
        command = [sys.executable, __file__, "--measure", row]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        last = (run.stdout if run.returncode == 0 else run.stderr).strip().splitlines()[-1:]
        failed = f"- | {''.join(last)[:90] or f'killed by signal {-run.returncode}'}"
        found = " | ".join(last[0].split()) if run.returncode == 0 else failed
        print(f"| {ROWS[row][0]} | {ROWS[row][1]} | {found} |", flush=True)


if __name__ == "__main__":
    main()
