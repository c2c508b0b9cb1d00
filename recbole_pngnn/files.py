"""Files that a reader sees whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, data: bytes) -> None:
    """Write a file: who reads it meanwhile, or after a kill, sees the old content or the new one.

    Args:
        file: File to write, in a folder that exists.
        data: Its content.

    Raises:
        OSError: The disk refuses; the old file is untouched.
    """
    partial = file.with_name(f"{file.name}.partial-{os.getpid()}")
    try:
        partial.write_bytes(data)
        os.replace(partial, file)
    except BaseException:  # half a file on a full disk is in the way of whoever makes room
        partial.unlink(missing_ok=True)
        raise


def read_user_ids(text: str) -> list[str]:
    """Return the user ids that the option ``--users`` names.

    Args:
        text: The name of a file with an id a line, or ids with commas between them.

    Raises:
        ValueError: There is none.
    """
    if Path(text).is_file():
        names = Path(text).read_text(encoding="utf-8").split("\n")
    else:
        names = text.split(",")
    ids = [name.strip() for name in names if name.strip()]
    if not ids:
        raise ValueError(f"--users {text!r} names no user")
    return ids
