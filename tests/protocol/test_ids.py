"""Ids are names: what pandas takes for a missing value is one too."""

import pandas as pd
import pytest
from recbole.data import create_dataset

from recbole_pngnn.cli import main

WORDS = ["NA", "nan", "null", "None", "N/A", "[PAD]"]
RUN = ["run", "--model=BPR", "--dataset=d", "--data_path=dataset", "--epochs=1", "--topk=[1]"]


@pytest.fixture
def named(atomic):
    rows = [(word, f"i{n % 4}", 5) for n, word in enumerate(WORDS)]
    rows += [("u", word, 4) for word in WORDS] + [("", "i1", 5), ("u", "", 5), ("u", "i1", 2)]
    items = "item_id:token\tprice:float\n" + "".join(
        f"{name}\t{n}\n" for n, name in enumerate([*WORDS, *(f"i{n}" for n in range(4))])
    )
    return atomic("d", rows, [], [("nan", "NA", 5)], item=items)


def test_words_for_nothing_are_ids_and_an_empty_cell_is_none(named, make_config):
    columns = {"inter": ["user_id", "item_id", "rating"], "item": ["item_id", "price"]}
    dataset = create_dataset(make_config("BPR", "d", load_col=columns, state="WARNING"))
    assert set(dataset.field2id_token["user_id"]) == {*WORDS, "u"}
    assert set(WORDS) < set(dataset.field2id_token["item_id"])
    assert dataset.inter_num == 2 * len(WORDS) + 2
    prices = dataset.item_feat["price"][dataset.token2id("item_id", WORDS)]
    assert prices.tolist() == list(range(len(WORDS)))


def test_they_are_served(named, tmp_path):
    assert main([*RUN, "--valid_metric=NDCG@1", "--show_progress=False"]) == 0
    (checkpoint,) = (
        file
        for file in (tmp_path / "output" / "checkpoints").iterdir()
        if not file.name.endswith(".last.pth")
    )
    output = tmp_path / "lists.csv"
    users = "--users=" + ",".join(WORDS)
    assert main(["recommend", f"--checkpoint={checkpoint}", users, f"--output={output}"]) == 0
    lists = pd.read_csv(output, dtype=str, keep_default_na=False)
    assert list(lists["user_id"].unique()) == WORDS
    rated = {(word, f"i{n % 4}") for n, word in enumerate(WORDS)}
    assert not rated & set(zip(lists["user_id"], lists["item_id"], strict=True))
