"""What a benchmark leaves: a line a run, a line a trial, and what each user got.

- ``runs.jsonl`` and ``trials.jsonl`` are only ever appended to, a whole line at once. A line that a
  kill tore is closed off and left out; its run is made again.
- ``by_user/KEY.npz`` has a run's hits of each user, a bit a rank, and ``by_user/users-DIGEST.npz``
  the users of a test part, once for all runs that were measured on it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recbole_pngnn.files import write_whole
from recbole_pngnn.protocol.by_user import UserResults


class Results:
    """The folder of records.

    Args:
        folder: The folder; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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
        return read_lines(self.runs_file)

    def trials(self) -> list[dict[str, Any]]:
        """Return the recorded trials, oldest first."""
        return read_lines(self.trials_file)

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
            ValueError: A side file is missing.
        """
        for key in ("by_user_file", "users_file"):
            if not (self.folder / run[key]).is_file():
                raise ValueError(
                    f"{self.folder / run[key]} is missing, which {self.runs_file} names; bring it "
                    f"back, or take the line of run {run['key'][:16]} out and run it again"
                )
        return unpack(
            (self.folder / run["users_file"]).read_bytes(),
            (self.folder / run["by_user_file"]).read_bytes(),
        )


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Read a file of records; torn lines are left out.

    Args:
        file: The file; none is as good as an empty one.
    """
    if not file.is_file():
        return []
    records = []
    for line in file.read_bytes().split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def append_line(file: Path, record: Mapping[str, Any]) -> None:
    """Append a record as one line, behind a line of its own where the last one is torn.

    Args:
        file: The file, in a folder that exists.
        record: What JSON can hold, without NaN.

    Raises:
        OSError: The disk refuses; the file is as it was.
    """
    line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    with file.open("ab") as stream, _locked(stream.fileno()):
        end = os.fstat(stream.fileno()).st_size
        with file.open("rb") as reader:
            reader.seek(max(end - 1, 0))
            torn = reader.read(1) not in (b"", b"\n")
        try:
            stream.write(b"\n" + line if torn else line)
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:
            os.ftruncate(stream.fileno(), end)
            raise


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Keep other benchmarks from writing; the system lets go when a process ends."""
    try:
        import fcntl
    except ImportError:  # Windows, where a second benchmark at a time is the user's own affair
        yield
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
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
