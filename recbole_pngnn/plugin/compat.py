"""What RecBole 1.2.1 needs on today's packages: a function a fault, each with its cause.

Every function looks for its fault first and does nothing where it is absent. ``mend_packages``
runs before RecBole is imported, ``mend_recbole`` after.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType, SimpleNamespace
from typing import Any


def mend_packages() -> None:
    """Mend NumPy and SciPy, so that RecBole imports and its graph models build."""
    restore_numpy_aliases()
    restore_dok_update()


def mend_recbole() -> None:
    """Mend RecBole's own modules; they are imported by it."""
    silence_known_warnings()
    import_quick_start()
    load_own_checkpoints()
    name_checkpoints_apart()
    draw_trials_by_generator()
    validate_models_of_one_epoch()
    count_popularity()
    read_files_in_c()
    index_by_tensors()


def restore_numpy_aliases() -> None:
    """NumPy removed names that RecBole and Ray 2.6 read (RecBole #2034, PR 2203).

    Config puts the older ones back by the names that NumPy 2 removed (configurator.py:625), and
    NDCG needs ``np.float`` also where no Config was made, after a checkpoint was loaded.
    """
    import numpy as np

    replacements = {
        "int": np.int_,
        "float": np.float64,
        "complex": np.complex128,
        "object": np.object_,
        "str": np.str_,
        "long": np.int_,
        "unicode": np.str_,
        "bool8": np.bool_,
        "float_": np.float64,
        "complex_": np.complex128,
        "unicode_": np.str_,
    }
    for name, replacement in replacements.items():
        if name not in vars(np):
            setattr(np, name, replacement)


def restore_dok_update() -> None:
    """SciPy 1.13 removed ``dok_matrix._update``, which seven graph models call (RecBole #2185)."""
    from scipy.sparse import dok_matrix

    if hasattr(dok_matrix, "_update"):
        return

    def _update(self: Any, data: dict[tuple[int, int], float]) -> None:
        self._dict.update(data)

    dok_matrix._update = _update


def silence_known_warnings() -> None:
    """RecBole calls what pandas and torch deprecate; a user can do nothing about that."""
    for category in (FutureWarning, DeprecationWarning, UserWarning):
        warnings.filterwarnings("ignore", category=category, module=r"recbole\.(?!.*pngnn)")


def import_quick_start() -> ModuleType:
    """Import ``recbole.quick_start`` where Ray cannot be imported (RecBole #2212).

    RecBole imports ``ray.tune`` at the top for one call of ``tune.report``. Ray 2.6 itself imports
    ``pkg_resources``, which setuptools 82 removed, and has no wheel for Python 3.12 and later.

    Returns:
        The module ``recbole.quick_start``.
    """
    with _ray_or_stand_in():
        return importlib.import_module("recbole.quick_start")


@contextmanager
def _ray_or_stand_in() -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module("ray.tune")
    except Exception:
        for name in [name for name in sys.modules if name.split(".")[0] == "ray"]:
            del sys.modules[name]
    else:
        yield
        return
    ray, tune = ModuleType("ray"), ModuleType("ray.tune")
    # Outside of a Ray session the real one does nothing either.
    tune.report = lambda **metrics: None  # type: ignore[attr-defined]
    ray.tune = tune  # type: ignore[attr-defined]
    sys.modules.update({"ray": ray, "ray.tune": tune})
    try:
        yield
    finally:  # whoever imports ray later gets the real one, or its real error
        del sys.modules["ray"], sys.modules["ray.tune"]


class _ModuleProxy(ModuleType):
    """A module as one module of RecBole's sees it: what a subclass defines, else the real one."""

    def __init__(self, real: ModuleType) -> None:
        super().__init__(real.__name__)
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _TrainerTorch(_ModuleProxy):
    """torch for the trainer: its own checkpoints load, and save whole."""

    def load(self, file: Any, **options: Any) -> Any:
        options.setdefault("weights_only", False)
        return self._real.load(file, **options)

    def save(self, state: Any, file: Any, **options: Any) -> None:
        # A run that is killed while it saves keeps the checkpoint that it had.
        partial = f"{file}.partial-{os.getpid()}"
        try:
            self._real.save(state, partial, **options)
            os.replace(partial, file)
        finally:
            if os.path.exists(partial):
                os.unlink(partial)


def load_own_checkpoints() -> None:
    """torch 2.6 made ``weights_only`` the default of ``load``, which RecBole's files fail.

    They hold a Config beside the weights. Only the trainer, which reads what it wrote, gets the
    old default (trainer.py:323 and 583); everything else keeps torch's guard.
    ``recbole_pngnn.load_data_and_model`` is the third place (quick_start.py:250).
    """
    trainer = importlib.import_module("recbole.trainer.trainer")
    if not isinstance(trainer.torch, _TrainerTorch):
        trainer.torch = _TrainerTorch(trainer.torch)  # type: ignore[attr-defined]


