"""Going on from a checkpoint: whose options, whose data, and what may differ."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from recbole.config import Config
from recbole.utils import calculate_valid_score

from recbole_pngnn.literals import quoted
from recbole_pngnn.plugin.config import NOT_HASHED, config_file
from recbole_pngnn.record import plain
from recbole_pngnn.training.state import (
    LAST_SUFFIX,
    KeptTraining,
    best_epoch_file,
    catalogue_hash,
    last_epoch_file,
    restore_recboles,
    save_whole,
)

# A longer or a more patient training has the same epochs up to where the other one ended.
MAY_CHANGE = NOT_HASHED | {"epochs", "stopping_step"}
ANY = "any"


@dataclass(frozen=True)
class Stopped:
    """A training that stopped, as its files tell it.

    Attributes:
        best: The checkpoint of its best epoch so far; the file need not exist yet.
        checkpoint: Content of the last epoch's file, of ``best`` where there is none.
        whole: Whether the training's state was kept, so that it goes on as if it had never
            stopped. RecBole's own checkpoints do not have it.
    """

    best: Path
    checkpoint: dict[str, Any]
    whole: bool

    @classmethod
    def read(cls, file: Path) -> Stopped:
        """Read either of a training's two files. They are unpickled: only those that you trust.

        Args:
            file: ``NAME.pth`` or ``NAME.last.pth``; where both are there, the last epoch counts.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no checkpoint, or the two do not belong together.
        """
        if not file.is_file():
            raise FileNotFoundError(f"there is no checkpoint {file} to go on from")
        named_last = file.name.endswith(LAST_SUFFIX)
        best = best_epoch_file(file) if named_last else file
        last = file if named_last else last_epoch_file(file)
        checkpoint = read_checkpoint(last if last.is_file() else best)
        return cls(best, checkpoint, "training" in checkpoint)

    @property
    def config(self) -> Any:
        """The Config of the training."""
        return self.checkpoint["config"]

    def new_config(
        self,
        model: str | None,
        dataset: str | None,
        config_file_list: Iterable[str] | None,
        config_dict: dict[str, Any] | None,
        allow_changes: Iterable[str] | None = None,
    ) -> tuple[Any, list[str]]:
        """Make the Config to go on with: that of the training, and what is given beside it.

        Args:
            model: Name of a model; it must be the checkpoint's.
            dataset: Name of a dataset; it must be the checkpoint's.
            config_file_list: YAML files with options.
            config_dict: Options, above the files and below the command line.
            allow_changes: Options that may differ from the training's; ``ANY`` among them for all.

        Returns:
            The Config, and the options in which it differs from the training's, sorted, but for
            those that may always.

        Raises:
            ValueError: The model, the dataset, or an option is another, and may not be.
        """
        given = _given(config_file_list, config_dict)
        self._check_names(model or given.get("model"), dataset or given.get("dataset"))
        trained = self.config
        options = {**trained.external_config_dict, **given, "dataset": trained["dataset"]}
        options.pop("model", None)
        if trained["dataset"] != "ml-100k":
            # Absolute, and the folder of the dataset itself: the new Config adds its name.
            folder = Path(trained["data_path"])
            if "data_path" in given:
                folder = Path(str(given["data_path"]), trained["dataset"])
            if not folder.is_dir():
                raise ValueError(
                    f"{self.best.name} goes on with the data of {folder}, which is not there; name "
                    f"the folder of datasets by data_path"
                )
            options["data_path"] = str(folder.parent)
        config = Config(trained.model_class, trained["dataset"], None, quoted(options))
        names = set(allow_changes or ())
        unknown = sorted(names - {ANY} - set(config.final_config_dict))
        if unknown:
            raise ValueError(
                f"allow_changes names {', '.join(unknown)}, and there is no such option; name "
                f"those that differ from the training's, or {ANY}"
            )
        changed = [name for name in _differences(trained, config) if name not in MAY_CHANGE]
        barred = [name for name in changed if name not in names]
        if barred and ANY not in names:
            told = ", ".join(
                f"{name} {trained[name]!r}, and now it is {config[name]!r}" for name in barred
            )
            raise ValueError(
                f"{self.best.name} was trained with {told}; go on with its own options, or say "
                f"that they may change: --allow_changes={','.join(barred)}"
            )
        return config, changed

    def _check_names(self, model: Any, dataset: Any) -> None:
        model = getattr(model, "__name__", model)
        for kind, asked in (("model", model), ("dataset", dataset)):
            found = self.config[kind]
            if asked is not None and str(asked).lower() != str(found).lower():
                raise ValueError(
                    f"{self.best.name} is a checkpoint of the {kind} {found}, and {asked} is asked "
                    f"for; leave --{kind} out, or train anew without --resume"
                )

    def check_files(self, config: Any, fingerprint: str | None) -> None:
        """Compare the files of the data with those of the training, before they are read.

        Args:
            config: The Config to go on with.
            fingerprint: SHA-256 of the interactions' files.

        Raises:
            ValueError: They are other data.
        """
        kept = self.checkpoint.get("training", {})
        trained = kept.get("data_fingerprint") or self.config["data_fingerprint"]
        if trained is not None and fingerprint is None:
            raise ValueError(
                f"{self.best.name} was trained on {config['dataset']}, and {config['data_path']} "
                f"has no such interactions; name the folder of datasets by data_path"
            )
        if trained is not None and fingerprint != trained:
            raise ValueError(
                f"the interactions of {config['dataset']} in {config['data_path']} are not those "
                f"that {self.best.name} was trained on (SHA-256 {str(fingerprint)[:12]}, at "
                f"training {trained[:12]}); go on with the same data (data_path names their "
                f"folder), or train anew without --resume"
            )

    def check_ids(self, dataset: Any) -> None:
        """Compare users and items, in their order, with those of the training.

        Args:
            dataset: The training part, as it was made now.

        Raises:
            ValueError: The rows of the model would belong to others.
        """
        catalogue = self.checkpoint.get("training", {}).get("catalogue")
        if catalogue is not None and catalogue != catalogue_hash(dataset):
            raise ValueError(
                f"the users or items of {self.config['dataset']} are no longer those that "
                f"{self.best.name} was trained on, so its rows would belong to others; an option "
                f"that filters the data is another one now: train anew without --resume"
            )

    def resume(self, trainer: Any, training: KeptTraining, valid_data: Any, changed: bool) -> None:
        """Bring a trainer to where the training stopped.

        Args:
            trainer: A new trainer, which goes on writing the training's files; they are copied
                first where the trainer has another folder for them.
            training: Keeps its state.
            valid_data: Dataloader of the validation part, or None.
            changed: Whether an option of the results is another than at the training: then the
                best epoch is evaluated anew.

        Raises:
            ValueError: The weights do not fit the model, or the files do not belong together.
        """
        try:
            if self.whole:
                training.restore(self.checkpoint)
            else:
                restore_recboles(trainer, self.checkpoint)
                trainer.optimizer.load_state_dict(self.checkpoint["optimizer"])
        except (RuntimeError, KeyError, ValueError) as error:
            raise ValueError(
                f"{self.best.name} does not fit the model with these options: "
                f"{textwrap.shorten(str(error), 300, placeholder=' ...')}"
            ) from error
        if trainer.config["learning_rate_decay"] == "linear" and self.config["epochs"] != (
            trainer.epochs
        ):
            trainer.logger.warning(
                f"the learning rate falls until epoch {trainer.epochs} now, and fell until epoch "
                f"{self.config['epochs']} in the {trainer.start_epoch} epochs that are trained: a "
                f"training of {trainer.epochs} epochs from the start would have had other rates"
            )
        best = self._best_of_last()
        trainer.saved_model_file = str(self._in_folder_of(trainer, best))
        if not valid_data or trainer.best_valid_score in (None, float("inf"), -float("inf")):
            return
        if self.whole and not changed:
            return
        self._evaluate_best(trainer, valid_data)

    def _best_of_last(self) -> dict[str, Any] | None:
        """Return the best epoch where the last one is it, and a kill came before its file.

        Raises:
            ValueError: The file of the best epoch is another training's, or it is gone.
        """
        if not self.whole:
            return None
        epoch = self.checkpoint["training"]["best_epoch"]
        found = read_checkpoint(self.best)["epoch"] if self.best.is_file() else None
        if epoch is None or found == epoch:
            return None
        if epoch == self.checkpoint["epoch"]:
            return {name: part for name, part in self.checkpoint.items() if name != "training"}
        raise ValueError(
            f"the best epoch of the training was its epoch {epoch + 1}, and {self.best} "
            + ("is missing" if found is None else f"holds epoch {found + 1}")
            + "; put the file back, or train anew without --resume"
        )

    def _in_folder_of(self, trainer: Any, best: dict[str, Any] | None) -> Path:
        """Return the file of the best epoch; it is there behind this, if there is one at all."""
        given = trainer.config.external_config_dict
        elsewhere = "checkpoint_dir" in given or "output_dir" in given
        folder = Path(trainer.config["checkpoint_dir"]) if elsewhere else self.best.parent
        file = folder / self.best.name
        if best is not None:
            save_whole(best, file)
        elif self.best.is_file() and not (file.exists() and os.path.samefile(file, self.best)):
            shutil.copyfile(self.best, file)
        return file

    @staticmethod
    def _evaluate_best(trainer: Any, valid_data: Any) -> None:
        """Score the best epoch by the options of now, and go back to the last one's weights."""
        model = trainer.model
        weights = {name: weight.clone() for name, weight in model.state_dict().items()}
        other = model.other_parameter()
        result = trainer.evaluate(valid_data, load_best_model=True)
        trainer.best_valid_result = result
        trainer.best_valid_score = calculate_valid_score(result, trainer.valid_metric)
        model.load_state_dict(weights)
        model.load_other_parameter(other)


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Unpickle a checkpoint of a trainer, onto the CPU.

    Raises:
        ValueError: It is none.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=False)
        for part in ("config", "epoch", "state_dict", "optimizer"):
            checkpoint[part]
        if not isinstance(checkpoint["config"], Config):
            raise TypeError(f"its config is a {type(checkpoint['config']).__name__}")
    except Exception as error:
        raise ValueError(f"{file} is not a checkpoint of a training: {error}") from error
    return checkpoint


def _given(files: Iterable[str] | None, config_dict: dict[str, Any] | None) -> dict[str, Any]:
    """Return the options given now, by RecBole's own reading and order."""
    reader = Config.__new__(Config)
    reader.yaml_loader = reader._build_yaml_loader()
    return {
        **reader._load_config_files([config_file(name) for name in files or []]),
        **reader._load_variable_config_dict(dict(config_dict or {})),
        **reader._load_cmd_line(),
    }


def _differences(trained: Any, now: Any) -> list[str]:
    """Return the names of options that differ, but for the plugin's version."""
    before, after = trained.final_config_dict, now.final_config_dict
    names = (set(before) | set(after)) - {"recbole_pngnn", "data_fingerprint"}
    return sorted(n for n in names if plain(before.get(n)) != plain(after.get(n)))
