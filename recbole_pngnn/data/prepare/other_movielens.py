"""Other MovieLens data that are taken for MovieLens-1M, and the command that reads them."""

import shlex
from collections.abc import Iterable
from pathlib import Path

_CSV_COLUMNS = "--user userId --item movieId --rating rating --timestamp timestamp"
_DAT_COLUMNS = "--columns user,item,rating,timestamp"


def other_movielens(names: Iterable[str], folder: Path, packed: bool = False) -> str:
    """Say that files are those of another MovieLens and what to type; empty where they are not.

    Args:
        names: File names found, without their folders.
        folder: Folder that they lie in, or will once they are unpacked.
        packed: Whether they are still inside of an archive.
    """
    found = set(names)
    if {"u.data", "u.item"} <= found:
        kind, words = "100K", "ml-100k"
    elif {"ratings.csv", "movies.csv"} <= found:
        kind = "20M or later"
        items = f"--items {_quoted(folder, 'movies.csv')} --title title --genres genres"
        words = f"csv --ratings {_quoted(folder, 'ratings.csv')} {_CSV_COLUMNS} {items} --name NAME"
    elif "ratings.dat" in found and "users.dat" not in found:
        kind = "10M"
        items = (
            f" --items {_quoted(folder, 'movies.dat')} --item_columns item,title,genres"
            if "movies.dat" in found
            else ""
        )
        words = f"csv --ratings {_quoted(folder, 'ratings.dat')} {_DAT_COLUMNS}{items} --name NAME"
    else:
        return ""
    unpack = "unpack it and " if packed and kind != "100K" else ""
    return f"it looks like MovieLens-{kind}: {unpack}type: recbole-pngnn prepare {words}"


def _quoted(folder: Path, name: str) -> str:
    return shlex.quote(str(folder / name))
