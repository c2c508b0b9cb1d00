"""What a checkpoint is gone on from with, and what is refused."""

import hashlib
import os
from pathlib import Path

import pytest
import torch

import recbole_pngnn
from recbole_pngnn import cli
from recbole_pngnn.training.state import last_epoch_file

OPTIONS = {
    "show_progress": False,
    "data_path": "dataset",
    "topk": [3],
    "valid_metric": "NDCG@3",
    "embedding_size": 4,
    "epochs": 3,
}


def rows(salt):
    """Ratings of 8 users and 12 items, in a training, a validation and a test part."""
    parts = ([], [], [])
    for user in range(8):
        for item in range(12):
            place = (5 * user + 3 * item + salt) % 7
            if place < 5:
                rating = 5 if (user + item) % 3 else 1
                parts[max(place - 2, 0)].append((f"u{user}", f"i{item}", rating))
    return parts


@pytest.fixture
def trained(atomic):
    atomic("d", *rows(0))
    return recbole_pngnn.run("PNGNN", "d", config_dict=OPTIONS)


def files_of(record):
    best = Path(record["checkpoint"])
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in best.parent.iterdir()}


def test_model_dataset_and_options_are_the_checkpoints(trained):
    more = recbole_pngnn.run(resume=trained["checkpoint"], config_dict={"epochs": 5})
    assert (more["model"], more["dataset"]) == ("PNGNN", "d")
    assert more["options"] == {**trained["options"], "epochs": 5}
    assert (more["epochs"], more["resumed_behind_epoch"]) == (5, 3)
    whole = recbole_pngnn.run("PNGNN", "d", config_dict={**OPTIONS, "epochs": 5})
    for key in ("best_valid_score", "valid_result", "test_result", "epochs"):
        assert more[key] == whole[key], key


def test_both_files_of_a_training_lead_to_its_last_epoch(trained):
    best = Path(trained["checkpoint"])
    records = [
        recbole_pngnn.run(resume=file, config_dict={"epochs": 3})
        for file in (best, last_epoch_file(best))
    ]
    for record in records:
        assert record["checkpoint"] == str(best)
        assert (record["epochs"], record["resumed_behind_epoch"]) == (3, 3)
        assert record["test_result"] == trained["test_result"]


