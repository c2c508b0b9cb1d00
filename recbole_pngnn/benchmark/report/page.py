"""The report as one page of HTML that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from recbole_pngnn.benchmark.report.cells import (
    Line,
    Marked,
    choices,
    column_label,
    lines,
    notes,
)
from recbole_pngnn.benchmark.report.markdown import CHOICE_HEADERS
from recbole_pngnn.benchmark.report.summary import Summary

_STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
       color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 14px; }
th, td { padding: .2rem .7rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { border-top: 2px solid #222; border-bottom: 1px solid #222; }
tbody tr:last-child td { border-bottom: 2px solid #222; }
tr.published td { color: #666; font-style: italic; }
small { color: #666; }
.wide { overflow-x: auto; }
table.chosen td { text-align: left; white-space: normal; }
img { max-width: 100%; }
footer { color: #666; font-size: 13px; margin-top: 2rem; }
"""
_CAPTIONS = {
    "cutoffs": "Metrics by the length of the list; bars are the standard deviation over runs.",
    "time": "Accuracy by the seconds of a training.",
    "activity": "Accuracy by how much the user rated in training; groups of about equal size.",
}


def page(summary: Summary, images: Mapping[str, Mapping[str, bytes]]) -> str:
    """Return the page.

    Args:
        summary: The suite.
        images: Plots of each dataset as SVG, by their names.
    """
    suite = summary.suite
    body = [f"<h1>{escape(suite.title)}</h1>"]
    if suite.description:
        body.append(f"<p>{escape(suite.description)}</p>")
    for table in summary.tables:
        body.append(f"<h2>{escape(table.dataset.name)}</h2>")
        if table.rows:
            for columns in suite.tables:
                heads = [table.dataset.name, *map(column_label, columns)]
                body.append(_table(heads, map(_row, lines(table, columns))))
        body += [f"<p>{escape(note)}</p>" for note in notes(summary, table)]
        for name, image in images.get(table.dataset.name, {}).items():
            data = base64.b64encode(image).decode()
            caption = escape(_CAPTIONS[name])
            body.append(
                f'<figure><img alt="{caption}" src="data:image/svg+xml;base64,{data}">'
                f"<figcaption>{caption}</figcaption></figure>"
            )
        chosen = choices(table)
        if chosen:
            body.append("<h3>Chosen on validation</h3>")
            rows = [
                "<tr>" + "".join(f"<td>{escape(t)}</td>" for t in row) + "</tr>" for row in chosen
            ]
            body.append(_table(CHOICE_HEADERS, rows, "chosen"))
    versions = ", ".join(summary.versions()) or "nothing yet"
    body.append(f"<footer>Recorded with {escape(versions)}.</footer>")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(suite.title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _table(heads: Sequence[str], rows: Iterable[str], kind: str = "figures") -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return (
        f'<div class="wide"><table class="{kind}">\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody>\n</table></div>"
    )


def _row(line: Line) -> str:
    cells = "".join(f"<td>{_cell(cell)}</td>" for cell in line.cells)
    kind = ' class="published"' if line.published else ""
    return f"<tr{kind}><td>{escape(line.label)}</td>{cells}</tr>"


def _cell(cell: Marked) -> str:
    text = {1: f"<b>{cell.mean}</b>", 2: f"<u>{cell.mean}</u>"}.get(cell.rank, cell.mean)
    if cell.deviation:
        text += f" <small>± {cell.deviation}</small>"
    return text + (" ↕" if cell.opposed else {1: " ↑", -1: " ↓"}.get(cell.direction, ""))
