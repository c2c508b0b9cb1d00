"""Each mend: the fault is gone, and where there is none nothing is touched."""

import numpy as np
import pytest
import recbole.trainer.trainer as recbole_trainer
import torch

from recbole_pngnn.plugin import compat


def test_numpy_aliases_are_restored_and_others_stay(monkeypatch):
    for name in ("bool8", "float_", "complex_", "unicode_"):
        monkeypatch.delattr(np, name)
    monkeypatch.setattr(np, "float_", "somebody's own", raising=False)
    compat.restore_numpy_aliases()
    assert np.bool8 is np.bool_
    assert np.complex_ is np.complex128
    assert np.float_ == "somebody's own"


def test_dok_update_writes_entries():
    from scipy.sparse import dok_matrix

    compat.restore_dok_update()
    matrix = dok_matrix((2, 3), dtype=np.float32)
    matrix._update({(0, 1): 2.0, (1, 2): 3.0})
    assert matrix.toarray().tolist() == [[0, 2, 0], [0, 0, 3]]


def test_the_trainer_loads_its_checkpoints_and_torch_keeps_its_guard(tmp_path):
    file = tmp_path / "checkpoint.pth"
    # A class of this module is what torch's guard refuses.
    recbole_trainer.torch.save({"config": Pickled()}, file)
    assert isinstance(recbole_trainer.torch.load(file)["config"], Pickled)
    with pytest.raises(Exception, match=r"[Ww]eights"):
        torch.load(file)


class Pickled:
    """What RecBole's Config is to torch: no tensor."""


def test_mends_are_made_once():
    before = recbole_trainer.torch
    compat.mend_recbole()
    assert recbole_trainer.torch is before


def test_hyperopt_gets_the_generator_that_it_draws_from():
    from recbole.trainer import hyper_tuning

    assert hyper_tuning.np.random.RandomState(0).integers(0, 5) in range(5)
    assert hyper_tuning.np.array is np.array


def test_a_hyperopt_of_old_keeps_its_random_state(monkeypatch):
    from recbole.trainer import hyper_tuning

    monkeypatch.setattr(hyper_tuning, "np", np)
    monkeypatch.setattr(compat, "version", lambda _: "0.2.5")
    compat.draw_trials_by_generator()
    assert hyper_tuning.np is np
