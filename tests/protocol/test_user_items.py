"""Sets of items by user, against Python's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recbole.data import create_dataset, data_preparation
from recbole.data.dataloader import FullSortEvalDataLoader

from recbole_pngnn.protocol.user_items import UserItems


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40), st.data())
def test_they_are_the_sets(pairs, data):
    expected = [{item for user, item in pairs if user == u} for u in range(6)]
    found = UserItems(np.array(pairs, dtype=np.int64).reshape(-1, 2), 6)
    users = data.draw(st.lists(st.integers(0, 5), max_size=8))
    rows, items = found.of(np.array(users, dtype=np.int64))
    by_row = [sorted(items[rows == row].tolist()) for row in range(len(users))]
    assert by_row == [sorted(expected[user]) for user in users]
    assert found.counts.tolist() == [len(items) for items in expected]
    # As RecBole indexes it: a user, users in an array, all of them, none.
    for user in data.draw(st.permutations(range(6))):
        assert found[user] == expected[user]
        assert found[np.int64(user)] - {1} == expected[user] - {1}
    assert found[np.array(users, dtype=np.int64)].tolist() == [expected[u] for u in users]
    assert list(found) == expected
    assert len(found) == 6
    assert found[-1] == expected[5]
    found[None]
    with pytest.raises(IndexError):
        found[6]
    with pytest.raises(IndexError):
        found[np.array([0, 6])]


def test_the_loader_masks_what_recboles_masks(atomic, make_config):
    rng = np.random.default_rng(3)
    rated = rng.permutation(np.argwhere(rng.random((12, 20)) < 0.5)).tolist()
    rows = [(f"u{u}", f"i{i}", int(rng.integers(1, 6))) for u, i in rated]
    atomic("d", rows[:70], rows[70:90], rows[90:])
    config = make_config("Pop", "d", topk=[1])
    for loader in data_preparation(config, create_dataset(config))[1:]:
        theirs = FullSortEvalDataLoader(config, loader._dataset, loader._sampler)
        assert theirs.uid_list.tolist() == loader.uid_list.tolist()
        for user in loader.uid_list.tolist():
            for name in ("uid2history_item", "uid2positive_item"):
                own, other = getattr(loader, name)[user], getattr(theirs, name)[user]
                assert own.dtype == other.dtype
                assert sorted(own.tolist()) == sorted(other.tolist())
            assert loader.uid2items_num[user] == theirs.uid2items_num[user]
