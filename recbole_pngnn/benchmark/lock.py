"""One benchmark at a time in a folder, whatever folder it was started from.

The lock is the system's: it goes when its owner does, however that ends. The file says who has it,
and names another machine on file systems that do not carry locks from one machine to another.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

NAME = ".benchmark.lock"
# Seconds: the owner touches its file so often; one that is not touched for so long has no owner.
_TOUCH_EVERY, _STALE_AFTER = 30.0, 600.0


@contextmanager
def alone_in(folder: Path, what: str) -> Iterator[None]:
    """Keep a second benchmark out of a folder.

    Args:
        folder: The folder; made where missing.
        what: What is done there, for the message that the second one gets.

    Raises:
        ValueError: Another process works there; the message says which, where and since when.
        OSError: The folder cannot be written.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / NAME
    stream = _take(file, what)
    done = threading.Event()
    toucher = threading.Thread(target=_touch, args=(file, done), daemon=True)
    try:
        _write_owner(stream)
        toucher.start()
        yield
    finally:
        done.set()
        if toucher.is_alive():
            toucher.join()
        with suppress(OSError):  # Windows removes no open file; its owner is found gone
            file.unlink()
        stream.close()


def _take(file: Path, what: str) -> BinaryIO:
    while True:
        stream = file.open("a+b")
        try:
            has_locks = _lock(stream)
        except BlockingIOError as error:
            owner = _owner(stream)
            stream.close()
            raise ValueError(_held(file, what, owner)) from error
        try:
            # Its last owner may have removed it between the opening and the lock.
            if not _is(stream, file):
                stream.close()
                continue
            owner = _owner(stream)
            if owner and _may_live(owner, stream, has_locks):
                raise ValueError(
                    f"{_held(file, what, owner)}; where that one is gone, remove the file {file}"
                )
        except BaseException:
            stream.close()
            raise
        return stream


def _lock(stream: BinaryIO) -> bool:
    """Lock the file; false where the system has no locks.

    Raises:
        BlockingIOError: Another process has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without
        return False
    return True


def _is(stream: BinaryIO, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), file.stat())
    except FileNotFoundError:
        return False


def _may_live(owner: dict[str, Any], stream: BinaryIO, has_locks: bool) -> bool:
    """Tell whether who left its name in the file may still be at work.

    Whoever has the lock on this machine alone is alone; a kill leaves the file behind.
    """
    if owner.get("host") == platform.node():
        if has_locks:
            return False
        import psutil  # type: ignore[import-untyped]

        return isinstance(owner.get("pid"), int) and psutil.pid_exists(owner["pid"])
    return time.time() - os.fstat(stream.fileno()).st_mtime < _STALE_AFTER


def _owner(stream: BinaryIO) -> dict[str, Any]:
    stream.seek(0)
    try:
        found = json.loads(stream.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _write_owner(stream: BinaryIO) -> None:
    owner = {
        "pid": os.getpid(),
        "host": platform.node(),
        "folder": str(Path.cwd()),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    stream.truncate(0)
    stream.write(json.dumps(owner).encode())
    stream.flush()


def _held(file: Path, what: str, owner: dict[str, Any]) -> str:
    who = "another process"
    if owner:
        who += (
            f" (process {owner.get('pid')} on {owner.get('host')}, started in "
            f"{owner.get('folder')}, since {owner.get('since')})"
        )
    return f"{what} is being run by {who}, which holds {file}; wait for it, or stop it"


def _touch(file: Path, done: threading.Event) -> None:
    while not done.wait(_TOUCH_EVERY):
        with suppress(OSError):
            os.utime(file)
