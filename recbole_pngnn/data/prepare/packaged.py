"""MovieLens-100K, from the copy that RecBole installs."""

import importlib.util
from pathlib import Path

from recbole_pngnn.data.prepare.columns import ITEM, RATING, TIMESTAMP, TYPES, USER
from recbole_pngnn.data.prepare.errors import PrepareError
from recbole_pngnn.data.prepare.files import decode, read_bytes
from recbole_pngnn.data.prepare.ratings import read_ratings
from recbole_pngnn.data.prepare.source import Source, digest
from recbole_pngnn.data.prepare.table import read_csv


def read_ml_100k() -> Source:
    """Read RecBole's ml-100k; its .item and .user files are copied as they are.

    Raises:
        PrepareError: RecBole or its copy is not installed, or a bad line.
    """
    folder = find_ml_100k()
    path = folder / "ml-100k.inter"
    data = read_bytes(path)
    columns = {name: f"{name}:{TYPES[name]}" for name in (USER, ITEM, RATING, TIMESTAMP)}
    table = read_csv(str(path), decode(str(path), data), columns.values(), "\t")
    features = {suffix: read_bytes(folder / f"ml-100k.{suffix}") for suffix in ("item", "user")}
    return Source(path.name, digest(data), read_ratings(table, columns), features)


def find_ml_100k() -> Path:
    """Find RecBole's copy without importing RecBole, which loads torch.

    Raises:
        PrepareError: RecBole is not installed, or without its data.
    """
    spec = importlib.util.find_spec("recbole")
    if spec is None or not spec.submodule_search_locations:
        raise PrepareError("RecBole is not installed, and ml-100k comes with it; install recbole")
    folder = Path(spec.submodule_search_locations[0]) / "dataset_example" / "ml-100k"
    if not folder.is_dir():
        raise PrepareError(f"RecBole's copy of ml-100k is not at {folder}; reinstall recbole")
    return folder
