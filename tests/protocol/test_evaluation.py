"""The protocol on data where the right figures are worked out on paper."""

import math

import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.trainer import Trainer
from recbole.utils import InputType

# Every user's ranking before masks.
RANKING = "baedcf"

# Rated above 3.5 is liked. u1 dislikes b in training and e in the test; u2 likes nothing in the
# test; u3 has a test item behind two that it never saw.
TRAIN = [("u1", "a", 5), ("u1", "b", 1), ("u2", "b", 5), ("u2", "c", 2), ("u3", "a", 4)]
TRAIN += [("u4", "f", 4)]
VALID = [("u1", "c", 5)]
TEST = [("u1", "d", 5), ("u1", "e", 1), ("u2", "f", 2), ("u3", "d", 4)]


class FixedScores(GeneralRecommender):
    """Ranks the items of every user as RANKING."""

    input_type = InputType.PAIRWISE

    def __init__(self, config, dataset):
        super().__init__(config, dataset)
        self.unused = torch.nn.Parameter(torch.zeros(1))
        tokens = dataset.field2token_id["item_id"]
        self.scores = torch.full((self.n_items,), -9.0)
        for place, item in enumerate(RANKING):
            if item in tokens:
                self.scores[tokens[item]] = -place

    def full_sort_predict(self, interaction):
        return self.scores.repeat(len(interaction))


@pytest.fixture
def evaluate(atomic, make_config):
    """Evaluate the fixed ranking on a dataset; returns the results of validation and test."""

    def run(train=TRAIN, valid=VALID, test=TEST, **options):
        atomic("hand", train, valid, test)
        options.setdefault("topk", [1, 2, 3])
        config = make_config("BPR", "hand", **options)
        train_data, *others = data_preparation(config, create_dataset(config))
        trainer = Trainer(config, FixedScores(config, train_data._dataset))
        return [trainer.evaluate(data, load_best_model=False) if data else None for data in others]

    return run


@pytest.mark.parametrize("train_interactions", ["liked", "rated"])
def test_metrics_of_the_hand_made_data(evaluate, train_interactions):
    valid, test = evaluate(train_interactions=train_interactions)
    # Test, u1: a, b, c are masked, so e (disliked: a miss), d (a hit), f.
    #       u3: a is masked, so b, e, d (a hit), c, f.   u2 and u4 have nothing to find.
    assert test["precision@1"] == 0
    assert test["precision@2"] == pytest.approx((1 / 2 + 0) / 2)
    assert test["precision@3"] == pytest.approx((1 / 3 + 1 / 3) / 2, abs=1e-6)
    assert test["recall@1"] == 0
    assert test["recall@2"] == pytest.approx((1 + 0) / 2)
    assert test["recall@3"] == 1
    assert test["ndcg@2"] == pytest.approx((1 / math.log2(3) + 0) / 2, abs=1e-6)
    assert test["ndcg@3"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(4)) / 2, abs=1e-6)
    assert test["signauc"] == 0  # u1 alone has both, and e is ahead of d
    # Validation, u1: a and b are masked, so e, d, c (a hit), f; the test's e and d are not.
    assert valid["recall@2"] == 0
    assert valid["recall@3"] == 1
    assert valid["ndcg@3"] == pytest.approx(1 / math.log2(4), abs=1e-6)
    assert math.isnan(valid["signauc"])


def test_a_disliked_training_item_is_masked(evaluate):
    train = [row for row in TRAIN if row != ("u1", "b", 1)]
    _, masked = evaluate()
    _, unmasked = evaluate(train=train)
    # b stands before all others and takes a place of u1's list where it is not masked.
    assert masked["recall@2"] == 0.5
    assert unmasked["recall@2"] == 0


def test_a_disliked_test_item_stays_in_the_ranking_as_a_miss(evaluate):
    _, with_it = evaluate()
    _, without = evaluate(test=[row for row in TEST if row != ("u1", "e", 1)])
    # The item is in the catalogue through the data alone, so without the row it is gone.
    assert with_it["precision@1"] == 0
    assert without["precision@1"] == 0.5


