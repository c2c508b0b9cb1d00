"""The prepared datasets of a suite: found, or made by the commands that the suite names."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from recbole_pngnn.benchmark.observed import observed_digest
from recbole_pngnn.benchmark.plan import Cell
from recbole_pngnn.failure import without_secrets

DATASETS = Path("dataset")
# Sources of `prepare` whose data nothing here brings.
_FROM_ELSEWHERE = ("ml-1m",)


class WaitingError(ValueError):
    """A row's answers are not there yet."""


class Data:
    """The datasets of one invocation, each looked for once.

    Args:
        logs: Folder for what the commands print.
        source: What ``prepare`` reads where a dataset comes from elsewhere; None for nothing.
        say: Told what is made.
        timeout: Seconds that a command may take; None for no limit.
    """

    def __init__(
        self,
        logs: Path,
        source: Path | None,
        say: Callable[[str], None],
        timeout: float | None = None,
    ) -> None:
        self._logs, self._source, self._say, self._timeout = logs, source, say, timeout
        self._found: dict[str, str | Exception] = {}
        self._observed: dict[str, str] = {}

    def fingerprint(self, cell: Cell) -> str:
        """Return the SHA-256 of a run's data, made where they are missing.

        Raises:
            WaitingError: The row waits for answers.
            ValueError: The data are not there and cannot be made.
        """
        name = cell.data
        if name not in self._found:
            try:
                self._found[name] = self._find(cell)
            except (ValueError, OSError) as error:
                self._found[name] = error
        found = self._found[name]
        if isinstance(found, Exception):
            raise found
        return found

    def observed(self, cell: Cell) -> str:
        """Return the SHA-256 of what was observed of a run's data, which are there."""
        if cell.data not in self._observed:
            self._observed[cell.data] = observed_digest(DATASETS / cell.data, cell.data)
        return self._observed[cell.data]

    def _find(self, cell: Cell) -> str:
        from recbole_pngnn.protocol.fingerprint import fingerprint

        found = fingerprint(DATASETS / cell.data, cell.data)
        if found is not None:
            self._check_variant(cell)
            return found
        if cell.row.variant is None:
            self._prepare(cell)
        else:
            self._augment(cell)
        found = fingerprint(DATASETS / cell.data, cell.data)
        if found is None:
            raise ValueError(f"dataset {cell.data} was made, and has no interactions")
        return found

    def _check_variant(self, cell: Cell) -> None:
        """Refuse a variant that was made of a split before that was prepared anew."""
        plain = dataclasses.replace(cell, row=dataclasses.replace(cell.row, variant=None))
        split = plain.data
        if split == cell.data or not (DATASETS / split).is_dir():
            return
        if self.observed(plain) != self.observed(cell):
            raise ValueError(
                f"{DATASETS / cell.data} was made from other ratings than {DATASETS / split} has "
                f"today; remove the folder {DATASETS / cell.data}, and it is made again"
            )

    def _prepare(self, cell: Cell) -> None:
        name, words = cell.split.dataset, cell.split.prepare
        if words is None:
            raise ValueError(
                f"{DATASETS / name} is missing, and the suite does not say how to prepare it; "
                f"prepare it by hand, or give the split a line `prepare: [...]`"
            )
        source: list[str] = []
        if words[0] in _FROM_ELSEWHERE and "--source" not in words:
            if self._source is None:
                raise ValueError(
                    f"{DATASETS / name} is missing; it is made from {words[0]}, which has to be "
                    f"given by --source PATH"
                )
            source = ["--source", str(self._source)]
        self._run(name, ["prepare", *words, "--name", name, "--output", str(DATASETS), *source])

    def _augment(self, cell: Cell) -> None:
        row, split = cell.row, cell.split.dataset
        answers = row.answers_of(split)
        if answers is not None and not answers.is_file():
            raise WaitingError(f"waits for the answers {answers}")
        plain = dataclasses.replace(cell.row, variant=None)
        self.fingerprint(dataclasses.replace(cell, row=plain))
        target = ["--output", str(DATASETS / cell.data), "--data_path", str(DATASETS)]
        command = ["augment", "--dataset", split, *row.augment, *target]
        if answers is not None:
            self._run(cell.data, [*command, "--import_batch", str(answers)])
        self._run(cell.data, command)

    def _run(self, name: str, words: Sequence[str]) -> None:
        self._say(without_secrets(f"making {name}: recbole-pngnn {' '.join(words)}"))
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}-{words[0]}.log"
        with log.open("wb") as output:
            try:
                done = subprocess.run(
                    [sys.executable, "-m", "recbole_pngnn", *words],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=self._timeout,
                )
            except subprocess.TimeoutExpired as error:
                raise ValueError(
                    f"cannot make {name}: it took longer than {self._timeout:g} s, the limit of "
                    f"--run_timeout (log: {log})"
                ) from error
        if done.returncode:
            lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
            said = next((line for line in reversed(lines) if line.strip()), "nothing was said")
            raise ValueError(f"cannot make {name}: {said} (log: {log})")
