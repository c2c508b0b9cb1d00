"""What a source gives: ratings, features, and where they came from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from recbole_pngnn.data.prepare.ratings import Ratings


@dataclass(frozen=True)
class Source:
    """A source that was read and checked.

    Attributes:
        file: Name of the rating file, without its folder.
        sha256: Digest of that file.
        ratings: Its ratings.
        features: For the suffixes ``item`` and ``user``, a frame to write or bytes to copy.
    """

    file: str
    sha256: str
    ratings: Ratings
    features: Mapping[str, pd.DataFrame | bytes] = field(default_factory=dict)


def digest(data: bytes) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
