"""Anybody's ratings, as delimited text."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.data.prepare.atomic import number_texts

RATINGS = [("u1", "a", "4.5"), ("u1", "b", "1"), ("u2", "a", "3"), ("u2", "c", "5")]
TEXT = "userId,movieId,stars\nu1,a,4.5\nu1,b,1\nu2,a,3\nu2,c,5\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "::"])
def test_the_delimiter_is_found(prepare_csv, written, delimiter):
    done = prepare_csv(content=TEXT.replace(",", delimiter))
    assert done.status == 0, done.err
    assert written().ratings == RATINGS
    assert "users 2, items 3" in done.out


@pytest.mark.parametrize("start", ["", "\n", "\ufeff"])
def test_the_delimiter_is_found_among_others_in_the_header(prepare_csv, written, start):
    header, *lines = TEXT.replace(",", ";").splitlines()
    done = prepare_csv(header=f"{start}{header};a,b,c,d,e", rows=[f"{line};-" for line in lines])
    assert done.status == 0, done.err
    assert written().ratings == RATINGS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TEXT.encode("utf-8-sig"), []),
        (TEXT.replace("\n", "\r\n").encode(), []),
        (TEXT.replace("\n", "\r").encode(), []),
        (TEXT.rstrip("\n").encode(), []),
        (f"\n\n{TEXT}\n,,\n".encode(), []),
        (TEXT.replace(",", " , ").encode(), []),
        (gzip.compress(TEXT.encode(), mtime=0), []),
        (TEXT.encode("utf-16"), ["--encoding", "utf-16"]),
        ("\ufeff".encode("utf-16-le") + TEXT.encode("utf-16-le"), ["--encoding", "utf-16-le"]),
        (TEXT.replace(",", "^").encode(), ["--delimiter", "^"]),
        (TEXT.replace(",", "\t").encode(), ["--delimiter", r"\t"]),
        (TEXT.replace("u1", '"u1"').encode(), []),
    ],
)
def test_ways_in_which_files_are_written(prepare_csv, written, content, words):
    done = prepare_csv(*words, content=content)
    assert done.status == 0, done.err
    assert written().ratings == RATINGS


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-16"])
def test_the_encoding_that_is_named_is_used(prepare_csv, written, encoding):
    # In UTF-8 these two letters would be one.
    done = prepare_csv("--encoding", encoding, content=TEXT.replace("u1", "Ã©").encode(encoding))
    assert done.status == 0, done.err
    assert {user for user, *_ in written().ratings} == {"Ã©", "u2"}


def test_timestamps_and_columns_in_any_order(prepare_csv, written):
    done = prepare_csv(
        *("--timestamp", "when"),
        header="when,note,stars,movieId,userId",
        rows=["978300760,x,5,a,u", "978300761.5,,4,b,u", '3,"x,\ny",0.5,c,u'],
    )
    assert done.status == 0, done.err
    dataset = written()
    assert dataset.headers[".train.inter"] == [
        *("user_id:token", "item_id:token", "rating:float", "timestamp:float")
    ]
    assert dataset.ratings == [
        ("u", "a", "5", "978300760"),
        ("u", "b", "4", "978300761.5"),
        ("u", "c", "0.5", "3"),
    ]
    assert set(dataset.files) >= {".train.inter", ".yaml"}
    assert ".item" not in dataset.files


def test_ids_are_text_and_sorted_short_ones_first(prepare_csv, written):
    rows = ["10,x,1", "10,y,1", "9,x,1", "9,y,1", "007,x,1", "007,y,1", "1.0,x,1", "1.0,y,1"]
    assert prepare_csv("--split", "0.5,0,0.5", rows=rows).status == 0
    assert [user for user, *_ in written().parts[0]] == ["9", "10", "007", "1.0"]


def test_numbers_are_read_exactly(prepare_csv, written):
    """A fast parser is off by one in the last digit for one number in seven."""
    numbers = np.random.default_rng(0).normal(size=300).tolist()
    assert prepare_csv(rows=[f"u,{i},{number!r}" for i, number in enumerate(numbers)]).status == 0
    found = {int(item): float(rating) for _, item, rating in written().ratings}
    assert [found[i] for i in range(300)] == numbers


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_written_exactly(numbers):
    assert [float(text) for text in number_texts(np.array(numbers))] == numbers


def test_whole_numbers_are_written_without_a_point():
    assert number_texts(np.array([5.0, -0.0, 3.5, 2.0**60])).tolist() == [
        *("5", "0", "3.5", "1.152921504606847e+18")
    ]


def test_the_last_of_duplicates_wins_and_they_are_counted(prepare_csv, written):
    done = prepare_csv(rows=["u,a,1", "u,b,2", " u,a,3", "u,a,0.5"])
    assert done.status == 0, done.err
    assert written().ratings == [("u", "a", "0.5"), ("u", "b", "2")]
    assert written().manifest["duplicates_dropped"] == 2
    assert "2 ratings dropped" in done.out


ITEMS = '''movieId,name,y,g
a,"Père, ""Le""",1970,Drama; Science  Fiction;
b,Two,,
c,"One
of  them",1971,War
unrated,Z,2000,-
b,Last of b,1999,
'''


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_items(prepare_csv, written, csv_file, encoding):
    file = csv_file(content=ITEMS.encode(encoding), name="movies.csv")
    columns = ("--title", "name", "--year", "y", "--genres", "g", "--genres_separator", ";")
    done = prepare_csv("--items", file, *columns, "--encoding", encoding)
    assert done.status == 0, done.err
    dataset = written()
    assert dataset.headers[".item"] == [
        *("item_id:token", "movie_title:token_seq", "release_year:token", "genre:token_seq")
    ]
    assert dataset.rows[".item"] == [
        ("a", 'Père, "Le"', "1970", "Drama Science-Fiction"),
        ("b", "Last of b", "1999", ""),
        ("c", "One of them", "1971", "War"),
        ("unrated", "Z", "2000", "-"),
    ]


@pytest.mark.parametrize(
    ("separator", "genres", "words"),
    [
        ("|", "Drama|Film Noir||War ", "Drama Film-Noir War"),
        (", ", "Drama, Film Noir", "Drama Film-Noir"),
        (" ", "Drama War", "Drama War"),
        ("<>", "Sci-Fi<>War", "Sci-Fi War"),
    ],
)
def test_a_genre_is_one_word(prepare_csv, written, csv_file, separator, genres, words):
    file = csv_file(content=f'id,g\na,"{genres}"\n', name="movies.csv")
    options = ("--item_id", "id", "--genres", "g", "--genres_separator", separator)
    done = prepare_csv("--items", file, *options)
    assert done.status == 0, done.err
    assert written().rows[".item"] == [("a", words)]


def test_items_with_ids_alone(prepare_csv, written, csv_file):
    file = csv_file(content="movieId\nb\na\n", name="movies.csv")
    assert prepare_csv("--items", file).status == 0
    assert written().headers[".item"] == ["item_id:token"]
    assert written().rows[".item"] == [("a",), ("b",)]
