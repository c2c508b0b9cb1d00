"""Splits that cannot be made, columns of other names, datasets that are not there."""

import pytest
from recbole.data import create_dataset, data_preparation

from recbole_pngnn import cli
from recbole_pngnn.protocol.data_options import check_split
from recbole_pngnn.protocol.folders import check_dataset


def evaluation(**changes):
    split = {"RS": [0.8, 0.1, 0.1]}
    return {"split": split, "group_by": "user", "order": "RO", "mode": "full", **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": {"RS": [1, 0, 0]}}, r"RS \[1, 0, 0\] leaves no test part"),
        ({"split": {"RS": [0, 0.5, 0.5]}}, r"leaves no training part"),
        ({"split": {"RS": [0.8, 0.1, 0.2]}}, r"which sum to 1; \[0.8, 0.1, 0.2\] sum to 1.1"),
        ({"split": {"RS": [1.1, -0.2, 0.1]}}, r"none of them negative; found \[1.1, -0.2, 0.1\]"),
        ({"split": {"RS": [0.8, float("nan"), 0.2]}}, r"none of them negative"),
        ({"split": {"RS": [1.0]}}, r"for example \[0.8, 0.1, 0.1\]; found \[1.0\]"),
        ({"split": {"RS": 0.8}}, r"found 0.8"),
        ({"split": {"RS": ["a", "b", "c"]}}, r"found \['a', 'b', 'c'\]"),
        ({"split": {"TS": [0.8, 0.2]}}, r"found \[0.8, 0.2\]"),
        ({"split": {"LS": "valid_only"}}, r"valid_only\} leaves no test part"),
        ({"split": {"LS": 1}}, r"LS must be valid_and_test or test_only, found 1"),
        ({"split": {"XS": 1}}, r"split must be one of .*found \{'XS': 1\}"),
        ({"split": None}, r"split must be one of .*found None"),
        ({"split": {"RS": [0.8, 0.2], "LS": "test_only"}}, r"split must be one of"),
        ({"group_by": "genre"}, r"group_by must be user .* found 'genre'"),
        ({"order": "time"}, r"order must be RO .* found 'time'"),
        ({"spilt": {"RS": [1]}}, r"eval_args has 'spilt', which nothing reads; did you mean split"),
    ],
)
def test_splits_that_cannot_be_made(changes, message):
    with pytest.raises(ValueError, match=message):
        check_split(evaluation(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"split": {"RS": [8, 1, 1]}, "group_by": None},
        {"split": {"RS": [0.8, 0.2]}, "group_by": "None"},
        {"split": {"RS": [0.8, 0.0, 0.2]}},
        {"split": {"LS": "valid_and_test"}, "order": "TO"},
        {"split": {"LS": "test_only"}},
        {"split": {"TS": [0.7, 0.1, 0.2]}},
    ],
)
def test_splits_that_can(changes):
    check_split(evaluation(**changes))


@pytest.fixture
def rows(own_folder):
    def write(name, header, values):
        folder = own_folder / "dataset" / name
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["\t".join(header.split()), *("\t".join(map(str, value)) for value in values)]
        (folder / f"{name}.inter").write_text("\n".join(lines) + "\n")

    return write


GRID = [
    (f"u{u}", f"i{(u + i) % 12}", 1 + (u + 2 * i) % 5, u + i) for u in range(8) for i in range(10)
]
NAMES = {
    "USER_ID_FIELD": "uid",
    "ITEM_ID_FIELD": "asin",
    "RATING_FIELD": "stars",
    "TIME_FIELD": "ts",
}


@pytest.mark.parametrize(
    ("given", "loaded", "threshold"),
    [
        (NAMES, {"uid", "asin", "stars", "ts"}, ("stars", 3.5)),
        (
            {**NAMES, "like_threshold": {"stars": 2.5}},
            {"uid", "asin", "stars", "ts"},
            ("stars", 2.5),
        ),
        ({**NAMES, "unload_col": {"inter": ["ts"]}}, {"uid", "asin", "stars"}, ("stars", 3.5)),
        (
            {**NAMES, "load_col": {"inter": ["uid", "asin", "stars"]}},
            {"uid", "asin", "stars"},
            ("stars", 3.5),
        ),
    ],
)
def test_columns_of_other_names(rows, make_config, given, loaded, threshold):
    rows("d", "uid:token asin:token stars:float ts:float", GRID)
    dataset = create_dataset(make_config("BPR", "d", topk=[1], **given))
    assert set(dataset.inter_feat) - {"label"} == loaded
    assert tuple(dataset.like_threshold) == threshold


def test_order_by_time_needs_times(rows, make_config):
    by_time = {"eval_args": {"order": "TO"}}
    rows("n", "user_id:token item_id:token rating:float", [row[:3] for row in GRID])
    with pytest.raises(
        ValueError, match=r"order: TO needs a column of times, timestamp .*have use"
    ):
        create_dataset(make_config("BPR", "n", **by_time))
    rows("t", "user_id:token item_id:token rating:float timestamp:token", GRID)
    with pytest.raises(ValueError, match=r"timestamp is no float; write timestamp:float"):
        create_dataset(make_config("BPR", "t", **by_time))
    rows("d", "user_id:token item_id:token rating:float timestamp:float", GRID)
    config = make_config("BPR", "d", topk=[1], **by_time)
    assert len(data_preparation(config, create_dataset(config))[2]._dataset.rated)


