"""Data with labels of their own: a column of them, or RecBole's ``threshold``."""

import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, init_seed

import recbole_pngnn
from recbole_pngnn.cli import main

MODELS = {
    "dual_bpr": ("PNGNN", {"embedding_size": 4, "n_samples": 3, "epochs": 1}),
    "dual_softmax": (
        "PNGNN",
        {
            "loss": "dual_softmax",
            "negative_graph": "sign",
            "item_item_weight": 0.1,
            "item_item_train_weight": 0.1,
            "embedding_size": 4,
            "epochs": 1,
            "rating_slope": 1.4,
        },
    ),
    "SiReN": ("SiReN", {"embedding_size": 4, "n_samples": 3, "epochs": 1}),
    "SignedEASE": ("SignedEASE", {"rating_slope": 1.4}),
}
SPLIT = {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "RO", "group_by": "user", "mode": "full"}
COLUMN = {
    "LABEL_FIELD": "mark",
    "like_threshold": None,
    "load_col": {"inter": ["user_id", "item_id", "mark"]},
}
THRESHOLD = {
    "threshold": {"rating": 3},
    "like_threshold": None,
    "load_col": {"inter": ["user_id", "item_id", "rating"]},
}
MARKED = {**COLUMN, "like_threshold": {"mark": 0.5}}


@pytest.fixture
def data(tmp_path):
    """Ratings of 1 to 5 and marks of 0 and 1 that say the same: liked from 3 up."""
    folder = tmp_path / "dataset" / "marks"
    folder.mkdir(parents=True)
    rows = [
        (user, item, 1 + (user * 7 + item * 3) % 5)
        for user in range(12)
        for item in range(15)
        if (user + item) % 4
    ]

    def write(columns="user_id:token\titem_id:token\trating:float\tmark:float", mark=None):
        lines = [f"u{u}\ti{i}\t{r}\t{mark or int(r >= 3)}" for u, i, r in rows]
        text = "\n".join([columns, *lines]) + "\n"
        (folder / "marks.inter").write_text(text, encoding="utf-8")

    write()
    return write


@pytest.fixture
def build(data, make_config):
    def build_model(name, **options):
        model, own = MODELS[name]
        config = make_config(model, "marks", **{"eval_args": SPLIT, "topk": [1], **own, **options})
        config["valid_metric"] = "NDCG@1"
        init_seed(1, True)
        loader, *_ = data_preparation(config, create_dataset(config))
        return get_model(model)(config, loader._dataset), loader._dataset

    return build_model


def liked_pairs(dataset):
    rows = dataset.inter_feat
    label = rows[dataset.label_field] > 0
    names = (
        dataset.id2token("user_id", rows["user_id"]),
        dataset.id2token("item_id", rows["item_id"]),
    )
    return dict(zip(zip(*names, strict=True), label.tolist(), strict=True))


@pytest.mark.parametrize("protocol", ["signed", "recbole"])
@pytest.mark.parametrize("labels", [COLUMN, THRESHOLD], ids=["column", "threshold"])
@pytest.mark.parametrize("name", MODELS)
def test_it_trains_and_measures(data, name, labels, protocol):
    model, options = MODELS[name]
    options = {
        **options,
        **labels,
        "protocol": protocol,
        "data_path": "dataset",
        "eval_args": SPLIT,
        "metrics": ["Recall", "NDCG"],
        "topk": [3],
        "valid_metric": "NDCG@3",
        "show_progress": False,
    }
    record = recbole_pngnn.run(model, "marks", config_dict=options)
    assert set(record["test_result"]) == {"recall@3", "ndcg@3"}


@pytest.mark.parametrize("name", MODELS)
def test_three_ways_to_say_the_same(build, name):
    plain = {"metrics": ["NDCG"]}
    column, of_column = build(name, **COLUMN, **plain)
    threshold, of_threshold = build(name, **THRESHOLD, **plain)
    marked, of_marked = build(name, **MARKED)
    # Parts are drawn alike, but under like_threshold others are dropped from what is measured.
    signs = liked_pairs(of_column)
    assert signs == liked_pairs(of_threshold)
    assert set(signs.values()) == {True, False}
    assert liked_pairs(of_marked).items() <= {**signs, **liked_pairs(of_marked)}.items()
    for model in (column, threshold, marked):  # and no rating is stronger than another
        if name == "dual_softmax":
            weights = model.softmax.targets._weights
            assert sorted(set(weights.tolist())) == pytest.approx([0.3, 1.0])
        elif name == "SignedEASE":
            weights = model._regression._history._weights
            assert sorted(set(weights.tolist())) == pytest.approx([0.3, 1.0])
    if name == "SignedEASE":
        assert torch.equal(column.item_weights, threshold.item_weights)


def test_ratings_beside_the_labels_say_how_strong(build):
    columns = {"inter": ["user_id", "item_id", "mark", "rating"]}
    model, _ = build("SignedEASE", **{**COLUMN, "load_col": columns, "metrics": ["NDCG"]})
    strengths = torch.exp(1.4 * (torch.arange(1, 6) - 5) / 4)
    strengths[:2] *= 0.3
    found = sorted(set(model._regression._history._weights.tolist()))
    assert found == pytest.approx(strengths.tolist())


@pytest.mark.parametrize("name", ["dual_bpr", "SignedEASE"])
@pytest.mark.parametrize(
    ("columns", "mark", "message"),
    [
        ("mark:token", None, "neither 0 nor 1.*write mark:float in the header"),
        ("mark:float", "2", r"\d+ label\(s\) in the column mark are neither 0 nor 1.* 2:"),
        ("other:float", None, "has no labels; set like_threshold.*load_col: {inter: "),
    ],
)
def test_other_labels_are_no_signs(build, data, name, columns, mark, message):
    data(f"user_id:token\titem_id:token\trating:float\t{columns}", mark)
    options = COLUMN
    if columns.startswith("other"):
        options = {**COLUMN, "load_col": {"inter": ["user_id", "item_id"]}}
    with pytest.raises(ValueError, match=message):
        build(name, **options, metrics=["NDCG"])


def test_a_mistake_is_one_line(data, capsys):
    arguments = ["run", "--model=PNGNN", "--dataset=marks", "--data_path=dataset"]
    arguments += ["--like_threshold=None", "--topk=[3]", "--valid_metric=NDCG@3"]
    assert main(arguments) == 2
    *_, error = capsys.readouterr().err.strip().splitlines()
    assert error.startswith("error: the metric SignAUC needs like_threshold, which is not set")
    assert "metrics: [Precision, Recall, NDCG]" in error
