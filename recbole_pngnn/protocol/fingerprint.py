"""Which files a dataset is read from, and what tells them from other data."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
# A file that was written this recently may be written again within one tick of its clock.
_SETTLED_NS = 2_000_000_000
_known: dict[tuple[tuple[str, int, int, int, int], ...], str] = {}


def interaction_files(folder: Path, dataset: str, parts: Sequence[str] | None) -> list[Path]:
    """Return the files of interactions that RecBole reads, in the order of their names.

    Args:
        folder: The dataset's folder.
        dataset: Its name.
        parts: ``benchmark_filename``; None or empty where RecBole splits.
    """
    if not parts:
        return [folder / f"{dataset}.inter"]
    return sorted({folder / f"{dataset}.{part}.inter" for part in parts})


def loaded_files(config: Any) -> list[Path]:
    """Return the files that a Config loads: interactions, and features where ``load_col`` says so.

    Features add users and items to the catalogue, so a model's rows depend on them.
    """
    folder, dataset = Path(config["data_path"]), config["dataset"]
    parts = config["benchmark_filename"]
    files = interaction_files(folder, dataset, parts)
    columns = config["load_col"]
    suffixes = ["user", "item", *(config["additional_feat_suffix"] or [])]
    named = [
        s for s in suffixes if columns is None or (isinstance(columns, dict) and columns.get(s))
    ]
    features = [folder / f"{dataset}.{suffix}" for suffix in named]
    return files + [file for file in features if file.is_file()]


def config_fingerprint(config: Any) -> str | None:
    """Return the fingerprint of what a Config loads, see :func:`fingerprint_of`."""
    return fingerprint_of(loaded_files(config))


def fingerprint(folder: Path, dataset: str, parts: Sequence[str] | None = None) -> str | None:
    """Return the fingerprint of a dataset's interactions, see :func:`fingerprint_of`.

    Args:
        folder: The dataset's folder.
        dataset: Its name.
        parts: Its ``benchmark_filename``; by default what its own YAML file says.
    """
    if parts is None:
        parts = own_parts(folder, dataset)
    return fingerprint_of(interaction_files(folder, dataset, parts))


def own_parts(folder: Path, dataset: str) -> list[str] | None:
    """Return the ``benchmark_filename`` of a dataset's own YAML file, or None."""
    import yaml

    file = folder / f"{dataset}.yaml"
    if not file.is_file():
        return None
    options = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    parts = options.get("benchmark_filename") if isinstance(options, dict) else None
    return parts if isinstance(parts, list) else None


def fingerprint_of(files: Sequence[Path]) -> str | None:
    """Return the SHA-256 over the name and the bytes of each file, or None where one is missing.

    A model's rows are tied to the order in which these files name users and items. Files are read
    in chunks, and once in a process as long as they stay as they are.
    """
    if not files or not all(file.is_file() for file in files):
        return None
    stats = [(file, file.stat()) for file in files]
    key = tuple(
        (str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        for file, stat in stats
    )
    if key in _known:
        return _known[key]
    digest = hashlib.sha256()
    for file in files:
        digest.update(os.fsencode(file.name) + b"\0")
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    found = digest.hexdigest()
    newest = max(max(stat.st_mtime_ns, stat.st_ctime_ns) for _, stat in stats)
    if time.time_ns() - newest > _SETTLED_NS:
        _known[key] = found
    return found