def test_a_user_without_liked_test_items_is_left_out(evaluate):
    _, without = evaluate()
    _, with_one = evaluate(test=[*TEST[:2], ("u2", "f", 5), TEST[3]])
    # u2: b and c are masked, so a, e, d before f: a third user without a hit.
    assert with_one["recall@2"] == pytest.approx(without["recall@2"] * 2 / 3, abs=1e-6)


def observed(rows):
    return [(*row, "observed") for row in rows]


def test_a_right_augmented_pick_is_not_masked(evaluate):
    train = [*observed(TRAIN), ("u3", "b", 5, "llm")]
    _, test = evaluate(train, observed(VALID), observed([*TEST, ("u3", "b", 5)]))
    # u3: b and d are to be found, and b leads the list although it was trained on.
    assert test["precision@1"] == pytest.approx((0 + 1) / 2)
    assert test["recall@1"] == pytest.approx((0 + 1 / 2) / 2)


def test_a_wrong_augmented_pick_takes_its_place_in_the_ranking(evaluate):
    _, plain = evaluate()
    _, test = evaluate([*observed(TRAIN), ("u3", "b", 5, "llm")], observed(VALID), observed(TEST))
    assert test == plain


def test_augmented_rows_measure_nothing(evaluate):
    with pytest.raises(ValueError, match=r"test part holds 1 augmented interaction"):
        evaluate(observed(TRAIN), observed(VALID), [*observed(TEST), ("u4", "a", 5, "llm")])


def test_without_a_validation_part(evaluate):
    valid, test = evaluate(valid=[])
    assert valid is None
    # u1: c is no longer rated, and ranks behind d.
    assert test["recall@2"] == pytest.approx(1 / 2)


def test_two_files_are_train_and_test(evaluate):
    _, test = evaluate(valid=[], benchmark_filename=["train", "test"])
    assert test["recall@2"] == pytest.approx(1 / 2)


def test_another_number_of_files_is_an_error(evaluate):
    with pytest.raises(ValueError, match=r"two parts .* or three .* found \['train'\]"):
        evaluate(benchmark_filename=["train"])


def test_lists_longer_than_the_catalogue_are_an_error(evaluate):
    with pytest.raises(ValueError, match="lists of 7 items, and the dataset has 6"):
        evaluate(topk=[1, 7])


def test_inert_without_like_threshold(evaluate):
    _, stock = evaluate(like_threshold=None, metrics=["Precision", "Recall", "NDCG"])
    # RecBole: every row is to be found. u1 {d, e}, u2 {f}, u3 {d}; the masks are the same here.
    assert stock["precision@1"] == pytest.approx((1 + 0 + 0) / 3, abs=1e-6)
    assert stock["recall@3"] == pytest.approx((1 + 0 + 1) / 3, abs=1e-6)


def test_a_part_without_likes_is_an_error(evaluate):
    with pytest.raises(ValueError, match="test part has no liked interaction among its 1"):
        evaluate(test=[("u1", "e", 1)])


def test_a_user_who_rated_everything_is_not_trained_on(evaluate, caplog):
    # Nobody else has e in training, so it would be this user's alone.
    train = [*TRAIN, *[("u4", item, 4) for item in "abcde"]]
    assert str(evaluate(train=train)) == str(evaluate())
    assert "1 user(s) rated all 6 items in training (user_id u4)" in caplog.text


def test_users_who_rated_everything_alone_are_an_error(evaluate):
    train = [(user, item, 4) for user in ("u1", "u2") for item in "abc"]
    with pytest.raises(ValueError, match=r"2 user\(s\) .*user_id u1, u2\).*nothing liked is left"):
        evaluate(train=train, valid=[], test=[("u3", "a", 5)], topk=[1])
