"""RecBole itself reads what was written, row by row."""

import numpy as np
import pytest
from recbole.config import Config
from recbole.data import create_dataset


def load(name, **options):
    options = {"data_path": "out", "show_progress": False, **options}
    return create_dataset(Config(model="PNGNN", dataset=name, config_dict=options))


def rows_of(dataset, fields=("user_id", "item_id", "rating")):
    feat = dataset.inter_feat
    columns = [
        [f"{number:.10g}" for number in feat[field].tolist()]
        if dataset.field2type[field].value == "float"
        else dataset.id2token(field, np.asarray(feat[field])).tolist()
        for field in fields
    ]
    return sorted(zip(*columns, strict=True))


def test_ratings_of_movielens(prepare, zipped, movielens):
    words = ("--name", "tiny", "--split", "0.6,0.2,0.2")
    assert prepare("ml-1m", "--source", zipped(), *words).status == 0
    dataset = load("tiny")
    assert rows_of(dataset) == sorted(row[:3] for row in movielens.ratings)
    assert (dataset.user_num, dataset.item_num) == (1 + 3, 1 + 5)  # and the padding


def test_parts_are_those_that_were_written(prepare, zipped, written):
    words = ("--name", "tiny", "--split", "0.6,0.2,0.2")
    assert prepare("ml-1m", "--source", zipped(), *words).status == 0
    config = Config(model="PNGNN", dataset="tiny", config_dict={"data_path": "out"})
    dataset = create_dataset(config)
    assert config["benchmark_filename"] == ["train", "valid", "test"]
    assert list(dataset.file_size_list) == [len(part) for part in written("tiny").parts]


def test_features_of_movielens(prepare, zipped, written):
    assert prepare("ml-1m", "--source", zipped(), "--name", "tiny").status == 0
    columns = {
        "inter": ["user_id", "item_id", "rating", "timestamp"],
        "item": ["item_id", "movie_title", "release_year", "genre"],
        "user": ["user_id", "age", "gender", "occupation", "zip_code"],
    }
    dataset = load("tiny", load_col=columns)
    for suffix, source in (("item", dataset.item_feat), ("user", dataset.user_feat)):
        found = []
        for place in range(1, len(source)):  # 0 is the padding
            cells = []
            for field in columns[suffix]:
                tokens = dataset.id2token(
                    field, np.asarray(source[field][place], dtype=int)
                ).reshape(-1)
                cells.append(" ".join(token for token in tokens if token != "[PAD]"))
            found.append(tuple(cells))
        assert sorted(found) == sorted(written("tiny").rows[f".{suffix}"])


NASTY = ['a"b', '"', "two words", "a,b", "é³", "日本", "'", "-1", "007", "1.0", "#1", "a:b", "\\N"]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_nasty_ids(prepare_csv, delimiter):
    rows = [(user, item) for user in NASTY for item in reversed(NASTY)]
    quoted = [['"' + name.replace('"', '""') + '"' for name in row] for row in rows]
    lines = [delimiter.join([*row, "4.5"]) for row in quoted]
    header = delimiter.join(["userId", "movieId", "stars"])
    assert prepare_csv(header=header, rows=lines).status == 0
    assert rows_of(load("mine")) == sorted((*row, "4.5") for row in rows)


def test_a_fold_without_validation(prepare, folded, movielens):
    assert prepare("ml-1m", "--source", folded(), "--fold", 2).status == 0
    dataset = load("ml-1m-fold2")
    assert rows_of(dataset) == sorted(row[:3] for row in movielens.ratings)
    assert list(dataset.file_size_list) == [12, 0, 3]
