"""Text files of people: with or without a byte order mark, and named where they cannot be read."""

from __future__ import annotations

import codecs
from pathlib import Path

from recbole_pngnn.augment.errors import AugmentError


def read_text(file: Path, what: str = "") -> str:
    """Read a text file, in UTF-8 or with the byte order mark of UTF-16.

    Args:
        file: The file.
        what: What it is, for an error.

    Raises:
        AugmentError: It cannot be read or decoded.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise AugmentError(f"cannot read {what}{file}: {error.strerror or error}") from error
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeError as error:
        line = data.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise AugmentError(
            f"cannot decode {what}{file}: line {line} is not UTF-8; save the file as UTF-8"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_file(name: str | Path) -> bool:
    """Whether a word of the command line names a file; a very long one names none."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False
