"""Files without a header: how they are read, and how one is told."""

import shlex
from pathlib import Path

import pytest

ROWS = ["1::122::5::838985046", "1::185::4.5::838983525", "2::122::3::838984474"]
RATINGS = [
    ("1", "122", "5", "838985046"),
    ("1", "185", "4.5", "838983525"),
    ("2", "122", "3", "838984474"),
]
COLUMNS = ("--columns", "user,item,rating,timestamp")


@pytest.fixture
def headerless(prepare, csv_file):
    """Run ``prepare csv`` on rows of ratings by themselves."""

    def run(*words, rows=tuple(ROWS), separator="::"):
        content = "".join(f"{row}\n".replace("::", separator) for row in rows)
        file = csv_file(content=content, name="ratings.dat")
        return prepare("csv", "--ratings", file, "--name", "mine", *words)

    return run


@pytest.mark.parametrize("separator", ["::", "\t", ",", ";", "|"])
def test_columns_are_named(headerless, written, separator):
    done = headerless(*COLUMNS, separator=separator)
    assert done.status == 0, done.err
    assert written().ratings == RATINGS


def test_names_in_another_order_and_of_ones_own(headerless, written):
    roles = ("--user", "who", "--item", "what", "--rating", "stars")
    done = headerless("--columns", "who, what,stars,when", *roles)
    assert done.status == 0, done.err
    assert written().ratings == [row[:3] for row in RATINGS]
    assert headerless("--columns", "item,user,x,rating", "--overwrite").status == 0
    assert ("122", "1", "838985046") in written().ratings


def test_a_byte_order_mark_and_a_line_that_is_quoted(headerless, written):
    rows = ['\ufeff"1",122,5,838985046', '1,"185\n",4.5,838983525', ROWS[2].replace("::", ",")]
    assert headerless(*COLUMNS, rows=rows).status == 0
    assert written().ratings == RATINGS


def test_items_without_a_header(headerless, csv_file, written):
    items = csv_file(content="122::A|B|C::War|Drama|Film Noir\n185::X::Drama\n", name="movies.dat")
    done = headerless(*COLUMNS, "--items", items, "--item_columns", "item,title,genres")
    assert done.status == 0, done.err
    assert written().rows[".item"] == [
        ("122", "A|B|C", "War Drama Film-Noir"),
        ("185", "X", "Drama"),
    ]
    done = headerless(*COLUMNS, "--items", items, "--item_id", "id", "--overwrite")
    assert "looks like a row: where the file has no header, name its 3 columns in t" in done.err
    assert "by --item_columns NAME,NAME,..." in done.err


@pytest.mark.parametrize("separator", ["::", "\t", ","])
def test_no_header_is_told_with_what_to_type(headerless, nothing_in, separator):
    done = headerless(
        *("--user", "userId", "--item", "movieId", "--rating", "r"), separator=separator
    )
    assert done.status == 2
    assert (
        "has no column 'userId', and its first line (1, 122, 5, 838985046) looks like a row: where "
        "the file has no header, name its 4 columns in their order, e.g. --columns "
        "user,item,rating,timestamp" in done.err
    )
    assert nothing_in("out")


@pytest.mark.parametrize("rating", ["5", "5.0", "4,5", "-1", ".5"])
def test_a_first_row_is_not_a_header(prepare_csv, nothing_in, rating):
    rows = [f'A1;B1;"{rating}"', "A1;B2;3", "A2;B1;1"]
    roles = ("--user", "A1", "--item", "B1", "--rating", rating)
    done = prepare_csv(*roles, content="\n".join(rows))
    assert done.status == 2
    assert (
        f"the column of the ratings is named '{rating}', a number, and its first line" in done.err
    )
    assert "e.g. --columns user,item,rating" in done.err
    assert nothing_in("out")


