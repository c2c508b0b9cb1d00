"""Masks under RecBole's filters: whatever they take out, what was rated is masked."""

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from recbole.data import create_dataset, data_preparation

from recbole_pngnn.recommendations import top_lists

USERS, ITEMS = [f"u{n}" for n in range(6)], [f"i{n}" for n in range(8)]
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "val_interval": st.sampled_from(
            [
                {"rating": "[4,inf)"},
                {"rating": "(-inf,2];[4,4]"},
                {"timestamp": "[3,inf)"},
                {"weight": "(0.5,inf)"},
                {"country": ["x"]},
                {"genre": ["g", "h"]},
            ]
        ),
        "filter_inter_by_user_or_item": st.just(True),
        "rm_dup_inter": st.sampled_from(["first", "last"]),
        "user_inter_num_interval": st.sampled_from(["[2,inf)", "[1,7)"]),
        "item_inter_num_interval": st.sampled_from(["[2,inf)", "[1,5)"]),
        "unused_col": st.just({"inter": ["timestamp", "weight"]}),
    },
)
COLUMNS = {
    "inter": ["user_id", "item_id", "rating", "timestamp", "weight"],
    "user": ["user_id", "country"],
    "item": ["item_id", "genre"],
}


@st.composite
def interactions(draw):
    pairs = draw(st.lists(st.sampled_from([(u, i) for u in USERS for i in ITEMS]), min_size=20))
    rating, time = st.integers(1, 5), st.integers(0, 6)
    return [(u, i, draw(rating), draw(time), draw(st.sampled_from([0.1, 1]))) for u, i in pairs]


class Likes:
    """Scores items alike, so that lists are all that is not masked."""

    def __init__(self, n_items):
        self.n_items = n_items

    def full_sort_predict(self, interaction):
        return torch.zeros(len(interaction), self.n_items)


def write(folder, rows, users, items):
    folder.mkdir(parents=True, exist_ok=True)
    head = "user_id:token\titem_id:token\trating:float\ttimestamp:float\tweight:float"
    lines = [head, *("\t".join(map(str, row)) for row in rows)]
    (folder / "d.inter").write_text("\n".join(lines) + "\n")
    lines = ["user_id:token\tcountry:token", *(f"{u}\t{'xy'[n % 2]}" for n, u in enumerate(users))]
    (folder / "d.user").write_text("\n".join(lines) + "\n")
    lines = ["item_id:token\tgenre:token", *(f"{i}\t{'ghk'[n % 3]}" for n, i in enumerate(items))]
    (folder / "d.item").write_text("\n".join(lines) + "\n")


def external(dataset, users, items):
    return set(
        zip(
            dataset.id2token("user_id", users).tolist(),
            dataset.id2token("item_id", items).tolist(),
            strict=True,
        )
    )


@settings(
    max_examples=15,  # of a Config and a dataset each
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=interactions(), filters=FILTERS)
def test_nothing_that_was_rated_before_is_sampled_ranked_or_recommended(
    rows, filters, own_folder, make_config
):
    write(own_folder / "dataset" / "d", rows, USERS[:5], ITEMS[:7])
    config = make_config("BPR", "d", load_col=COLUMNS, topk=[1], **filters)
    try:
        dataset = create_dataset(config)
        loaders = data_preparation(config, dataset)
    except ValueError:  # too little is left to train or to measure
        return
    kept_users, kept_items = (dataset.field2id_token[f].tolist() for f in ("user_id", "item_id"))
    as_read = {(u, i) for u, i, *_ in rows if u in kept_users and i in kept_items}
    parts = [loader._dataset for loader in loaders]
    rated = [external(dataset, *part.rated.T.numpy()) for part in parts]
    assert set.union(*rated) == as_read
    assert sum(map(len, rated)) == len(as_read)  # each in one part

    sampler = loaders[0]._sampler.used_ids
    for user in range(1, dataset.user_num):
        name = kept_users[user]
        assert {(name, kept_items[i]) for i in sampler[user]} == {
            p for p in rated[0] if p[0] == name
        }
    masked_before = rated[0]
    for loader, own in zip(loaders[1:], rated[1:], strict=True):
        for user in loader.uid_list.tolist() if loader else []:
            name = kept_users[user]
            masked = {(name, kept_items[i]) for i in loader.uid2history_item[user].tolist()}
            assert masked == {pair for pair in masked_before if pair[0] == name}
            found = {(name, kept_items[i]) for i in loader.uid2positive_item[user].tolist()}
            assert found <= own
        masked_before = masked_before | own

    config["device"] = "cpu"
    lists = top_lists(
        config, Likes(dataset.item_num), dataset, parts[:2], kept_users[1:], k=len(ITEMS)
    )
    recommended = set(zip(lists["user_id"], lists["item_id"], strict=True))
    assert not recommended & (rated[0] | rated[1])
    everything = {(u, i) for u in kept_users[1:] for i in kept_items[1:]}
    assert recommended == everything - rated[0] - rated[1]


