"""Tables of what was tried on a validation part, from a file of trials and from records."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from recbole_pngnn.benchmark.alike import check_results
from recbole_pngnn.benchmark.layout import markdown_table, metric_cells
from recbole_pngnn.benchmark.records import place_of, read_lines, read_record
from recbole_pngnn.benchmark.shape import text

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
    trials = read_lines(file)
    for trial in trials:
        for key in ("group", "label"):
            text(trial, key)
        if not isinstance(trial.get("valid"), dict):
            raise ValueError(f"{place_of(trial)}: valid must be a mapping of figures")
    chosen = [trial for trial in trials if trial["group"] == group]
    if not chosen:
        groups = ", ".join(sorted({trial["group"] for trial in trials}))
        raise ValueError(f"{file} has no trial of the group {group!r}; groups are {groups}")
    rows = [
        [trial["label"], *metric_cells(trial["valid"], TRIAL_METRICS), trial.get("epoch") or ""]
        for trial in chosen
    ]
    return markdown_table(["on validation", *HEADERS, "epoch"], rows)


def ablation_table(folder: Path, labels: dict[str, str]) -> str:
    """Lay out records: validation and, where it was read, test; means over the splits.

    Args:
        folder: Folder of records.
        labels: What to call the records, by the stem of their files, a pattern for several splits.

    Raises:
        FileNotFoundError: There is no such record.
    """
    rows, named = [], []
    for name, label in labels.items():
        files = sorted(folder.glob(f"{name}.json"))
        if not files:
            raise FileNotFoundError(f"there is no record {folder / name}.json")
        records = list(map(read_record, files))
        named += [(label, record) for record in records]
        cells = [
            cell
            for part in ("valid_result", "test_result")
            for cell in metric_cells(
                _mean([record[part] or {} for record in records]), TRIAL_METRICS
            )
        ]
        rows.append([label, *cells])
    check_results(named)
    headers = [f"{part} {name}" for part in ("valid", "test") for name in HEADERS]
    return markdown_table(["", *headers], rows)


def _mean(results: Sequence[dict[str, float]]) -> dict[str, float]:
    return {
        metric: statistics.mean(result[metric] for result in results)
        for metric in TRIAL_METRICS
        if all(result.get(metric) is not None for result in results)
    }
