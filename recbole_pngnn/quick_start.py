"""Train, measure, load: RecBole's quick start with records, progress and resumption."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import recbole
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_logger, init_seed

from recbole_pngnn.literals import for_recbole
from recbole_pngnn.plugin import output
from recbole_pngnn.plugin.config import config_hash, presets, result_options
from recbole_pngnn.plugin.corrections import without_known_warnings
from recbole_pngnn.plugin.option_file import check_files
from recbole_pngnn.progress import TrainingProgress
from recbole_pngnn.protocol.by_user import UserResults, evaluate_by_user
from recbole_pngnn.protocol.fingerprint import config_fingerprint
from recbole_pngnn.record import (
    check_writable,
    commit,
    floats,
    peak_memory_mib,
    plain,
    relative,
    versions,
    write_json,
)
from recbole_pngnn.training.resume import Stopped
from recbole_pngnn.training.state import KeptTraining, last_epoch_file


@without_known_warnings
def run(
    model: str | None = None,
    dataset: str | None = None,
    config_file_list: list[str] | None = None,
    config_dict: dict[str, Any] | None = None,
    saved: bool = True,
    result_file: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    allow_changes: Iterable[str] | None = None,
    test: bool = True,
    on_validation: Callable[[int, int, float], bool] | None = None,
    on_test: Callable[[UserResults], None] | None = None,
) -> dict[str, Any]:
    """Train and test a model as RecBole's ``run_recbole`` does, under the protocol ``signed``.

    The results equal those of ``run_recbole`` with the same options. Beside them there is one
    progress bar for the whole training, a record, and resumption.

    Args:
        model: Name of a model, of this plugin or RecBole's.
        dataset: Name of a dataset.
        config_file_list: YAML files with options.
        config_dict: Options, above the files and below the command line.
        saved: Keep checkpoints, of the best epoch and of the last; without them the last epoch is
            tested in place of the best.
        result_file: Where to write the record as JSON.
        resume: Checkpoint to go on from, of the best epoch or of the last. Model, dataset and
            options are the training's; on a CPU it ends, bit for bit, where it would have ended
            without a stop. The file is unpickled: only one that you trust.
        allow_changes: With ``resume``, names of options that may differ from the training's,
            ``any`` for all. Only ``epochs``, ``stopping_step``, places, devices and what is shown
            may always.
        test: Evaluate the test part; without, nothing looks at it and ``test_result`` is empty.
        on_validation: Called after each validation with the number of epochs trained, the number
            asked for, and the best score so far; where it returns True, training stops there.
        on_test: Called with the results of each user of the test part.

    Returns:
        The record: ``valid_result``, ``test_result``, options hash, seed, versions, timings ...

    Raises:
        ValueError: An option or the data cannot be used, or differ from those that the checkpoint
            to go on from was trained with.
        FileNotFoundError: There is no checkpoint to go on from.
        KeyboardInterrupt: Ctrl-C; the message on the screen names the checkpoint to go on from.
    """
    started = time.perf_counter()
    config_file_list = check_files(config_file_list, presets())
    config_dict = for_recbole(config_dict)
    stopped: Stopped | None = None
    changed: list[str] = []
    if resume is None:
        if allow_changes is not None:
            raise ValueError("allow_changes is for going on from a checkpoint; name it by resume")
        config_dict = {"protocol": "signed", **config_dict}
        config = Config(model, dataset, config_file_list, config_dict)
    else:
        stopped = Stopped.read(Path(resume))
        config, changed = stopped.new_config(
            model, dataset, config_file_list, config_dict, allow_changes
        )
    if (config["nproc"] or 1) != 1:
        raise ValueError(
            f"this command trains in one process, and nproc is {config['nproc']}; choose a GPU by "
            f"gpu_id, or call recbole.quick_start.run for several"
        )
    if result_file is not None:
        check_writable(Path(result_file))
    data_fingerprint = config_fingerprint(config)
    if stopped is not None:
        stopped.check_files(config, data_fingerprint)
    init_seed(config["seed"], config["reproducibility"])
    init_logger(config)
    logger = logging.getLogger()
    show = bool(config["show_progress"])
    if show:
        output.show_warnings_only()
    logger.info(config)

    data = create_dataset(config)
    logger.info(data)
    _say_scale(data, show)
    train_data, valid_data, test_data = data_preparation(config, data)
    if valid_data:
        _check_valid_metric(config)
    if stopped is not None:
        stopped.check_ids(train_data._dataset)
    loaded = time.perf_counter()  # some models, EASE for one, are fitted as they are built
    init_seed(config["seed"] + config["local_rank"], config["reproducibility"])
    network = config.model_class(config, train_data._dataset).to(config["device"])
    logger.info(network)
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, network)
    training = KeptTraining(trainer, train_data, data_fingerprint)
    if stopped is not None:
        stopped.resume(trainer, training, valid_data, bool(changed))
        if not stopped.whole:
            logger.warning(
                f"{stopped.best.name} does not hold the random states of its training, as none of "
                f"RecBole's own checkpoints does: what follows is not what would have followed"
            )
    first_epoch = trainer.start_epoch

    progress = TrainingProgress(trainer, train_data, show)
    try:
        with training if saved else nullcontext(), progress:
            best_score, valid_result = _fit(trainer, train_data, valid_data, saved, on_validation)
    except KeyboardInterrupt:
        _say_where_to_go_on(trainer)
        raise
    trained = time.perf_counter()
    test_result = _test(trainer, train_data, test_data, saved, on_test) if test else None
    tested = time.perf_counter()

    logger.info(f"best valid: {floats(valid_result)}")
    logger.info(f"test result: {floats(test_result)}")
    record = {
        "model": config["model"],
        "dataset": config["dataset"],
        "seed": config["seed"],
        "config_hash": config_hash(config),
        "data_fingerprint": config["data_fingerprint"],
        "valid_metric": config["valid_metric"],
        "best_valid_score": float(best_score) if valid_result else None,
        "valid_result": floats(valid_result),
        "test_result": floats(test_result),
        "epochs": first_epoch + progress.epochs,
        "resumed_behind_epoch": first_epoch if stopped is not None else None,
        "parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "users": data.user_num - 1,
        "items": data.item_num - 1,
        "training_interactions": len(train_data._dataset),
        "seconds": {
            "load": round(loaded - started, 3),
            "train": round(trained - loaded, 3),
            "test": round(tested - trained, 3),
        },
        "peak_memory_mib": peak_memory_mib(),
        "device": str(config["device"]),
        "checkpoint": relative(trainer.saved_model_file) if saved else None,
        "log": relative(output.log_file()),
        "commit": commit(),
        "versions": versions(),
        "options": plain(result_options(config)),
    }
    if result_file is not None:
        write_json(record, Path(result_file))
    return record


@without_known_warnings
def load_data_and_model(
    model_file: str | os.PathLike[str], data_path: str | os.PathLike[str] | None = None
) -> tuple[Any, ...]:
    """Load a checkpoint and the data that it was trained on, as RecBole's function of that name.

    Unlike RecBole's it loads on a machine without the training's GPU, opens no log, and finds out
    when the data are no longer those of the training. The file is unpickled without torch's guard,
    since RecBole keeps its Config in it: load only checkpoints that you trust.

    Args:
        model_file: A checkpoint that RecBole's trainer wrote.
        data_path: Folder of datasets, where they are elsewhere now than at the training.

    Returns:
        Config, model, dataset and the dataloaders for training, validation and test.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no checkpoint of RecBole's, or its data changed.
    """
    path = Path(model_file)
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        checkpoint = torch.load(path, map_location=device, weights_only=False)
        config, state = checkpoint["config"], checkpoint["state_dict"]
        if not isinstance(config, Config):
            raise TypeError(f"its config is a {type(config).__name__}")
    except Exception as error:
        raise ValueError(f"{path} is not a checkpoint of RecBole's trainer: {error}") from error
    config["device"] = device
    if config["dataset"] == "ml-100k":  # RecBole's own copy, wherever RecBole is now
        config["data_path"] = str(Path(recbole.__file__).parent / "dataset_example" / "ml-100k")
    elif data_path is not None:
        config["data_path"] = os.path.abspath(os.path.join(data_path, config["dataset"]))
    if config["data_fingerprint"] is not None:
        found = config_fingerprint(config)
        if found is None:
            raise ValueError(
                f"{path.name} was trained on {config['dataset']}, and {config['data_path']} has no "
                f"such interactions; name the folder of datasets by data_path"
            )
        if found != config["data_fingerprint"]:
            raise ValueError(
                f"the interactions of {config['dataset']} in {config['data_path']} are not those "
                f"that {path.name} was trained on (SHA-256 {found[:12]}, at training "
                f"{config['data_fingerprint'][:12]}): its rows would belong to other users and "
                f"items. Prepare the same data again, or train again"
            )
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    train_data, valid_data, test_data = data_preparation(config, dataset)
    init_seed(config["seed"], config["reproducibility"])
    model = get_model(config["model"])(config, train_data._dataset).to(device)
    try:
        model.load_state_dict(state)
        model.load_other_parameter(checkpoint.get("other_parameter"))
    except Exception as error:
        raise ValueError(
            f"the weights of {path} do not fit {config['model']} on these data: "
            f"{' '.join(str(error).split())}"
        ) from error
    return config, model, dataset, train_data, valid_data, test_data


def _say_scale(data: Any, show: bool) -> None:
    """Say what the ratings span, on the screen whether there is a progress bar or not."""
    if getattr(data, "like_threshold", None) is not None:
        logging.getLogger().info(data.scale)
        if show:
            print(data.scale, file=sys.stderr)


def _check_valid_metric(config: Any) -> None:
    name, _, cutoff = config["valid_metric"].lower().partition("@")
    known = [metric.lower() for metric in config["metrics"]]
    if name not in known or (cutoff and int(cutoff) not in config["topk"]):
        raise ValueError(
            f"valid_metric {config['valid_metric']} is not measured: metrics are "
            f"{', '.join(config['metrics'])} at {config['topk']}"
        )


class _StopTrainingError(Exception):
    """An observer of the validation has seen enough."""


def _fit(
    trainer: Any,
    train_data: Any,
    valid_data: Any,
    saved: bool,
    on_validation: Callable[[int, int, float], bool] | None,
) -> tuple[float, Any]:
    def observe(epoch: int, score: float) -> None:
        best = trainer.best_valid_score  # of this epoch too
        if on_validation is not None and on_validation(epoch + 1, trainer.epochs, best):
            raise _StopTrainingError

    if trainer.start_epoch < trainer.epochs and not _stopped_early(trainer):
        try:
            return trainer.fit(
                train_data, valid_data, saved=saved, show_progress=False, callback_fn=observe
            )
        except _StopTrainingError:
            return trainer.best_valid_score, trainer.best_valid_result
    # Nothing is left to train; fit would write the checkpoint anew with an epoch of -1.
    trainer.eval_collector.data_collect(train_data)
    return trainer.best_valid_score, trainer.best_valid_result


def _stopped_early(trainer: Any) -> bool:
    """Tell whether early stopping ended the training that the trainer goes on from."""
    return bool(trainer.start_epoch and trainer.cur_step > trainer.stopping_step)


def _test(
    trainer: Any,
    train_data: Any,
    test_data: Any,
    saved: bool,
    on_test: Callable[[UserResults], None] | None,
) -> Any:
    if on_test is None:
        return trainer.evaluate(test_data, load_best_model=saved, show_progress=False)
    result, by_user = evaluate_by_user(trainer, train_data, test_data, saved)
    on_test(by_user)
    return result


def _say_where_to_go_on(trainer: Any) -> None:
    last = last_epoch_file(Path(trainer.saved_model_file))
    if last.is_file():
        print(f"\nstopped; go on with --resume={relative(last)}", file=sys.stderr)
    else:
        print("\nstopped before the first checkpoint", file=sys.stderr)
