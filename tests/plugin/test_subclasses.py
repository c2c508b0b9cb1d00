"""A user's subclass of a model, in the user's own module, is as good as the model."""

import importlib
import pickle
import sys

import pytest
import recbole.trainer
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.dataloader import TrainDataLoader, UserDataLoader
from recbole.quick_start import run_recbole
from recbole.utils import get_model, get_trainer

import recbole_pngnn
from recbole_pngnn.model.pngnn import PNGNN
from recbole_pngnn.model.siren import SiReN
from recbole_pngnn.model.trainer import PNGNNTrainer
from recbole_pngnn.protocol.dataset import SignedDataset

MODULE = """
from recbole.trainer import Trainer
from recbole_pngnn.model.pngnn import PNGNN
from recbole_pngnn.model.siren import SiReN
from recbole_pngnn.model.signed_ease import SignedEASE


class Mine(PNGNN):
    def __init__(self, config, dataset):
        super().__init__(config, dataset)
        self.sharpness = config["sharpness"]


class MySiReN(SiReN):
    pass


class NCL(SignedEASE):  # a name of RecBole's, which has an NCLTrainer
    pass


class MultiVAE(PNGNN):  # and one with a dataloader of its own
    pass


class OwnTrainer(Trainer):
    pass


class Trained(PNGNN):
    trainer = OwnTrainer
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "my_models.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("my_models")
    del sys.modules["my_models"]


@pytest.fixture
def folder(atomic):
    parts = [], [], [], []
    for user in range(9):
        for item in range(12):
            parts[(user + item) % 4].append((f"u{user}", f"i{item}", 5 if user + item % 3 else 1))
    train, valid, test, _ = parts
    return str(atomic("tiny", train, valid, test))


def options(folder, **more):
    small = {"data_path": folder, "topk": [3], "valid_metric": "NDCG@3", "epochs": 1}
    return {**small, "show_progress": False, "state": "WARNING", **more}


def test_defaults_protocol_dataloader_and_trainer_are_the_models(mine, folder):
    config = Config(mine.Mine, "tiny", config_dict=options(folder, loss="dual_softmax"))
    assert (config["protocol"], config["n_samples"], config["epochs"]) == ("signed", 40, 1)
    assert config["train_interactions"] == "rated"
    data = create_dataset(config)
    assert type(data) is SignedDataset
    train, *_ = data_preparation(config, data)
    assert type(train) is UserDataLoader
    assert get_model(config["model"]) is mine.Mine
    assert get_trainer(config["MODEL_TYPE"], config["model"]) is PNGNNTrainer
    assert Config(mine.MySiReN, "tiny", config_dict=options(folder))["n_mlp_layers"] == 2


@pytest.mark.parametrize("name", ["Mine", "MySiReN", "NCL", "MultiVAE"])
def test_recboles_own_way_runs_it_and_loads_it(mine, folder, name):
    model = getattr(mine, name)
    result = run_recbole(model, "tiny", config_dict=options(folder))
    assert "signauc" in result["test_result"]  # of the protocol
    record = recbole_pngnn.run(model, "tiny", config_dict=options(folder))
    assert record["model"] == name
    assert record["test_result"] == pytest.approx(result["test_result"])
    config, loaded, *_ = recbole.quick_start.load_data_and_model(record["checkpoint"])
    assert type(loaded) is model
    assert get_model(pickle.loads(pickle.dumps(config))["model"]) is model


def test_a_name_of_recboles_does_not_bring_recboles_parts(mine, folder):
    ease = Config(mine.NCL, "tiny", config_dict=options(folder))
    trainer = get_trainer(ease["MODEL_TYPE"], ease["model"])
    assert trainer is recbole.trainer.TraditionalTrainer
    graph = Config(mine.MultiVAE, "tiny", config_dict=options(folder))
    assert type(data_preparation(graph, create_dataset(graph))[0]) is TrainDataLoader


def test_a_trainer_of_its_own_stays(mine, folder, monkeypatch):
    config = Config(mine.Trained, "tiny", config_dict=options(folder))
    assert get_trainer(config["MODEL_TYPE"], config["model"]) is mine.OwnTrainer
    monkeypatch.setattr(recbole.trainer, "MineTrainer", mine.OwnTrainer, raising=False)
    config = Config(mine.Mine, "tiny", config_dict=options(folder))
    assert get_trainer(config["MODEL_TYPE"], config["model"]) is mine.OwnTrainer


def test_one_that_get_model_finds_by_its_name(mine, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "recbole.model.general_recommender.mine", mine)
    result = run_recbole("Mine", "tiny", config_dict=options(folder, loss="dual_softmax"))
    assert "signauc" in result["test_result"]


def test_its_own_options_are_known_and_slips_are_not(mine, folder):
    assert Config(mine.Mine, "tiny", config_dict=options(folder, sharpness=2))["sharpness"] == 2
    with pytest.raises(ValueError, match="n_sample is read by nothing; did you mean n_samples"):
        Config(mine.Mine, "tiny", config_dict=options(folder, n_sample=2))
    with pytest.raises(ValueError, match="Mine does not read temperature with loss dual_bpr"):
        Config(mine.Mine, "tiny", config_dict=options(folder, temperature=0.5))


def test_a_model_of_one_of_our_names_that_is_none_of_ours(folder):
    class SiReN(importlib.import_module("recbole.model.general_recommender").BPR):
        pass

    config = Config(SiReN, "tiny", config_dict=options(folder, embedding_size=8))
    assert "protocol" not in config
    assert get_model("SiReN") is not SiReN


def test_the_models_themselves_are_found_by_name_as_before():
    assert [get_model(name) for name in ("PNGNN", "SiReN")] == [PNGNN, SiReN]
