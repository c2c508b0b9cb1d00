"""Names as text in Markdown and CSV, whatever is in them.

LaTeX and HTML have their own beside their tables, figures ``recbole_pngnn.plotting.plain``.
"""

from __future__ import annotations

import re

# What a spreadsheet takes for the beginning of a formula, in wide forms too (OWASP, CSV injection).
_FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
_MARKDOWN = re.compile(
    r"""
    [\\`*|$~]            # escapes, code, emphasis, cells, mathematics, strikes
    | <(?=[A-Za-z/!?])   # HTML; "p < .05" is none
    | &(?=\#?\w+;)        # entities
    | (?<=\])[(\[:]       # links and images
    | (?<!\w)_|_(?!\w)    # emphasis; inside a word it is none
    """,
    re.VERBOSE,
)


def markdown_text(text: str) -> str:
    """Write a text so that Markdown shows it as it is, in a cell of a table too."""
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", text)


def csv_text(text: str) -> str:
    """Write a text so that a spreadsheet shows it; a quote stands before what it would compute."""
    return f"'{text}" if text.startswith(_FORMULA) else text
