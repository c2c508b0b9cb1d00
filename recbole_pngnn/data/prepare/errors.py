"""The error of this package, and how it lists what was found."""

from collections.abc import Iterable


class PrepareError(ValueError):
    """Something the user can correct: a wrong file, a bad rating, an impossible split.

    The message says what was expected, what was found (file, line, value) and what to do.
    """


def shorten(text: str, length: int = 80) -> str:
    """Cut a long text that is shown in an error."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def listing(names: Iterable[str], limit: int = 20) -> str:
    """Show names in an error, the first ones where there are many."""
    found = [shorten(name, 40) for name in names]
    more = f" and {len(found) - limit} more" if len(found) > limit else ""
    return (", ".join(found[:limit]) or "nothing") + more
