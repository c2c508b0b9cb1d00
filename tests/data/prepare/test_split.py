"""Shares of each user's ratings: sizes, partition, and what they depend on."""

import random
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recbole.data.dataset import Dataset

from recbole_pngnn.data.prepare import prepare_csv
from recbole_pngnn.data.prepare.parts import PARTS, part_sizes, split_per_user

PERCENTS = st.sampled_from(
    [(80, 10, 10), (80, 0, 20), (50, 25, 25), (1, 49, 50), (42, 29, 29), (99, 0, 1)]
)


def expected_sizes(n, percents):
    """Test, then validation, rounded down, but 1 where training can spare it."""
    _, valid, test = percents
    sizes = {"valid": n * valid // 100, "test": n * test // 100}
    train = n - sum(sizes.values())
    for part, percent in (("test", test), ("valid", valid)):
        if percent and not sizes[part] and train > 1:
            sizes[part], train = 1, train - 1
    return {"train": train, **sizes}


def split(rows, output, percents, seed):
    """Prepare rows of a user and an item: rows of each part, and the bytes of the files."""
    file = output / "ratings.csv"
    file.write_text("u,i,r\n" + "".join(f"{user},{item},{item % 5}\n" for user, item in rows))
    shares = [percent / 100 for percent in percents]
    columns = {"user": "u", "item": "i", "rating": "r"}
    folder = prepare_csv(file, output, name="d", split=shares, seed=seed, overwrite=True, **columns)
    files = [(folder / f"d.{part}.inter").read_bytes() for part in PARTS]
    parts = [[tuple(line.split()[:2]) for line in file.decode().splitlines()[1:]] for file in files]
    return parts, files


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    percents=PERCENTS,
    seed=st.integers(0, 2**32),
    order=st.randoms(use_true_random=False),
)
def test_each_users_ratings_are_split(counts, percents, seed, order):
    rows = [(f"u{user}", item) for user, n in enumerate([*counts, 2]) for item in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        parts, files = split(rows, Path(folder), percents, seed)
        # Each rating is in one part, and each user's parts have their sizes.
        assert sorted(row for part in parts for row in part) == sorted((u, str(i)) for u, i in rows)
        found = {
            name: Counter(user for user, _ in part) for name, part in zip(PARTS, parts, strict=True)
        }
        for user, n in enumerate([*counts, 2]):
            sizes = {name: found[name][f"u{user}"] for name in PARTS}
            assert sizes == expected_sizes(n, percents)
        # Neither another run nor the order of the file changes a byte.
        order.shuffle(rows)
        assert split(rows, Path(folder), percents, seed)[1] == files


@pytest.mark.parametrize("ratios", [(0.8, 0.1, 0.1), (0.8, 0.0, 0.2), (0.5, 0.25, 0.25)])
def test_the_sizes_are_those_of_recboles_own_split(ratios):
    n_rated = np.arange(1, 500)
    n_train, n_valid, _ = part_sizes(n_rated, ratios)
    kept = [place for place, ratio in enumerate(ratios) if ratio]
    for n, train, valid in zip(n_rated.tolist(), n_train, n_valid, strict=True):
        ends = Dataset._calcu_split_ids(None, n, [ratios[place] for place in kept])
        assert [train, train + valid][: len(ends)] == ends


def test_another_seed_is_another_split():
    users = np.zeros(100, dtype=np.int64)
    one, other = (split_per_user(users, (0.5, 0.0, 0.5), seed) for seed in (0, 1))
    assert not np.array_equal(one, other)


def test_every_rating_is_as_likely_to_be_tested():
    users = np.repeat([0, 1], 5)
    n_tested = np.zeros(10)
    for seed in range(1000):
        n_tested += split_per_user(users, (0.8, 0.0, 0.2), seed) == 2
    # 200 expected, standard deviation 12.6
    assert n_tested.sum() == 2000
    assert np.all(abs(n_tested - 200) < 65)


def test_shares_that_floating_point_misses():
    assert 0.29 * 100 < 29
    sizes = part_sizes(np.array([100]), (0.42, 0.29, 0.29))
    assert [size.item() for size in sizes] == [42, 29, 29]


def test_training_is_never_empty():
    n_rated = np.arange(1, 50)
    for ratios in ((1e-7, 0.5, 0.5), (1e-7, 0.0, 1.0)):
        n_train, n_valid, n_test = part_sizes(n_rated, ratios)
        assert n_train.min() == 1
        assert np.array_equal(n_train + n_valid + n_test, n_rated)


def test_the_default_is_80_10_10_and_seed_0(prepare_csv, written):
    rows = [f"u,{item},3" for item in range(20)]
    random.Random(0).shuffle(rows)
    assert prepare_csv(rows=rows).status == 0
    assert [len(part) for part in written().parts] == [16, 2, 2]
    assert written().manifest["split"] == {
        "method": "random",
        "ratios": [0.8, 0.1, 0.1],
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "split-80-10-10-seed0"),
        (["--split", "0.8,0,0.2", "--seed", "1"], "split-80-0-20-seed1"),
        (["--split", " .7, .125 ,.175"], "split-70-12.5-17.5-seed0"),
        (["--split", "0.3333333,0.3333333,0.3333334"], "split-33.3333-33.3333-33.3333-seed0"),
    ],
)
def test_the_name_tells_the_split(prepare, zipped, written, words, name):
    done = prepare("ml-1m", "--source", zipped(), *words)
    assert done.status == 0, done.err
    assert written(f"ml-1m-{name}").manifest["name"] == f"ml-1m-{name}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--split", "0.8,0.2"], "split 0.8,0.2 has 2 numbers, expected train,valid,test"),
        (["--split", "0.8,0.1,0.2"], "split 0.8,0.1,0.2 sums to 1.1, expected 1"),
        (["--split", "80,10,10"], "sums to 100, expected 1"),
        (["--split", "0.8,0.2,0"], "split 0.8,0.2,0 leaves train or test empty"),
        (["--split", "0,0.5,0.5"], "leaves train or test empty"),
        (["--split", "1.1,-0.2,0.1"], "holds a number that is negative or not finite"),
        (["--split", "nan,0.5,0.5"], "holds a number that is negative or not finite"),
        (["--split", "inf,0,0"], "holds a number that is negative or not finite"),
        (["--split", "a,b,c"], "split 'a,b,c' is not three numbers such as 0.8,0.1,0.1"),
        (["--split", ""], "split '' is not three numbers"),
        (["--seed", "-1"], "seed is -1, expected 0 or more"),
    ],
)
def test_splits_that_cannot_be(prepare, zipped, nothing_in, words, message):
    for source in (["ml-1m", "--source", zipped()], ["ml-100k"]):
        done = prepare(*source, *words)
        assert (done.status, message in done.err) == (2, True), done.err
    assert nothing_in("out")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--valid_ratio", "0.1"], "valid_ratio needs a fold; without one give it in --split"),
        (["--fold", "1", "--valid_ratio", "1"], "valid_ratio is 1.0, expected 0 <= ratio < 1"),
        (["--fold", "1", "--valid_ratio", "nan"], "valid_ratio is nan, expected 0 <= ratio < 1"),
        (["--fold", "1", "--valid_ratio", "0.1", "--seed", "-2"], "seed is -2"),
    ],
)
def test_validation_shares_that_cannot_be(prepare, folded, nothing_in, words, message):
    done = prepare("ml-1m", "--source", folded(), *words)
    assert (done.status, message in done.err) == (2, True), done.err
    assert nothing_in("out")


def test_a_fold_and_a_split_exclude_each_other(prepare, folded, capsys):
    with pytest.raises(SystemExit) as stop:
        prepare("ml-1m", "--source", folded(), "--fold", 1, "--split", "0.8,0,0.2")
    assert stop.value.code == 2
    assert "--split: not allowed with argument --fold" in capsys.readouterr().err
