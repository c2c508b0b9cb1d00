"""The journal: every answer of a server, appended before anything is made of it.

A line is a JSON object. The first names the dataset; each other has the key of a request and what
came back, the raw body included. Nothing is ever rewritten, so an answer that was paid for is never
lost: a run that is killed goes on from here, and a mended parser reads the same answers again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.strict_json import json_bytes, read_json

VERSION = 1


class Journal:
    """An append-only file of answers, open for one process at a time.

    Args:
        path: The file; made with its folder where missing.
        identity: What the answers belong to (dataset and digest of its training part).

    Raises:
        AugmentError: Another process has it open, it belongs to something else, or it is no
            journal.
    """

    def __init__(self, path: Path, identity: dict[str, str]) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        binary = getattr(os, "O_BINARY", 0)  # Windows would write other line ends
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | binary, 0o644)
        try:
            _lock(self._file, path)
            self._records: dict[str, list[dict[str, Any]]] = {}
            self.n_unreadable = 0
            self._load(identity)
        except BaseException:
            os.close(self._file)
            raise

    def _load(self, identity: dict[str, str]) -> None:
        lines = list(_lines(self.path))
        if lines and not lines[-1].endswith(b"\n"):
            # Torn by a kill; closed off, or the next record would be glued to it and lost.
            os.write(self._file, b"\n")
        records = []
        for line in lines:
            try:
                record = read_json(line)
            except ValueError:
                self.n_unreadable += 1
                continue
            if isinstance(record, dict):
                records.append(record)
        if not records:
            if self.n_unreadable > 1:
                raise AugmentError(f"{self.path} is not a journal; give another --journal")
            self._append({"journal": VERSION, **identity})
            return
        header = records[0]
        if header.get("journal") != VERSION:
            raise AugmentError(f"{self.path} is not a journal; give another --journal")
        for key, value in identity.items():
            if header.get(key) != value:
                raise AugmentError(
                    f"{self.path} belongs to another dataset: its {key} is {header.get(key)!r}, "
                    f"and this one's is {value!r}; give another --journal"
                )
        for record in records[1:]:
            self._remember(record)

    def _remember(self, record: dict[str, Any]) -> None:
        if isinstance(record.get("key"), str):
            self._records.setdefault(record["key"], []).append(record)

    def add(self, record: dict[str, Any]) -> None:
        """Append a record, with its ``key``.

        Raises:
            AugmentError: The disk refuses; the journal is as it was before.
        """
        self._append(record)
        self._remember(record)

    def _append(self, record: dict[str, Any]) -> None:
        line = json_bytes(record, separators=(",", ":"))
        end = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(28, "No space left on device")
        except OSError as error:
            os.ftruncate(self._file, end)
            raise AugmentError(
                f"cannot write the journal {self.path}: {error.strerror or error}; what was "
                f"answered before is kept, run again when there is room"
            ) from error

    def find(self, key: str) -> list[dict[str, Any]]:
        """Return the records of a key, oldest first."""
        return self._records.get(key, [])

    def __len__(self) -> int:
        return sum(map(len, self._records.values()))

    def close(self) -> None:
        """Bring everything to the disk and let other processes in."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _lock(file: int, path: Path) -> None:
    """Take the file for this process; the system gives it back when the process ends."""
    refused = AugmentError(
        f"the journal {path} is in use by another process; wait for it, or give another --journal"
    )
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError as error:
            raise refused from error
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise refused from error
