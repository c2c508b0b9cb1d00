r"""Tables in LaTeX, with ``\usepackage{booktabs}``."""

from __future__ import annotations

import re

from recbole_pngnn.benchmark.report.cells import Marked, column_label, lines, notes
from recbole_pngnn.benchmark.report.summary import Summary, Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "↕": r"$\updownarrow$",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"\textbar{}",
    # Behind \\ a bracket would be a distance, a star another command.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}


def latex(summary: Summary, table: Table) -> str:
    """Lay out a table: a ``tabular`` a part, in one ``table`` with the notes as its caption."""
    parts = [r"% \usepackage{booktabs}", r"\begin{table}", r"\centering"]
    for columns in summary.suite.tables:
        heads = " & ".join([escape(table.dataset.name), *map(escape, map(column_label, columns))])
        parts += [rf"\begin{{tabular}}{{l{'r' * len(columns)}}}", r"\toprule", rf"{heads} \\"]
        parts.append(r"\midrule")
        for line in lines(table, columns):
            label = escape(line.label)
            if line.published:
                label = rf"\emph{{{label}}}"
            parts.append(rf"{' & '.join([label, *map(_cell, line.cells)])} \\")
        parts += [r"\bottomrule", r"\end{tabular}", ""]
    caption = escape(" ".join(notes(summary, table)))
    parts += [
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{_key(f'{summary.suite.name}-{table.dataset.name}')}}}",
        r"\end{table}",
    ]
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Write a text so that LaTeX prints it."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _key(name: str) -> str:
    """Write a name so that it can be the key of a label."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", name)


def _cell(cell: Marked) -> str:
    text = cell.mean
    text = {1: rf"\textbf{{{text}}}", 2: rf"\underline{{{text}}}"}.get(cell.rank, text)
    if cell.deviation:
        text += rf" {{\scriptsize$\pm${cell.deviation}}}"
    arrow = {1: r"\uparrow", -1: r"\downarrow"}.get(cell.direction, "")
    arrow = r"\updownarrow" if cell.opposed else arrow
    return text + (rf"$^{{{arrow}}}$" if arrow else "")
