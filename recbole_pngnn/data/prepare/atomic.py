"""RecBole's atomic files: tab separated, each column with its type in the header.

A field that holds a quote is quoted as in CSV, which is how RecBole (through pandas) reads it.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_pngnn import __version__
from recbole_pngnn.data.prepare.columns import ITEM, RATING, TIMESTAMP, TYPES, USER
from recbole_pngnn.data.prepare.folder import MANIFEST
from recbole_pngnn.data.prepare.parts import PARTS
from recbole_pngnn.data.prepare.source import Source

_EXACT_WHOLE = 2.0**53  # float64 holds every whole number up to here


def write_dataset(
    folder: Path, name: str, source: Source, parts: np.ndarray, split: dict[str, Any]
) -> None:
    """Write a dataset: three .inter files, features, options, manifest.

    Args:
        folder: Existing folder to write into.
        name: Name of the dataset.
        source: What was read.
        parts: TRAIN, VALID or TEST for each rating of the source.
        split: What the manifest says about the split.

    Raises:
        OSError: The disk refuses.
    """
    frame = source.ratings.frame
    columns = [column for column in (USER, ITEM, RATING, TIMESTAMP) if column in frame]
    texts = frame[columns].astype({USER: object, ITEM: object})
    for column in columns[2:]:
        texts[column] = number_texts(frame[column].to_numpy())
    for part, of in enumerate(PARTS):
        write_atomic(folder / f"{name}.{of}.inter", texts[parts == part])
    for suffix, features in source.features.items():
        if isinstance(features, bytes):
            (folder / f"{name}.{suffix}").write_bytes(features)
        else:
            write_atomic(folder / f"{name}.{suffix}", features)
    options = f"benchmark_filename: [{', '.join(PARTS)}]\n"
    (folder / f"{name}.yaml").write_text(options, encoding="utf-8")
    manifest = {
        "name": name,
        "source": {"file": source.file, "sha256": source.sha256},
        "split": split,
        "users": int(frame[USER].nunique()),
        "items": int(frame[ITEM].nunique()),
        "ratings": {of: int(np.sum(parts == part)) for part, of in enumerate(PARTS)},
        "duplicates_dropped": source.ratings.n_duplicates,
        "tool": {"name": "recbole-pngnn", "version": __version__},
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a dataset written by ``write_dataset``."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return manifest


def write_atomic(path: Path, frame: pd.DataFrame) -> None:
    """Write one atomic file.

    Args:
        path: File to write.
        frame: Columns named as in ``columns.TYPES``, cells as text.

    Raises:
        OSError: The disk refuses.
    """
    header = [f"{column}:{TYPES[column]}" for column in frame.columns]
    frame.to_csv(path, sep="\t", header=header, index=False, lineterminator="\n", encoding="utf-8")


def read_atomic(path: Path) -> pd.DataFrame:
    """Read an atomic file as text, the types taken off its header."""
    frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    frame.columns = pd.Index([str(column).split(":")[0] for column in frame.columns])
    return frame


def number_texts(numbers: np.ndarray) -> np.ndarray:
    """Return the shortest text of each number that reads back the same: ``5``, ``3.5``.

    Args:
        numbers: Finite numbers.

    Shapes:
        - numbers: ``(R,)``
        - returns: ``(R,)`` strings
    """
    distinct, places = np.unique(numbers, return_inverse=True)
    texts = [
        str(int(number)) if number.is_integer() and abs(number) < _EXACT_WHOLE else repr(number)
        for number in distinct.tolist()
    ]
    return np.array(texts, dtype=object)[places]
