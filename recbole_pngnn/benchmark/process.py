"""A worker's process, as the benchmark sees it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from recbole_pngnn.benchmark.records import unpack
from recbole_pngnn.benchmark.worker import ANSWER, HITS, USERS, Request
from recbole_pngnn.protocol.by_user import UserResults


class Process:
    """A worker at its request. It ends when this process does, however that happens.

    Args:
        request: What it is asked for; its folder is emptied first.
        log: File for what it prints.
        n_threads: Threads for its arithmetic, where the environment sets none.
    """

    def __init__(self, request: Request, log: Path, n_threads: int) -> None:
        self.log = log
        self._work = Path(request.work)
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._started = time.monotonic()
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

    def answer(self) -> dict[str, Any]:
        """Return what an ended worker answered.

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
        return unpack((self._work / USERS).read_bytes(), (self._work / HITS).read_bytes())

    def stop(self) -> None:
        """End it, and remove what it worked on."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if not self.ended():
            self._process.kill()
        self._process.wait()
        shutil.rmtree(self._work, ignore_errors=True)


def _death(status: int | None) -> str:
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        hint = "; was the memory enough?" if -status == signal.SIGKILL else ""
        return f"its process was ended by {name}{hint}"
    return f"its process ended with status {status} and no answer"
