"""MovieLens-1M: GroupLens' zip, its unpacked folder, or a folder with published folds."""

import codecs
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from recbole_pngnn.data.prepare.columns import FOLD, ITEM, RATING, TIMESTAMP, USER
from recbole_pngnn.data.prepare.errors import PrepareError, listing
from recbole_pngnn.data.prepare.features import movie_features, user_features
from recbole_pngnn.data.prepare.files import decode, read_bytes, read_zip
from recbole_pngnn.data.prepare.other_movielens import other_movielens
from recbole_pngnn.data.prepare.packed import unpack
from recbole_pngnn.data.prepare.ratings import read_ratings
from recbole_pngnn.data.prepare.source import Source, digest
from recbole_pngnn.data.prepare.table import Table, read_csv, read_dat

RATINGS_DAT = "ratings.dat"
MOVIES_DAT = "movies.dat"
USERS_DAT = "users.dat"
FOLDED = ("ratings.csv.gz", "ratings.csv", "ratings.csv.bz2", "ratings.csv.xz", "ratings.csv.zip")

_RATING_FIELDS = (USER, ITEM, RATING, TIMESTAMP)
_MOVIE_FIELDS = (ITEM, "title", "genres")
_USER_FIELDS = (USER, "gender", "age", "occupation", "zip_code")
_FOLDED_FIELDS = (USER, ITEM, RATING, FOLD)

Files = dict[str, tuple[str, bytes]]


def read_ml_1m(source: Path, folds: bool) -> Source:
    """Read MovieLens-1M.

    Args:
        source: ``ml-1m.zip``; or the folder with ``ratings.dat`` or ``ratings.csv.gz``,
            ``movies.dat`` and ``users.dat``, or the folder above it.
        folds: Whether the published folds are needed.

    Raises:
        PrepareError: Not such a source, no folds in it, or a bad line.
    """
    if not source.exists():
        raise PrepareError(f"{source} does not exist; give GroupLens' ml-1m.zip or its folder")
    if source.is_dir():
        return _read_folder(source, folds)
    files = _read_zip(source)
    if folds:
        raise PrepareError(_no_folds(source))
    return _grouplens(files, RATINGS_DAT)


def _read_zip(source: Path) -> Files:
    try:
        return read_zip(source, (RATINGS_DAT, MOVIES_DAT, USERS_DAT))
    except PrepareError as error:
        if other := _other_in_zip(source):
            raise PrepareError(f"{error}; {other}") from error
        raise


def _other_in_zip(source: Path) -> str:
    try:
        with zipfile.ZipFile(source) as archive:
            members = [PurePosixPath(entry) for entry in archive.namelist()]
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return ""
    folders = {entry.parent for entry in members if entry.stem in ("ratings", "u")}
    inside = folders.pop() if len(folders) == 1 else PurePosixPath()
    return other_movielens([entry.name for entry in members], source.parent / inside, packed=True)


def _read_folder(source: Path, folds: bool) -> Source:
    with_folds = [(name, _folded) for name in FOLDED]
    kinds = with_folds if folds else [(RATINGS_DAT, _grouplens), *with_folds]
    places = (source, source / "ml-1m")
    for folder in places:
        if folder.is_dir():
            _refuse_other(folder)
        for name, read in kinds:
            if (folder / name).is_file():
                files = _features_of(folder)
                files[name] = (str(folder / name), read_bytes(folder / name))
                return read(files, name)
    if folds and any((folder / RATINGS_DAT).is_file() for folder in places):
        raise PrepareError(_no_folds(source))
    raise PrepareError(
        f"{source} holds neither {RATINGS_DAT} nor {FOLDED[0]}; found: "
        f"{listing(sorted(entry.name for entry in source.iterdir()))}; "
        "give GroupLens' ml-1m.zip or its folder"
    )


def _refuse_other(folder: Path) -> None:
    names = [entry.name for entry in folder.iterdir()]
    if MOVIES_DAT in names and USERS_DAT in names:
        return
    if other := other_movielens(names, folder):
        if RATINGS_DAT in names:
            problem = f"{folder} holds no {USERS_DAT}; for MovieLens-1M put it there; else"
        else:
            problem = f"{folder} is no MovieLens-1M;"
        raise PrepareError(f"{problem} {other}")


def _features_of(folder: Path) -> Files:
    files = {}
    for name in (MOVIES_DAT, USERS_DAT):
        if not (folder / name).is_file():
            raise PrepareError(
                f"{folder} holds no {name}; it belongs to MovieLens-1M, put it there"
            )
        files[name] = (str(folder / name), read_bytes(folder / name))
    return files


def _grouplens(files: Files, file: str) -> Source:
    return _source(files, file, _read_dat(files[file], _RATING_FIELDS), _RATING_FIELDS)


def _folded(files: Files, file: str) -> Source:
    name, data = files[file]
    table = read_csv(name, decode(name, unpack(name, data)), _FOLDED_FIELDS)
    timed = (TIMESTAMP,) if TIMESTAMP in table.frame else ()
    return _source(files, file, table, (*_FOLDED_FIELDS, *timed))


def _source(files: Files, file: str, table: Table, fields: Sequence[str]) -> Source:
    ratings = read_ratings(table, {field: field for field in fields})
    features = {
        "item": movie_features(_read_dat(files[MOVIES_DAT], _MOVIE_FIELDS)),
        "user": user_features(_read_dat(files[USERS_DAT], _USER_FIELDS)),
    }
    return Source(file, digest(files[file][1]), ratings, features)


def _read_dat(named: tuple[str, bytes], fields: Sequence[str]) -> Table:
    name, data = named
    try:
        data.decode("utf-8")  # as a copy may be
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = "latin-1"  # as GroupLens writes
        data = data.removeprefix(codecs.BOM_UTF8)
    return read_dat(name, decode(name, data, encoding), fields)


def _no_folds(source: Path) -> str:
    return f"{source} has no folds, only {FOLDED[0]} with a column {FOLD!r} has; use --split"
