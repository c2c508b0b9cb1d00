"""Tables of what was tried on a validation part, from a file of trials and from records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

TRIAL_METRICS = ("precision@5", "recall@5", "ndcg@10", "recall@20", "signauc")
HEADERS = ("P@5", "R@5", "NDCG@10", "R@20", "SignAUC")


def trials_table(file: Path, group: str) -> str:
    """Lay out a group of trials, in the order in which they were made.

    Args:
        file: JSON lines; each has ``group``, ``label``, ``valid`` (results by RecBole's names) and
            ``epoch``, the one of those results.
        group: Which to lay out.

    Raises:
        ValueError: There is no trial of that group.
    """
    trials = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    chosen = [trial for trial in trials if trial["group"] == group]
    if not chosen:
        groups = ", ".join(sorted({trial["group"] for trial in trials}))
        raise ValueError(f"{file} has no trial of the group {group!r}; groups are {groups}")
    rows = [[trial["label"], *_figures(trial["valid"]), trial["epoch"] or ""] for trial in chosen]
    return _markdown(["on validation", *HEADERS, "epoch"], rows)


def ablation_table(folder: Path, labels: dict[str, str]) -> str:
    """Lay out records of one split: validation and, where it was read, test.

    Args:
        folder: Folder of records.
        labels: What to call each record, by the stem of its file.
    """
    rows = []
    for name, label in labels.items():
        record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        rows.append(
            [label, *_figures(record["valid_result"]), *_figures(record["test_result"] or {})]
        )
    headers = [f"{part} {name}" for part in ("valid", "test") for name in HEADERS]
    return _markdown(["", *headers], rows)


def _figures(result: dict[str, Any]) -> list[str]:
    values = [result.get(metric) for metric in TRIAL_METRICS]
    return ["" if value is None else f"{value:.4f}".lstrip("0") for value in values]


def _markdown(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    align = ("left", *["right"] * (len(headers) - 1))
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=align)
