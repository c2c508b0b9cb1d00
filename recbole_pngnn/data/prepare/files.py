"""From a file to text: gzip, zip members, encodings, and what is plainly not a ratings file."""

import gzip
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from recbole_pngnn.data.prepare.errors import PrepareError

_UTF8 = "utf-8-sig"
_DOWNLOAD_AGAIN = "download it again"


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
            f"{name} is a truncated or damaged gzip file ({error}); {_DOWNLOAD_AGAIN}"
        ) from error


def decode(name: str, data: bytes, encoding: str | None = None) -> str:
    r"""Decode text as UTF-8 or, where it is not, in the encoding asked for; line ends become \n.

    Args:
        name: Name of the file in errors.
        data: Content of the file, unpacked.
        encoding: Encoding of files that are not UTF-8; None for UTF-8 only.

    Raises:
        PrepareError: Not text, an HTML page, an archive, or another encoding.
    """
    _check_encoding(encoding)
    refuse_html(name, data)
    if data.startswith(b"PK\x03\x04"):
        raise PrepareError(f"{name} is a zip archive or a spreadsheet; unpack or export it to CSV")
    try:
        text = data.decode(_UTF8)
        # Valid UTF-8 by accident: UTF-16 shows NUL bytes, ISO-2022 shows escape bytes.
        if encoding is None or not ("\0" in text or "\x1b" in text):
            return _plain(name, text)
    except UnicodeDecodeError as error:
        if encoding is None:
            line = data.count(b"\n", 0, error.start) + 1
            raise PrepareError(
                f"{name}, line {line}: byte {data[error.start]:#04x} is not UTF-8; "
                "name the encoding of the file, e.g. --encoding latin-1"
            ) from error
    assert encoding is not None
    try:
        return _plain(name, data.decode(encoding))
    except UnicodeError as error:
        raise PrepareError(
            f"{name} is neither UTF-8 nor {encoding} ({error}); give the right --encoding"
        ) from error


def _check_encoding(encoding: str | None) -> None:
    try:
        "".encode(encoding or "utf-8")
    except (LookupError, ValueError) as error:
        raise PrepareError(
            f"unknown encoding {encoding!r}; use one that Python knows, "
            "e.g. utf-8, latin-1, cp1252, utf-16"
        ) from error


def refuse_html(name: str, data: bytes) -> None:
    """Raise PrepareError where a web page was saved in place of the file."""
    if data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        raise PrepareError(f"{name} is an HTML page, not data; {_DOWNLOAD_AGAIN}")


def read_zip(path: Path, wanted: tuple[str, ...]) -> dict[str, tuple[str, bytes]]:
    """Read the wanted members of a zip file, whatever folder they lie in.

    Args:
        path: Zip file.
        wanted: File names, each of which must be there exactly once.

    Returns:
        For each wanted name its display name (``ml-1m.zip:ml-1m/ratings.dat``) and its content.

    Raises:
        PrepareError: Not a zip file, truncated, damaged, encrypted, or a member is missing.
    """
    refuse_html(str(path), read_bytes(path)[:200])
    try:
        with zipfile.ZipFile(path) as archive:
            members = [entry for entry in archive.namelist() if not entry.endswith("/")]
            found = {}
            for name in wanted:
                places = [entry for entry in members if PurePosixPath(entry).name == name]
                if len(places) != 1:
                    raise PrepareError(
                        f"{path} holds {name} {len(places)} times, expected once; "
                        f"files in it: {_listing(members)}; give GroupLens' ml-1m.zip"
                    )
                found[name] = (f"{path}:{places[0]}", archive.read(places[0]))
            return found
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise PrepareError(
            f"{path} is not a zip file, or is truncated or damaged ({error}); {_DOWNLOAD_AGAIN}"
        ) from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, unknown compression
        raise PrepareError(f"cannot unpack {path}: {error}; unpack it yourself") from error


def _listing(names: list[str], limit: int = 10) -> str:
    shown = ", ".join(sorted(names)[:limit]) or "none"
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def _plain(name: str, text: str) -> str:
    if "\0" in text:
        raise PrepareError(f"{name} holds NUL characters: it is not text, or not in this encoding")
    if not text.strip():
        raise PrepareError(f"{name} is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
