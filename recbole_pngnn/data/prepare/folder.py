"""A dataset folder appears whole or not at all."""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from recbole_pngnn.data.prepare.errors import PrepareError, shorten

MANIFEST = "manifest.json"
_RECBOLE_OWN = "ml-100k"
_LONGEST = 150


def check_name(name: str) -> None:
    """Refuse a dataset name that is no plain folder name, or that RecBole would not look up.

    Args:
        name: Name of the dataset.

    Raises:
        PrepareError: The name cannot be used.
    """
    if not re.fullmatch(r"[^\W_][\w.+-]*", name):
        raise PrepareError(
            f"name {name!r} is not a plain folder name; "
            "use letters, digits and . _ - + and begin with a letter or a digit"
        )
    if len(name.encode()) > _LONGEST:
        raise PrepareError(
            f"name {shorten(name)!r} is {len(name.encode())} bytes long; give one of at most "
            f"{_LONGEST}, since names of files are made from it"
        )
    if name == _RECBOLE_OWN:
        raise PrepareError(
            f"name {name!r} is taken: for it RecBole ignores data_path and loads its own copy; "
            "give another --name"
        )


def check_target(output: Path, name: str, overwrite: bool) -> None:
    """Look whether a dataset may be written, before the work and not after it.

    Args:
        output: Folder that holds datasets.
        name: Name of the dataset.
        overwrite: Whether a dataset of that name may be replaced.

    Raises:
        PrepareError: A bad name; the dataset exists and is not to be replaced; something else than
            a prepared dataset lies there.
    """
    check_name(name)
    final = output / name
    if not os.path.lexists(final):
        return
    if not overwrite:
        raise PrepareError(f"{final} exists; give --overwrite to replace it, or another --name")
    # Only what this package wrote is ever deleted.
    if final.is_symlink() or not final.is_dir():
        raise PrepareError(f"{final} is not a folder; remove it yourself or give another --name")
    if any(final.iterdir()) and not (final / MANIFEST).is_file():
        raise PrepareError(
            f"{final} was not written by prepare (it has no {MANIFEST}); "
            "remove it yourself or give another --name"
        )


@contextlib.contextmanager
def new_folder(output: Path, name: str, overwrite: bool = False) -> Iterator[Path]:
    """Lend a hidden folder to write into; it takes its final name when the block ends well.

    After an exception or Ctrl-C nothing is left and an old dataset is untouched. A kill leaves at
    most hidden folders: ``.NAME.partial-XXXX`` with the new files and, between the two renames of
    an overwrite, ``.NAME.replaced-XXXX`` with the old ones.

    Args:
        output: Folder that holds datasets; made where missing.
        name: Name of the dataset, checked by ``check_target``.
        overwrite: Whether to replace a dataset of that name.

    Yields:
        The folder to write into.

    Raises:
        PrepareError: The disk refuses, or a dataset of that name has appeared meanwhile.
    """
    final = output / name
    partial = output / f".{name}.partial-{secrets.token_hex(4)}"
    try:
        partial.mkdir(parents=True)
        yield partial
        if overwrite and final.exists():
            _replace(final, partial)
        else:
            os.rename(partial, final)  # fails where final holds files
    except OSError as error:
        raise PrepareError(f"cannot write {final}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _replace(final: Path, partial: Path) -> None:
    # A folder that holds files cannot be renamed over: the old one steps aside first.
    aside = final.with_name(f".{final.name}.replaced-{secrets.token_hex(4)}")
    try:
        os.rename(final, aside)
        os.rename(partial, final)
    except BaseException:
        if aside.exists() and not final.exists():
            os.rename(aside, final)
        raise
    shutil.rmtree(aside, ignore_errors=True)
