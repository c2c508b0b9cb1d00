"""All that a training needs to go on as if it had never stopped, kept after every epoch."""

from __future__ import annotations

import copy
import hashlib
import os
import random
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch

LAST_SUFFIX = ".last.pth"
# Bytes: what is larger among a model's attributes follows from the data, and is made of them again.
LARGEST_ATTRIBUTE = 16 * 2**20


def last_epoch_file(best: Path) -> Path:
    """Return the file of the last epoch that belongs to the checkpoint of the best one."""
    return best.with_name(best.name.removesuffix(".pth") + LAST_SUFFIX)


def best_epoch_file(last: Path) -> Path:
    """Return the checkpoint of the best epoch that belongs to the file of the last one."""
    return last.with_name(last.name.removesuffix(LAST_SUFFIX) + ".pth")


def catalogue_hash(dataset: Any) -> str:
    """Return the SHA-256 of the ids in their order: row n of an embedding belongs to the n-th.

    Args:
        dataset: RecBole's Dataset, or one of its parts.
    """
    digest = hashlib.sha256()
    for field in (dataset.uid_field, dataset.iid_field):
        for token in dataset.field2id_token[field]:
            digest.update(str(token).encode() + b"\0")
        digest.update(b"\0")
    return digest.hexdigest()


class KeptTraining:
    """Keep the last epoch of a training beside its best, while the context is open.

    RecBole's checkpoint is written when an epoch is the best so far, and holds neither the random
    states nor the best result. ``NAME.last.pth`` beside ``NAME.pth`` is RecBole's checkpoint of the
    last epoch with these. Both are written whole or not at all. The last one comes first: after a
    kill between the two, the best epoch is the last one, which is there.

    What is kept: weights and RecBole's ``other_parameter``, every optimiser of the trainer, random
    states, and the numbers, arrays and tensors among the model's attributes that the training
    changed. A trainer with a ``fit`` of its own (RaCT's) may pass by what keeps it.

    Args:
        trainer: RecBole's trainer, with the model as it was built.
        train_data: The dataloader of the training, which shuffles by a generator of its own.
        fingerprint: SHA-256 of the interactions' files.
    """

    def __init__(self, trainer: Any, train_data: Any, fingerprint: str | None) -> None:
        self._trainer, self._train_data = trainer, train_data
        self._identity = {
            "data_fingerprint": fingerprint,
            "catalogue": catalogue_hash(train_data._dataset),
        }
        self._built = {k: copy.deepcopy(v) for k, v in _attributes(trainer.model).items()}
        self._best_epoch: int | None = None
        self._valid_result: Any = None
        self._trained = self._kept = trainer.start_epoch - 1

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """Go on behind the last epoch of a kept training.

        Args:
            checkpoint: What :class:`KeptTraining` wrote.
        """
        trainer, kept = self._trainer, checkpoint["training"]
        restore_recboles(trainer, checkpoint)
        trainer.best_valid_result = kept["best_valid_result"]
        for name, optimizer in kept["optimizers"].items():
            getattr(trainer, name).load_state_dict(optimizer)
        modules = dict(trainer.model.named_modules())
        for (module, name), value in kept["attributes"].items():
            on_device = value.to(trainer.device) if isinstance(value, torch.Tensor) else value
            setattr(modules[module], name, on_device)
        self._best_epoch = kept["best_epoch"]
        self._trained = self._kept = checkpoint["epoch"]
        _set_random_states(kept["random"])
        if kept["shuffle"] is not None:
            self._train_data.generator.set_state(kept["shuffle"])

    def __enter__(self) -> KeptTraining:
        trainer = self._trainer
        train_epoch, valid_epoch = trainer._train_epoch, trainer._valid_epoch
        save_best = trainer._save_checkpoint

        def kept_train_epoch(train_data: Any, epoch_idx: int, *args: Any, **options: Any) -> Any:
            self._keep_what_is_whole()
            loss = train_epoch(train_data, epoch_idx, *args, **options)
            self._trained = epoch_idx
            return loss

        def kept_valid_epoch(*args: Any, **options: Any) -> Any:
            score, self._valid_result = valid_epoch(*args, **options)
            return score, self._valid_result

        def save_last_and_best(epoch: int, *args: Any, **options: Any) -> None:
            self._best_epoch = epoch
            # RecBole's trainer takes the result for its best one only behind this.
            self._write(epoch, self._valid_result)
            save_best(epoch, *args, **options)

        trainer._train_epoch, trainer._valid_epoch = kept_train_epoch, kept_valid_epoch
        trainer._save_checkpoint = save_last_and_best
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if kind is None:
            self._keep_what_is_whole()

    def _keep_what_is_whole(self) -> None:
        """Write the last epoch that was trained and validated, where it was not the best."""
        if self._trained > self._kept:
            self._write(self._trained, self._trainer.best_valid_result)

    def _write(self, epoch: int, best_valid_result: Any) -> None:
        trainer = self._trainer
        generator = getattr(self._train_data, "generator", None)
        now = _attributes(trainer.model)
        state = {
            "config": trainer.config,
            "epoch": epoch,
            "cur_step": trainer.cur_step,
            "best_valid_score": trainer.best_valid_score,
            "state_dict": trainer.model.state_dict(),
            "other_parameter": trainer.model.other_parameter(),
            "optimizer": trainer.optimizer.state_dict(),
            "training": {
                **self._identity,
                "best_epoch": self._best_epoch,
                "best_valid_result": best_valid_result,
                "optimizers": _optimizers(trainer),
                "attributes": {k: v for k, v in now.items() if not _same(v, self._built.get(k))},
                "random": _random_states(),
                "shuffle": None if generator is None else generator.get_state(),
            },
        }
        save_whole(state, last_epoch_file(Path(trainer.saved_model_file)))
        self._kept = epoch


