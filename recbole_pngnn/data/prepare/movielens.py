"""MovieLens-1M: GroupLens' zip, its unpacked folder, or a folder with published folds."""

from pathlib import Path

from recbole_pngnn.data.prepare.columns import FOLD, ITEM, RATING, TIMESTAMP, USER
from recbole_pngnn.data.prepare.errors import PrepareError
from recbole_pngnn.data.prepare.features import movie_features, user_features
from recbole_pngnn.data.prepare.files import decode, gunzip, read_bytes, read_zip
from recbole_pngnn.data.prepare.ratings import Ratings, read_ratings
from recbole_pngnn.data.prepare.source import Source, digest
from recbole_pngnn.data.prepare.table import read_csv, read_dat

RATINGS_DAT = "ratings.dat"
MOVIES_DAT = "movies.dat"
USERS_DAT = "users.dat"
FOLDED = ("ratings.csv.gz", "ratings.csv")

_RATING_FIELDS = (USER, ITEM, RATING, TIMESTAMP)
_MOVIE_FIELDS = (ITEM, "title", "genres")
_USER_FIELDS = (USER, "gender", "age", "occupation", "zip_code")
_FOLDED_FIELDS = (USER, ITEM, RATING, FOLD)
_ENCODING = "latin-1"  # of GroupLens' .dat files

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
    files = read_zip(source, (RATINGS_DAT, MOVIES_DAT, USERS_DAT))
    if folds:
        raise PrepareError(_no_folds(source))
    return _grouplens("grouplens-zip", files)


def _read_folder(source: Path, folds: bool) -> Source:
    for folder in (source, source / "ml-1m"):
        folded = [folder / name for name in FOLDED if (folder / name).is_file()]
        plain = folder / RATINGS_DAT
        if folds and folded:
            return _folded(folded[0], _features_of(folder))
        if plain.is_file():
            if folds:
                raise PrepareError(_no_folds(folder))
            files = _features_of(folder)
            files[RATINGS_DAT] = (str(plain), read_bytes(plain))
            return _grouplens("grouplens-folder", files)
        if folded:
            return _folded(folded[0], _features_of(folder))
    found = ", ".join(sorted(entry.name for entry in source.iterdir())[:10]) or "nothing"
    raise PrepareError(
        f"{source} holds neither {RATINGS_DAT} nor {FOLDED[0]} (found: {found}); "
        "give GroupLens' ml-1m.zip or its folder"
    )


def _features_of(folder: Path) -> Files:
    files = {}
    for name in (MOVIES_DAT, USERS_DAT):
        if not (folder / name).is_file():
            raise PrepareError(
                f"{folder} holds no {name}; it belongs to MovieLens-1M, put it there"
            )
        files[name] = (str(folder / name), read_bytes(folder / name))
    return files


def _grouplens(kind: str, files: Files) -> Source:
    name, data = files[RATINGS_DAT]
    table = read_dat(name, _dat_text(name, data), _RATING_FIELDS)
    ratings = read_ratings(table, {field: field for field in _RATING_FIELDS})
    return _source(kind, RATINGS_DAT, data, ratings, files)


def _folded(path: Path, files: Files) -> Source:
    data = read_bytes(path)
    text = decode(str(path), gunzip(str(path), data))
    table = read_csv(str(path), text, _FOLDED_FIELDS)
    ratings = read_ratings(table, {field: field for field in _FOLDED_FIELDS})
    return _source("fold-folder", path.name, data, ratings, files)


def _source(kind: str, file: str, data: bytes, ratings: Ratings, files: Files) -> Source:
    movies, users = files[MOVIES_DAT], files[USERS_DAT]
    features = {
        "item": movie_features(read_dat(movies[0], _dat_text(*movies), _MOVIE_FIELDS)),
        "user": user_features(read_dat(users[0], _dat_text(*users), _USER_FIELDS)),
    }
    return Source(kind, file, digest(data), ratings, features)


def _dat_text(name: str, data: bytes) -> str:
    return decode(name, data, _ENCODING)


def _no_folds(source: Path) -> str:
    return f"{source} has no folds, only {FOLDED[0]} with a column {FOLD!r} has; use --split"
