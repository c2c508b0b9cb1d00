"""From a file to text: gzip, zip members, encodings, and what is plainly not a ratings file."""

import gzip
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from recbole_pngnn.data.prepare.errors import PrepareError, listing

_BYTE_ORDER_MARK = "\ufeff"


def read_bytes(path: Path) -> bytes:
    """Read a file as it lies on the disk.

    Args:
        path: File to read.

    Raises:
        PrepareError: The file is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise PrepareError(f"cannot read {path}: {error.strerror}") from error


def gunzip(name: str, data: bytes) -> bytes:
    """Unpack ``data`` where it is gzip, return it as it is otherwise.

    Args:
        name: Name of the file in errors.
        data: Content of the file.

    Raises:
        PrepareError: The gzip stream is truncated or damaged.
    """
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise PrepareError(
            f"{name} is a truncated or damaged gzip file ({error}); get it again"
        ) from error


def decode(name: str, data: bytes, encoding: str = "utf-8") -> str:
    r"""Decode text, without its byte order mark; line ends become \n.

    Args:
        name: Name of the file in errors.
        data: Content of the file, unpacked.
        encoding: One that Python knows.

    Raises:
        PrepareError: Empty, not text, an HTML page, an archive, or in another encoding.
    """
    _check_encoding(encoding)
    _refuse_html(name, data)
    if data.startswith(b"PK\x03\x04"):
        raise PrepareError(f"{name} is a zip archive or a spreadsheet; unpack or export it to CSV")
    try:
        text = data.decode(encoding).removeprefix(_BYTE_ORDER_MARK)
    except UnicodeError as error:
        where = problem = ""
        if isinstance(error, UnicodeDecodeError):
            line = data.count(b"\n", 0, error.start) + 1
            where = f", line {line}"
            problem = f"byte {data[error.start]:#04x} "
        other = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "latin-1"
        raise PrepareError(
            f"{name}{where}: {problem}is not {encoding}; save the file as UTF-8, or name its "
            f"encoding to prepare csv, e.g. --encoding {other}"
        ) from error
    if "\0" in text:
        raise PrepareError(
            f"{name} holds NUL characters: it is no text, or not in {encoding}; save it as UTF-8"
        )
    if not text.strip():
        raise PrepareError(f"{name} is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")


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
