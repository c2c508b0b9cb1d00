"""A pair that was rated more than once: what ``prepare`` keeps, a run keeps."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recbole.config import Config
from recbole.data import create_dataset

from recbole_pngnn.data.prepare.duplicates import latest_of_pairs
from recbole_pngnn.protocol.clean import clean_interactions
from recbole_pngnn.protocol.threshold import LikeThreshold

NAMES = ["user_id", "item_id", "rating", "timestamp"]
IDS = st.sampled_from("abc")
TIMES = st.one_of(st.just(np.nan), st.sampled_from([-2.0, 0.0, 1.0, 1.5, 2e9]))
ROWS = st.lists(st.tuples(IDS, IDS, TIMES, st.integers(0, 2)), min_size=1, max_size=25)


@pytest.fixture(scope="module")
def quiet():
    logger = logging.getLogger("quiet")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, timed=st.booleans())
def test_the_rule_is_that_of_a_run(quiet, rows, timed):
    rows = sorted(rows, key=lambda row: row[3])  # the files of the parts, one after the other
    part = np.array([row[3] for row in rows])
    frame = pd.DataFrame([row[:3] for row in rows], columns=["user_id", "item_id", "timestamp"])
    frame.insert(2, "rating", np.arange(4.0, 4 + len(frame)))  # tells the rows apart
    if not timed:
        frame = frame.drop(columns="timestamp")
    sizes = np.bincount(part, minlength=3).tolist()
    of_run, _ = clean_interactions(
        *(frame, LikeThreshold("rating", 3.5), "user_id", "item_id", "timestamp", sizes, quiet)
    )
    ours = latest_of_pairs(frame.astype({"user_id": "category", "item_id": "category"}), part)
    assert sorted(ours["rating"]) == sorted(of_run["rating"])
    assert not ours.duplicated(["user_id", "item_id"]).any()


def test_prepared_and_unprepared_rows_of_a_run_are_the_same(prepare, tmp_path, written):
    """RecBole reads the raw rows under the protocol; ``prepare`` reads the same rows as CSV."""
    rng = np.random.default_rng(5)
    rows = [
        (f"u{user}", f"i{item}", str(rating), rng.choice(["", "5", "978300000", "1600000000.5"]))
        for user, item, rating in zip(*rng.integers((0, 0, 1), (6, 8, 6), (200, 3)).T, strict=True)
    ]
    for folder, name, separator, types in (
        ("raw", "raw.inter", "\t", (":token", ":token", ":float", ":float")),
        (".", "r.csv", ",", ("",) * 4),
    ):
        (tmp_path / folder / "raw").mkdir(parents=True, exist_ok=True)
        file = tmp_path / folder / "raw" / name
        header = separator.join(map("".join, zip(NAMES, types, strict=True)))
        file.write_text("\n".join([header, *map(separator.join, rows), ""]))
    words = [word for option in NAMES for word in (f"--{option.removesuffix('_id')}", option)]
    done = prepare("csv", "--ratings", tmp_path / "raw" / "r.csv", *words, "--name", "mine")
    assert done.status == 0, done.err
    assert "rows have no timestamp" in done.out
    options = {"data_path": str(tmp_path / "raw"), "show_progress": False}
    dataset = create_dataset(Config(model="PNGNN", dataset="raw", config_dict=options))
    of_run = zip(
        dataset.id2token("user_id", np.asarray(dataset.inter_feat["user_id"])),
        dataset.id2token("item_id", np.asarray(dataset.inter_feat["item_id"])),
        (f"{rating:g}" for rating in dataset.inter_feat["rating"].tolist()),
        strict=True,
    )
    assert sorted(row[:3] for row in written().ratings) == sorted(of_run)
    assert len(written().ratings) < 49


def test_the_latest_stays_wherever_it_is(prepare_csv, written):
    for times in (("2020-01-02", "2020-01-01"), ("1600000000001", "1600000000000"), ("7", "6")):
        done = prepare_csv(
            *("--timestamp", "t", "--overwrite"),
            header="userId,movieId,stars,t",
            rows=[f"u,a,5,{times[0]}", f"u,a,1,{times[1]}", f"u,b,2,{times[1]}"],
        )
        assert done.status == 0, done.err
        assert [row[:3] for row in written().ratings] == [("u", "a", "5"), ("u", "b", "2")]
        assert "1 ratings dropped: the same user rated the same item again, and the la" in done.out


def test_of_two_folds_the_one_of_the_test_part_stays(prepare, folded, written):
    text = "user_id,item_id,rating,fold\n1,1,5,1\n1,1,2,2\n1,2,3,2\n1,3,4,1\n2,1,1,2\n2,1,4,2\n"
    source = folded(text)
    for fold, rating in ((1, "5"), (2, "2")):
        done = prepare("ml-1m", "--source", source, "--fold", fold)
        assert done.status == 0, done.err
        train, _, test = written(f"ml-1m-fold{fold}").parts
        assert ("1", "1", rating) in test
        assert not [row for row in train if row[:2] == ("1", "1")]
        assert ("2", "1", "4") in (train if fold == 1 else test)
        assert written(f"ml-1m-fold{fold}").manifest["duplicates_dropped"] == 2


def test_of_two_training_folds_the_latest_by_time_stays(prepare, folded, written):
    text = "user_id,item_id,rating,fold,timestamp\n1,1,5,2,20\n1,1,2,3,10\n1,2,3,1,5\n"
    assert prepare("ml-1m", "--source", folded(text), "--fold", 1).status == 0
    assert written("ml-1m-fold1").parts[0] == [("1", "1", "5", "20")]