def name_checkpoints_apart() -> None:
    """Two runs that start in one second write one checkpoint (trainer.py:127)."""
    trainer = importlib.import_module("recbole.trainer.trainer")

    def get_local_time() -> str:
        return f"{datetime.now():%b-%d-%Y_%H-%M-%S-%f}-{os.getpid()}"

    trainer.get_local_time = get_local_time  # type: ignore[attr-defined]


def draw_trials_by_generator() -> None:
    """Hyperopt 0.2.6 and later draw from a Generator; RecBole hands them a RandomState.

    The exhaustive search dies of it (hyper_tuning.py:117). RecBole's extra asks for hyperopt
    0.2.5, which imports ``pkg_resources``, so this plugin's asks for a later one.
    """
    try:
        installed = version("hyperopt").split(".")
    except PackageNotFoundError:
        return
    if tuple(map(int, installed[:3])) < (0, 2, 6):
        return
    hyper_tuning = importlib.import_module("recbole.trainer.hyper_tuning")
    if not isinstance(hyper_tuning.np, _TuningNumPy):
        hyper_tuning.np = _TuningNumPy(hyper_tuning.np)  # type: ignore[attr-defined]


class _TuningNumPy(_ModuleProxy):
    """NumPy for RecBole's tuning."""

    @property
    def random(self) -> SimpleNamespace:
        return SimpleNamespace(RandomState=self._real.random.default_rng)


def validate_models_of_one_epoch() -> None:
    """Models that are fitted at once, EASE and others, are never validated with ``eval_step`` 2.

    Their trainer sets the epochs to 1 after ``eval_step`` was bounded by the option ``epochs``
    (trainer.py:877). Without a validation nothing is saved, and the test finds no checkpoint.
    """
    trainer = importlib.import_module("recbole.trainer.trainer").TraditionalTrainer
    if hasattr(trainer.__init__, "__wrapped__"):
        return
    init = trainer.__init__

    @functools.wraps(init)
    def __init__(self: Any, config: Any, model: Any) -> None:
        init(self, config, model)
        self.eval_step = min(self.eval_step, self.epochs)

    trainer.__init__ = __init__


def count_popularity() -> None:
    """Pop counts an item once a batch, and the items that are sampled against too (pop.py:38).

    An assignment by an index that occurs twice adds once, so the most popular items, which are in
    every batch, get one count; the ranking then depends on ``train_batch_size``.
    """
    pop = importlib.import_module("recbole.model.general_recommender.pop").Pop
    if hasattr(pop.__init__, "__wrapped__"):
        return
    init = pop.__init__

    @functools.wraps(init)
    def __init__(self: Any, config: Any, dataset: Any) -> None:
        init(self, config, dataset)
        self.LABEL = config["LABEL_FIELD"]

    def calculate_loss(self: Any, interaction: Any) -> Any:
        items = interaction[self.ITEM_ID]
        if self.LABEL in interaction:
            items = items[interaction[self.LABEL] > 0]
        self.item_cnt += items.bincount(minlength=self.n_items)[:, None]
        self.max_cnt = self.item_cnt.max(dim=0).values
        return self.fake_loss.sum() * 0.0

    pop.__init__, pop.calculate_loss = __init__, calculate_loss


def read_files_in_c() -> None:
    """RecBole reads its files by pandas' parser in Python (dataset.py:492), several times slower.

    Only a separator of several characters needs that one.
    """
    dataset = importlib.import_module("recbole.data.dataset.dataset")
    if not isinstance(dataset.pd, _ReadingPandas):
        dataset.pd = _ReadingPandas(dataset.pd)  # type: ignore[attr-defined]


class _ReadingPandas(_ModuleProxy):
    """pandas for RecBole's reading; it reads numbers to the last bit."""

    def read_csv(self, *args: Any, **options: Any) -> Any:
        if len(options.get("delimiter") or "") == 1:
            options.update(engine="c", float_precision="round_trip")
        return self._real.read_csv(*args, **options)


def index_by_tensors() -> None:
    """Interactions make a list of an index, and a tensor of that list for each of their columns.

    Every batch of a training is such an index (interaction.py:137).
    """
    import numpy as np
    import torch

    interaction = importlib.import_module("recbole.data.interaction").Interaction
    if hasattr(interaction.__getitem__, "__wrapped__"):
        return
    getitem = interaction.__getitem__

    @functools.wraps(getitem)
    def __getitem__(self: Any, index: Any) -> Any:
        if not isinstance(index, (np.ndarray, torch.Tensor)):
            return getitem(self, index)
        rows = torch.as_tensor(index)
        if rows.is_floating_point():  # NumPy's array of no numbers
            return getitem(self, index)
        return interaction({name: self[name][rows.to(self[name].device)] for name in self})

    interaction.__getitem__ = __getitem__