@pytest.mark.parametrize("model", ["BPR", "PNGNN"])
def test_dislikes_that_a_filter_took_out_are_masked_and_not_drawn(own_folder, make_config, model):
    rows = [(u, i, 5 if m % 3 else 1, 1, 1) for u in USERS for m, i in enumerate(ITEMS[:-1])]
    rows.append(("u0", ITEMS[-1], 5, 1, 1))
    write(own_folder / "dataset" / "d", rows, USERS, ITEMS)
    config = make_config(model, "d", val_interval={"rating": "[4,inf)"}, topk=[1])
    dataset = create_dataset(config)
    train, _, test = data_preparation(config, dataset)
    # i0, i3 and i6 lost their only rows with everyone's dislikes, and are not in the catalogue.
    assert sorted(dataset.field2id_token["item_id"][1:]) == ["i1", "i2", "i4", "i5", "i7"]
    assert len(train._dataset.withheld) == 0
    rows[0] = ("u0", "i0", 5, 1, 1)  # now i0 is liked by one
    write(own_folder / "dataset" / "d", rows, USERS, ITEMS)
    config = make_config(model, "d", val_interval={"rating": "[4,inf)"}, topk=[1])
    train, _, test = data_preparation(config, dataset := create_dataset(config))
    withheld = train._dataset.withheld
    assert external(dataset, *withheld.T.numpy()) == {(u, "i0") for u in USERS[1:]}
    i0 = dataset.token2id("item_id", "i0")
    for user in test.uid_list.tolist():
        u0 = dataset.token2id("user_id", "u0")
        assert (i0 in test.uid2history_item[user].tolist()) or user == u0
    if model == "PNGNN":
        network = config.model_class(config, train._dataset)
        assert bool(network.sampler.rated.contains(*withheld.T).all())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"val_interval": "rating"}, r"val_interval"),
        ({"val_interval": {"rating": "[4,inf"}}, r"val_interval.*rating.*\[4,inf"),
        ({"val_interval": {"rating": "[a,5]"}}, r"val_interval.*rating.*\[a,5\]"),
        ({"val_interval": {"stars": "[4,5)"}}, r"names stars, and the columns loaded are user_id,"),
        ({"user_inter_num_interval": 5}, r"user_inter_num_interval"),
        ({"item_inter_num_interval": "[5,"}, r"item_inter_num_interval.*\[5,"),
        ({"user_inter_num_interval": "[99,inf)"}, r"the filters leave no interaction: .*99,inf"),
        ({"val_interval": {"rating": "[9,inf)"}}, r"the filters leave no interaction"),
        ({"rm_dup_inter": "newest"}, r"rm_dup_inter must be .*first"),
        ({"unused_col": {"inter": ["user_id"]}}, r"unused_col .*user_id"),
        ({"unused_col": ["rating"]}, r"unused_col"),
    ],
)
def test_filters_that_recbole_misreads_are_refused(own_folder, make_config, options, message):
    rows = [(u, i, 5, 1, 1) for u in USERS[:3] for i in ITEMS[:4]]
    write(own_folder / "dataset" / "d", rows, USERS, ITEMS)
    with pytest.raises(ValueError, match=message):
        create_dataset(make_config("BPR", "d", **options))


def test_filters_of_data_that_are_split_already_say_that_they_do_nothing(
    atomic, make_config, caplog
):
    atomic("d", [("u", "a", 5), ("v", "b", 5)], [], [("u", "b", 5)])
    create_dataset(make_config("BPR", "d", user_inter_num_interval="[1,9)"))
    assert "user_inter_num_interval is not read: d is split already" in caplog.text


def test_what_filters_take_out_is_told(tmp_path, make_config, caplog):
    rows = [(u, i, 5, 1, 1) for u in USERS for i in ITEMS]
    write(tmp_path / "dataset" / "d", rows, USERS, ITEMS[:5])
    given = {"load_col": COLUMNS, "val_interval": {"country": ["x"]}}
    with caplog.at_level("WARNING"):
        create_dataset(make_config("BPR", "d", filter_inter_by_user_or_item=True, **given))
    (told,) = (r.getMessage() for r in caplog.records if "filters took out" in r.getMessage())
    # 3 of 6 users are of country x, and 5 of 8 items have features.
    assert "took out 33 of 48 interactions (val_interval {'country': ['x']}" in told
    assert "by which what d.user or d.item does not list is left out" in told


def test_unused_columns_of_a_file_that_is_not_loaded(tmp_path, make_config):
    rows = [(u, i, 5, 1, 1) for u in USERS[:4] for i in ITEMS[:5]] + [(USERS[0], "z", 1, 1, 1)]
    write(tmp_path / "dataset" / "d", rows, USERS, ITEMS)
    config = make_config("BPR", "d", unused_col={"item": ["genre"]})
    with pytest.raises(ValueError, match=r"columns of d.item, and none of them is loaded; name"):
        data_preparation(config, create_dataset(config))
