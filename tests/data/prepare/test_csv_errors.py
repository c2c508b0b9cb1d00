"""Delimited text that cannot be used: each is a line that says where, what, and what to do."""

import codecs
import gzip

import pytest
from pandas._libs.parsers import STR_NA_VALUES

from recbole_pngnn.data.prepare.ratings import RESERVED_IDS

TEXT = "userId,movieId,stars\nu1,a,4.5\nu1,b,1\nu2,a,3\nu2,c,5\n"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("u,b,x\n", "line 6: stars 'x' is not a finite number; correct it or remove the line"),
        ("u,b,4\nv,b,nan\n", "line 7: stars 'nan' is not a finite number"),
        ("u,b,-Infinity\n", "line 6: stars '-Infinity' is not a finite number"),
        ("u,b,\n", "line 6: stars '' is not a finite number"),
        ("u,b\n", "line 6: stars '' is not a finite number"),
        ('u,b,"4,5"\n', "line 6: stars '4,5' is not a finite number"),
        ("u,b,1_000\n", "line 6: stars '1_000' is not a finite number"),
        ("u,b,True\n", "line 6: stars 'True' is not a finite number"),
        ("u,b,x\nu,c,y\nu,d,4\n", "line 6: stars 'x' is not a finite number (the first of 2 such"),
        ("\n\nu,b,x\n", "line 8: stars 'x'"),
        ('u,"b\nc",x\n', "line 6: movieId 'b\\nc' holds a tab or a line break; rename the id"),
        ('u,"b\rc",4\n', "line 6: movieId 'b\\nc' holds a tab or a line break; rename the id"),
        ("u,b," + "9" * 300 + "x\n", "9999...' is not a finite number"),
        ("u, ,4\n", "line 6: movieId ' ' is a missing id"),
        ("NA,a,4\n", "line 6: userId 'NA' would be read by RecBole as no id at all"),
        ("u,b,3,4\n", "line 6: 4 fields, expected 3; correct the line"),
        ('u,"b,3\nu,c,4\n', 'line 6: a quote " is not closed or misplaced'),
    ],
)
def test_a_bad_line_is_named(prepare_csv, nothing_in, more, message):
    done = prepare_csv(content=TEXT + more)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert "ratings.csv" in done.err
    assert nothing_in("out")


def test_line_breaks_in_quotes_are_counted(prepare_csv):
    rows = ['u,a,1,"one\ntwo\nthree"', "u,b,1,", "u,c,bad,"]
    done = prepare_csv(header="userId,movieId,stars,note", rows=rows)
    assert "line 6: stars 'bad'" in done.err
    done = prepare_csv(header="userId,movieId,stars,note", rows=[*rows[:2], "u,c,1,2,3"])
    assert "line 6: 5 fields, expected 4" in done.err
    done = prepare_csv(content=f"\n\n{TEXT}u,b,3,4\n")
    assert "line 8: 4 fields, expected 3" in done.err


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("userID,movieId,stars", "no column 'userId'; did you mean 'userID'? columns found, split"),
        ("movieId,stars,user_id", "no column 'userId'; did you mean 'user_id'?"),
        ("x,movieId,stars", "no column 'userId'; columns found, split at ',': 'x', 'movieId', 'st"),
        ("userId,movieId,rating", "no column 'stars'; columns found"),
        ("userId,userId,movieId,stars", "several columns 'userId'"),
        (",".join(f"c{n}" for n in range(100)), "'c19' and 80 more"),
    ],
)
def test_a_wrong_column_lists_those_found(prepare_csv, header, message):
    done = prepare_csv(header=header, rows=[",".join("1" for _ in header.split(","))])
    assert (done.status, message in done.err) == (2, True), done.err


