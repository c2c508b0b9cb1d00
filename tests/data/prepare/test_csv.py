"""Anybody's ratings."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.data.prepare.atomic import number_texts
from tests.data.prepare.conftest import read, read_parts

COLUMNS = ("--user", "userId", "--item", "movieId", "--rating", "stars")
ROWS = [("u1", "a", "4.5"), ("u1", "b", "1"), ("u2", "a", "3"), ("u2", "c", "5")]


def csv_text(delimiter=",", rows=ROWS, header=("userId", "movieId", "stars")):
    return "".join(delimiter.join(row) + "\n" for row in [header, *rows])


@pytest.fixture
def prepare_csv(prepare, tmp_path):
    def run(text, *words, encoding="utf-8"):
        file = tmp_path / "ratings.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return prepare("csv", "--ratings", file, *COLUMNS, "--name", "mine", *words)

    return run


def rows_of(folder):
    return sorted(tuple(row) for part in read_parts(folder) for row in part.itertuples(index=False))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "::"])
def test_the_delimiter_is_found(prepare_csv, tmp_path, delimiter):
    status, out, err = prepare_csv(csv_text(delimiter))
    assert status == 0, err
    assert rows_of(tmp_path / "out" / "mine") == sorted(ROWS)
    assert "users 2, items 3" in out


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (csv_text().encode("utf-8-sig"), []),
        (csv_text().replace("\n", "\r\n").encode(), []),
        (gzip.compress(csv_text().encode()), []),
        (csv_text().encode("utf-16"), ["--encoding", "utf-16"]),
        (csv_text("^").encode(), ["--delimiter", "^"]),
        (csv_text("\t").encode(), ["--delimiter", r"\t"]),
        (("\n" + csv_text() + "\n\n").encode(), []),
    ],
)
def test_ways_in_which_files_are_written(prepare_csv, tmp_path, data, words):
    status, _, err = prepare_csv(data, *words)
    assert status == 0, err
    assert rows_of(tmp_path / "out" / "mine") == sorted(ROWS)


def test_items_with_their_columns_and_encoding(prepare_csv, tmp_path):
    file = tmp_path / "movies.csv"
    text = 'movieId,name,y,g\na,"Père, Le",1970,Drama;Science Fiction\nb,Two,,\na,Last,1971,War\n'
    file.write_bytes(text.encode("latin-1"))
    words = ["--items", file, "--title", "name", "--year", "y", "--genres", "g"]
    words += ["--genres_separator", ";", "--encoding", "latin-1"]
    assert prepare_csv(csv_text(), *words)[0] == 0
    items = read(tmp_path / "out" / "mine", "item")
    rows = [tuple(row) for row in items.itertuples(index=False)]
    assert rows == [("a", "Last", "1971", "War"), ("b", "Two", "", "")]


def test_the_last_of_duplicates_wins_and_they_are_counted(prepare_csv, tmp_path):
    status, out, _ = prepare_csv(csv_text(rows=[*ROWS, ("u1", "a", "2"), ("u1", "a", "0.5")]))
    assert status == 0
    assert ("u1", "a", "0.5") in rows_of(tmp_path / "out" / "mine")
    assert len(rows_of(tmp_path / "out" / "mine")) == len(ROWS)
    assert "2 ratings dropped" in out


@pytest.mark.parametrize(
    ("data", "words", "message"),
    [
        (csv_text(rows=[("u", "a", "4"), ("u", "b", "x")]), [], "line 3: stars 'x' is not a fin"),
        (csv_text(rows=[("u", "a", "inf")]), [], "line 2: stars 'inf' is not a finite number"),
        (csv_text(rows=[("u", "a", "")]), [], "line 2: stars '' is not a finite number"),
        (csv_text(rows=[("u", " ", "4")]), [], "line 2: movieId ' ' is a missing id"),
        (csv_text(rows=[("NA", "a", "4")]), [], "line 2: userId 'NA' would be read by RecBole as"),
        (csv_text() + "u,b\n", [], "line 6:"),
        (csv_text() + "u,b,3,4\n", [], "line 6: 4 fields, expected 3"),
        (csv_text() + 'u,"b,3\n', [], 'line 6: a quote " is not closed'),
        (csv_text(header=("userID", "movieId", "stars")), [], "no column 'userId'; did you mean"),
        (csv_text(rows=[]), [], "holds a header and no rows"),
        ("", [], "is empty"),
        (csv_text().replace("u1", "ü").encode("latin-1"), [], "line 2: byte 0xfc is not UTF-8; na"),
        (csv_text(), ["--encoding", "klingon"], "unknown encoding 'klingon'"),
        (csv_text().encode("utf-16"), [], "not UTF-8"),
        (csv_text(), ["--delimiter", "ab"], "delimiter 'ab' cannot be used"),
        (csv_text(), ["--title", "name"], "describe --items; give it too"),
        (csv_text(rows=[("u", "a", "4")]), [], "leaves 1 ratings to train and 0 to test"),
        (b"PK\x03\x04", [], "is a zip archive or a spreadsheet"),
        (gzip.compress(csv_text().encode())[:-9], [], "is a truncated or damaged gzip file"),
    ],
)
def test_what_cannot_be_used_says_where_and_what(prepare_csv, data, words, message, tmp_path):
    status, _, err = prepare_csv(data, *words)
    assert status == 2
    assert message in err
    assert not list((tmp_path / "out").glob("*"))
    assert not list((tmp_path / "out").glob(".*"))


def test_a_dataset_is_replaced_only_when_asked(prepare_csv, tmp_path):
    assert prepare_csv(csv_text())[0] == 0
    before = rows_of(tmp_path / "out" / "mine")
    status, _, err = prepare_csv(csv_text(rows=ROWS[:2]))
    assert (status, "exists; give --overwrite to replace it" in err) == (2, True)
    assert rows_of(tmp_path / "out" / "mine") == before
    assert prepare_csv(csv_text(rows=[("x", "y", "1"), ("x", "z", "2")]), "--overwrite")[0] == 0
    assert rows_of(tmp_path / "out" / "mine") == [("x", "y", "1"), ("x", "z", "2")]


def test_what_prepare_did_not_write_is_never_deleted(prepare_csv, tmp_path):
    (tmp_path / "out" / "mine").mkdir(parents=True)
    (tmp_path / "out" / "mine" / "thesis.tex").write_text("years of work")
    status, _, err = prepare_csv(csv_text(), "--overwrite")
    assert (status, "was not written by prepare" in err) == (2, True)
    assert (tmp_path / "out" / "mine" / "thesis.tex").read_text() == "years of work"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_read_back_the_same(numbers):
    import numpy as np

    texts = number_texts(np.array(numbers))
    assert [float(text) for text in texts] == numbers
