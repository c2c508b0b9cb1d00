"""Titles of items as RecBole would read them."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.spreadsheet import is_formula, spreadsheet_csv
from recbole_pngnn.titles import item_titles

HEADER = "item_id:token\tmovie_title:token_seq\trelease_year:token\n"


@pytest.fixture
def titles(tmp_path):
    def read(content, *rules):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "d.item").write_bytes(data)
        return item_titles(tmp_path, "d", "item_id", *rules)

    return read


def test_by_the_rules_of_the_data(titles):
    expected = {"1": "Am\u00e9lie (2001)", "2": 'A "B", C'}
    rows = '1\tAm\u00e9lie\t2001\n\n2\t"A ""B"", C"\t\n'
    assert titles(HEADER + rows) == expected
    assert titles(("\ufeff" + HEADER + rows).replace("\n", "\r\n")) == expected
    assert titles((HEADER + rows).encode("latin-1"), "\t", "latin-1") == expected
    assert titles((HEADER + rows).encode("utf-16")) == expected
    commas = "item_id:token,title:token\n1,a\n"
    assert titles(commas, ",") == {"1": "a"}
    assert titles("item_id:token||title:token\n1||a\n", r"\|\|") == {"1": "a"}


def test_no_titles_are_none(titles, tmp_path):
    assert item_titles(tmp_path, "d", "item_id") is None
    assert titles("item_id:token\tclass:token\n1\ta\n") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "1\ta\t1\n2\ta\tb\tc\n", r"d\.item, line 3: 4 fields, and the header has 3"),
        (HEADER + '1\t"a\t1\n2\tb\t2\n', r"d\.item, line 2: a quote"),
        (HEADER + '1\ta\t1\n2\tb\t"', r"d\.item, line 3: a quote"),
        (HEADER + '1\t"' + "a\n" * 100_000, r"d\.item, line 2: a quote"),
        (HEADER.encode() + b"1\t\xe9\t1\n", r"d\.item, line 2: the byte 0xe9 is not utf-8"),
        (HEADER.replace("\t", ","), r"d\.item, line 1: .* separated by '\\t' \(field_separator\)"),
        ("id:token\ttitle:token\n", r"d\.item, line 1: there is no column item_id"),
        ("", r"d\.item is empty"),
    ],
)
def test_what_cannot_be_read_is_named(titles, content, message):
    with pytest.raises(ValueError, match=message):
        titles(content)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@given(st.dictionaries(TEXT, TEXT, min_size=1, max_size=6))
def test_equals_pandas_by_recboles_engine(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("d")
    frame = pd.DataFrame({"item_id:token": list(rows), "title:token": list(rows.values())})
    frame.to_csv(folder / "d.item", sep="\t", index=False)
    assert item_titles(folder, "d", "item_id") == rows


def test_a_title_is_no_formula_and_an_id_stays(caplog):
    titles = ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "-x", "\uff1dA1", "fine", ""]
    lists = pd.DataFrame({"user_id": "-7", "rank": 1, "item_id": "=1+1", "title": titles})
    text = spreadsheet_csv(lists)
    written = pd.read_csv(pd.io.common.StringIO(text), dtype=str, keep_default_na=False)
    assert written["title"].tolist() == [*("'" + title for title in titles[:5]), "fine", ""]
    assert set(written["item_id"]) == {"=1+1"}
    assert "1 id(s) in item_id begin like a formula" in caplog.text
    assert "user_id" not in caplog.text  # -7 is a number, and no formula
    assert lists["title"].tolist() == titles


@given(st.text(min_size=1))
def test_what_is_left_alone_begins_with_no_sign(text):
    if not is_formula(text):
        assert re.match(r"[^=@\t\r+-]|[+-][\d.]", text, re.DOTALL)
