"""From a file to text: zip members, encodings, and what is plainly not a ratings file."""

import codecs
import difflib
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from recbole_pngnn.data.prepare.errors import PrepareError, listing

# NUL ends a text for the parser: a noncharacter stands in for it.
NUL = "\ufdd0"

_BYTE_ORDER_MARK = "\ufeff"
_MARKS = {  # the longer ones first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_FEW_NULS = 0.01  # of the characters; UTF-16 taken for another encoding has half of them


def read_bytes(path: Path) -> bytes:
    """Read a file as it lies on the disk.

    Args:
        path: File to read.

    Raises:
        PrepareError: The file is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        problem = getattr(error, "strerror", None) or str(error)
        raise PrepareError(f"cannot read {path}: {problem}{_whats_there(path)}") from error


def _whats_there(path: Path) -> str:
    """Say which file may have been meant."""
    try:
        if path.is_dir():
            found = sorted(entry.name for entry in path.iterdir() if entry.is_file())
            return f"; name a file in it ({listing(found, 5)})"
        near = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except (OSError, ValueError):
        return ""
    close = difflib.get_close_matches(path.name, near, n=1)
    return f"; did you mean {path.with_name(close[0])}?" if close else ""


def decode(name: str, data: bytes, encoding: str = "utf-8") -> str:
    r"""Decode text, without its byte order mark; line ends become \n.

    A byte order mark tells the encoding by itself, where the one that was named is UTF-8 or has no
    such mark. A NUL becomes ``NUL``.

    Args:
        name: Name of the file in errors.
        data: Content of the file, unpacked.
        encoding: One that Python knows.

    Raises:
        PrepareError: Empty, not text, an HTML page, or in another encoding.
    """
    _check_encoding(encoding)
    _refuse_html(name, data)
    named, encoding = encoding, _marked_encoding(data, encoding)
    try:
        text = data.decode(encoding).removeprefix(_BYTE_ORDER_MARK)
    except UnicodeError as error:
        where = problem = ""
        if isinstance(error, UnicodeDecodeError):
            where = f", line {_line_of(data, encoding, error.start)}"
            problem = f"byte {data[error.start]:#04x} "
        marked = "" if encoding == named else ", which its byte order mark says it is"
        raise PrepareError(
            f"{name}{where}: {problem}is not {encoding}{marked}; save the file as UTF-8, or name "
            "its encoding to prepare csv, e.g. --encoding latin-1"
        ) from error
    if NUL in text:
        raise PrepareError(f"{name} holds the noncharacter {NUL!r}; remove it")
    if text.count("\0") > _FEW_NULS * len(text):
        raise PrepareError(
            f"{name} holds NUL characters: it is no text, or not in {encoding}; save it as UTF-8"
        )
    if not text.strip():
        raise PrepareError(f"{name} is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", NUL)


def _marked_encoding(data: bytes, encoding: str) -> str:
    """Return the encoding that a byte order mark tells, where it and ``encoding`` differ."""
    for mark, marked in _MARKS.items():
        if data.startswith(mark):
            return encoding if codecs.lookup(encoding).name.startswith(marked) else marked
    return encoding


def _line_of(data: bytes, encoding: str, start: int) -> int:
    """Return the line, from 1, of a byte."""
    before = data[:start].decode(encoding, errors="ignore")
    return before.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1


def read_zip(path: Path, wanted: Sequence[str]) -> dict[str, tuple[str, bytes]]:
    """Read the wanted members of a zip file, whatever folder they lie in.

    Args:
        path: Zip file.
        wanted: File names, each of which must be there exactly once.

    Returns:
        For each wanted name its display name (``ml-1m.zip:ml-1m/ratings.dat``) and its content.

    Raises:
        PrepareError: Not a zip file, truncated, damaged, encrypted, or a member is missing.
    """
    _refuse_html(str(path), read_bytes(path))
    try:
        with zipfile.ZipFile(path) as archive:
            members = [entry for entry in archive.namelist() if not entry.endswith("/")]
            places = {name: _place(path, members, name) for name in wanted}
            return {
                name: (f"{path}:{place}", archive.read(place)) for name, place in places.items()
            }
    except PrepareError:
        raise
    except (RuntimeError, NotImplementedError) as error:  # encrypted, unknown compression
        raise PrepareError(f"cannot unpack {path}: {error}; unpack it yourself") from error
    # What zipfile raises on damaged bytes is not documented; these were seen.
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, zlib.error) as error:
        raise PrepareError(
            f"{path} is not a zip file, or is truncated or damaged ({error}); download it again, "
            "or give its unpacked folder"
        ) from error


def _place(path: Path, members: Sequence[str], name: str) -> str:
    places = [entry for entry in members if PurePosixPath(entry).name == name]
    if len(places) != 1:
        raise PrepareError(
            f"{path} holds {name} {len(places)} times, expected once; "
            f"files in it: {listing(sorted(members))}; give GroupLens' ml-1m.zip"
        )
    return places[0]


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, ValueError) as error:
        raise PrepareError(
            f"unknown encoding {encoding!r}; use one that Python knows, "
            "e.g. utf-8, latin-1, cp1252, utf-16"
        ) from error


def _refuse_html(name: str, data: bytes) -> None:
    """Raise PrepareError where a web page was saved in place of the file."""
    if data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        raise PrepareError(f"{name} is an HTML page, not data; download the file itself")
