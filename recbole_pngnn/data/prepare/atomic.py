"""RecBole's atomic files: tab separated, each column with its type in the header.

A field that holds a quote is quoted as in CSV, which is how RecBole (through pandas) reads it.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_pngnn import __version__
from recbole_pngnn.data.prepare.columns import ITEM, RATING, TIMESTAMP, TYPES, USER
from recbole_pngnn.data.prepare.folder import MANIFEST
from recbole_pngnn.data.prepare.parts import PARTS
from recbole_pngnn.data.prepare.source import Source
from recbole_pngnn.scale import DEFAULT_THRESHOLD

_EXACT_WHOLE = 2.0**53  # float64 holds every whole number up to here


def write_dataset(
    folder: Path,
    name: str,
    source: Source,
    frame: pd.DataFrame,
    parts: np.ndarray,
    split: dict[str, Any],
) -> None:
    """Write a dataset: three .inter files, features, options, manifest.

    Args:
        folder: Existing folder to write into.
        name: Name of the dataset.
        source: What was read.
        frame: Its ratings, one of each user and item.
        parts: TRAIN, VALID or TEST for each of them.
        split: What the manifest says about the split.

    Raises:
        OSError: The disk refuses.
    """
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
        "duplicates_dropped": len(source.ratings.frame) - len(frame),
        **_spans(frame),
        "notes": list(source.ratings.notes),
        "tool": {"name": "recbole-pngnn", "version": __version__},
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _spans(frame: pd.DataFrame) -> dict[str, Any]:
    """Describe the ratings and the timestamps for the manifest."""
    ratings = frame[RATING].to_numpy()
    liked = int(np.count_nonzero(ratings > DEFAULT_THRESHOLD))
    spans: dict[str, Any] = {
        "rating_span": [float(ratings.min()), float(ratings.max())],
        "liked": {"like_threshold": DEFAULT_THRESHOLD, "ratings": liked},
    }
    if TIMESTAMP in frame:
        spans["timestamp_span"] = [float(frame[TIMESTAMP].min()), float(frame[TIMESTAMP].max())]
    return spans


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
        numbers: Finite numbers; NaN, where there is none, is no text.

    Shapes:
        - numbers: ``(R,)``
        - returns: ``(R,)`` strings
    """
    distinct, places = np.unique(numbers, return_inverse=True)
    return np.array([_number_text(number) for number in distinct.tolist()], dtype=object)[places]


def _number_text(number: float) -> str:
    if math.isnan(number):
        return ""
    whole = number.is_integer() and abs(number) < _EXACT_WHOLE
    return str(int(number)) if whole else repr(number)
