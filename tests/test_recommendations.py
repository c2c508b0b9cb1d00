"""Lists of items for users."""

import pandas as pd
import pytest
import torch

import recbole_pngnn

TRAIN = [("u1", "a", 5), ("u1", "b", 1), ("u2", "c", 4), ("u2", "d", 2), ("u3", "e", 5)]
VALID = [("u1", "c", 5)]
TEST = [("u1", "d", 5), ("u2", "a", 4)]  # u3 is not in it
ITEMS = "item_id:token\tmovie_title:token_seq\trelease_year:token\n" + "".join(
    f"{item}\tTitle {item}\t{year}\n"
    for item, year in zip("abcd", (1990, 1991, 1992, ""), strict=True)
)


@pytest.fixture
def train(atomic):
    def run(model="PNGNN", rows=TRAIN, **files):
        atomic("d", rows, VALID, TEST, **files)
        options = {"data_path": "dataset", "epochs": 2, "topk": [1], "show_progress": False}
        options["metrics"] = ["Recall"]
        options["valid_metric"] = "Recall@1"
        return recbole_pngnn.run(model, "d", config_dict=options)["checkpoint"]

    return run


def test_lists_hold_what_was_not_rated_best_first(train):
    checkpoint = train(item=ITEMS)
    lists = recbole_pngnn.recommend(checkpoint)
    assert list(lists.columns) == ["user_id", "rank", "item_id", "score", "title"]
    by_user = {user: group for user, group in lists.groupby("user_id", sort=False)}
    assert list(by_user) == ["u1", "u2", "u3"]
    # Rated in training or validation, liked or not, is left out; what is to be found is not.
    assert {user: set(group["item_id"]) for user, group in by_user.items()} == {
        "u1": {"d", "e"},
        "u2": {"a", "b", "e"},
        "u3": {"a", "b", "c", "d"},
    }
    _, model, dataset, *_ = recbole_pngnn.load_data_and_model(checkpoint)
    model.eval()
    for user, group in by_user.items():
        assert group["rank"].tolist() == list(range(1, len(group) + 1))
        assert group["score"].is_monotonic_decreasing
        ids = dataset.token2id("item_id", group["item_id"].to_numpy())
        batch = {
            "user_id": torch.full((len(ids),), dataset.token2id("user_id", user)),
            "item_id": torch.as_tensor(ids),
        }
        scores = model.predict(batch).detach()
        torch.testing.assert_close(torch.tensor(group["score"].tolist()), scores)
    titles = dict(zip(lists["item_id"], lists["title"], strict=True))
    assert titles == {
        "a": "Title a (1990)",
        "b": "Title b (1991)",
        "c": "Title c (1992)",
        "d": "Title d",
        "e": "",
    }


def test_users_asked_for_in_their_order_and_k(train):
    lists = recbole_pngnn.recommend(train(), ["u3", "u1", "u3"], k=1)
    assert lists["user_id"].tolist() == ["u3", "u1"]
    assert "title" not in lists


def test_unknown_users_are_reported_and_the_others_served(train, caplog):
    lists = recbole_pngnn.recommend(train(), ["x", "u2", "[PAD]"])
    assert set(lists["user_id"]) == {"u2"}
    assert lists.attrs["unknown_users"] == ["x", "[PAD]"]
    assert "2 unknown user(s) left out: x, [PAD]" in caplog.text


def test_nobody_known_is_an_error(train):
    with pytest.raises(ValueError, match=r"none of the users asked for is in d: \['x'\]"):
        recbole_pngnn.recommend(train(), ["x"])


def test_a_list_has_an_item_at_least():
    with pytest.raises(ValueError, match="k must be at least 1, found 0"):
        recbole_pngnn.recommend("any.pth", k=0)


def test_a_user_without_training_rows_is_served_with_a_warning(train, caplog):
    checkpoint = train(rows=[row for row in TRAIN if row[0] != "u2"])
    lists = recbole_pngnn.recommend(checkpoint, ["u2"])
    assert set(lists["item_id"]) == set("abcde")
    assert "1 user(s) have no training interaction" in caplog.text


def test_augmented_items_are_recommended(atomic):
    train = [(*row, "observed") for row in TRAIN] + [("u1", "e", 5, "llm")]
    atomic("d", train, [(*row, "observed") for row in VALID], [(*row, "observed") for row in TEST])
    options = {"data_path": "dataset", "epochs": 1, "topk": [1], "show_progress": False}
    options["valid_metric"] = "NDCG@1"
    checkpoint = recbole_pngnn.run("PNGNN", "d", config_dict=options)["checkpoint"]
    assert set(recbole_pngnn.recommend(checkpoint, ["u1"])["item_id"]) == {"d", "e"}


@pytest.mark.parametrize("model", ["EASE", "BPR", "NeuMF"])  # NeuMF scores pairs alone
def test_stock_models(train, model):
    lists = recbole_pngnn.recommend(train(model))
    assert {user: set(group) for user, group in lists.groupby("user_id")["item_id"]} == {
        "u1": {"d", "e"},
        "u2": {"a", "b", "e"},
        "u3": {"a", "b", "c", "d"},
    }


def test_all_users_of_ml_100k():
    options = {"epochs": 1, "show_progress": False}
    record = recbole_pngnn.run("PNGNN", "ml-100k", config_dict=options)
    lists = recbole_pngnn.recommend(record["checkpoint"], k=5)
    assert lists.groupby("user_id").size().eq(5).all()
    assert lists["user_id"].nunique() == record["users"] == 943
    assert isinstance(lists["title"], pd.Series)
    assert lists["title"].str.contains(r"\(19\d\d\)$").mean() > 0.95
