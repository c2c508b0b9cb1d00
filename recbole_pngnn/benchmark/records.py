"""What a benchmark leaves: a line a run, a line a trial, and what each user got.

- ``runs.jsonl`` and ``trials.jsonl`` are only ever appended to, a whole line at once. A last line
  that a kill cut is left out with a warning, and the next record takes its place; its run is made
  again. Any other line that is no record is an error that names it.
- ``by_user/KEY.npz`` has a run's hits of each user, a bit a rank, and ``by_user/users-DIGEST.npz``
  the users of a test part, once for all runs that were measured on it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import RawIOBase
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recbole_pngnn.files import write_whole
from recbole_pngnn.protocol.by_user import UserResults

# A run of MovieLens-1M leaves 27 kB of side files.
_PROBE = 1 << 20
_UNREADABLE = (
    *(ValueError, KeyError, TypeError, IndexError, OSError, EOFError),
    *(zipfile.BadZipFile, zlib.error),
)
_SIDE_FILE = re.compile(r"by_user/[\w.-]+\.npz")


class Results:
    """The folder of records.

    Args:
        folder: The folder; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._warned: set[str] = set()

    @property
    def runs_file(self) -> Path:
        """The file with a line a run."""
        return self.folder / "runs.jsonl"

    @property
    def trials_file(self) -> Path:
        """The file with a line a trial of a search."""
        return self.folder / "trials.jsonl"

    def runs(self) -> list[dict[str, Any]]:
        """Return the recorded runs, oldest first."""
        return read_lines(self.runs_file, self._warned)

    def trials(self) -> list[dict[str, Any]]:
        """Return the recorded trials, oldest first."""
        return read_lines(self.trials_file, self._warned)

    def add_run(self, record: dict[str, Any], by_user: UserResults) -> dict[str, Any]:
        """Record a run; what each user got is on the disk before its line is.

        Args:
            record: The run, with its ``key``.
            by_user: What each user got.

        Returns:
            The record as written, with the names of its side files.
        """
        by_user = by_user.sorted()
        users, hits = pack(by_user)
        folder = self.folder / "by_user"
        folder.mkdir(parents=True, exist_ok=True)
        names = {
            "by_user_file": f"by_user/{record['key'][:16]}.npz",
            "users_file": f"by_user/users-{_digest(by_user)[:16]}.npz",
        }
        write_whole(self.folder / names["by_user_file"], hits)
        write_whole(self.folder / names["users_file"], users)
        record = {**record, **names}
        append_line(self.runs_file, record)
        return record

    def add_trial(self, record: dict[str, Any]) -> None:
        """Record a trial."""
        self.folder.mkdir(parents=True, exist_ok=True)
        append_line(self.trials_file, record)

    def by_user(self, run: Mapping[str, Any]) -> UserResults:
        """Read what each user got in a recorded run.

        Raises:
            ValueError: A side file is missing, cannot be read, or is not of this run.
        """
        files = []
        for key in ("by_user_file", "users_file"):
            if not _SIDE_FILE.fullmatch(str(run[key])):
                raise ValueError(f"{place_of(run)}: {key} {run[key]!r} is no side file; {_MEND}")
            file = self.folder / run[key]
            if not file.is_file():
                raise ValueError(
                    f"{file} is missing, which {self.runs_file} names; bring it back, or take the "
                    f"line of run {run['key'][:16]} out and run it again"
                )
            files.append(file)
        hits, users = files
        try:
            found = unpack(users.read_bytes(), hits.read_bytes())
        except _UNREADABLE as error:
            raise ValueError(
                f"{hits} or {users} cannot be read ({' '.join(str(error).split())}); bring them "
                f"back, or take the line of run {run['key'][:16]} out and run it again"
            ) from error
        return found

    def check_writable(self) -> None:
        """Find out before a run that its record could not be written after it.

        Raises:
            OSError: The folder or a file of records cannot be written, or the disk is full.
        """
        check_folder(self.folder / "by_user")
        for file in (self.runs_file, self.trials_file):
            if file.exists():
                file.open("ab").close()


