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
    partial.write_bytes(data)
    os.replace(partial, file)