def test_an_option_that_is_given_again_is_no_change(trained):
    same = {**OPTIONS, "epochs": 4, "stopping_step": 2, "eval_batch_size": 77, "state": "WARNING"}
    assert recbole_pngnn.run("PNGNN", "d", resume=trained["checkpoint"], config_dict=same)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"config_dict": {"learning_rate": 0.1}}, "trained with learning_rate 0.005, and now it"),
        ({"config_dict": {"seed": 1, "topk": [2]}}, r"--allow_changes=seed,topk"),
        ({"allow_changes": ["learning_rat"]}, "names learning_rat, and there is no such option"),
        ({"model": "SiReN"}, "is a checkpoint of the model PNGNN, and SiReN is asked for"),
        ({"model": "BPR", "allow_changes": ["any"]}, "checkpoint of the model PNGNN, and BPR"),
        ({"dataset": "e"}, "is a checkpoint of the dataset d, and e is asked for"),
        (
            {"config_dict": {"learning_rate": 0.1, "seed": 3}, "allow_changes": ["learning_rate"]},
            "trained with seed 2020, and now it is 3",
        ),
        (
            {"config_dict": {"embedding_size": 8}, "allow_changes": ["embedding_size"]},
            r"does not fit the model with these options: Error.* size mismatch for",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(trained, words, message):
    before = files_of(trained)
    with pytest.raises(ValueError, match=message):
        recbole_pngnn.run(resume=trained["checkpoint"], **words)
    assert files_of(trained) == before


def test_a_named_change_goes_on_with_it(trained):
    words = {"config_dict": {"learning_rate": 0.1, "epochs": 4}}
    record = recbole_pngnn.run(
        resume=trained["checkpoint"], allow_changes=["learning_rate"], **words
    )
    assert record["options"]["learning_rate"] == 0.1
    assert record["epochs"] == 4


def test_a_change_of_what_is_measured_measures_the_best_epoch_anew(trained):
    record = recbole_pngnn.run(
        resume=trained["checkpoint"],
        config_dict={"topk": [2], "valid_metric": "Recall@2"},
        allow_changes=["any"],
    )
    assert set(record["valid_result"]) == {f"{m}@2" for m in ("precision", "recall", "ndcg")} | {
        "signauc"
    }
    assert record["best_valid_score"] == record["valid_result"]["recall@2"]


def test_other_data_are_refused_before_anything_is_written(trained, atomic):
    before = files_of(trained)
    atomic("d", *rows(1))
    with pytest.raises(ValueError, match=r"interactions of d in .* are not those that"):
        recbole_pngnn.run(resume=trained["checkpoint"], config_dict={"epochs": 9})
    assert files_of(trained) == before


def test_data_that_are_not_there_are_told(trained):
    with pytest.raises(ValueError, match=r"nowhere/d, which is not there; name the folder"):
        recbole_pngnn.run(resume=trained["checkpoint"], config_dict={"data_path": "nowhere"})
    os.remove("dataset/d/d.test.inter")
    with pytest.raises(ValueError, match=r"dataset/d has no such interactions; name the folder"):
        recbole_pngnn.run(resume=trained["checkpoint"])


def test_a_config_that_is_none_is_no_checkpoint(tmp_path):
    parts = {"config": 1, "epoch": 1, "state_dict": {}, "optimizer": {}}
    torch.save(parts, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"odd.pth is not a checkpoint .* its config is a int"):
        recbole_pngnn.run(resume=tmp_path / "odd.pth")


def test_ids_in_another_order_are_other_rows(atomic):
    """The same files, read with an option that drops a user, number the others anew."""
    atomic("d", *rows(0))
    Path("dataset/d/d.yaml").unlink()
    parts = [Path(f"dataset/d/d.{part}.inter").read_text() for part in ("train", "valid", "test")]
    whole = parts[0] + "".join(part.split("\n", 1)[1] for part in parts[1:])
    Path("dataset/d/d.inter").write_text(whole + "extra\ti0\t5\nextra\ti1\t5\n")
    record = recbole_pngnn.run("BPR", "d", config_dict=OPTIONS)
    with pytest.raises(ValueError, match="users or items of d are no longer those"):
        recbole_pngnn.run(
            resume=record["checkpoint"],
            config_dict={"user_inter_num_interval": "[3,inf)"},
            allow_changes=["user_inter_num_interval"],
        )


def test_from_another_folder(trained, tmp_path, monkeypatch):
    checkpoint = Path(trained["checkpoint"]).absolute()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    record = recbole_pngnn.run(resume=checkpoint, config_dict={"epochs": 4})
    assert Path(record["checkpoint"]) == checkpoint
    moved = tmp_path / "dataset"
    moved.rename(tmp_path / "moved")
    with pytest.raises(ValueError, match="data_path"):
        recbole_pngnn.run(resume=checkpoint, config_dict={"epochs": 5})
    words = {"epochs": 5, "data_path": str(tmp_path / "moved")}
    assert recbole_pngnn.run(resume=checkpoint, config_dict=words)["epochs"] == 5


def test_another_folder_for_checkpoints_leaves_the_old_one_alone(trained):
    before = files_of(trained)
    record = recbole_pngnn.run(
        resume=trained["checkpoint"], config_dict={"epochs": 5, "output_dir": "other"}
    )
    assert Path(record["checkpoint"]).parent == Path("other/checkpoints")
    assert last_epoch_file(Path(record["checkpoint"])).is_file()
    assert files_of(trained) == before


def test_early_stopping_stays_stopped_and_more_patience_goes_on(atomic):
    atomic("d", *rows(0))
    options = {**OPTIONS, "epochs": 60, "stopping_step": 1, "learning_rate": 0.1}
    first = recbole_pngnn.run("BPR", "d", config_dict=options)
    assert first["epochs"] < 60
    again = recbole_pngnn.run(resume=first["checkpoint"])
    assert again["epochs"] == again["resumed_behind_epoch"] == first["epochs"]
    assert again["test_result"] == first["test_result"]
    patient = {"epochs": first["epochs"] + 1, "stopping_step": 50}
    assert recbole_pngnn.run(resume=first["checkpoint"], config_dict=patient)["epochs"] == (
        first["epochs"] + 1
    )


def test_the_best_epochs_file_has_to_be_the_trainings(trained):
    best = Path(trained["checkpoint"])
    content = torch.load(best, weights_only=False)
    last = torch.load(last_epoch_file(best), weights_only=False)
    last["training"]["best_epoch"] = 0
    torch.save(last, last_epoch_file(best))
    torch.save({**content, "epoch": 1}, best)
    with pytest.raises(ValueError, match=r"best epoch of the training was its epoch 1, and .* 2"):
        recbole_pngnn.run(resume=best)
    best.unlink()
    with pytest.raises(ValueError, match="is missing; put the file back"):
        recbole_pngnn.run(resume=last_epoch_file(best))


def test_recboles_own_checkpoint_goes_on_with_a_warning(trained, caplog):
    """Nobody kept its random states, so the training is not the one that was not stopped."""
    best = Path(trained["checkpoint"])
    last_epoch_file(best).unlink()
    record = recbole_pngnn.run(resume=best, config_dict={"epochs": 5})
    assert "does not hold the random states" in caplog.text
    assert record["epochs"] == 5
    assert record["best_valid_score"] >= trained["best_valid_score"]


def test_rates_that_fall_to_another_end_are_told(atomic, caplog):
    atomic("d", *rows(0))
    options = {**OPTIONS, "learning_rate_decay": "linear"}
    record = recbole_pngnn.run("PNGNN", "d", config_dict=options)
    recbole_pngnn.run(resume=record["checkpoint"])
    assert "learning rate" not in caplog.text.replace("learning_rate", "")
    recbole_pngnn.run(resume=record["checkpoint"], config_dict={"epochs": 4})
    assert "falls until epoch 4 now, and fell until epoch 3 in the 3 epochs" in caplog.text


def test_without_a_checkpoint_nothing_may_change():
    with pytest.raises(ValueError, match="allow_changes is for going on from a checkpoint"):
        recbole_pngnn.run("BPR", "ml-100k", allow_changes=["any"])
    with pytest.raises(FileNotFoundError, match=r"no checkpoint missing\.pth to go on from"):
        recbole_pngnn.run(resume="missing.pth")
    Path("text.pth").write_text("text")
    with pytest.raises(ValueError, match="is not a checkpoint of a training"):
        recbole_pngnn.run(resume="text.pth")


def test_on_the_command_line(trained, capsys):
    before = files_of(trained)
    checkpoint = trained["checkpoint"]
    assert cli.main(["run", f"--resume={checkpoint}", "--learning_rate=0.1"]) == 2
    assert "--allow_changes=learning_rate" in capsys.readouterr().err
    assert cli.main(["run", f"--resume={checkpoint}", "--model=BPR"]) == 2
    assert "checkpoint of the model PNGNN" in capsys.readouterr().err
    assert files_of(trained) == before
    words = ["run", f"--resume={checkpoint}", "--learning_rate=0.1", "--epochs=4"]
    assert cli.main([*words, "--allow_changes=learning_rate"]) == 0
    assert "PNGNN on d" in capsys.readouterr().out
    assert cli.main(["run", f"--resume={checkpoint}", "--seed=3", "--allow_changes"]) == 0


def test_a_full_disk_leaves_the_last_checkpoint(trained, monkeypatch):
    before = files_of(trained)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        recbole_pngnn.run(resume=trained["checkpoint"], config_dict={"epochs": 5})
    assert files_of(trained) == before
