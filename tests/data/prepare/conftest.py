"""A MovieLens-1M of a few lines, as GroupLens packs it and with folds."""

import gzip
import zipfile

import pandas as pd
import pytest

from recbole_pngnn.cli import main

MOVIES = [
    ("1", "Toy Story (1995)", "Animation|Children's|Comedy"),
    ("2", 'Adventures of "Q", The: Part 1 (1999)', "Sci-Fi"),
    ("10", "Misérables, Les (1995)", "Drama|Film-Noir"),
    ("30", "Untitled", "(no genres listed)"),
]
USERS = [("1", "F", "1", "10", "48067"), ("2", "M", "56", "16", "70072-2343")]
RATINGS = [
    (user, movie, 1 + (place * 7 + int(user)) % 5, 978300000 + place)
    for user, *_ in USERS
    for place, (movie, *_) in enumerate(MOVIES)
]


def dat(rows):
    return "".join("::".join(map(str, row)) + "\n" for row in rows).encode("latin-1")


@pytest.fixture
def grouplens(tmp_path):
    """The unpacked folder."""
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    (folder / "ratings.dat").write_bytes(dat(RATINGS))
    (folder / "movies.dat").write_bytes(dat(MOVIES))
    (folder / "users.dat").write_bytes(dat(USERS))
    return folder


@pytest.fixture
def zipped(grouplens, tmp_path):
    """The zip file."""
    file = tmp_path / "ml-1m.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(grouplens.iterdir()):
            archive.write(path, f"ml-1m/{path.name}")
    return file


@pytest.fixture
def folded(grouplens):
    """The folder with folds in place of GroupLens' ratings."""
    (grouplens / "ratings.dat").unlink()
    lines = [f"{u},{i},{r},{1 + place % 4}\n" for place, (u, i, r, _) in enumerate(RATINGS)]
    text = "user_id,item_id,rating,fold\n" + "".join(lines)
    (grouplens / "ratings.csv.gz").write_bytes(gzip.compress(text.encode()))
    return grouplens


@pytest.fixture
def prepare(tmp_path, capsys):
    """Run ``recbole-pngnn prepare``: status, what was printed, and the errors."""

    def run(*words):
        status = main(["prepare", *map(str, words), "--output", str(tmp_path / "out")])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def read(folder, suffix):
    """An atomic file as text, with its header as it is."""
    file = folder / f"{folder.name}.{suffix}"
    return pd.read_csv(file, sep="\t", dtype=str, keep_default_na=False)


def read_parts(folder):
    return [read(folder, f"{part}.inter") for part in ("train", "valid", "test")]
