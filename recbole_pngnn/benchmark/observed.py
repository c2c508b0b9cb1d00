"""What of a dataset was observed: the same for a split and for its augmented variants."""

from __future__ import annotations

import hashlib
from pathlib import Path

_OBSERVED = b"observed"
_ADDED_COLUMNS = (b"source", b"weight")


def observed_digest(folder: Path, dataset: str) -> str:
    """Return the SHA-256 of a dataset's interactions without those that augmentation added.

    Rows of one table are masked by the same ratings and measured on the same test part where
    their datasets have the same digest; :func:`recbole_pngnn.augment.augment` keeps the observed
    rows as they stand.

    Args:
        folder: The dataset's folder.
        dataset: Its name.
    """
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.name.startswith(f"{dataset}.") and file.name.endswith(".inter"):
            digest.update(file.name.removeprefix(dataset).encode() + b"\0")
            _add(digest, file)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, file: Path) -> None:
    with file.open("rb") as lines:
        head = next(lines, b"").rstrip(b"\r\n").split(b"\t")
        names = [name.split(b":")[0] for name in head]
        kept = [place for place, name in enumerate(names) if name not in _ADDED_COLUMNS]
        source = names.index(b"source") if b"source" in names else None
        digest.update(b"\t".join(head[place] for place in kept) + b"\n")
        for line in lines:
            text = line.rstrip(b"\r\n")
            if source is not None:
                cells = text.split(b"\t")
                if cells[source : source + 1] != [_OBSERVED]:
                    continue
                text = b"\t".join(cells[place] for place in kept if place < len(cells))
            digest.update(text + b"\n")
