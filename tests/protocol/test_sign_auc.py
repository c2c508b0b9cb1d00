"""SignAUC against counting pairs one by one."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recbole.data import create_dataset, data_preparation

from recbole_pngnn.protocol.sign_auc import liked_disliked_auc


def by_counting(scores, liked, disliked):
    if not liked or not disliked:
        return math.nan
    wins = [
        (scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j]) for i in liked for j in disliked
    ]
    return sum(wins) / len(wins)


@given(st.data())
def test_equals_counting_pairs(data):
    n_items = data.draw(st.integers(2, 9))
    # Few distinct scores, so that ties occur.
    levels = st.sampled_from([-math.inf, -1.0, 0.0, 0.5, 2.0])
    rows = data.draw(
        st.lists(
            st.tuples(
                st.lists(levels, min_size=n_items, max_size=n_items),
                st.lists(st.sampled_from(["liked", "disliked", "unknown"]), min_size=n_items),
            ),
            min_size=1,
            max_size=5,
        )
    )
    signs = [[None, *sign[1:n_items]] for _, sign in rows]  # item 0 is padding
    liked = [[i for i, s in enumerate(sign) if s == "liked"] for sign in signs]
    disliked = [[i for i, s in enumerate(sign) if s == "disliked"] for sign in signs]
    found = liked_disliked_auc(
        torch.tensor([row_scores for row_scores, _ in rows]), *pairs(liked), *pairs(disliked)
    )
    expected = [
        by_counting(scores, *signs)
        for (scores, _), *signs in zip(rows, liked, disliked, strict=True)
    ]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def pairs(items_of_rows):
    flat = [(row, item) for row, items in enumerate(items_of_rows) for item in items]
    return torch.tensor(flat, dtype=torch.int64).view(-1, 2).unbind(dim=1)


def test_items_that_score_infinity_are_a_tie():
    scores = torch.tensor([[0.0, math.inf, math.inf]])
    assert liked_disliked_auc(scores, *pairs([[1]]), *pairs([[2]])).tolist() == [0.5]


def test_a_user_with_many_dislikes_costs_no_room_for_the_others(atomic, make_config):
    few = [(f"u{n}", f"i{n % 7}", 2 + 3 * (n % 2)) for n in range(60)]
    many = [("glutton", f"i{n}", 5 if n == 200 else 1) for n in range(300)]
    train = [(f"u{n}", f"i{n}", 5) for n in range(300)] + [("glutton", "j", 5)]
    atomic("d", train, [], few + many)
    config = make_config("Pop", "d", metrics=["Hit", "SignAUC"], topk=[1])
    *_, loader = data_preparation(config, create_dataset(config))
    held = sum(part.size for part in vars(loader._disliked).values() if part.dtype != object)
    assert held < 2000  # 61 users times 299 items are 18,239
    batches = list(loader)
    dataset, found = loader._dataset, set()
    for batch, *_ in batches:
        rows, items = batch.disliked_items
        users = dataset.id2token("user_id", batch["user_id"][rows].numpy())
        found |= set(zip(users, dataset.id2token("item_id", items.numpy()), strict=True))
    # Users without a liked item are not evaluated.
    asked = {user for user, _, rating in few + many if rating > 3.5}
    assert found == {(u, i) for u, i, rating in few + many if rating <= 3.5 and u in asked}


def test_needs_like_threshold(atomic, make_config):
    atomic("d", [("u", "a", 5), ("v", "b", 5), ("v", "c", 5)], [], [("u", "b", 5)])
    config = make_config("BPR", "d", like_threshold=None, topk=[1])
    message = r"SignAUC needs like_threshold.*metrics: \[Precision, Recall, NDCG\], or set"
    with pytest.raises(ValueError, match=message):
        data_preparation(config, create_dataset(config))
