"""Every figure of a suite as a line of CSV."""

from __future__ import annotations

import csv
import io

from recbole_pngnn.benchmark.report.escaped import csv_text
from recbole_pngnn.benchmark.report.summary import Summary

COLUMNS = (
    "dataset",
    "row",
    "model",
    "baseline",
    "metric",
    "mean",
    "deviation",
    "runs",
    "expected_runs",
    "users",
    "difference",
    "p",
    "p_holm",
    "published",
)


def long_csv(summary: Summary) -> str:
    """Return a line for each dataset, row and metric; an empty field is one that is not there."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for table in summary.tables:
        for row in table.rows:
            for metric, figure in row.figures.items():
                comparison = row.comparisons.get(metric)
                tested = (
                    ["", "", ""]
                    if comparison is None
                    else [
                        _text(comparison.difference),
                        _text(comparison.p),
                        _text(comparison.corrected),
                    ]
                )
                writer.writerow(
                    [
                        csv_text(table.dataset.name),
                        csv_text(row.row.name),
                        csv_text(row.row.model),
                        "strongest" if row.row is table.baseline else "yes" * row.row.baseline,
                        metric,
                        _text(figure.mean),
                        _text(figure.deviation),
                        len(row.runs),
                        row.n_expected,
                        table.n_users,
                        *tested,
                        _text(row.reference.get(metric)),
                    ]
                )
    return buffer.getvalue()


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