def test_a_test_part_that_is_too_small(rows, make_config):
    rows("d", "user_id:token item_id:token rating:float", [("u", "a", 5), ("v", "b", 5)])
    config = make_config("BPR", "d", topk=[1])
    with pytest.raises(ValueError, match=r"the test part is empty: there are too few interactions"):
        data_preparation(config, create_dataset(config))


def test_files_that_are_missing_and_what_is_there(tmp_path):
    for name in ("films", "books"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.inter").write_text("")
    (tmp_path / "loose.inter").write_text("")
    (tmp_path / "cut").mkdir()
    for part in ("train", "test"):
        (tmp_path / "cut" / f"cut.{part}.inter").write_text("")

    def said(name, parts=None):
        with pytest.raises(ValueError, match=str(tmp_path)) as raised:
            check_dataset(tmp_path / name, name, parts)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    assert "did you mean films?" in said("film")
    assert f"{tmp_path} has books, cut, films; make one by recbole-pngnn prepare csv" in said("zzz")
    assert "recbole-pngnn prepare ml-1m --source PATH" in said("ml-1m")
    assert "put " in said("loose")
    assert "set benchmark_filename: [train, test]" in said("cut")
    assert "has no cut.valid.inter; it has cut.test.inter" in said(
        "cut", ["train", "valid", "test"]
    )
    assert "leave it out" in said("films", ["train", "test"])
    assert "has none (data_path names" in said("books/x")
    check_dataset(tmp_path / "films", "films", None)
    check_dataset(tmp_path / "cut", "cut", ["train", "test"])


def test_the_command_line_says_it_in_one_line(rows, capsys):
    rows("d", "user_id:token item_id:token rating:float timestamp:float", GRID)
    run = ["run", "--data_path=dataset", "--model=Pop", "--topk=[1]"]
    run += ["--valid_metric=NDCG@1", "--epochs=1"]
    for words, message in [
        (["--dataset=ml-1m"], "there is no dataset ml-1m"),
        (["--dataset=d", "--eval_args={'split':{'RS':[1,0,0]}}"], "leaves no test part"),
    ]:
        assert cli.main([*run, *words]) == 2
        error = capsys.readouterr().err.strip().split("\n")[-1]
        assert error.startswith("error: ")
        assert message in error
    for bar in ("True", "False"):
        # 4 is 4 of 5: the share of likes is said, and nothing is doubtful.
        words = ["--dataset=d", f"--show_progress={bar}", "--metrics=['NDCG']", "--output_dir=o"]
        assert cli.main([*run, *words]) == 0
        shown = capsys.readouterr()
        assert (shown.err + shown.out).count("ratings span [1, 5]; ") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../d", r"'../d' is a path, .*--data_path=.. --dataset=d$"),
        ("data/d", r"--data_path=data --dataset=d$"),
        ("d/", r"--data_path=. --dataset=d$"),
        ("..", r"'..' is a path, and must be the name of a folder"),
        (".", r"'.' is a path"),
        ("a\0b", r"has a NUL character"),
    ],
)
def test_a_path_is_no_name_of_a_dataset(make_config, name, message):
    with pytest.raises(ValueError, match=message):
        make_config("BPR", name)


def test_times_that_are_missing_are_told_where_parts_depend_on_them(tmp_path, make_config, caplog):
    folder = tmp_path / "dataset" / "d"
    folder.mkdir(parents=True)
    head = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    rows = [f"u\ti{n}\t5\t{n if n % 3 else ''}\n" for n in range(9)]
    (folder / "d.inter").write_text(head + "".join(rows))
    with caplog.at_level("WARNING"):
        create_dataset(make_config("BPR", "d"))
        assert "no timestamp" not in caplog.text
        create_dataset(make_config("BPR", "d", eval_args=evaluation(order="TO")))
    assert "3 interaction(s) have no timestamp" in caplog.text


def test_what_has_the_name_of_a_file_and_is_none(tmp_path):
    (tmp_path / "d.inter").mkdir()
    with pytest.raises(ValueError, match=r"d.inter is a folder, and must be a file"):
        check_dataset(tmp_path, "d", None)
    (tmp_path / "d.test.inter").symlink_to("gone")
    with pytest.raises(ValueError, match=r"d.test.inter is a link to gone, which is gone"):
        check_dataset(tmp_path, "d", ["test"])


def test_the_first_of_duplicates_is_not_had(rows, make_config, caplog):
    rows("d", "user_id:token item_id:token rating:float timestamp:float", GRID)
    with caplog.at_level("WARNING"):
        create_dataset(make_config("BPR", "d", rm_dup_inter="last"))
        assert "rm_dup_inter" not in caplog.text
        create_dataset(make_config("BPR", "d", rm_dup_inter="first"))
    assert "rm_dup_inter: first is not read: of a pair that was rated again" in caplog.text
