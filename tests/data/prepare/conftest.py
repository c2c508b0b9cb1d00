"""A MovieLens-1M of a few lines, in each form that ``prepare`` reads; what it wrote, read back."""

import csv
import gzip
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from recbole_pngnn.cli import main

USERS = [
    ("1", "F", "1", "10", "48067"),
    ("2", "M", "56", "16", "70072-2343"),
    ("10", "M", "25", "4", "02460"),
]
MOVIES = [
    ("1", "Toy Story (1995)", "Animation|Children's|Comedy"),
    ("2", 'Adventures of "Q", The: Part 1 (1999)', "Sci-Fi"),
    ("3", "Misérables, Les (1995)", "Drama|Film-Noir"),
    ("10", "Untitled", "(no genres listed)"),
    ("20", "2001: A Space Odyssey(1968)", "Sci-Fi|Drama"),
    ("30", "Alien³ (1992)", "Horror"),  # nobody rated it
]
RATINGS = [
    (user[0], movie[0], str(1 + (place * 7 + len(user[0])) % 5), str(978300000 + place))
    for place, (user, movie) in enumerate((user, movie) for user in USERS for movie in MOVIES[:5])
]


@pytest.fixture
def movielens():
    """What the files hold, rows of text; the fold of each rating, five in turn."""
    folds = [1 + place % 5 for place in range(len(RATINGS))]
    return SimpleNamespace(users=USERS, movies=MOVIES, ratings=RATINGS, folds=folds)


def dat(content, encoding):
    if isinstance(content, bytes):
        return content
    return "".join("::".join(row) + "\n" for row in content).encode(encoding)


@pytest.fixture
def grouplens(tmp_path):
    """Write GroupLens' folder; a file is rows, bytes, or None for a file that is missing."""

    def write(ratings=RATINGS, movies=MOVIES, users=USERS, encoding="latin-1", name="ml-1m"):
        folder = tmp_path / name
        folder.mkdir()
        files = {"ratings.dat": ratings, "movies.dat": movies, "users.dat": users}
        for file, content in files.items():
            if content is not None:
                (folder / file).write_bytes(dat(content, encoding))
        return folder

    return write


@pytest.fixture
def zipped(grouplens, tmp_path):
    """Write GroupLens' zip: as ``grouplens``, and the folder inside of it."""

    def write(inside="ml-1m/", **files):
        folder = grouplens(**files, name="to-zip")
        with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, f"{inside}{path.name}")
        return tmp_path / "ml-1m.zip"

    return write


@pytest.fixture
def folded(grouplens, movielens):
    """Write the folder with the published folds in place of GroupLens' ratings."""

    def write(text=None, name="folds"):
        if text is None:
            rows = zip(movielens.ratings, movielens.folds, strict=True)
            lines = [f"{user},{item},{rating},{fold}\n" for (user, item, rating, _), fold in rows]
            text = "user_id,item_id,rating,fold\n" + "".join(lines)
        folder = grouplens(ratings=None, name=name)
        (folder / "ratings.csv.gz").write_bytes(gzip.compress(text.encode()))
        return folder

    return write


@pytest.fixture
def prepare(capsys):
    """Run ``recbole-pngnn prepare`` into ``out``: its status, what it printed, and its errors."""

    def run(*words, output="out"):
        capsys.readouterr()
        status = main(["prepare", *map(str, words), "--output", str(output)])
        printed = capsys.readouterr()
        return SimpleNamespace(status=status, out=printed.out, err=printed.err)

    return run


@pytest.fixture
def csv_file(tmp_path):
    """Write ratings of users u1 and u2, or other rows or content, as delimited text."""

    def write(rows=None, header="userId,movieId,stars", content=None, name="ratings.csv"):
        if content is None:
            content = "\n".join([header, *(CSV_ROWS if rows is None else rows), ""])
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


CSV_ROWS = ["u1,a,4.5", "u1,b,1", "u2,a,3", "u2,c,5"]


@pytest.fixture
def prepare_csv(prepare, csv_file):
    """Run ``prepare csv`` on rows or content (see ``csv_file``), into the dataset ``mine``."""

    def run(*words, **file):
        defaults = {"--user": "userId", "--item": "movieId", "--rating": "stars", "--name": "mine"}
        for option, value in defaults.items():
            words = words if option in words else (*words, option, value)
        return prepare("csv", "--ratings", csv_file(**file), *words)

    return run


@pytest.fixture
def written():
    """Read a dataset back: headers and rows of each atomic file, manifest, and all bytes."""

    def read(name="mine", output="out"):
        folder = Path(output) / name
        files = {path.name.removeprefix(name): path.read_bytes() for path in folder.iterdir()}
        headers, rows = {}, {}
        for suffix in files:
            if suffix.endswith((".inter", ".item", ".user")):
                lines = files[suffix].decode("utf-8").splitlines(keepends=True)
                header, *cells = csv.reader(lines, delimiter="\t")
                headers[suffix] = header
                rows[suffix] = [tuple(row) for row in cells]
        parts = [rows.get(f".{part}.inter", []) for part in ("train", "valid", "test")]
        return SimpleNamespace(
            files=files,
            headers=headers,
            rows=rows,
            parts=parts,
            ratings=sorted(row for part in parts for row in part),
            manifest=json.loads(files["manifest.json"]),
        )

    return read


@pytest.fixture
def nothing_in():
    """Say whether a folder of datasets is empty or not there, hidden files included."""

    def check(output="out"):
        return not Path(output).exists() or not list(Path(output).iterdir())

    return check
