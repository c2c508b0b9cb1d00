"""Text files of people, whose faults are the user's to correct."""

from __future__ import annotations

from pathlib import Path

from recbole_pngnn import files
from recbole_pngnn.augment.errors import AugmentError


def read_text(file: Path, what: str = "") -> str:
    """Read a text file without its byte order mark, with ``\\n`` at the ends of lines.

    Args:
        file: The file.
        what: What it is, for an error.

    Raises:
        AugmentError: It cannot be read or decoded.
    """
    try:
        text = files.read_text(file)
    except OSError as error:
        raise AugmentError(f"cannot read {what}{file}: {error.strerror or error}") from error
    except ValueError as error:
        raise AugmentError(str(error)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