def check_folder(folder: Path) -> None:
    """Write into a folder as much as a run leaves, and take it away again.

    Args:
        folder: Made where missing.

    Raises:
        OSError: The disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".probe-{os.getpid()}"
    try:
        with probe.open("wb", buffering=0) as stream:
            _write_all(stream, bytes(_PROBE))
            os.fsync(stream.fileno())
    finally:
        probe.unlink(missing_ok=True)


class Record(dict[str, Any]):
    """A record that knows the line that it stands in."""

    def __init__(self, content: Mapping[str, Any], place: str) -> None:
        super().__init__(content)
        self.place = place


def read_record(file: Path) -> Record:
    """Read a record that is a file of its own.

    Raises:
        ValueError: It is no mapping in JSON.
        FileNotFoundError: There is none.
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no record {file}")
    try:
        found = json.loads(file.read_bytes(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is no record: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file} is no record: a mapping of keys is needed")
    return Record(found, str(file))


def place_of(record: Mapping[str, Any]) -> str:
    """Say where a record stands: file and line, or its row where it was not read from a file."""
    return record.place if isinstance(record, Record) else f"the record of {record.get('row')}"


def read_lines(file: Path, warned: set[str] | None = None) -> list[dict[str, Any]]:
    """Read a file of records.

    A last line without its end, which a kill cut, is left out, and a warning says so.

    Args:
        file: The file; none is as good as an empty one.
        warned: Warnings that were given before, which are not given again.

    Raises:
        ValueError: Another line is no record: cut, a mark of a merge, no mapping, not finite.
    """
    if not file.is_file():
        return []
    with file.open("rb") as stream, _locked(stream.fileno(), shared=True):
        lines = stream.read().split(b"\n")
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        place = f"{file}, line {number}"
        if not line.strip():
            continue
        if number == len(lines) and _is_cut(line):
            _warn(
                f"{place}: the line is cut, as a kill or a full disk leaves it; it is left out, "
                f"and what it was the record of is run again",
                set() if warned is None else warned,
            )
            continue
        try:
            found = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{place} is no record: {_why(line, error)}") from error
        if not isinstance(found, dict):
            raise ValueError(
                f"{place} is no record: a mapping of keys is needed, found {line[:40]!r}; {_MEND}"
            )
        records.append(Record(found, place))
    return records


_MEND = "mend the line, or take it out and what it records is run again"


def _warn(text: str, warned: set[str]) -> None:
    """Warn on the screen, once: the records are read after every run."""
    if text not in warned:
        warned.add(text)
        print(f"warning: {text}", file=sys.stderr)


def _is_cut(line: bytes) -> bool:
    """Tell whether a line without its end is the beginning of a record."""
    if line and not line.strip(b"\0"):  # what a disk without power leaves of a file that grew
        return True
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return line.startswith(b"{")
    return False


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _why(line: bytes, error: Exception) -> str:
    if line.startswith((b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")):
        return (
            "a mark that a merge left; keep the records of both sides, one a line, and take the "
            "marks out"
        )
    why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
    return f"{why}, in {line[:40]!r}; {_MEND}"


def append_line(file: Path, record: Mapping[str, Any]) -> None:
    """Append a record as one line, in the place of a last line that a kill cut.

    Args:
        file: The file, in a folder that exists.
        record: What JSON can hold, without NaN.

    Raises:
        OSError: The disk refuses; the file is as it was.
    """
    line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    with file.open("a+b", buffering=0) as stream, _locked(stream.fileno()):
        end = stream.seek(0, os.SEEK_END)
        start, last = _last_line(stream, end)
        if _is_cut(last):
            _warn(f"{file}: its last line, {last[:40]!r}, was cut; a record replaces it", set())
            end = start
            stream.truncate(start)
        elif last:
            line = b"\n" + line
        try:
            _write_all(stream, line)
            os.fsync(stream.fileno())
        except OSError:
            with suppress(OSError):
                stream.truncate(end)
            raise


def _write_all(stream: RawIOBase, data: bytes) -> None:
    """Write at the end; a disk that is nearly full takes a part first, and then says so."""
    left = memoryview(data)
    while left:
        left = left[stream.write(left) :]


def _last_line(stream: RawIOBase, end: int) -> tuple[int, bytes]:
    """Return where the last line begins, and what of it is there; nothing behind a line end."""
    start, last = end, b""
    while start > 0:
        step = min(start, 1 << 16)
        stream.seek(start - step)
        _, found, behind = stream.read(step).rpartition(b"\n")
        last = behind + last
        start -= len(behind)
        if found:
            break
    return start, last


@contextmanager
def _locked(descriptor: int, shared: bool = False) -> Iterator[None]:
    """Keep other benchmarks from writing; the system lets go when a process ends.

    On a file system without locks nothing is kept from anybody: lines are written by one call.
    """
    try:
        import fcntl
    except ImportError:  # Windows, where a second benchmark at a time is the user's own affair
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def pack(results: UserResults) -> tuple[bytes, bytes]:
    """Return the two files of :class:`UserResults`: the users, and what they got."""
    users = _npz(
        users=results.users,
        n_rated=results.n_rated.astype(np.uint32),
        n_liked=results.n_liked.astype(np.uint32),
    )
    width = np.array(results.hits.shape[1], dtype=np.uint16)
    arrays: dict[str, npt.NDArray[Any]] = {
        "hits": np.packbits(results.hits, axis=1),
        "width": width,
    }
    if results.sign_auc is not None:
        arrays["sign_auc"] = results.sign_auc.astype(np.float32)
    return users, _npz(**arrays)


def _digest(results: UserResults) -> str:
    """Return the SHA-256 of the users and their counts: of what was to be found, and by whom."""
    digest = hashlib.sha256("\0".join(results.users.tolist()).encode())
    for counts in (results.n_rated, results.n_liked):
        digest.update(counts.astype("<i8").tobytes())
    return digest.hexdigest()


def unpack(users: bytes, hits: bytes) -> UserResults:
    """Read what :func:`pack` returned."""
    who, got = np.load(io.BytesIO(users)), np.load(io.BytesIO(hits))
    sizes = {name: len(who[name]) for name in ("users", "n_rated", "n_liked")}
    sizes |= {name: len(got[name]) for name in ("hits", "sign_auc") if name in got}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"they are of different numbers of users: {sizes}")
    return UserResults(
        users=who["users"],
        n_rated=who["n_rated"].astype(np.int64),
        n_liked=who["n_liked"].astype(np.int64),
        hits=np.unpackbits(got["hits"], axis=1, count=int(got["width"])).astype(np.bool_),
        sign_auc=got["sign_auc"].astype(np.float64) if "sign_auc" in got else None,
    )


def _npz(**arrays: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
