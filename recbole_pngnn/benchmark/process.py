"""A worker's process, as the benchmark sees it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from recbole_pngnn.benchmark.records import unpack
from recbole_pngnn.benchmark.worker import ANSWER, HITS, USERS, Request
from recbole_pngnn.protocol.by_user import UserResults

# Seconds without a line in its log and without processor time after which a worker hangs.
IDLE_TIMEOUT = 1800.0
# A process that computes has more of the time than one whose threads only look at the clock.
_LEAST_SHARE, _LOOK_EVERY = 0.01, 1.0
_KEPT = "kept-"


@dataclass(frozen=True)
class Limits:
    """How long a worker may take.

    Attributes:
        run: Seconds in all; None for no limit.
        idle: Seconds without a line in its log and without processor time.
    """

    run: float | None = None
    idle: float = IDLE_TIMEOUT


class Process:
    """A worker at its request. It ends when this process does, however that happens.

    Args:
        request: What it is asked for; its folder is emptied first.
        log: File for what it prints.
        n_threads: Threads for its arithmetic, where the environment sets none.
        limits: How long it may take.
    """

    def __init__(
        self, request: Request, log: Path, n_threads: int, limits: Limits | None = None
    ) -> None:
        self.log = log
        self._limits = limits or Limits()
        self._work = Path(request.work)
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._started = self._looked = self._alive = time.monotonic()
        self._cpu, self._log_size = 0.0, 0
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "recbole_pngnn.benchmark.worker"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"OMP_NUM_THREADS": str(n_threads), **os.environ},
                start_new_session=True,  # Ctrl-C is for the benchmark, which ends its workers
            )
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request.to_line())
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died at once, and its log says why
        except BaseException:
            self.stop()
            raise

    @property
    def seconds(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    def ended(self) -> bool:
        """Tell whether it ended."""
        return self._process.poll() is not None

    def overdue(self) -> str | None:
        """Say why it is waited for no longer; None where it works, or has answered."""
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY or (self._work / ANSWER).is_file():
            return None
        self._looked = now
        limits = self._limits
        if limits.run is not None and now - self._started > limits.run:
            return (
                f"it took longer than {limits.run:g} s, the limit of --run_timeout (log: "
                f"{self.log})"
            )
        cpu = _seconds_of_tree(self._process.pid)
        size = self.log.stat().st_size if self.log.is_file() else 0
        computed = cpu - self._cpu
        if size != self._log_size or computed > max(_LEAST_SHARE * (now - self._alive), 0.05):
            self._alive, self._cpu, self._log_size = now, cpu, size
        if now - self._alive <= limits.idle:
            return None
        return (
            f"it hangs: for {limits.idle:g} s, the limit of --idle_timeout, its process has "
            f"computed nothing and said nothing (log: {self.log})"
        )

    def answered(self) -> bool:
        """Tell whether it answered, and may be hanging at its end."""
        return self.ended() or (self._work / ANSWER).is_file()

    def answer(self) -> dict[str, Any]:
        """Return what a worker answered.

        Raises:
            ValueError: It failed; the message says how and where its log is.
        """
        file = self._work / ANSWER
        if not file.is_file():
            raise ValueError(f"{_death(self._process.returncode)} (log: {self.log})")
        found: dict[str, Any] = json.loads(file.read_bytes())
        if "error" in found:
            raise ValueError(f"{found['error']} (log: {self.log})")
        return found

    def by_user(self) -> UserResults:
        """Return what each user of the test part got."""
        return _by_user(self._work)

    def stop(self) -> None:
        """End it and what it started, and remove what it worked on."""
        self._end()
        shutil.rmtree(self._work, ignore_errors=True)

    def keep(self) -> Path:
        """End it, and keep its answer for :func:`kept`; returns where.

        A file is renamed, which a full disk allows.
        """
        self._end()
        (self._work / ANSWER).replace(self._work / f"{_KEPT}{self.seconds:.1f}.json")
        return self._work

    def _end(self) -> None:
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        with suppress(OSError):  # what it started, where it is gone itself
            os.killpg(self._process.pid, signal.SIGKILL)
        if not self.ended():
            self._process.kill()
        self._process.wait()


class Kept:
    """What a worker answered in an earlier benchmark that could not record it."""

    def __init__(self, work: Path, file: Path) -> None:
        self._work, self._file = work, file
        self.seconds = float(file.stem.removeprefix(_KEPT))

    def ended(self) -> bool:
        """Tell whether it ended: it did."""
        return True

    answered = ended

    def overdue(self) -> None:
        """Say that it is not."""

    def answer(self) -> dict[str, Any]:
        """Return what it answered."""
        found: dict[str, Any] = json.loads(self._file.read_bytes())
        return found

    def by_user(self) -> UserResults:
        """Return what each user of the test part got."""
        return _by_user(self._work)

    def stop(self) -> None:
        """Remove it."""
        shutil.rmtree(self._work, ignore_errors=True)

    def keep(self) -> Path:
        """Leave it where it is; returns where."""
        return self._work


def kept(work: Path, data_fingerprint: str) -> Kept | None:
    """Find what an earlier benchmark could not record, of the data of today; None for nothing."""
    for file in sorted(work.glob(f"{_KEPT}*.json")):
        found = Kept(work, file)
        try:
            if found.answer().get("data_fingerprint", data_fingerprint) == data_fingerprint:
                return found
        except ValueError:
            continue
    return None


def _by_user(work: Path) -> UserResults:
    return unpack((work / USERS).read_bytes(), (work / HITS).read_bytes())


def _seconds_of_tree(pid: int) -> float:
    """Return the processor time of a process and of all that it started."""
    total = 0.0
    try:
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + getattr(times, "children_user", 0.0)
    except psutil.Error:
        pass
    return total


def _death(status: int | None) -> str:
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        hint = "; was the memory enough?" if -status == signal.SIGKILL else ""
        return f"its process was ended by {name}{hint}"
    return f"its process ended with status {status} and no answer"
