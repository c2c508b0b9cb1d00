"""The result of one run, for people."""

from __future__ import annotations

from typing import Any

from tabulate import tabulate


def result_table(record: dict[str, Any]) -> str:
    """Lay out a record of :func:`recbole_pngnn.run` as a table of metrics by cut-off.

    Args:
        record: The record.

    Returns:
        A few lines of text: what was run, the test result, and where its files are.
    """
    test = record["test_result"]
    cutoffs = sorted({int(key.split("@")[1]) for key in test if "@" in key})
    names = list(dict.fromkeys(key.split("@")[0] for key in test if "@" in key))
    rows = [[name, *(_figure(test.get(f"{name}@{k}")) for k in cutoffs)] for name in names]
    table = tabulate(
        rows, headers=["test", *(f"@{k}" for k in cutoffs)], disable_numparse=True, stralign="right"
    )
    single = [f"{key} {_figure(value)}" for key, value in test.items() if "@" not in key]
    seconds, memory = record["seconds"], record["peak_memory_mib"]
    lines = [
        "",
        f"{record['model']} on {record['dataset']}: {record['users']} users, {record['items']} "
        f"items, {record['training_interactions']} training interactions, seed {record['seed']}",
        "",
        table,
        *(["", "   ".join(single)] if single else []),
        "",
        f"{record['epochs']} epoch(s) in {seconds['train']:.1f} s, test in {seconds['test']:.1f} s"
        + (f", peak memory {memory:.0f} MiB" if memory else ""),
    ]
    if record["valid_result"]:
        metric = record["valid_metric"]
        lines.append(f"best validation {metric}: {_figure(record['best_valid_score'])}")
    lines += [f"{key}: {record[key]}" for key in ("checkpoint", "log") if record[key]]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
