"""The base recommender behind the candidates, trained on training rows alone."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_logger, init_seed

from recbole_pngnn.augment.dataset import TrainingData
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.plugin import output
from recbole_pngnn.plugin.config import config_hash
from recbole_pngnn.progress import TrainingProgress
from recbole_pngnn.protocol.dataset import without_test_part
from recbole_pngnn.quick_start import load_data_and_model
from recbole_pngnn.recommendations import top_lists

# A fixed number of epochs: there is no validation part to stop by, and there must not be one.
DEFAULT_OPTIONS: dict[str, Any] = {"epochs": 60, "learning_rate": 0.005}
# What the training below sets itself, or must not do: read other data, write elsewhere.
_FIXED = (
    "dataset", "model", "protocol", "like_threshold", "data_path", "benchmark_filename",
    "save_dataset", "save_dataloaders", "nproc",
)  # fmt: skip


def propose(
    data: TrainingData,
    model: str,
    size: int,
    checkpoint: Path | None,
    options: Mapping[str, Any],
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Let a base recommender propose what its users did not rate in training.

    Only the training part is shown to it: a model trained here has no validation part either, so
    nothing of validation or test reaches a candidate.

    Args:
        data: The dataset.
        model: Name of a model, of RecBole or this plugin, where there is no checkpoint.
        size: Candidates of each user.
        checkpoint: A trained model; one is trained here where it is None.
        options: RecBole's options for the training.

    Returns:
        The table, and where it came from.

    Raises:
        AugmentError: The model, its options or the checkpoint cannot be used.
    """
    if checkpoint is not None:
        config, network, dataset, train_data = _load(data, checkpoint)
    else:
        _check_options(options, data)
        try:
            config, network, dataset, train_data = _train(data, model, options)
        except AugmentError:
            raise
        except Exception as error:  # RecBole's and torch's own, of whatever kind
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise AugmentError(
                f"the base recommender {model} cannot be trained on {data.name}: {text}; check "
                f"--base_model and --base_options"
            ) from error
    network.eval()
    # Items of validation and test alone have no training row: no model can rank them fairly.
    lists = top_lists(
        config, network, dataset, [train_data._dataset], data.users, size, set(data.catalogue)
    )
    origin = {
        "model": config["model"],
        "config_hash": config_hash(config),
        "seed": config["seed"],
        "trained_on": "a checkpoint" if checkpoint is not None else "the training part alone",
        "train_sha256": data.train_sha256,
        "like_threshold": data.like_threshold,
        "size": size,
    }
    return lists, origin


def _load(data: TrainingData, checkpoint: Path) -> tuple[Config, Any, Any, Any]:
    try:
        config, network, dataset, train_data, *_ = load_data_and_model(
            checkpoint, data.folder.parent
        )
    except (ValueError, OSError):
        raise
    except Exception as error:
        raise AugmentError(f"the checkpoint {checkpoint} cannot be used: {error}") from error
    if config["dataset"] != data.name:
        raise AugmentError(
            f"{checkpoint} was trained on {config['dataset']}, and {data.name} is augmented"
        )
    threshold = config["like_threshold"]
    value = threshold.get("rating") if isinstance(threshold, dict) else threshold
    if value is not None and value != data.like_threshold:
        raise AugmentError(
            f"{checkpoint} was trained with like_threshold {value}, and this run's is "
            f"{data.like_threshold:g}; give --like_threshold {value}, or another checkpoint"
        )
    return config, network, dataset, train_data


def _check_options(options: Mapping[str, Any], data: TrainingData) -> None:
    """Refuse options that would undo what keeps validation and test apart."""
    fixed = sorted(set(_FIXED) & set(options))
    if "data_path" in fixed and Path(str(options["data_path"])) == data.folder.parent:
        fixed.remove("data_path")  # says what holds anyway
    if fixed:
        raise AugmentError(
            f"--base_options must not set {', '.join(fixed)}: the base recommender is trained on "
            f"the training part of the dataset that is augmented, at --like_threshold"
        )


@contextmanager
def _own_log() -> Iterator[None]:
    """Inside, a log may be opened; afterwards the root logger is as it was."""
    root = logging.getLogger()
    level = root.level
    try:
        yield
    finally:
        output.close_log()
        root.setLevel(level)


def _train(
    data: TrainingData, model: str, options: Mapping[str, Any]
) -> tuple[Config, Any, Any, Any]:
    """Train on a copy of the dataset whose validation and test parts are empty."""
    with tempfile.TemporaryDirectory() as place, _own_log():
        folder = Path(place) / data.name
        folder.mkdir()
        train = data.folder / f"{data.name}.train.inter"
        shutil.copyfile(train, folder / train.name)
        with train.open(encoding="utf-8-sig") as file:
            header = file.readline()
        (folder / f"{data.name}.test.inter").write_text(header, encoding="utf-8")
        config = Config(
            model=model,
            dataset=data.name,
            config_dict={
                "protocol": "signed",
                "like_threshold": {"rating": data.like_threshold},
                "benchmark_filename": ["train", "test"],
                "checkpoint_dir": place,
                "output_dir": place,
                "metrics": ["Recall"],  # nothing is evaluated, and small catalogues are welcome
                "topk": [1],
                "valid_metric": "Recall@1",
                **DEFAULT_OPTIONS,
                **options,
                "data_path": place,
            },
        )
        init_seed(config["seed"], config["reproducibility"])
        init_logger(config)  # below place; without, RecBole writes TensorBoard files right here
        output.show_warnings_only()
        with without_test_part():
            dataset = create_dataset(config)
            train_data, *_ = data_preparation(config, dataset)
        init_seed(config["seed"], config["reproducibility"])
        network = get_model(model)(config, train_data._dataset).to(config["device"])
        trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, network)
        try:
            with TrainingProgress(trainer, train_data, bool(config["show_progress"])):
                trainer.fit(train_data, saved=False, verbose=False)
        finally:
            trainer.tensorboard.close()  # before its folder is gone
    return config, network, dataset, train_data
