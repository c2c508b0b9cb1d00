"""What the protocol corrects, and that nobody else gets it."""

import io
import warnings
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import recbole.trainer.trainer as recbole_trainer
import torch
from recbole.config import Config
from recbole.data.interaction import Interaction
from recbole.model.general_recommender.pop import Pop

import recbole_pngnn
from recbole_pngnn.plugin import corrections


@pytest.fixture
def config(make_config):
    """Make the same Config under the protocol and without it."""

    def make(model, signed):
        return make_config(model, "ml-100k") if signed else Config(model, "ml-100k")

    return make


def test_a_checkpoint_is_whole_or_the_one_before(config, tmp_path, monkeypatch):
    file = tmp_path / "checkpoint.pth"
    signed, stock = config("BPR", True), config("BPR", False)
    recbole_trainer.torch.save({"epoch": 1}, file)

    def torn(state, path, **options):
        with open(path, "wb") as half:
            half.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(OSError, match="no space"):
        recbole_trainer.torch.save({"epoch": 2, "config": signed}, file)
    assert torch.load(file) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(OSError, match="no space"):  # RecBole's own writes where it is told to
        recbole_trainer.torch.save({"epoch": 2, "config": stock}, file)
    assert file.read_bytes() == b"half"


def test_two_trainers_of_one_second_have_two_checkpoints(config, monkeypatch):
    def names(signed):
        options = config("Pop", signed)
        model = torch.nn.Linear(1, 1)
        trainers = [recbole_trainer.Trainer(options, model) for _ in range(2)]
        return [Path(trainer.saved_model_file).name for trainer in trainers]

    monkeypatch.setattr(recbole_trainer, "get_local_time", lambda: "now")
    first, second = names(True)
    assert first != second
    assert first.startswith(f"Pop-{datetime.now():%b-%d-%Y}")
    assert names(False) == ["Pop-now.pth"] * 2


def test_recboles_pop_counts_as_it_does(config):
    batch = Interaction({"item_id": torch.tensor([1, 1, 2])})

    def counted(signed):
        pop = Pop.__new__(Pop)
        torch.nn.Module.__init__(pop)
        pop.n_items, pop.ITEM_ID, pop.device = 4, "item_id", "cpu"
        pop.item_cnt, pop.fake_loss = torch.zeros(4, 1, dtype=torch.long), torch.zeros(1)
        pop.counted_label = "label" if signed else None
        pop.calculate_loss(batch)
        return pop.item_cnt[:, 0].tolist()

    assert counted(True) == [0, 2, 1, 0]
    assert counted(False) == [0, 1, 1, 0]


def test_numbers_are_read_to_the_last_bit_under_the_protocol_alone():
    text = "a:token\tb:float\nx\t0.23796462709189137\n"

    def read():
        dataset = recbole_trainer_dataset()
        return dataset.pd.read_csv(io.StringIO(text), delimiter="\t", engine="python")

    token = corrections._reads_to_the_last_bit.set(True)
    try:
        assert read()["b:float"][0] == 0.23796462709189137
    finally:
        corrections._reads_to_the_last_bit.reset(token)
    stock = pd.read_csv(io.StringIO(text), delimiter="\t", engine="python")["b:float"][0]
    assert read()["b:float"][0] == stock


def recbole_trainer_dataset():
    from recbole.data.dataset import dataset

    return dataset


def test_warnings_are_silenced_while_a_function_runs_and_no_longer():
    @corrections.without_known_warnings
    def warned():
        warnings.warn_explicit("old", FutureWarning, "x.py", 1, module="recbole.data.dataset")
        warnings.warn_explicit("mine", FutureWarning, "x.py", 1, module="my.module")

    before = list(warnings.filters)
    with pytest.warns(FutureWarning) as seen:
        warned()
    assert [str(warning.message) for warning in seen] == ["mine"]
    assert list(warnings.filters) == before


def test_a_model_of_one_epoch_is_validated_whatever_eval_step_is(atomic):
    rows = [(f"u{u}", f"i{i}", 5 if (u + i) % 3 else 1) for u in range(9) for i in range(12)]
    folder = atomic("tiny", rows[::2], rows[1::4], rows[3::4])
    options = {"data_path": str(folder), "topk": [3], "valid_metric": "NDCG@3", "eval_step": 2}
    for model in ("EASE", "Pop"):
        record = recbole_pngnn.run(
            model, "tiny", config_dict={**options, "epochs": 9, "show_progress": False}
        )
        assert record["epochs"] == 1
        assert record["valid_result"]
        assert record["test_result"]


@pytest.mark.parametrize("batch", [1, 5, 4096])
def test_pop_counts_every_training_interaction_and_no_sampled_one(atomic, batch):
    # The first item by all twenty users, the last by nobody but the first.
    rows = [(f"u{u}", f"i{i}", 5) for u in range(20) for i in range(8) if u >= 2 * i]
    rows.append(("u0", "i8", 5))
    folder = atomic("tiny", rows, test=[("u0", "i5", 5)])
    options = {"data_path": str(folder), "topk": [3], "valid_metric": "NDCG@3"}
    options |= {"train_batch_size": batch, "show_progress": False}
    record = recbole_pngnn.run("Pop", "tiny", config_dict=options)
    _, model, dataset, *_ = recbole_pngnn.load_data_and_model(record["checkpoint"])
    counts = {
        dataset.id2token("item_id", item): int(model.item_cnt[item])
        for item in range(1, model.n_items)
    }
    assert counts == {f"i{i}": sum(row[1] == f"i{i}" for row in rows) for i in range(9)}
    assert int(model.max_cnt) == 20
