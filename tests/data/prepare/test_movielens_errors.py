"""Sources of MovieLens-1M that cannot be used: each is a line that says what to do."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbole_pngnn.data.prepare import PrepareError
from recbole_pngnn.data.prepare.files import read_zip


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("ratings", b"1::1::five::9\n", "ratings.dat, line 1: rating 'five' is not a finite num"),
        ("ratings", b"1::1::5::9\n1::2::nan::9\n", "line 2: rating 'nan' is not a finite number"),
        ("ratings", b"1::1::5::9\n1::2::inf::9\n", "line 2: rating 'inf' is not a finite number"),
        ("ratings", b"1::1::5::9\n1::2::1e999::9\n", "line 2: rating '1e999' is not a finite"),
        ("ratings", b"1::1::5::9\n1::2::4_0::9\n", "line 2: rating '4_0' is not a finite number"),
        (
            "ratings",
            b"1::1::x::9\n1::2::y::9\n",
            "line 1: rating 'x' is not a finite number (the f",
        ),
        ("ratings", b"1::1::5::9\n1::2::4::now\n", "line 2: timestamp 'now' is no timestamp"),
        ("ratings", b"1::1::5::9\n::2::4::9\n", "line 2: user_id '' is a missing id"),
        ("ratings", b"1::1::5::9\n1:: ::4::9\n", "line 2: item_id ' ' is a missing id"),
        ("ratings", b"\n1::1::5::9\n\n1::2::4\n", "line 4: timestamp '' is empty or not there"),
        ("ratings", b"1::1::5::9\n1::2::4::9::8\n", "line 2: 5 fields, expected 4"),
        ("ratings", b"1::1::5::9::8\n", "line 1: 5 fields separated by '::', expected 4"),
        ("ratings", b"1,1,5,9\n", "expected 4 (user_id::item_id::rating::timestamp)"),
        ("ratings", b"1::1::5::9\x1f\n", "holds the control character '\\x1f'"),
        ("ratings", b"1::1::5\0::9\n", "holds NUL characters"),
        ("ratings", b" \n", "ratings.dat is empty"),
        ("ratings", b"<!DOCTYPE html><p>Sign in", "ratings.dat is an HTML page, not data"),
        ("movies", b"1::Toy Story (1995)\n", "movies.dat, line 1: 2 fields"),
        ("movies", b"1::A (1995)::Drama\n2::B (1996)\n", "line 2: genres '' is empty or not there"),
        ("users", b"::F::1::10::48067\n", "users.dat, line 1: user_id '' is a missing id"),
    ],
)
def test_a_bad_line_is_named(prepare, grouplens, nothing_in, file, content, message):
    done = prepare("ml-1m", "--source", grouplens(**{file: content}))
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert message in done.err
    assert nothing_in("out")


def test_a_bad_line_in_a_zip_is_named_by_its_member(prepare, zipped):
    done = prepare("ml-1m", "--source", zipped(ratings=b"1::1::5::9\n1::2::bad::9\n"))
    assert "ml-1m.zip:ml-1m/ratings.dat, line 2: rating 'bad' is not a finite" in done.err


def test_duplicates_are_counted_and_the_latest_stays(prepare, grouplens, written, movielens):
    more = [("1", "1", "3", "978400000"), ("1", "1", "2", "978400001"), ("1", "1", "5", "1")]
    done = prepare("ml-1m", "--source", grouplens([*movielens.ratings, *more]), "--name", "d")
    assert done.status == 0, done.err
    dataset = written("d")
    assert [row for row in dataset.ratings if row[:2] == ("1", "1")] == [
        ("1", "1", "2", "978400001")
    ]
    assert len(dataset.ratings) == len(movielens.ratings)
    assert dataset.manifest["duplicates_dropped"] == 3
    assert "  3 ratings dropped: the same user rated the same item again, and" in done.out


def cut(path):
    path.write_bytes(path.read_bytes()[:-60])


def flip(path):
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "ml-1m.zip is not a zip file, or is truncated or damaged"),
        (flip, "is truncated or damaged"),
        (lambda path: path.write_text("<!DOCTYPE html><p>Sign in"), "is an HTML page, not data"),
        (lambda path: path.write_text("hello"), "download it again, or give its unpacked folder"),
        (lambda path: path.write_bytes(b""), "is not a zip file"),
        (lambda path: path.unlink(), "does not exist; give GroupLens' ml-1m.zip or its folder"),
    ],
)
def test_a_zip_that_is_none(prepare, zipped, nothing_in, damage, message):
    source = zipped()
    damage(source)
    done = prepare("ml-1m", "--source", source)
    assert done.status == 2
    assert message in done.err
    assert nothing_in("out")


@pytest.fixture(scope="module")
def zip_bytes():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("ratings.dat", "movies.dat", "users.dat"):
            archive.writestr(f"ml-1m/{name}", f"1::{name}\n" * 20)
    return file.getvalue()


WANTED = ("ratings.dat", "movies.dat", "users.dat")


def test_a_zip_truncated_anywhere_is_refused(zip_bytes):
    path = Path("truncated.zip")
    for length in range(len(zip_bytes)):
        path.write_bytes(zip_bytes[:length])
        with pytest.raises(PrepareError, match="truncated"):
            read_zip(path, WANTED)


@settings(max_examples=300)
@given(damage=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_zip_is_refused_or_reads_the_same(zip_bytes, damage):
    data = bytearray(zip_bytes)
    for place, byte in damage:
        data[place % len(data)] = byte
    Path("damaged.zip").write_bytes(data)
    try:
        found = read_zip(Path("damaged.zip"), WANTED)
    except PrepareError:
        return
    assert {name: content for name, (_, content) in found.items()} == {
        name: f"1::{name}\n".encode() * 20 for name in WANTED
    }


def test_another_zip_lists_what_is_in_it(prepare, zipped, nothing_in):
    done = prepare("ml-1m", "--source", zipped(users=None))
    assert done.status == 2
    assert "holds users.dat 0 times, expected once; files in it: ml-1m/movies.dat" in done.err
    assert nothing_in("out")


def test_a_zip_with_a_file_twice(prepare, zipped):
    source = zipped()
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("copy/ratings.dat", "1::1::5::9\n")
    assert "holds ratings.dat 2 times" in prepare("ml-1m", "--source", source).err


@pytest.mark.parametrize("missing", ["movies", "users"])
def test_a_folder_without_features(prepare, grouplens, missing):
    done = prepare("ml-1m", "--source", grouplens(**{missing: None}))
    assert (done.status, f"ml-1m holds no {missing}.dat" in done.err) == (2, True)


def test_a_folder_without_ratings(prepare, grouplens):
    done = prepare("ml-1m", "--source", grouplens(ratings=None))
    assert done.status == 2
    assert (
        "ml-1m holds neither ratings.dat nor ratings.csv.gz; found: movies.dat, users.dat; "
        "give GroupLens' ml-1m.zip or its folder" in done.err
    )
    Path("empty").mkdir()
    assert "found: nothing" in prepare("ml-1m", "--source", "empty").err


def test_folds_where_there_are_none(prepare, grouplens, zipped, nothing_in):
    for source in (grouplens(), zipped()):
        done = prepare("ml-1m", "--source", source, "--fold", 1)
        assert done.status == 2
        assert "has no folds, only ratings.csv.gz with a column 'fold' has; use --spl" in done.err
    assert nothing_in("out")


def test_a_fold_that_is_not_there(prepare, folded, nothing_in):
    done = prepare("ml-1m", "--source", folded(), "--fold", 9)
    assert done.status == 2
    assert "cannot test on fold 9 and train on others; folds found: 1, 2, 3, 4, 5" in done.err
    assert nothing_in("out")


HEADER = "user_id,item_id,rating,fold\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{HEADER}1,1,5,1\n1,2,4,1\n",
            "cannot test on fold 1 and train on others; folds found: 1",
        ),
        (f"{HEADER}1,1,5,1\n1,2,4,1.5\n", "line 3: fold '1.5' is not a whole number from 1"),
        (f"{HEADER}1,1,5,1\n1,2,4,0\n", "line 3: fold '0' is not a whole number from 1"),
        (f"{HEADER}1,1,5,1\n1,2,six,2\n", "line 3: rating 'six' is not a finite number"),
        ("user_id,item_id,rating\n1,1,5\n", "has no column 'fold'"),
    ],
)
def test_folds_that_cannot_be_used(prepare, folded, text, message):
    done = prepare("ml-1m", "--source", folded(text), "--fold", 1)
    assert (done.status, message in done.err) == (2, True), done.err


def test_truncated_folds(prepare, folded):
    source = folded()
    packed = source / "ratings.csv.gz"
    packed.write_bytes(packed.read_bytes()[:-20])
    done = prepare("ml-1m", "--source", source, "--fold", 1)
    assert "ratings.csv.gz is a truncated or damaged gzip file" in done.err
