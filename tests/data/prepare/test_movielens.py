"""MovieLens-1M: what is written, and that it is the same from each form of the source."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest

import recbole_pngnn

ML_1M = os.environ.get("RECBOLE_PNGNN_ML1M")
ROOT = Path(__file__).parents[3]


def test_what_is_written(prepare, grouplens, written, movielens):
    source = grouplens()
    done = prepare("ml-1m", "--source", source, "--split", "0.6,0.2,0.2", "--seed", "4")
    assert done.status == 0, done.err
    name = "ml-1m-split-60-20-20-seed4"
    dataset = written(name)
    assert set(dataset.files) == {
        *(".train.inter", ".valid.inter", ".test.inter", ".item", ".user", ".yaml"),
        "manifest.json",
    }
    for part in ("train", "valid", "test"):
        assert dataset.headers[f".{part}.inter"] == [
            *("user_id:token", "item_id:token", "rating:float", "timestamp:float")
        ]
    assert dataset.ratings == sorted(movielens.ratings)
    assert [len(part) for part in dataset.parts] == [9, 3, 3]
    assert dataset.files[".yaml"] == b"benchmark_filename: [train, valid, test]\n"
    assert dataset.manifest == {
        "name": name,
        "source": {
            "file": "ratings.dat",
            "sha256": hashlib.sha256((source / "ratings.dat").read_bytes()).hexdigest(),
        },
        "split": {"method": "random", "ratios": [0.6, 0.2, 0.2], "seed": 4},
        "users": 3,
        "items": 5,
        "ratings": {"train": 9, "valid": 3, "test": 3},
        "duplicates_dropped": 0,
        "rating_span": [1.0, 5.0],
        "liked": {"like_threshold": 3.5, "ratings": 6},
        "timestamp_span": [978300000.0, 978300014.0],
        "notes": [],
        "tool": {"name": "recbole-pngnn", "version": recbole_pngnn.__version__},
    }
    assert done.out.splitlines() == [
        f"{name}: written to out/{name}",
        "  users 3, items 5",
        "  ratings 15: train 9, valid 3, test 3",
        "  ratings span [1, 5]; 40.0% are liked, above like_threshold 3.5",
        "  timestamps from 2000-12-31 to 2000-12-31",
        f"next: recbole-pngnn run --model=PNGNN --dataset={name} --data_path=out",
    ]


def test_titles_years_and_genres(prepare, zipped, written):
    assert prepare("ml-1m", "--source", zipped(), "--name", "tiny").status == 0
    dataset = written("tiny")
    assert dataset.headers[".item"] == [
        *("item_id:token", "movie_title:token_seq", "release_year:token", "genre:token_seq")
    ]
    assert dataset.rows[".item"] == [
        ("1", "Toy Story", "1995", "Animation Children's Comedy"),
        ("2", 'Adventures of "Q", The: Part 1', "1999", "Sci-Fi"),
        ("3", "Misérables, Les", "1995", "Drama Film-Noir"),
        ("10", "Untitled", "", "(no-genres-listed)"),
        ("20", "2001: A Space Odyssey", "1968", "Sci-Fi Drama"),
        ("30", "Alien³", "1992", "Horror"),
    ]


def test_users(prepare, zipped, written):
    assert prepare("ml-1m", "--source", zipped(), "--name", "tiny").status == 0
    dataset = written("tiny")
    assert dataset.headers[".user"] == [
        *("user_id:token", "age:token", "gender:token", "occupation:token", "zip_code:token")
    ]
    assert dataset.rows[".user"] == [
        ("1", "1", "F", "10", "48067"),
        ("2", "56", "M", "16", "70072-2343"),
        ("10", "25", "M", "4", "02460"),
    ]


def test_every_form_of_the_source_gives_the_same_bytes(prepare, grouplens, zipped, written):
    grouplens()
    forms = {
        "folder": "ml-1m",
        "folder-above": ".",
        "zip": zipped(),
        "utf-8": grouplens(encoding="utf-8", name="copy"),
    }
    for output, source in forms.items():
        assert prepare("ml-1m", "--source", source, "--name", "d", output=output).status == 0
    expected = written("d", "zip").files
    for output in ("folder", "folder-above"):
        assert written("d", output).files == expected
    # ratings.dat is the same in both encodings, movies.dat is not
    assert written("d", "utf-8").files == expected


@pytest.mark.parametrize("inside", ["", "a/b/"])
def test_the_folder_inside_of_the_zip_does_not_matter(prepare, zipped, written, inside, movielens):
    assert prepare("ml-1m", "--source", zipped(inside), "--name", "d").status == 0
    assert written("d").ratings == sorted(movielens.ratings)


def test_the_order_of_the_lines_does_not_matter(prepare, grouplens, written, movielens):
    backwards = {key: rows[::-1] for key, rows in vars(movielens).items() if key != "folds"}
    for output, rows in (("one", {}), ("other", backwards)):
        source = grouplens(**rows, name=f"{output}-source")
        assert prepare("ml-1m", "--source", source, "--name", "d", output=output).status == 0
    one, other = written("d", "one"), written("d", "other")
    assert one.rows == other.rows


@pytest.mark.parametrize("fold", [1, 2, 3, 4, 5])
def test_a_fold_is_the_test_part(prepare, folded, written, movielens, fold):
    done = prepare("ml-1m", "--source", folded(), "--fold", fold)
    assert done.status == 0, done.err
    dataset = written(f"ml-1m-fold{fold}")
    rows = [row[:3] for row in movielens.ratings]
    held_out = [row for row, of in zip(rows, movielens.folds, strict=True) if of == fold]
    train, valid, test = dataset.parts
    assert len(held_out) == 3
    assert sorted(test) == sorted(held_out)
    assert valid == []
    assert sorted(train + test) == sorted(rows)
    assert dataset.headers[".test.inter"] == ["user_id:token", "item_id:token", "rating:float"]
    assert dataset.manifest["split"] == {
        "method": "fold",
        "fold": fold,
        "valid_ratio": 0.0,
        "seed": None,
    }


def test_a_share_of_the_training_folds_is_for_validation(prepare, folded, written):
    source = folded()
    assert prepare("ml-1m", "--source", source, "--fold", 1).status == 0
    words = ("--fold", 1, "--valid_ratio", 0.5, "--seed", 3)
    assert prepare("ml-1m", "--source", source, *words).status == 0
    whole, cut = written("ml-1m-fold1"), written("ml-1m-fold1-valid50-seed3")
    assert cut.parts[2] == whole.parts[2]
    assert sorted(cut.parts[0] + cut.parts[1]) == sorted(whole.parts[0])
    # Each of the three users has four training ratings.
    assert sorted(user for user, *_ in cut.parts[1]) == ["1", "1", "10", "10", "2", "2"]
    assert cut.manifest["split"]["seed"] == 3
    assert prepare("ml-1m", "--source", source, *words[:-1], 4).status == 0
    other = written("ml-1m-fold1-valid50-seed4")
    assert other.parts[2] == cut.parts[2]
    assert other.parts[1] != cut.parts[1]


def test_a_folder_with_folds_can_be_split_at_random_too(prepare, folded, written, movielens):
    source = folded()
    assert prepare("ml-1m", "--source", source, "--name", "d").status == 0
    assert written("d").ratings == sorted(row[:3] for row in movielens.ratings)
    assert written("d").manifest["split"]["method"] == "random"


def test_folds_are_taken_from_where_they_are(prepare, folded, grouplens, written):
    """Beside ratings.dat, unpacked, and in a folder named ml-1m."""
    grouplens()
    source = folded(name="above")
    (source / "ratings.dat").write_bytes(Path("ml-1m/ratings.dat").read_bytes())
    assert prepare("ml-1m", "--source", source, "--name", "gz", "--fold", 2).status == 0
    assert prepare("ml-1m", "--source", source, "--name", "dat").status == 0
    assert ".test.inter" in written("dat").headers
    assert "timestamp:float" in written("dat").headers[".test.inter"]

    packed = source / "ratings.csv.gz"
    (source / "ratings.csv").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    source.rename("ml-1m-new")
    Path("holder").mkdir()
    Path("ml-1m-new").rename("holder/ml-1m")
    assert prepare("ml-1m", "--source", "holder", "--name", "csv", "--fold", 2).status == 0
    assert written("gz").parts == written("csv").parts


@pytest.mark.skipif(
    not ML_1M or not (ROOT / ML_1M).is_dir(), reason="RECBOLE_PNGNN_ML1M names no folder"
)
def test_the_real_folds(prepare, written):
    done = prepare("ml-1m", "--source", (ROOT / ML_1M).resolve(), "--fold", 1)
    assert done.status == 0, done.err
    manifest = written("ml-1m-fold1").manifest
    assert manifest["ratings"] == {"train": 800_167, "valid": 0, "test": 200_042}
    assert (manifest["users"], manifest["items"]) == (6040, 3706)
    assert manifest["duplicates_dropped"] == 0
