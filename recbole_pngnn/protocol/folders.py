"""The folder of a dataset that is not there, or not whole."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

# What ``recbole-pngnn prepare`` makes by name, and the names of what it makes.
_PREPARED = {"ml-1m": "ml-1m --source PATH", "ml-100k": "ml-100k"}
_MOST_NAMES = 8


def check_name(dataset: str) -> None:
    """Refuse a path in place of a dataset's name, before it is put into names of files.

    Raises:
        ValueError: The name has a separator of folders in it, or is no name of a folder.
    """
    if "\0" in dataset:
        raise ValueError(f"dataset {dataset!r} has a NUL character, which no folder has")
    path = Path(dataset)
    if path.name == dataset and dataset not in ("", ".", ".."):
        return
    hint = (
        f", for example --data_path={path.parent} --dataset={path.name}"
        if path.name not in ("", "..")
        else ""
    )
    raise ValueError(
        f"dataset {dataset!r} is a path, and must be the name of a folder; data_path names the "
        f"folder that it is in{hint}"
    )


def check_dataset(folder: Path, dataset: str, parts: Sequence[str] | None) -> None:
    """Find out that the files of interactions are missing, before RecBole offers a download.

    Args:
        folder: The dataset's folder.
        dataset: Its name.
        parts: ``benchmark_filename``, or None.

    Raises:
        ValueError: It names what is missing, what is there, and how data are made.
    """
    if not folder.is_dir():
        raise ValueError(_no_folder(folder, dataset))
    names = [f"{dataset}.{part}.inter" for part in parts or []] or [f"{dataset}.inter"]
    missing = [name for name in names if not (folder / name).is_file()]
    if not missing:
        return
    for file in (folder / name for name in missing):
        if file.is_dir() or file.is_symlink():
            kind = "a folder" if file.is_dir() else f"a link to {os.readlink(file)}, which is gone"
            raise ValueError(f"{file} is {kind}, and must be a file of interactions")
    there = sorted(file.name for file in folder.glob("*.inter"))
    found = f"it has {', '.join(there[:_MOST_NAMES])}" if there else "it has no .inter file"
    split = [name.removeprefix(f"{dataset}.").removesuffix(".inter") for name in there]
    wanted = [part for part in ("train", "valid", "test") if part in split]
    if not parts and "train" in wanted and "test" in wanted:
        hint = f"; it is split already: set benchmark_filename: [{', '.join(wanted)}]"
    elif parts and f"{dataset}.inter" in there:
        hint = f"; benchmark_filename asks for the parts {', '.join(parts)}: leave it out"
    elif parts:
        hint = f"; benchmark_filename asks for the parts {', '.join(parts)}"
    else:
        hint = ""
    raise ValueError(f"{folder} has no {' and no '.join(missing)}; {found}{hint}")


def datasets_in(folder: Path) -> list[str]:
    """Return the names of the datasets in a folder, sorted: subfolders with interactions."""
    if not folder.is_dir():
        return []
    return sorted(
        inside.name
        for inside in folder.iterdir()
        if inside.is_dir() and any(file.suffix == ".inter" for file in inside.iterdir())
    )


def _no_folder(folder: Path, dataset: str) -> str:
    parent = folder.parent
    text = f"there is no dataset {dataset}: {folder} is no folder"
    if (parent / f"{dataset}.inter").is_file():
        return f"{text}; put {parent / f'{dataset}.inter'} into a folder of that name"
    there = datasets_in(parent)
    close = difflib.get_close_matches(dataset, there, n=1)
    if close:
        text += f"; did you mean {close[0]}?"
    if there:
        more = ", ..." if len(there) > _MOST_NAMES else ""
        text += f"; {parent} has {', '.join(there[:_MOST_NAMES])}{more}"
    else:
        text += f"; {parent} has none (data_path names the folder of datasets)"
    known = next((words for name, words in _PREPARED.items() if dataset.startswith(name)), None)
    make = known or f"csv --ratings FILE --name {dataset}"
    return f"{text}; make one by recbole-pngnn prepare {make} --output {parent}"
