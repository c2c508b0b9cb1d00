"""Differences between rows of a table, tested: a row less another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recbole_pngnn.benchmark.report.cells import (
    OPPOSED,
    Line,
    Marked,
    column_label,
    mark,
    number,
)
from recbole_pngnn.benchmark.report.markdown import marked_table
from recbole_pngnn.benchmark.report.summary import (
    RowSummary,
    Summary,
    Table,
    check_same_users,
)
from recbole_pngnn.significance import compare

Pairs = list[tuple[RowSummary, RowSummary]]


def differences_table(
    summary: Summary, columns: Sequence[str], pairs_of: Callable[[Table], Pairs]
) -> str:
    """Lay out differences, marked where a paired test over users finds one.

    The tests are corrected by Holm's method for all of a dataset's differences.

    Args:
        summary: A summary.
        columns: Metrics.
        pairs_of: Chooses the pairs of complete rows of a dataset; the second is taken from the
            first.

    Returns:
        Markdown, a table for each dataset that has pairs.
    """
    parts = []
    for table in summary.tables:
        pairs = pairs_of(table)
        if pairs:
            headers = [table.dataset.name, *map(column_label, columns)]
            lines = _lines(pairs, columns)
            parts.append(marked_table(headers, lines))
            if any(cell.opposed for line in lines for cell in line.cells):
                parts.append(OPPOSED)
    return "\n\n".join(parts)


def suggestions(table: Table) -> Pairs:
    """Pair each row of an augmented dataset with the same model and options on the dataset."""
    complete = [row for row in table.rows if row.complete]
    return [
        (row, other)
        for row in complete
        for other in complete
        if row.row.variant is not None
        and other.row.variant is None
        and (other.row.model, other.row.options) == (row.row.model, row.row.options)
    ]


def named(names: Sequence[tuple[str, str]]) -> Callable[[Table], Pairs]:
    """Pair rows by their names; a pair of which one is not complete is left out.

    Raises:
        ValueError: By what is returned: no row of the suite has such a name.
    """

    def pairs_of(table: Table) -> Pairs:
        known = {row.row.name: row for row in table.rows}
        for name in sorted({name for pair in names for name in pair}):
            if name not in known and name not in {row.name for row in table.missing}:
                raise ValueError(f"{table.dataset.name} has no row {name!r} to compare")
        pairs = [(known[a], known[b]) for a, b in names if a in known and b in known]
        return [(a, b) for a, b in pairs if a.complete and b.complete]

    return pairs_of


def _lines(pairs: Pairs, columns: Sequence[str]) -> list[Line]:
    for row, base in pairs:
        check_same_users(row, base)
    found = iter(compare([(r.values(name), b.values(name)) for r, b in pairs for name in columns]))
    lines = []
    for row, base in pairs:
        cells = []
        for name in columns:
            difference = row.figures[name].mean - base.figures[name].mean
            direction, opposed = mark(next(found), difference)
            shown = round(difference, 4) + 0.0  # no -0
            text = f"{'+' * (shown >= 0)}{number(shown, name)}"
            cells.append(Marked(text, direction=direction, opposed=opposed))
        lines.append(Line(f"{row.row.name}, less {base.row.name}", cells))
    return lines
