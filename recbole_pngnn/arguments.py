"""The parser of the command line: what is wrong in one line, with the word that may be meant."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from recbole_pngnn.failure import without_secrets

# What an editor or a web page makes of "-" and "--": hyphens, dashes, the minus sign.
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` whose errors are a line, as all of this command's are.

    An option given twice with two values is an error, where argparse keeps the last; commands,
    sources and options that are unknown come with the known one that looks like them.

    Args:
        is_open: Whether what the parser does not know is left to the caller.

    Attributes:
        takes_last: Whether of an option given twice the last value counts, as of argparse.
    """

    takes_last = False

    def __init__(self, *args: Any, is_open: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_open = is_open
        self.register("action", None, _Once)
        self.register("action", "store", _Once)

    def error(self, message: str) -> NoReturn:
        """Print a line and leave with status 2."""
        line = without_secrets(f"error: {message}; see {self.prog} --help")
        print(line, file=sys.stderr)
        raise SystemExit(2)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """See argparse; a parser that is not open knows all, or ends in an error."""
        words = list(sys.argv[1:] if args is None else args)
        if not self._is_open and self._subparsers is None:
            known = self._option_string_actions
            for word in words:  # before argparse finds that a misspelt option is missing
                name = word.split("=")[0]
                is_option = name.startswith("--") and name != "--"
                if is_option and not any(option.startswith(name) for option in known):
                    self._refuse([word])
        found, rest = super().parse_known_args(words, namespace)
        if rest and not self._is_open:
            self._refuse(rest)
        return found, rest

    def _refuse(self, rest: list[str]) -> NoReturn:
        close = close_to(rest[0].split("=")[0], self._option_string_actions)
        hint = f"; did you mean {close}?" if close else ""
        self.error(f"unrecognized arguments: {' '.join(rest)}{hint}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        close = close_to(str(value), choices)
        hint = f"; did you mean {close}?" if close else ""
        if action.option_strings:
            name = "/".join(action.option_strings)
            self.error(f"{name} must be one of {', '.join(choices)}; found {str(value)!r}{hint}")
        kind = action.dest.removesuffix("_kind")
        self.error(f"there is no {kind} {str(value)!r}{hint}; there are {', '.join(choices)}")


class _Once(argparse.Action):
    """Store a value, and refuse a second one that differs."""

    _stored: tuple[object, Any] | None = None

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if self._stored is not None and self._stored[0] is namespace:
            before = self._stored[1]
            if before != values and not getattr(parser, "takes_last", False):
                parser.error(
                    f"{option_string or self.dest} is given twice, as {before} and as {values}"
                )
        self._stored = (namespace, values)
        setattr(namespace, self.dest, values)


def close_to(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that looks most like another; case and ``-`` for ``_`` are no matter.

    Args:
        word: What was typed.
        known: What may be meant.
    """
    by_spelling = {_plain(name): name for name in known}
    close = difflib.get_close_matches(_plain(word), by_spelling, n=1, cutoff=0.65)
    return by_spelling[close[0]] if close else None


def check_dashes(words: Sequence[str]) -> None:
    """Refuse options that begin with a dash which no keyboard has, and name the right form.

    Raises:
        ValueError: Names the word.
    """
    for before, word in zip(["", *words], words, strict=False):
        name = word.lstrip(_DASHES + "-")
        begins = word[: len(word) - len(name)]
        is_value = before.startswith("--") and "=" not in before
        if any(dash in begins for dash in _DASHES) and name[:1].isalpha() and not is_value:
            code = ord(next(dash for dash in begins if dash in _DASHES))
            raise ValueError(
                f"{word!r} begins with the character U+{code:04X}, which only looks like a hyphen; "
                f"type --{name}"
            )


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")
