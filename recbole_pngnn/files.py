"""Files that a reader sees whole or not at all, and texts that name what cannot be read."""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def write_whole(file: Path, data: bytes) -> None:
    """Write a file: who reads it meanwhile, or after a kill, sees the old content or the new one.

    A link stays one, and its target is written; a device or a pipe gets the bytes.

    Args:
        file: File to write, in a folder that exists.
        data: Its content.

    Raises:
        OSError: The disk refuses; the old file is untouched, and nothing else is left.
    """
    if file.exists() and not file.is_file() and not file.is_dir():
        file.write_bytes(data)
        return
    file = Path(os.path.realpath(file))
    partial = file.with_name(f"{file.name}.partial-{os.getpid()}")
    try:
        partial.write_bytes(data)
        os.replace(partial, file)
    except BaseException:  # half a file on a full disk is in the way of whoever makes room
        partial.unlink(missing_ok=True)
        raise


def check_place(file: Path) -> None:
    """Find out before the work that its result cannot be written.

    Raises:
        ValueError: The file is a folder, its folder is missing, or either cannot be written.
    """
    if file.is_dir():
        raise ValueError(f"the output {file} is a folder; give a file name")
    if not file.absolute().parent.is_dir():
        raise ValueError(f"there is no folder for the output {file}")
    if not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
        raise ValueError(f"the output {file} cannot be written; choose another place")


def read_text(file: Path, encoding: str = "utf-8") -> str:
    """Read a text without its byte order mark, which also says whether it is UTF-16.

    Args:
        file: The file.
        encoding: What it is in where no mark says otherwise.

    Raises:
        OSError: It cannot be read.
        ValueError: It is in another encoding; names the file and the line.
    """
    data = file.read_bytes()
    if data.startswith(UTF_16):
        encoding = "utf-16"
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError as error:
        raise ValueError(f"there is no encoding {encoding!r}, for {file}") from error
    except UnicodeError as error:
        place = what = ""
        if isinstance(error, UnicodeDecodeError):
            line = data.count(b"\n", 0, error.start) + 1
            place = f", line {line}"
            what = f"the byte 0x{data[error.start]:02x} "
        raise ValueError(
            f"{file}{place}: {what}is not {encoding}; save the file as UTF-8"
        ) from error


def read_user_ids(text: str) -> list[str]:
    """Return the user ids that the option ``--users`` names.

    Args:
        text: The name of a file with an id a line, or ids with commas between them. Where both
            could be meant, the file counts; a comma behind an id makes it an id.

    Raises:
        ValueError: There is none, or the file is no text in UTF-8.
        OSError: The file cannot be read.
    """
    names = read_text(Path(text)) if is_file_name(text) else text.replace(",", "\n")
    ids = [name.strip() for name in re.split(r"[\r\n]", names) if name.strip()]
    if not ids:
        raise ValueError(f"--users {text!r} names no user")
    return ids


def is_file_name(text: str) -> bool:
    """Tell whether a text that may be anything names a file."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than any name, or with a NUL
        return False
