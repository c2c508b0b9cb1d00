"""What suggested interactions change: rows of an augmented dataset against the same without."""

from __future__ import annotations

from collections.abc import Sequence

from recbole_pngnn.benchmark.report.cells import Line, Marked, column_label, number
from recbole_pngnn.benchmark.report.markdown import marked_table
from recbole_pngnn.benchmark.report.summary import RowSummary, Summary, Table
from recbole_pngnn.significance import compare


def suggestions_table(summary: Summary, columns: Sequence[str]) -> str:
    """Lay out the differences, marked where a paired test over users finds one.

    The tests are corrected by Holm's method for all of a dataset's differences.

    Args:
        summary: A summary.
        columns: Metrics.

    Returns:
        Markdown, a table for each dataset that has such rows.
    """
    parts = []
    for table in summary.tables:
        pairs = [(row, base) for row in table.rows if (base := _without(table, row)) is not None]
        if pairs:
            headers = [table.dataset.name, *map(column_label, columns)]
            parts.append(marked_table(headers, _lines(pairs, columns)))
    return "\n\n".join(parts)


def _without(table: Table, row: RowSummary) -> RowSummary | None:
    """Return the complete row of the same model and options on the dataset as it is."""
    if row.row.variant is None or not row.complete:
        return None
    for other in table.rows:
        same = (other.row.model, other.row.options) == (row.row.model, row.row.options)
        if same and other.row.variant is None and other.complete:
            return other
    return None


def _lines(pairs: Sequence[tuple[RowSummary, RowSummary]], columns: Sequence[str]) -> list[Line]:
    found = iter(compare([(r.values(name), b.values(name)) for r, b in pairs for name in columns]))
    lines = []
    for row, base in pairs:
        cells = []
        for name in columns:
            difference = row.figures[name].mean - base.figures[name].mean
            text = f"{'+' * (difference >= 0)}{number(difference, name)}"
            cells.append(Marked(text, direction=next(found).direction()))
        lines.append(Line(f"{row.row.name}, less {base.row.name}", cells))
    return lines
