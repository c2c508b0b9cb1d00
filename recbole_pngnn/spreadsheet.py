"""CSV that people open in a spreadsheet, which runs a cell that begins like a formula."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# What Excel, LibreOffice or Google Sheets take for the begin of a formula; the wide forms too.
_FORMULA = re.compile(r"[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_IDS = ("user_id", "item_id")
_TEXTS = ("title",)

logger = logging.getLogger(__name__)


def spreadsheet_csv(lists: pd.DataFrame) -> str:
    """Return lists as CSV in which no title is a formula.

    A title that begins like one gets an apostrophe before it, which spreadsheets show as it is or
    hide. Quoting would not help: they take the quotes off first. Ids must read back the same, so
    that they are left alone, and a warning names those that begin like a formula and are no number.

    Args:
        lists: Columns as of :func:`recbole_pngnn.recommend`.
    """
    safe = lists.copy()
    for column in _TEXTS:
        if column in safe:
            safe[column] = ["'" + text if _FORMULA.match(text) else text for text in safe[column]]
    for column in _IDS:
        found = sorted({str(name) for name in safe[column] if is_formula(str(name))})
        if found:
            some = ", ".join(map(repr, found[:3])) + (" ..." if len(found) > 3 else "")
            logger.warning(
                f"{len(found)} id(s) in {column} begin like a formula, and are written as they "
                f"are: {some}; import that column as text before a spreadsheet computes it"
            )
    return safe.to_csv(index=False)


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet takes a text for a formula; a number is harmless."""
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)
