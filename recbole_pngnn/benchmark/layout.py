"""Figures and tables in Markdown, alike in every document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate


def metric_cells(result: Mapping[str, float | None], metrics: Sequence[str]) -> list[str]:
    """Write metrics of a result with four decimals; an empty text for one that is not there."""
    values = [result.get(metric) for metric in metrics]
    return ["" if value is None else f"{value:.4f}".lstrip("0") for value in values]


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Lay out rows, the first column to the left and the others to the right."""
    align = ("left", *["right"] * (len(headers) - 1))
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=align)
