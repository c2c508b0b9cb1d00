"""Labels, parts, masks and caches of the dataset, on RecBole's ml-100k and by hand."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import recbole
import torch
from recbole.data import create_dataset, data_preparation
from recbole.utils import init_seed

ML_100K = Path(recbole.__file__).parent / "dataset_example" / "ml-100k" / "ml-100k.inter"


@pytest.fixture(scope="module")
def ratings():
    frame = pd.read_csv(ML_100K, sep="\t", dtype=str)
    frame.columns = [column.split(":")[0] for column in frame.columns]
    return {(row.user_id, row.item_id): float(row.rating) for row in frame.itertuples()}


def pairs(dataset, rows):
    """External ids of the user and item of each row, ``(n, 2)`` internal ids."""
    users = dataset.id2token("user_id", rows[:, 0].numpy())
    items = dataset.id2token("item_id", rows[:, 1].numpy())
    return list(zip(users.tolist(), items.tolist(), strict=True))


def shown(part):
    return torch.stack([part.inter_feat["user_id"], part.inter_feat["item_id"]], dim=1)


@pytest.mark.parametrize("train_interactions", ["liked", "rated"])
def test_parts_of_a_ratio_split(make_config, ratings, train_interactions):
    config = make_config("BPR", "ml-100k", train_interactions=train_interactions)
    dataset = create_dataset(config)
    loaders = data_preparation(config, dataset)
    parts = [loader._dataset for loader in loaders]
    rated = [pairs(dataset, part.rated) for part in parts]
    # A partition of all ratings, 80 / 10 / 10 for each user.
    assert sorted(itertools.chain(*rated)) == sorted(ratings)
    sizes = np.array([len(rows) for rows in rated]) / len(ratings)
    assert sizes == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    for phase, part, rows in zip(["train", "valid", "test"], parts, rated, strict=True):
        liked = {pair for pair in rows if ratings[pair] > 3.5}
        assert set(pairs(dataset, part.disliked)) == set(rows) - liked
        both = phase == "train" and train_interactions == "rated"
        assert sorted(pairs(dataset, shown(part))) == sorted(rows if both else liked)
        labels = part.inter_feat["label"].tolist()
        assert labels == [float(ratings[pair] > 3.5) for pair in pairs(dataset, shown(part))]


@pytest.mark.parametrize("ratios", [[0.8, 0.0, 0.2], [0.8, 0.2]])
def test_a_ratio_split_without_validation(make_config, ratings, ratios):
    split = {"split": {"RS": ratios}, "group_by": "user", "order": "RO", "mode": "full"}
    config = make_config("BPR", "ml-100k", eval_args=split)
    train, valid, test = data_preparation(config, create_dataset(config))
    assert not valid
    sizes = [len(loader._dataset.rated) / len(ratings) for loader in (train, test)]
    assert sizes == pytest.approx([0.8, 0.2], abs=0.01)


def test_masks_of_a_ratio_split(make_config, ratings):
    config = make_config("BPR", "ml-100k")
    dataset = create_dataset(config)
    train, valid, test = data_preparation(config, dataset)
    rated = {}
    for phase, loader in (("train", train), ("valid", valid), ("test", test)):
        rated[phase] = loader._dataset.rated
    for loader, earlier in ((valid, ["train"]), (test, ["train", "valid"])):
        masked, found = [], []
        for row, user in enumerate(loader.uid_list.tolist()):
            masked += [(user, item) for item in loader.uid2history_item[user].tolist()]
            found += [(user, item) for item in loader.uid2positive_item[user].tolist()]
            assert len(loader.uid2positive_item[user]) == loader.uid2items_num[user], row
        users = set(loader.uid_list.tolist())
        rows = [tuple(pair) for phase in earlier for pair in rated[phase].tolist()]
        assert sorted(masked) == sorted(pair for pair in rows if pair[0] in users)
        part = loader._dataset
        assert sorted(found) == sorted(map(tuple, shown(part).tolist()))


def test_popularity_counts_the_training_part_alone(make_config):
    options = {"distribution": "popularity", "sample_num": 1, "alpha": 1.0}
    config = make_config("BPR", "ml-100k", train_neg_sample_args=options)
    train, *_ = data_preparation(config, create_dataset(config))
    items = train._dataset.inter_feat["item_id"].tolist()
    assert sorted(train._sampler._get_candidates_list()) == sorted(items)


def test_labels_are_made_before_normalisation(make_config, ratings):
    config = make_config("BPR", "ml-100k", normalize_all=True)
    dataset = create_dataset(config)
    assert dataset.inter_feat["rating"].max() == 1.0
    n_liked = sum(rating > 3.5 for rating in ratings.values())
    assert int(dataset.inter_feat["label"].sum()) == n_liked


def test_likes_alone_stay_likes_through_normalisation(atomic, make_config):
    atomic("d", [("u", "a", 5), ("v", "b", 4)], [], [("u", "b", 4)])
    config = make_config("BPR", "d", normalize_all=True)
    dataset = create_dataset(config)
    assert dataset.inter_feat["label"].tolist() == [1.0, 1.0, 1.0]


def test_a_cached_dataset_is_not_served_for_another_threshold(make_config):
    liked = {}
    for value in (3.5, 2.5, 3.5):
        config = make_config("BPR", "ml-100k", like_threshold={"rating": value}, save_dataset=True)
        n_liked = int((create_dataset(config).inter_feat["label"] > 0).sum())
        assert liked.setdefault(value, n_liked) == n_liked
    assert liked[2.5] > liked[3.5]


def test_cached_dataloaders_are_not_served_for_another_split_or_signs(make_config):
    sizes = {}
    for ratios, signs in (
        ([0.8, 0.1, 0.1], "liked"),
        ([0.6, 0.2, 0.2], "liked"),
        ([0.8, 0.1, 0.1], "rated"),
        ([0.8, 0.1, 0.1], "liked"),
    ):
        config = make_config(
            "BPR",
            "ml-100k",
            eval_args={"split": {"RS": ratios}, "group_by": "user", "order": "RO", "mode": "full"},
            train_interactions=signs,
            save_dataloaders=True,
        )
        init_seed(2020, True)
        train, valid, _ = data_preparation(config, create_dataset(config))
        size = (len(train._dataset), len(valid._dataset))
        assert sizes.setdefault((ratios[0], signs), size) == size
    assert len(set(sizes.values())) == 3


def test_a_cached_dataset_is_not_served_for_changed_files(atomic, make_config):
    rows = [("u", "a", 5), ("v", "b", 5)]
    for train in (rows, [*rows, ("v", "a", 1)]):
        atomic("d", train, [], [("u", "b", 5)])
        config = make_config("BPR", "d", save_dataset=True)
        assert len(create_dataset(config).inter_feat) == len(train) + 1


def test_missing_values_and_duplicates_of_pre_split_files(atomic, make_config, caplog):
    train = [("u", "a", 5), ("u", "b", ""), ("v", "b", 5), ("v", "b", 2), ("v", "c", 4)]
    atomic("d", train, [], [("u", "c", 5)])
    config = make_config("BPR", "d", train_interactions="rated", topk=[1])
    dataset = create_dataset(config)
    train_data, _, test_data = data_preparation(config, dataset)
    rows = pairs(dataset, shown(train_data._dataset))
    labels = train_data._dataset.inter_feat["label"].tolist()
    found = dict(zip(rows, labels, strict=True))
    assert found == {("u", "a"): 1.0, ("v", "b"): 0.0, ("v", "c"): 1.0}
    assert pairs(dataset, shown(test_data._dataset)) == [("u", "c")]
    assert "dropped 1 interaction(s) without a value of rating" in caplog.text
    assert "dropped 1 interaction(s) whose user and item occur again" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"like_threshold": {"rating": 5}}, r"5 leaves no liked interactions; rating spans \[1, 5"),
        (
            {"like_threshold": {"stars": 3}},
            "no column stars .like_threshold., only user_id, item_id",
        ),
        ({"like_threshold": 3.5}, "must be one field and its value.*found 3.5"),
        ({"like_threshold": {"rating": "x"}}, "of rating must be a finite number, found 'x'"),
        ({"like_threshold": {"rating": 3, "b": 1}}, "must be one field and its value"),
        (
            {"threshold": {"rating": 3}},
            r"set only one of them \(--threshold=None or --like_threshold=None",
        ),
        ({"train_interactions": "all"}, "train_interactions must be one of liked, rated"),
    ],
)
def test_options_that_cannot_be_used(make_config, options, message):
    with pytest.raises(ValueError, match=message):
        data_preparation(config := make_config("BPR", "ml-100k", **options), create_dataset(config))


def test_a_dataset_that_an_earlier_version_saved_is_told(make_config, atomic):
    """It does not hold what its filters took out, so masks would lack it."""
    atomic("d", [("u", "a", 5), ("v", "b", 1)], [], [("u", "b", 5)])
    dataset = create_dataset(make_config("BPR", "d", topk=[1]))
    del dataset.withheld
    with pytest.raises(ValueError, match=r"saved dataset of d is of an earlier version.*remove it"):
        dataset.build()
