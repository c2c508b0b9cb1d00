"""The progress bar of a benchmark."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

_FORMAT = "{desc}: {n_fmt}/{total_fmt} |{bar:20}| {elapsed}{postfix}"


class Progress:
    """A bar that counts runs and trials and shows what runs and the time left.

    Args:
        name: Name of the suite.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.close()

    def start(self, total: int) -> None:
        """Begin to count runs and trials."""
        self._bar = tqdm(
            total=total,
            desc=self._name,
            bar_format=_FORMAT,
            dynamic_ncols=True,
            miniters=0,
            mininterval=0.2 if sys.stderr.isatty() else 30,  # a log file gets a line now and then
            disable=not total,
        )

    def done(self, text: str) -> None:
        """Count one, and say what it gave."""
        self.say(text)
        self._bar.update(1)

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        tqdm.write(text, file=sys.stderr)

    def show(self, seconds_left: float | None, running: list[str]) -> None:
        """Show the time left, where it is known, and what runs."""
        left = "?" if seconds_left is None else tqdm.format_interval(seconds_left)
        self._bar.set_postfix_str(f"about {left} left; {'; '.join(running)}", refresh=False)
        self._bar.update(0)
