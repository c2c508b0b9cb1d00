"""Tables in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tabulate import tabulate

from recbole_pngnn.benchmark.layout import markdown_table
from recbole_pngnn.benchmark.report.cells import (
    Line,
    Marked,
    choices,
    column_label,
    lines,
    notes,
)
from recbole_pngnn.benchmark.report.escaped import markdown_text
from recbole_pngnn.benchmark.report.summary import Summary, Table

CHOICE_HEADERS = ("row", "searched on", "trials", "validation", "chosen")


def markdown(summary: Summary) -> str:
    """Lay out the tables of a suite, each with its notes.

    Returns:
        Markdown without headings, as it stands between the marks of a document.
    """
    parts = []
    for table in summary.tables:
        if table.rows:
            parts += [
                marked_table(
                    [table.dataset.name, *map(column_label, columns)], lines(table, columns)
                )
                for columns in summary.suite.tables
            ]
        parts += [markdown_text(" ".join(notes(summary, table)))]
    return "\n\n".join(parts)


def document(summary: Summary, plots: dict[str, list[str]]) -> str:
    """Return the report as one Markdown document.

    Args:
        summary: The suite.
        plots: File names of the plots of each dataset.
    """
    suite = summary.suite
    description = "\n\n".join(map(_paragraph, suite.description.split("\n\n")))
    parts = [f"# {markdown_text(suite.title)}", description, markdown(summary)]
    for table in summary.tables:
        parts += [f"![{name}]({name})" for name in plots.get(table.dataset.name, [])]
        parts.append(chosen(table))
    versions = summary.versions()
    parts.append(
        f"Recorded with {markdown_text(', '.join(versions))}."
        if versions
        else "Nothing is recorded."
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def chosen(table: Table) -> str:
    """Lay out what the searches of a dataset chose; empty where nothing was searched."""
    rows = [[markdown_text(cell) for cell in row] for row in choices(table)]
    return tabulate(rows, CHOICE_HEADERS, tablefmt="pipe", disable_numparse=True) if rows else ""


def marked_table(headers: Sequence[str], rows: Sequence[Line]) -> str:
    """Lay out rows of marked cells below their headers."""
    body = [[markdown_text(line.label), *map(_cell, line.cells)] for line in rows]
    return markdown_table(headers, body)


def _paragraph(text: str) -> str:
    """Write a paragraph that begins no heading, list or quotation."""
    text = markdown_text(" ".join(text.split()))
    return re.sub(r"^(?=[#>+-]|\d+[.)])", r"\\", text)


def _cell(cell: Marked) -> str:
    text = f"{cell.mean} ± {cell.deviation}" if cell.deviation else cell.mean
    text = {1: f"**{text}**", 2: f"<u>{text}</u>"}.get(cell.rank, text)
    return text + (" ↕" if cell.opposed else {1: " ↑", -1: " ↓"}.get(cell.direction, ""))
