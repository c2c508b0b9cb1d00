"""What corrects RecBole's behaviour, under the protocol ``signed`` alone.

Each changes a result, a file or what is shown, so nobody gets it who does not ask for the protocol.
"""

from __future__ import annotations

import functools
import importlib
import os
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from recbole.config import Config

from recbole_pngnn.plugin.patching import ModuleProxy, wrap
from recbole_pngnn.plugin.scope import is_signed

P = ParamSpec("P")
T = TypeVar("T")

_reads_to_the_last_bit: ContextVar[bool] = ContextVar("reads_to_the_last_bit", default=False)


def install() -> None:
    """Put the corrections in place; they look at the protocol of each run."""
    from recbole_pngnn.plugin import fast_graph

    trainer = importlib.import_module("recbole.trainer.trainer")
    wrap(trainer, "torch", _SavingTorch)
    wrap(trainer.Trainer, "__init__", _named_apart)
    wrap(trainer.TraditionalTrainer, "__init__", _validated)
    pop = importlib.import_module("recbole.model.general_recommender.pop").Pop
    wrap(pop, "__init__", _knowing_labels)
    wrap(pop, "calculate_loss", _counting_all)
    dataset = importlib.import_module("recbole.data.dataset.dataset")
    wrap(dataset, "pd", _ExactPandas)
    wrap(dataset.Dataset, "_load_feat", _exact)
    fast_graph.install()


def without_known_warnings(function: Callable[P, T]) -> Callable[P, T]:
    """Silence, while a function runs, that RecBole calls what pandas and torch deprecate.

    A user can do nothing about that.
    """

    @functools.wraps(function)
    def silenced(*args: P.args, **options: P.kwargs) -> T:
        with warnings.catch_warnings():
            for category in (FutureWarning, DeprecationWarning, UserWarning):
                warnings.filterwarnings("ignore", category=category, module=r"recbole\.")
            return function(*args, **options)

    return silenced


class _SavingTorch(ModuleProxy):
    """torch for the trainer: a run that is killed while it saves keeps the checkpoint it had."""

    def save(self, state: Any, file: Any, **options: Any) -> None:
        config = state.get("config") if isinstance(state, dict) else None
        if not (isinstance(config, Config) and is_signed(config)):
            self._real.save(state, file, **options)
            return
        partial = f"{file}.partial-{os.getpid()}"
        try:
            self._real.save(state, partial, **options)
            os.replace(partial, file)
        finally:
            if os.path.exists(partial):
                os.unlink(partial)


def _named_apart(init: Callable[..., None]) -> Callable[..., None]:
    """Two runs that start in one second write one checkpoint (trainer.py:127)."""

    @functools.wraps(init)
    def __init__(self: Any, config: Any, *args: Any, **options: Any) -> None:
        init(self, config, *args, **options)
        if is_signed(config):
            name = f"{config['model']}-{datetime.now():%b-%d-%Y_%H-%M-%S-%f}-{os.getpid()}.pth"
            self.saved_model_file = os.path.join(self.checkpoint_dir, name)

    return __init__


def _validated(init: Callable[..., None]) -> Callable[..., None]:
    """Models that are fitted at once, EASE and others, are never validated with ``eval_step`` 2.

    Their trainer sets the epochs to 1 after ``eval_step`` was bounded by the option ``epochs``
    (trainer.py:877). Without a validation nothing is saved, and the test finds no checkpoint.
    """

    @functools.wraps(init)
    def __init__(self: Any, config: Any, *args: Any, **options: Any) -> None:
        init(self, config, *args, **options)
        if is_signed(config):
            self.eval_step = min(self.eval_step, self.epochs)

    return __init__


def _knowing_labels(init: Callable[..., None]) -> Callable[..., None]:
    """See :func:`_counting_all`."""

    @functools.wraps(init)
    def __init__(self: Any, config: Any, *args: Any, **options: Any) -> None:
        init(self, config, *args, **options)
        self.counted_label = config["LABEL_FIELD"] if is_signed(config) else None

    return __init__


def _counting_all(calculate_loss: Callable[..., Any]) -> Callable[..., Any]:
    """Pop counts an item once a batch, and the items that are sampled against too (pop.py:38).

    An assignment by an index that occurs twice adds once, so the most popular items, which are in
    every batch, get one count; the ranking then depends on ``train_batch_size``.
    """

    @functools.wraps(calculate_loss)
    def counting_all(self: Any, interaction: Any) -> Any:
        label = getattr(self, "counted_label", None)
        if label is None:
            return calculate_loss(self, interaction)
        items = interaction[self.ITEM_ID]
        if label in interaction:
            items = items[interaction[label] > 0]
        self.item_cnt += items.bincount(minlength=self.n_items)[:, None]
        self.max_cnt = self.item_cnt.max(dim=0).values
        return self.fake_loss.sum() * 0.0

    return counting_all


def _exact(load_feat: Callable[..., Any]) -> Callable[..., Any]:
    """RecBole's parser rounds 1.1579208923731604e+77 to its neighbour; the protocol's does not."""

    @functools.wraps(load_feat)
    def exact(self: Any, filepath: str | Path, source: Any) -> Any:
        token = _reads_to_the_last_bit.set(is_signed(self.config))
        try:
            return load_feat(self, filepath, source)
        finally:
            _reads_to_the_last_bit.reset(token)

    return exact


class _ExactPandas(ModuleProxy):
    """pandas for RecBole's reading; see :func:`_exact`."""

    def read_csv(self, *args: Any, **options: Any) -> Any:
        if _reads_to_the_last_bit.get() and len(options.get("delimiter") or "") == 1:
            options.update(engine="c", float_precision="round_trip")
        return self._real.read_csv(*args, **options)
