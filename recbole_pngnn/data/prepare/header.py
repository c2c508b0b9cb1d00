"""Whether the first line of a file names its columns or is already a row."""

import re
from collections.abc import Sequence

from recbole_pngnn.data.prepare.errors import PrepareError, listing, shorten

_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d.*", re.DOTALL)
_ROLES = ("user", "item", "rating", "timestamp")


def is_value(cell: str) -> bool:
    """Say whether a cell is a number or a date, as a name of a column hardly is."""
    return bool(_NUMBER.fullmatch(cell.strip()) or _DATE.fullmatch(cell.strip()))


def no_header(cells: Sequence[str], option: str) -> str:
    """Say that the first line looks like a row, and what to type; empty where it does not.

    Args:
        cells: Cells of the first line.
        option: Option that names the columns of a file without a header.
    """
    if is_numbering(cells) or not any(map(is_value, cells)):
        return ""
    first = shorten(" ".join(", ".join(cells).split()))
    return (
        f"its first line ({first}) looks like a row: where the file has no header, name its "
        f"{len(cells)} columns in their order, {_example(len(cells), option)}"
    )


def is_numbering(cells: Sequence[str]) -> bool:
    """Say whether a header numbers the columns, as pandas writes it for columns without names."""
    return any(
        list(cells) == [str(start + place) for place in range(len(cells))] for start in (0, 1)
    )


def parse_names(text: str, option: str) -> list[str]:
    """Read names of columns, separated by commas.

    Args:
        text: What was given.
        option: The option that it was given to.

    Raises:
        PrepareError: A name is empty or occurs twice.
    """
    names = [name.strip() for name in text.split(",")]
    twice = sorted({name for name in names if names.count(name) > 1})
    if "" in names or twice:
        problem = "holds an empty name" if "" in names else f"names {listing(twice)} twice"
        raise PrepareError(
            f"{option} {text!r} {problem}; give each column a name, e.g. {','.join(_ROLES)}"
        )
    return names


def _example(n_columns: int, option: str) -> str:
    if option == "--columns" and n_columns in (3, 4):
        return f"e.g. {option} {','.join(_ROLES[:n_columns])}"
    return f"by {option} NAME,NAME,..."
