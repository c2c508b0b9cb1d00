"""What of RecBole 1.2.1 cannot run on today's packages: a function a fault, each with its cause.

These mends hold for everybody who imports the plugin, so they make run what would end in an error
and change nothing else. What corrects a result is in :mod:`recbole_pngnn.plugin.corrections`, what
is only faster in :mod:`recbole_pngnn.plugin.speed`. Every function looks for its fault first and
does nothing where it is absent. ``mend_packages`` runs before RecBole is imported, ``mend_recbole``
after.
"""

from __future__ import annotations

import copy
import importlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType, SimpleNamespace
from typing import Any

from recbole_pngnn.plugin.patching import ModuleProxy, wrap


def mend_packages() -> None:
    """Mend NumPy and SciPy, so that RecBole imports and its graph models build."""
    restore_numpy_aliases()
    restore_dok_update()


def mend_recbole() -> None:
    """Mend RecBole's own modules; they are imported by it."""
    import_quick_start()
    load_own_checkpoints()
    draw_trials_by_generator()
    measure_beyond_accuracy()


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
    if "recbole.quick_start" in sys.modules:
        yield
        return
    before = {name: module for name, module in sys.modules.items() if _is_ray(name)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module("ray.tune")
    except Exception:
        pass
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
        for name in [name for name in sys.modules if _is_ray(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def _is_ray(name: str) -> bool:
    return name == "ray" or name.startswith("ray.")


def load_own_checkpoints() -> None:
    """torch 2.6 made ``weights_only`` the default of ``load``, which RecBole's files fail.

    They hold a Config beside the weights. Only the trainer, which reads what it wrote, gets the
    old default (trainer.py:323 and 583); everything else keeps torch's guard. The third place is
    ``load_data_and_model`` (quick_start.py:250), see :mod:`recbole_pngnn.plugin.loading`.
    """
    wrap(importlib.import_module("recbole.trainer.trainer"), "torch", _LoadingTorch)


class _LoadingTorch(ModuleProxy):
    """torch for the trainer: its own checkpoints load."""

    def load(self, file: Any, **options: Any) -> Any:
        options.setdefault("weights_only", False)
        return self._real.load(file, **options)


def draw_trials_by_generator() -> None:
    """Hyperopt 0.2.6 and later draw from a Generator; RecBole hands them a RandomState.

    The exhaustive search dies of it (hyper_tuning.py:117). RecBole's extra asks for hyperopt
    0.2.5, which imports ``pkg_resources``, so this plugin's asks for a later one.
    """
    try:
        installed = version("hyperopt")
    except PackageNotFoundError:
        return
    if tuple(map(int, re.findall(r"\d+", installed)[:3])) < (0, 2, 6):
        return
    wrap(importlib.import_module("recbole.trainer.hyper_tuning"), "np", _TuningNumPy)


class _TuningNumPy(ModuleProxy):
    """NumPy for RecBole's tuning."""

    @property
    def random(self) -> SimpleNamespace:
        return SimpleNamespace(RandomState=self._real.random.default_rng)


def measure_beyond_accuracy() -> None:
    """ItemCoverage, AveragePopularity, GiniIndex and TailPercentage die of numbers and counters.

    Collector takes all that it gathered to the CPU, and these need what is no tensor
    (collector.py:227).
    """
    collector = importlib.import_module("recbole.evaluator.collector").Collector
    wrap(collector, "get_data_struct", _get_data_struct)


def _get_data_struct(stock: Callable[[Any], Any]) -> Callable[[Any], Any]:
    import torch

    def get_data_struct(self: Any) -> Any:
        """Return what was gathered, on the CPU, and start anew with what batches bring."""
        kept = self.data_struct._data_dict
        plain = {key: value for key, value in kept.items() if not isinstance(value, torch.Tensor)}
        for key in plain:
            del kept[key]
        collected = stock(self)
        kept.update(plain)
        for key, value in plain.items():
            collected.set(key, copy.deepcopy(value))
        return collected

    return get_data_struct