def test_a_header_of_column_numbers_is_one_and_is_noted(prepare_csv, written):
    roles = ("--user", "0", "--item", "1", "--rating", "2")
    done = prepare_csv(*roles, content="0,1,2\nu,a,4\nu,b,2\n")
    assert done.status == 0, done.err
    assert "note: the header holds numbers; if it is the first row, name the c" in done.out
    assert len(written().ratings) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give the column names of"),
        (
            [],
            "by --user, --item, --rating; for a file without a header --columns user,item,rating,",
        ),
        (["--columns", "user,item,rating"], "line 1: 4 fields, split at '::', and 3 names of colu"),
        (["--columns", "user,item,rating,time,x"], "line 1: 4 fields, split at '::', and 5 names"),
        (["--columns", "a,b,rating,c"], "--columns names no user and no item among a,b,rating,c"),
        (["--columns", "user,item,item,x"], "--columns 'user,item,item,x' names item twice; give"),
        (["--columns", "user,item,,x"], "--columns 'user,item,,x' holds an empty name; give each"),
        ([*COLUMNS, "--timestamp", "when"], "has no column 'when'; columns found"),
        ([*COLUMNS, "--delimiter", ","], "line 1: 1 fields, split at ',', and 4 names of columns"),
        ([*COLUMNS, "--item_columns", "item"], "--genres describe --items; give it too"),
    ],
)
def test_names_that_do_not_fit(headerless, nothing_in, words, message):
    done = headerless(*words)
    assert (done.status, message in done.err) == (2, True), done.err
    assert nothing_in("out")


def test_a_header_where_columns_are_named(headerless):
    done = headerless(*COLUMNS, rows=["userId::movieId::stars::when", *ROWS])
    assert done.status == 2
    assert "line 1: rating 'stars' is no number: where the line is a header, leave out" in done.err
    done = headerless(*COLUMNS, rows=["1::2::x::4", "1::3::y::4"])
    assert "line 1: rating 'x' is not a finite number" in done.err


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            ["ratings.dat", "movies.dat", "tags.dat"],
            "csv --ratings ml/ratings.dat --columns user,item,rating,timestamp "
            "--items ml/movies.dat --item_columns item,title,genres --name NAME",
        ),
        (
            ["ratings.csv", "movies.csv", "links.csv"],
            "csv --ratings ml/ratings.csv --user userId --item movieId --rating rating --timestamp "
            "timestamp --items ml/movies.csv --title title --genres genres --name NAME",
        ),
        (["u.data", "u.item", "u.user"], "type: recbole-pngnn prepare ml-100k"),
    ],
)
def test_another_movielens_is_told_with_the_command_that_reads_it(prepare, files, expected):
    Path("ml").mkdir()
    for file in files:
        Path("ml", file).write_text("\n".join(ROWS))
    done = prepare("ml-1m", "--source", "ml")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "it looks like MovieLens-" in done.err
    assert done.err.endswith(f"{expected}\n")


def test_the_command_that_is_told_works(prepare, written):
    Path("my ml").mkdir()
    Path("my ml/ratings.dat").write_text("\n".join(ROWS))
    Path("my ml/movies.dat").write_text("122::Boomerang (1992)::Comedy|Romance\n185::Net::Action\n")
    command = prepare("ml-1m", "--source", "my ml").err.partition("recbole-pngnn prepare ")[2]
    words = [word.replace("NAME", "mine") for word in shlex.split(command)]
    assert prepare(*words).status == 0
    assert written().ratings == RATINGS
    assert written().rows[".item"][0] == ("122", "Boomerang (1992)", "Comedy Romance")


def test_a_zip_of_another_movielens(prepare, zipped):
    done = prepare("ml-1m", "--source", zipped(inside="ml-10M/", users=None))
    assert "give GroupLens' ml-1m.zip; it looks like MovieLens-10M: unpack it and type" in done.err
    assert "ml-10M/ratings.dat --columns user,item,rating,timestamp" in done.err