def test_a_column_used_twice(prepare, csv_file):
    words = ("--user", "userId", "--item", "userId", "--rating", "stars", "--name", "mine")
    done = prepare("csv", "--ratings", csv_file(), *words)
    assert "a column of" in done.err
    assert "is used twice: user_id=userId, item_id=userId, rating=stars" in done.err


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("userId,movieId,stars\n", [], "ratings.csv holds a header and no rows"),
        ("userId,movieId,stars\n\n , ,\n,,\n", [], "line 3: userId ' ' is a missing id"),
        ("userId,movieId,stars\n\n,,\n", [], "ratings.csv holds a header and no rows"),
        ("", [], "ratings.csv is empty"),
        (
            f"# mine\n{TEXT}",
            [],
            "line 2: 3 fields, expected 1; where the first line (# mine) is nei",
        ),
        ("1:\n7,3,2005-09-06\n", [], "'1:' is an item of the Netflix Prize with its ratings belo"),
        ("userId,movieId,stars\nu,a,4\n", [], "the split leaves 1 ratings to train and 0 to test"),
        (b"PK\x03\x04", [], "is a truncated or damaged zip file (File is not a zip file); get it"),
        ("\n <HTML><body>", [], "is an HTML page"),
        (b"userId\0", [], "holds NUL characters"),
        ("{" + "x" * 200_000 + "\n1\n", [], "has no column 'userId'"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], [], "is a truncated or damaged gzip file"),
        (
            gzip.compress(TEXT.encode(), mtime=0) + b"more",
            [],
            "is a truncated or damaged gzip file",
        ),
        (TEXT.replace("u2", "ü").encode("latin-1"), [], "line 4: byte 0xfc is not utf-8; save the"),
        (TEXT.encode("utf-16-le"), [], "holds NUL characters: it is no text, or not in utf-8"),
        (TEXT.encode("utf-16-le"), ["--encoding", "latin-1"], "no text, or not in latin-1"),
        (TEXT.encode("utf-16")[:-1], [], "line 5: byte 0x0a is not utf-16, which its byte order m"),
        (codecs.BOM_UTF8 + b"userId\n\xe9", [], "line 2: byte 0xe9 is not utf-8; save the file"),
        (TEXT.replace("u2", "ü"), ["--encoding", "ascii"], "line 4: byte 0xc3 is not ascii"),
        (TEXT, ["--encoding", "utf-16"], "is not utf-16"),
        (TEXT, ["--encoding", "klingon"], "unknown encoding 'klingon'; use one that Python knows"),
        (TEXT, ["--encoding", "rot13"], "unknown encoding 'rot13'"),
        (TEXT, ["--encoding", ""], "unknown encoding ''"),
        (TEXT, ["--delimiter", "ab"], "delimiter 'ab' cannot be used; give an ASCII character"),
        (TEXT, ["--delimiter", ""], "delimiter '' cannot be used"),
        (TEXT, ["--delimiter", '"'], "cannot be used"),
        (TEXT, ["--delimiter", "¦"], "delimiter '¦' cannot be used"),
        (TEXT, ["--delimiter", ";"], "columns found, split at ';': 'userId,movieId,stars'"),
        (TEXT, ["--timestamp", "when"], "no column 'when'"),
        (TEXT, ["--title", "name"], "--genres describe --items; give it too"),
        (TEXT, ["--items", "no.csv"], "cannot read no.csv: No such file or directory"),
        (TEXT, ["--items", "."], "cannot read .: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_used(prepare_csv, nothing_in, content, words, message):
    done = prepare_csv(*words, content=content)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert len(done.err) < 1000
    assert nothing_in("out")


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        (
            "movieId,t\na,A\n,B\n",
            ["--title", "t"],
            "movies.csv, line 3: movieId '' is a missing id",
        ),
        ("id,t\na,A\n", ["--title", "t"], "has no column 'movieId'"),
        ("movieId,t\na,A\n", ["--title", "name"], "has no column 'name'"),
        ("movieId,g\na,A\n", ["--genres", "g", "--genres_separator", ""], "_separator is empty"),
    ],
)
def test_items_that_cannot_be_used(prepare_csv, csv_file, nothing_in, content, words, message):
    file = csv_file(content=content, name="movies.csv")
    done = prepare_csv("--items", file, *words)
    assert (done.status, message in done.err) == (2, True), done.err
    assert nothing_in("out")


def test_ratings_that_are_not_there(prepare):
    words = ("--user", "u", "--item", "i", "--rating", "r", "--name", "mine")
    done = prepare("csv", "--ratings", "no.csv", *words)
    assert (done.status, "cannot read no.csv: No such file" in done.err) == (2, True)


def test_all_that_pandas_takes_for_missing_is_reserved():
    assert STR_NA_VALUES - {""} <= RESERVED_IDS
