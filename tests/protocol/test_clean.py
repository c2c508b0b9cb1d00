"""Rows that cannot be used, and pairs that occur twice."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.protocol.clean import clean_interactions
from recbole_pngnn.protocol.threshold import LikeThreshold

LOGGER = logging.getLogger("test")
COLUMNS = ["user_id", "item_id", "rating", "timestamp", "source"]


def clean(rows, sizes=None, value=3.5, columns=COLUMNS):
    frame = pd.DataFrame(rows, columns=columns[: len(rows[0])])
    kept, sizes = clean_interactions(
        frame, LikeThreshold("rating", value), "user_id", "item_id", "timestamp", sizes, LOGGER
    )
    return [tuple(row) for row in kept.itertuples(index=False)], sizes


def test_rows_without_user_item_or_rating_are_dropped_and_counted(caplog):
    rows = [
        ("u", "a", 5.0),
        (np.nan, "b", 4.0),
        ("u", np.nan, 4.0),
        ("u", "c", np.nan),
        ("u", "d", np.nan),
    ]
    kept, _ = clean(rows)
    assert kept == [("u", "a", 5.0)]
    assert [record.getMessage() for record in caplog.records][:3] == [
        "dropped 1 interaction(s) without a value of user_id",
        "dropped 1 interaction(s) without a value of item_id",
        "dropped 2 interaction(s) without a value of rating",
    ]


def test_the_last_of_duplicates_stays_and_the_others_are_counted(caplog):
    kept, _ = clean([("u", "a", 5.0), ("u", "b", 4.0), ("u", "a", 1.0), ("u", "a", 2.0)])
    assert kept == [("u", "b", 4.0), ("u", "a", 2.0)]
    assert "dropped 2 interaction(s) whose user and item occur again" in caplog.text


def test_the_latest_by_time_is_the_last():
    kept, _ = clean([("u", "a", 5.0, 20.0), ("u", "a", 1.0, 10.0), ("u", "b", 4.0, 1.0)])
    assert kept == [("u", "a", 5.0, 20.0), ("u", "b", 4.0, 1.0)]


def test_a_pair_of_the_test_part_is_not_trained_on():
    rows = [("u", "a", 5.0), ("u", "b", 4.0), ("u", "a", 1.0)]
    kept, sizes = clean(rows, sizes=[2, 0, 1])
    assert kept == [("u", "b", 4.0), ("u", "a", 1.0)]
    assert sizes == [1, 0, 1]


def test_a_rating_that_is_missing_supersedes_nothing():
    kept, _ = clean([("u", "a", 5.0), ("u", "a", np.nan)])
    assert kept == [("u", "a", 5.0)]


@pytest.mark.parametrize(
    ("rows", "sizes", "expected"),
    [
        pytest.param(
            [("u", "a", 2.0, 0.0, "observed"), ("u", "a", 5.0, 0.0, "llm")],
            [2, 0, 0],
            [("u", "a", 2.0, 0.0, "observed")],
            id="observed beats augmented within training",
        ),
        pytest.param(
            [("u", "a", 5.0, 0.0, "llm"), ("u", "a", 4.0, 0.0, "observed")],
            [1, 0, 1],
            [("u", "a", 5.0, 0.0, "llm"), ("u", "a", 4.0, 0.0, "observed")],
            id="an augmented row may be right about the test part",
        ),
        pytest.param(
            [("u", "a", 1.0, 0.0, "llm"), ("u", "a", 5.0, 0.0, "llm"), ("u", "b", 5.0, 0.0, "x")],
            [3, 0, 0],
            [("u", "a", 5.0, 0.0, "llm"), ("u", "b", 5.0, 0.0, "x")],
            id="the last of augmented rows",
        ),
    ],
)
def test_augmented_rows(rows, sizes, expected):
    # A liked observed row, so that there is something to learn.
    rows = [("w", "z", 5.0, 0.0, "observed"), *rows]
    sizes = [sizes[0] + 1, *sizes[1:]]
    kept, _ = clean(rows, sizes=sizes)
    assert kept[1:] == expected


@given(
    st.lists(
        st.tuples(st.sampled_from("uvw"), st.sampled_from("abc"), st.sampled_from([1.0, 4.0, 5.0])),
        min_size=1,
        max_size=30,
    )
)
def test_of_each_pair_the_last_row_stays_as_a_dictionary_would_keep_it(rows):
    rows = [*rows, ("x", "x", 5.0)]
    kept, _ = clean(rows)
    expected = {(user, item): rating for user, item, rating in rows}
    assert {(user, item): rating for user, item, rating in kept} == expected
    assert len(kept) == len(expected)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("u", "a", np.inf)], r"1 value\(s\) of rating are infinite \(first: user u, item a\)"),
        (
            [("u", "a", 3.0), ("u", "b", 1.0)],
            r"3.5 leaves no liked interactions; rating spans \[1, 3\]; lower it, .*'rating': 2.25",
        ),
        ([("u", "a", np.nan)], "no interaction has a user, an item and a value of rating"),
        ([("u", "a", "5")], "rating is not of type float"),
        (
            [("u", "a", 5.0, 1.0, np.nan), ("u", "b", 5.0, 1.0, "llm")],
            r"1 interaction\(s\) have no source",
        ),
    ],
)
def test_what_cannot_be_used_is_an_error(rows, message):
    with pytest.raises(ValueError, match=message):
        clean(rows)


def test_a_missing_column_is_named_with_those_that_are_there():
    with pytest.raises(ValueError, match=r"column rating .* loaded are user_id, item_id"):
        clean([("u", "a")])
    rows = pd.DataFrame({"user_id": ["u", "v"], "item_id": ["a", "a"], "like": [0.0, 1.0]})
    threshold = LikeThreshold("rating", 3.5)
    with pytest.raises(ValueError, match=r"where like says .*=\"\{'like': 0.5\}\"$"):
        clean_interactions(rows, threshold, "user_id", "item_id", None, None, logging.getLogger())


def test_a_part_without_the_column_of_sources_is_observed():
    # RecBole puts parts below each other; a file without the column leaves it empty.
    rows = [("u", "a", 5.0, 1.0, "observed"), ("u", "b", 5.0, 1.0, "llm")]
    kept, _ = clean([*rows, ("u", "c", 4.0, 1.0, np.nan)], sizes=[2, 0, 1])
    assert kept == [*rows, ("u", "c", 4.0, 1.0, "observed")]


def test_likes_alone_are_a_warning(caplog):
    clean([("u", "a", 5.0)])
    assert "leaves no disliked interactions; rating spans [5, 5]" in caplog.text
