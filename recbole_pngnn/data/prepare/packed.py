"""Packed files, told by their first bytes and not by their names."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import PurePosixPath

from recbole_pngnn.data.prepare.errors import PrepareError, listing

_UNPACK = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"BZh": ("bzip2", bz2.decompress),
    b"\xfd7zXZ\x00": ("xz", lzma.decompress),
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_UNKNOWN = {
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a rar archive",
    b"PAR1": "a parquet file",
    b"SQLite format 3\0": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"\x89HDF": "an HDF5 file",
}
_TAR = slice(257, 262)


def unpack(name: str, data: bytes) -> bytes:
    """Unpack gzip, bzip2, xz, and zip files of a single member; return other data as they are.

    Args:
        name: Name of the file in errors.
        data: Content of the file.

    Raises:
        PrepareError: The file is truncated or damaged, holds several files, or is of a kind that
            is not unpacked here.
    """
    for start, (kind, decompress) in _UNPACK.items():
        if data.startswith(start):
            try:
                data = decompress(data)
            except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise PrepareError(
                    f"{name} is a truncated or damaged {kind} file ({error}); get it again"
                ) from error
            break
    else:
        if data.startswith(_ZIP):
            data = _only_member(name, data)
    for start, kind in _UNKNOWN.items():
        if data.startswith(start):
            raise PrepareError(f"{name} is {kind}, no text; unpack or export it to CSV")
    if data[_TAR] == b"ustar":
        raise PrepareError(f"{name} is a tar archive; unpack it and name the file in it")
    if data.startswith((*_UNPACK, *_ZIP)):
        raise PrepareError(f"{name} is packed twice; unpack it")
    return data


def _only_member(name: str, data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [entry for entry in archive.namelist() if _counts(entry)]
            if "[Content_Types].xml" in members:
                raise PrepareError(f"{name} is a spreadsheet; export it to CSV")
            if len(members) != 1:
                raise PrepareError(
                    f"{name} is a zip archive of {len(members)} files ({listing(members)}), "
                    "expected one; unpack it and name the file"
                )
            return archive.read(members[0])
    except PrepareError:
        raise
    except (RuntimeError, NotImplementedError) as error:  # encrypted, unknown compression
        raise PrepareError(f"cannot unpack {name}: {error}; unpack it yourself") from error
    except (
        *(zipfile.BadZipFile, EOFError, OSError, ValueError, KeyError),
        *(zlib.error, lzma.LZMAError),
    ) as error:
        raise PrepareError(
            f"{name} is a truncated or damaged zip file ({error}); get it again"
        ) from error


def _counts(entry: str) -> bool:
    """Leave out folders and what macOS adds."""
    path = PurePosixPath(entry)
    return not entry.endswith("/") and path.parts[0] != "__MACOSX" and path.name != ".DS_Store"