def restore_recboles(trainer: Any, checkpoint: dict[str, Any]) -> None:
    """Bring a trainer to a checkpoint's epoch, but for the optimiser.

    Args:
        trainer: RecBole's trainer.
        checkpoint: What RecBole's trainer keeps, of any of its epochs.
    """
    trainer.start_epoch = checkpoint["epoch"] + 1
    trainer.cur_step = checkpoint["cur_step"]
    trainer.best_valid_score = checkpoint["best_valid_score"]
    trainer.model.load_state_dict(checkpoint["state_dict"])
    trainer.model.load_other_parameter(checkpoint.get("other_parameter"))


def save_whole(state: dict[str, Any], file: Path) -> None:
    """Save a checkpoint: who reads it after a kill sees the old one or the new one.

    Raises:
        OSError: The disk refuses; the old file is untouched.
    """
    partial = file.with_name(f"{file.name}.partial-{os.getpid()}")
    try:
        with partial.open("wb") as opened:
            torch.save(state, opened, pickle_protocol=4)
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)


def _attributes(model: torch.nn.Module) -> dict[tuple[str, str], Any]:
    """Return plain numbers, arrays and dense tensors among the attributes of a model's modules.

    MultiVAE counts its steps in one, LINE shuffles an array, DiffRec remembers losses, NCL has its
    clusters. Options are among them too, and what follows from the data.
    """
    return {
        (path, name): value
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf" and value.nbytes <= LARGEST_ATTRIBUTE
    if isinstance(value, torch.Tensor):
        dense = value.layout == torch.strided and not value.requires_grad
        return dense and value.nbytes <= LARGEST_ATTRIBUTE
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(value: Any, built: Any) -> bool:
    if type(value) is not type(built):
        return False
    if isinstance(value, np.ndarray):
        return np.array_equal(value, built)
    if isinstance(value, torch.Tensor):
        return torch.equal(value, built)
    return bool(value == built)


def _optimizers(trainer: Any) -> dict[str, Any]:
    """Return the state of every optimiser by its name; RecVAE's trainer has two, and an alias."""
    named = {n: o for n, o in vars(trainer).items() if isinstance(o, torch.optim.Optimizer)}
    others = {id(optimizer) for name, optimizer in named.items() if name != "optimizer"}
    return {
        name: optimizer.state_dict()
        for name, optimizer in named.items()
        if name != "optimizer" or id(optimizer) not in others
    }


def _random_states() -> dict[str, Any]:
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # RecBole's samplers draw from it
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }


def _set_random_states(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.device_count() == len(states["cuda"]):
        torch.cuda.set_rng_state_all(states["cuda"])
