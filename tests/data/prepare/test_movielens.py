"""MovieLens, from GroupLens' files, from folds, and from RecBole's copy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from recbole.data import create_dataset

from tests.data.prepare.conftest import MOVIES, RATINGS, read, read_parts

ML_1M = os.environ.get("RECBOLE_PNGNN_ML1M")


def test_zip_and_folder_give_the_same_files(prepare, zipped, grouplens, tmp_path):
    assert prepare("ml-1m", "--source", zipped, "--name", "a", "--seed", 3)[0] == 0
    assert prepare("ml-1m", "--source", grouplens, "--name", "b", "--seed", 3)[0] == 0
    for one in (tmp_path / "out" / "a").iterdir():
        if one.name == "manifest.json":
            continue
        other = tmp_path / "out" / "b" / one.name.replace("a.", "b.", 1)
        assert one.read_bytes() == other.read_bytes(), one.name


def test_what_is_written(prepare, grouplens, tmp_path):
    status, out, _ = prepare("ml-1m", "--source", grouplens, "--split", "0.5,0.25,0.25")
    folder = tmp_path / "out" / "ml-1m-split-50-25-25-seed0"
    assert status == 0
    assert f"next: python run_recbole.py --model=PNGNN --dataset={folder.name}" in out
    parts = read_parts(folder)
    header = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
    assert [list(part.columns) for part in parts] == [header] * 3
    assert [len(part) for part in parts] == [4, 2, 2]
    rows = sorted(tuple(row) for part in parts for row in part.itertuples(index=False))
    assert rows == sorted(tuple(map(str, row)) for row in RATINGS)

    items = read(folder, "item")
    assert list(items.columns) == [
        "item_id:token",
        "movie_title:token_seq",
        "release_year:token",
        "genre:token_seq",
    ]
    assert [tuple(row) for row in items.itertuples(index=False)] == [
        ("1", "Toy Story", "1995", "Animation Children's Comedy"),
        ("2", 'Adventures of "Q", The: Part 1', "1999", "Sci-Fi"),
        ("10", "Misérables, Les", "1995", "Drama Film-Noir"),
        ("30", "Untitled", "", "(no-genres-listed)"),
    ]
    users = read(folder, "user")
    assert users.iloc[1].tolist() == ["2", "56", "M", "16", "70072-2343"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["users"] == 2
    assert manifest["items"] == len(MOVIES)
    assert manifest["ratings"] == {"train": 4, "valid": 2, "test": 2}
    assert manifest["source"]["kind"] == "grouplens-folder"


def test_a_fold_is_the_test_part(prepare, folded, tmp_path):
    assert prepare("ml-1m", "--source", folded, "--fold", 2)[0] == 0
    train, valid, test = read_parts(tmp_path / "out" / "ml-1m-fold2")
    expected = [RATINGS[place][:3] for place in range(len(RATINGS)) if 1 + place % 4 == 2]
    assert [tuple(row) for row in test.itertuples(index=False)] == [
        tuple(map(str, row)) for row in expected
    ]
    assert len(valid) == 0
    assert len(train) == len(RATINGS) - len(expected)


def test_a_share_of_the_other_folds_is_for_validation(prepare, folded, tmp_path):
    words = ("ml-1m", "--source", folded, "--fold", 1, "--valid_ratio", 0.34, "--seed", 1)
    assert prepare(*words)[0] == 0
    train, valid, test = read_parts(tmp_path / "out" / "ml-1m-fold1-valid34-seed1")
    assert [len(train), len(valid), len(test)] == [4, 2, 2]


def test_recbole_reads_the_rows_that_were_written(prepare, zipped, tmp_path, make_config):
    prepare("ml-1m", "--source", zipped, "--name", "tiny", "--split", "0.5,0.25,0.25")
    config = make_config("BPR", "tiny", data_path=str(tmp_path / "out"), topk=[1])
    dataset = create_dataset(config)
    rows = dataset.inter_feat
    found = {
        (user, item, f"{rating:g}")
        for user, item, rating in zip(
            dataset.id2token("user_id", rows["user_id"].to_numpy()),
            dataset.id2token("item_id", rows["item_id"].to_numpy()),
            rows["rating"],
            strict=True,
        )
    }
    assert found == {tuple(map(str, row[:3])) for row in RATINGS}


def test_ml_100k(prepare, tmp_path):
    assert prepare("ml-100k", "--split", "0.8,0.1,0.1", "--seed", 1)[0] == 0
    folder = tmp_path / "out" / "ml-100k-split-80-10-10-seed1"
    parts = read_parts(folder)
    sizes = [len(part) for part in parts]
    assert sum(sizes) == 100_000
    assert [size / 1000 for size in sizes] == pytest.approx([80, 10, 10], abs=1)
    pairs = {(row[0], row[1]) for part in parts for row in part.itertuples(index=False)}
    assert len(pairs) == 100_000
    assert set(parts[0]["user_id:token"]) >= set(parts[2]["user_id:token"])


@pytest.mark.skipif(not ML_1M or not Path(ML_1M).is_dir(), reason="RECBOLE_PNGNN_ML1M is not set")
def test_the_real_folds(prepare, tmp_path):
    root = Path(__file__).parents[3]
    assert prepare("ml-1m", "--source", (root / ML_1M).resolve(), "--fold", 1)[0] == 0
    manifest = json.loads((tmp_path / "out" / "ml-1m-fold1" / "manifest.json").read_text())
    assert manifest["ratings"] == {"train": 800_167, "valid": 0, "test": 200_042}
    assert (manifest["users"], manifest["items"]) == (6040, 3706)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fold", "1"], "ratings.dat' ?|has no folds, only ratings.csv.gz"),
        (["--split", "0.8,0.2"], "split 0.8,0.2 has 2 numbers, expected train,valid,test"),
        (["--split", "0.8,0.1,0.2"], "sums to 1.1, expected 1"),
        (["--split", "0.8,0.2,0"], "leaves train or test empty"),
        (["--split", "a,b,c"], "is not three numbers"),
        (["--valid_ratio", "0.1"], "valid_ratio needs a fold"),
        (["--seed", "-1"], "seed is -1, expected 0 or more"),
        (["--name", "ml-100k"], "'ml-100k' is taken"),
        (["--name", "../x"], "is not a plain folder name"),
    ],
)
def test_options_that_cannot_be_used(prepare, grouplens, words, message, tmp_path):
    status, _, err = prepare("ml-1m", "--source", grouplens, *words)
    assert status == 2
    assert any(part in err for part in message.split("|")), err
    assert not (tmp_path / "out").exists()


def test_a_fold_that_is_not_there(prepare, folded, tmp_path):
    status, _, err = prepare("ml-1m", "--source", folded, "--fold", 9)
    assert (status, "cannot test on fold 9; folds found: 1, 2, 3, 4" in err) == (2, True)
    assert not list((tmp_path / "out").iterdir())


def break_zip(path):
    path.write_bytes(path.read_bytes()[:-60])


def break_member(path):
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_zip, "is not a zip file, or is truncated or damaged"),
        (break_member, "is truncated or damaged"),
        (lambda path: path.write_text("<!DOCTYPE html><p>Sign in"), "is an HTML page, not data"),
        (lambda path: path.write_text("hello"), "is not a zip file"),
        (lambda path: path.unlink(), "does not exist; give GroupLens' ml-1m.zip"),
    ],
)
def test_a_zip_that_is_none(prepare, zipped, damage, message, tmp_path):
    damage(zipped)
    status, _, err = prepare("ml-1m", "--source", zipped)
    assert status == 2
    assert message in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("ratings.dat", "1::1::five::978300000\n", "ratings.dat, line 1: rating 'five' is not a"),
        ("ratings.dat", "1::1::5::9\n1::2::nan::9\n", "line 2: rating 'nan' is not a finite"),
        ("ratings.dat", "1::1::5::9\n::2::4::9\n", "line 2: user_id '' is a missing id"),
        ("ratings.dat", "1::1::5::9\n\n1::2::4\n", "line 3: user_id '1' has fewer than 4 fields"),
        ("ratings.dat", "1::1::5::9::8\n", "line 1: 5 fields separated by '::', expected 4"),
        ("ratings.dat", "1,1,5,9\n", "line 1: 1 fields separated by '::', expected 4"),
        ("ratings.dat", "", "ratings.dat is empty"),
        ("movies.dat", "1::Toy Story (1995)\n", "movies.dat, line 1: 2 fields"),
    ],
)
def test_lines_that_cannot_be_read(prepare, grouplens, name, text, message):
    (grouplens / name).write_text(text)
    status, _, err = prepare("ml-1m", "--source", grouplens)
    assert status == 2
    assert message in err


def test_files_that_are_missing(prepare, grouplens):
    (grouplens / "movies.dat").unlink()
    assert "holds no movies.dat" in prepare("ml-1m", "--source", grouplens)[2]
    (grouplens / "ratings.dat").unlink()
    err = prepare("ml-1m", "--source", grouplens)[2]
    assert "holds neither ratings.dat nor ratings.csv.gz (found: users.dat)" in err


def test_neither_torch_nor_recbole_is_imported(zipped, tmp_path):
    code = (
        "import sys; from recbole_pngnn.cli import main; "
        f"main(['prepare', 'ml-1m', '--source', {str(zipped)!r}, '--output', 'o']); "
        "print([name for name in ('torch', 'recbole', 'ray') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
