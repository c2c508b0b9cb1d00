"""Forms of files: decimal commas, packed files, byte order marks, odd characters."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile

import numpy as np
import pytest
from recbole.config import Config
from recbole.data import create_dataset

TEXT = "userId,movieId,stars\nu1,a,4.5\nu1,b,1\nu2,a,3\nu2,c,5\n"
RATINGS = [("u1", "a", "4.5"), ("u1", "b", "1"), ("u2", "a", "3"), ("u2", "c", "5")]


def zip_of(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("quote", ["", '"'])
def test_decimal_commas(prepare_csv, written, quote):
    header = "userId;movieId;stars"
    stars = [f"{quote}{stars}{quote}" for stars in ("4,5", "1", "3,0", "5,00")]
    rows = [f"{user};{item};{star}" for (user, item, _), star in zip(RATINGS, stars, strict=True)]
    done = prepare_csv(header=header, rows=rows)
    assert done.status == 0, done.err
    assert written().ratings == RATINGS
    assert "note: ratings read with decimal commas" in done.out
    assert prepare_csv("--decimal", ",", "--overwrite", header=header, rows=rows).status == 0
    assert written().ratings == RATINGS


def test_quoted_decimal_commas_between_commas(prepare_csv, written):
    assert prepare_csv(content=TEXT.replace("4.5", '"4,5"')).status == 0
    assert written().ratings == RATINGS


@pytest.mark.parametrize(
    ("stars", "words", "message"),
    [
        (["1,234", "2,000"], [], "line 2: stars '1,234' is not a finite number (the first of 2"),
        (["1,234", "2,000"], [], "where the comma is a decimal point throughout, give --decimal ,"),
        (["4,5", "3.5"], [], "line 2: stars '4,5' is not a finite number"),
        (["4,5", "many"], [], "line 3: stars 'many' is not a finite number"),
        (["4", "4,5,6"], [], "line 3: stars '4,5,6' is not a finite number"),
        (["4,5", "3.5"], ["--decimal", ","], "line 3: stars '3.5' is not a finite number"),
        (["4,5", "3"], ["--decimal", "."], "line 2: stars '4,5' is not a finite number; correct"),
        (["4.5", "1.234,5"], ["--decimal", ","], "line 2: stars '4.5' is not a finite number"),
    ],
)
def test_a_comma_that_is_not_plainly_a_decimal_point(
    prepare_csv, nothing_in, stars, words, message
):
    rows = [f"u;i{place};{star}" for place, star in enumerate(stars)]
    done = prepare_csv(*words, header="userId;movieId;stars", rows=rows)
    assert (done.status, message in done.err) == (2, True), done.err
    assert nothing_in("out")


def test_thousandths_where_the_comma_is_named(prepare_csv, written):
    rows = ["u;a;1,234", "u;b;2,000"]
    assert prepare_csv("--decimal", ",", header="userId;movieId;stars", rows=rows).status == 0
    assert [row[2] for row in written().ratings] == ["1.234", "2"]


PACKED = {
    "gz": gzip.compress(TEXT.encode(), mtime=0),
    "bz2": bz2.compress(TEXT.encode()),
    "xz": lzma.compress(TEXT.encode()),
    "zip": zip_of(**{"folder/": "", "folder/r": TEXT, "__MACOSX/r": "x"}),
}


@pytest.mark.parametrize("kind", PACKED)
def test_packed_files(prepare_csv, written, nothing_in, kind):
    done = prepare_csv(content=PACKED[kind], name=f"ratings.csv.{kind}")
    assert done.status == 0, done.err
    assert written().ratings == RATINGS
    done = prepare_csv("--name", "cut", content=PACKED[kind][:-20])
    assert (done.status, "is a truncated or damaged" in done.err) == (2, True), done.err
    assert nothing_in("out/cut")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zip_of(a=TEXT, b=TEXT), "is a zip archive of 2 files (a, b), expected one; unpack it and"),
        (zip_of(), "is a zip archive of 0 files (nothing), expected one"),
        (zip_of(**{"[Content_Types].xml": "x", "xl": "y"}), "is a spreadsheet; export it to CSV"),
        (zip_of(a=gzip.compress(TEXT.encode(), mtime=0)), "is packed twice; unpack it"),
        (b"\x28\xb5\x2f\xfdmore", "is a zstd file, no text; unpack or export it to CSV"),
        (gzip.compress(b"PAR1more", mtime=0), "is a parquet file, no text"),
        (
            gzip.compress(b"r".ljust(257, b"\0") + b"ustar", mtime=0),
            "is a tar archive; unpack it and name",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",  # a zip file holds the time
)
def test_packed_files_that_cannot_be_used(prepare_csv, nothing_in, content, message):
    done = prepare_csv(content=content)
    assert (done.status, message in done.err) == (2, True), done.err
    assert nothing_in("out")


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        bz2.compress(TEXT.encode("utf-8-sig")),
    ],
)
@pytest.mark.parametrize("words", [[], ["--encoding", "latin-1"]])
def test_a_byte_order_mark_tells_the_encoding(prepare_csv, written, content, words):
    done = prepare_csv(*words, content=content)
    assert done.status == 0, done.err
    assert written().ratings == RATINGS


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_byte_order_mark_before_movielens(prepare, grouplens, written, encoding):
    source = grouplens(encoding=encoding)
    for file in ("ratings.dat", "movies.dat", "users.dat"):
        (source / file).write_bytes(codecs.BOM_UTF8 + (source / file).read_bytes())
    assert prepare("ml-1m", "--source", source, "--name", "d").status == 0
    assert written("d").rows[".item"][0][0] == "1"
    assert written("d").rows[".item"][2][1] == "Misérables, Les"
    assert {row[0] for row in written("d").ratings} == {"1", "2", "10"}


TITLES = {
    "a": ("tab\there", "tab here"),
    "b": ("two\nlines", "two lines"),
    "c": ("nul\0 and \x1b[31m", "nul and [31m"),
    "d": ('"quoted" all', '"quoted" all'),
    "e": ('"', '"'),
    "f": ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    "g": ("#1 | $x^{", "#1 | $x^{"),
    "h": ("\u2028 ", ""),
}


def test_odd_titles_reach_recbole(prepare_csv, csv_file, written):
    lines = [
        '{},"{}"'.format(item, title.replace('"', '""')) for item, (title, _) in TITLES.items()
    ]
    plain = [f"x{place},plain" for place in range(100)]
    items = csv_file(content="\n".join(["movieId,t", *lines, *plain, ""]), name="movies.csv")
    rows = [f"u,{item},{place % 5}" for place, item in enumerate([*TITLES, "x0"])]
    done = prepare_csv("--items", items, "--title", "t", rows=rows)
    assert done.status == 0, done.err
    expected = {item: title for item, (_, title) in TITLES.items()}
    assert {row[0]: row[1] for row in written().rows[".item"] if row[0] in expected} == expected
    options = {"data_path": "out", "load_col": {"item": ["item_id", "movie_title"]}}
    options["load_col"]["inter"] = ["user_id", "item_id", "rating"]
    dataset = create_dataset(Config(model="PNGNN", dataset="mine", config_dict=options))
    features = dataset.item_feat
    found = {}
    for item, title in zip(features["item_id"], features["movie_title"], strict=True):
        words = dataset.id2token("movie_title", np.asarray(title, dtype=int)).reshape(-1)
        found[dataset.id2token("item_id", int(item))] = " ".join(w for w in words if w != "[PAD]")
    assert {item: found[item] for item in expected} == expected


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["u,a\0b,4"], "line 2: movieId 'a\\x00b' holds a NUL character; rename the id"),
        (["u,a,4", "u,b,4\0"], "line 3: stars '4\\x00' is not a finite number"),
    ],
)
def test_a_nul_cuts_nothing_off(prepare_csv, nothing_in, rows, message):
    done = prepare_csv(rows=[*rows, *(f"v,x{place},3" for place in range(50))])
    assert (done.status, message in done.err) == (2, True), done.err
    assert nothing_in("out")


def test_ids_keep_each_character(prepare_csv, written):
    ids = ["12345678901234567890", "12345678901234567891", "007", "7", "7.0", "1e3", "0x7", "+7"]
    rows = [f" {user} ,i,{place % 5}" for place, user in enumerate(ids)]
    assert prepare_csv(rows=[*rows, "u,a,1", "u,i,2"]).status == 0
    assert {user for user, *_ in written().ratings} == {*ids, "u"}
    options = {"data_path": "out", "show_progress": False}
    dataset = create_dataset(Config(model="PNGNN", dataset="mine", config_dict=options))
    assert set(dataset.field2token_id["user_id"]) == {*ids, "u", "[PAD]"}


def test_years(prepare_csv, csv_file, written):
    years = ["1995", "1995.0", "1995-03-01", "", "\\N", "NaN", " 800 "]
    lines = [f"i{place},{year}" for place, year in enumerate(years)]
    items = csv_file(content="\n".join(["movieId,y", *lines]), name="movies.csv")
    assert prepare_csv("--items", items, "--year", "y").status == 0
    expected = ["1995", "1995", "1995", "", "", "", "800"]
    assert [row[1] for row in written().rows[".item"]] == expected
    items.write_text("movieId,y\na,1995\nb,199x\n")
    done = prepare_csv("--items", items, "--year", "y", "--overwrite")
    assert "movies.csv, line 3: y '199x' is no year; correct it, or leave it empty" in done.err


def test_a_folder_or_a_slip_in_place_of_the_file(prepare_csv, prepare, csv_file):
    file = csv_file()
    roles = ("--user", "userId", "--item", "movieId", "--rating", "stars", "--name", "mine")
    done = prepare("csv", "--ratings", file.parent, *roles)
    assert "Is a directory; name a file in it (ratings.csv)" in done.err
    done = prepare("csv", "--ratings", file.with_name("rating.csv"), *roles)
    assert f"No such file or directory; did you mean {file}?" in done.err


@pytest.mark.parametrize(
    ("stars", "message"),
    [
        (["2", "7", "10"], "ratings span [2, 10]; 66.7% are liked, above like_threshold 3.5"),
        (["2", "7", "10"], "warning: like_threshold 3.5 calls 66.7% of the ratings liked; where t"),
        (["0.1", "0.9"], "ratings span [0.1, 0.9]; 0.0% are liked"),
        (["0.1", "0.9"], "run with another, e.g. --like_threshold=\"{'rating': 0.6}\""),
        (["1", "1"], "warning: every rating is 1: no like_threshold tells liked from disliked"),
    ],
)
def test_a_scale_that_the_threshold_does_not_fit(prepare_csv, stars, message):
    rows = [f"u,i{place},{star}" for place, star in enumerate(stars)]
    done = prepare_csv(rows=rows)
    assert (done.status, message in done.out) == (0, True), done.out


def test_a_scale_that_fits_is_no_warning(prepare_csv):
    done = prepare_csv()
    assert "ratings span [1, 5]; 50.0% are liked, above like_threshold 3.5" in done.out
    assert "warning" not in done.out
