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
    width = max(map(len, disliked))
    found = liked_disliked_auc(
        torch.tensor([row_scores for row_scores, _ in rows]),
        torch.tensor([row for row, items in enumerate(liked) for _ in items], dtype=torch.int64),
        torch.tensor([item for items in liked for item in items], dtype=torch.int64),
        torch.tensor([[*items, *[0] * (width - len(items))] for items in disliked]).long(),
    )
    expected = [
        by_counting(scores, *signs)
        for (scores, _), *signs in zip(rows, liked, disliked, strict=True)
    ]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_an_item_that_scores_infinity_is_not_taken_for_padding():
    auc = liked_disliked_auc(
        torch.tensor([[0.0, math.inf, math.inf]]),
        torch.tensor([0]),
        torch.tensor([1]),
        torch.tensor([[2, 0]]),
    )
    assert auc.tolist() == [0.5]


def test_needs_like_threshold(atomic, make_config):
    atomic("d", [("u", "a", 5), ("v", "b", 5), ("v", "c", 5)], [], [("u", "b", 5)])
    config = make_config("BPR", "d", like_threshold=None, topk=[1])
    with pytest.raises(ValueError, match="SignAUC needs like_threshold"):
        data_preparation(config, create_dataset(config))
