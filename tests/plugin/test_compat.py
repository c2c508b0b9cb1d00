"""Each mend: the fault is gone, and where there is none nothing is touched."""

import io
import subprocess
import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import recbole.trainer.trainer as recbole_trainer
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from recbole.data.interaction import Interaction

import recbole_pngnn
from recbole_pngnn.plugin import compat


def run_python(code, **options):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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


def test_quick_start_imports_without_ray_and_leaves_no_stand_in():
    out = run_python(
        "import sys; sys.modules['ray'] = None\n"
        "import recbole_pngnn\n"
        "from recbole.quick_start import run_recbole\n"
        "print('ray' in sys.modules, run_recbole.__name__)"
    )
    assert out == "False run_recbole"


def test_the_trainer_loads_its_checkpoints_and_torch_keeps_its_guard(tmp_path):
    file = tmp_path / "checkpoint.pth"
    # A class of this module is what torch's guard refuses.
    recbole_trainer.torch.save({"config": Pickled()}, file)
    assert isinstance(recbole_trainer.torch.load(file)["config"], Pickled)
    with pytest.raises(Exception, match=r"[Ww]eights"):
        torch.load(file)


class Pickled:
    """What RecBole's Config is to torch: no tensor."""


def test_a_checkpoint_is_whole_or_the_one_before(tmp_path, monkeypatch):
    file = tmp_path / "checkpoint.pth"
    recbole_trainer.torch.save({"epoch": 1}, file)

    def torn(state, path, **options):
        with open(path, "wb") as half:
            half.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(OSError, match="no space"):
        recbole_trainer.torch.save({"epoch": 2}, file)
    assert torch.load(file) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_two_trainers_of_one_second_have_two_checkpoints():
    assert recbole_trainer.get_local_time() != recbole_trainer.get_local_time()


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


def test_importing_the_plugin_imports_neither_recbole_nor_torch():
    out = run_python(
        "import sys, recbole_pngnn, recbole_pngnn.cli\n"
        "print([name for name in ('torch', 'recbole', 'ray') if name in sys.modules])"
    )
    assert out == "[]"


@pytest.mark.parametrize("order", ["recbole_pngnn, recbole", "recbole, recbole_pngnn"])
def test_either_import_may_come_first(order):
    out = run_python(
        f"import {order}\n"
        "from recbole.utils import get_model\n"
        "from recbole_pngnn.model.pngnn import PNGNN\n"
        "print(get_model('PNGNN') is PNGNN)"
    )
    assert out == "True"


def test_looking_recbole_up_is_not_importing_it():
    out = run_python(
        "import importlib.util, recbole_pngnn\n"
        "importlib.util.find_spec('recbole')\n"  # prepare ml-100k does
        "import recbole.data.dataset\n"
        "print(recbole.data.dataset.Dataset.__name__)"
    )
    assert out == "SignedDataset"


def test_a_module_proxy_shows_the_real_module():
    real = ModuleType("real")
    real.value = 3
    assert compat._ModuleProxy(real).value == 3


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
    wrapped = recbole_trainer.TraditionalTrainer.__init__
    compat.validate_models_of_one_epoch()
    assert recbole_trainer.TraditionalTrainer.__init__ is wrapped


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


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(
                st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters='"')
            ),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        min_size=1,
    )
)
def test_both_parsers_read_the_same(rows):
    lines = ["item_id:token\trating:float", *(f"{text}\t{value!r}" for text, value in rows)]
    options = {"delimiter": "\t", "engine": "python", "encoding": "utf-8"}
    options["dtype"] = {"item_id:token": str, "rating:float": np.float64}
    data = ("\n".join(lines) + "\n").encode()
    ours = compat._ReadingPandas(pd).read_csv(io.BytesIO(data), **options)
    # The parser in Python rounds 1.1579208923731604e+77 to its neighbour; ours reads what is there.
    assert ours["rating:float"].tolist() == [value for _, value in rows]
    pd.testing.assert_frame_equal(
        ours, pd.read_csv(io.BytesIO(data), **options), check_exact=False, rtol=1e-15
    )


def test_recbole_reads_in_c_what_one_character_separates(atomic, monkeypatch):
    read, engines = pd.read_csv, []

    def spy(*args, **options):
        engines.append(options["engine"])
        return read(*args, **options)

    monkeypatch.setattr(pd, "read_csv", spy)
    folder = atomic("tiny", [("u", "i", 5), ("v", "j", 1), ("v", "i", 4), ("u", "k", 2)])
    options = {"data_path": str(folder), "topk": [2], "valid_metric": "NDCG@2"}
    options["show_progress"] = False
    recbole_pngnn.run("Pop", "tiny", config_dict=options)
    assert set(engines) == {"c"}
    for file in (folder / "tiny").iterdir():
        file.write_text(file.read_text().replace("\t", "::"))
    engines.clear()
    recbole_pngnn.run("Pop", "tiny", config_dict={**options, "field_separator": "::"})
    assert set(engines) == {"python"}


@pytest.mark.parametrize(
    "index",
    [
        np.array([2, 0, 2]),
        torch.tensor([-1, 1]),
        np.array([True, False, True]),
        torch.tensor([False, False, True]),
        np.array([]),
        torch.tensor(1),
        [0, 2],
        slice(0, 2),
        1,
    ],
    ids=repr,
)
def test_interactions_are_indexed_as_before(index):
    rows = Interaction({"id": torch.arange(3), "pair": torch.randn(3, 2)})
    expected = Interaction.__getitem__.__wrapped__(rows, index)
    found = rows[index]
    assert list(found) == ["id", "pair"]
    for name in found:
        assert torch.equal(found[name], expected[name])
    assert rows["id"] is rows.interaction["id"]


def test_no_list_is_made_of_an_index():
    class Array(np.ndarray):
        def tolist(self):
            raise AssertionError("a list was made")

    rows = Interaction({"id": torch.arange(3)})
    assert rows[np.array([2, 1]).view(Array)]["id"].tolist() == [2, 1]
