"""RecBole's ``create_dataset`` and ``load_data_and_model``, for runs of this plugin."""

from __future__ import annotations

import functools
import importlib
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from recbole.utils import ModelType, argument_list

from recbole_pngnn.plugin.patching import wrap_everywhere
from recbole_pngnn.plugin.scope import is_addressed, reads_signs

# Cached data that differ in one of these are made anew, beside RecBole's own keys.
DATASET_KEYS = (
    "like_threshold",
    "train_interactions",
    "eval_args",
    "data_path",
    "data_fingerprint",
    "seed",
    "repeatable",
)


def install() -> None:
    """Put them in RecBole's place."""
    data = importlib.import_module("recbole.data.utils")
    wrap_everywhere(data, "create_dataset", _creating_signed)
    wrap_everywhere(data, "load_split_dataloaders", _loading_signed)
    quick_start = importlib.import_module("recbole.quick_start.quick_start")
    wrap_everywhere(quick_start, "load_data_and_model", _loading)


def _creating_signed(create_dataset: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A saved dataset of another split or folder is not the one that is asked for."""

    @functools.wraps(create_dataset)
    def creating_signed(config: Any) -> Any:
        from recbole_pngnn.protocol.dataset import SignedDataset

        its_own = f"{config['model']}Dataset"  # RecBole's convention
        if (
            not reads_signs(config)
            or config["MODEL_TYPE"] not in (ModelType.GENERAL, ModelType.TRADITIONAL)
            or hasattr(importlib.import_module("recbole.data.dataset"), its_own)
        ):
            return create_dataset(config)
        default = f"{config['dataset']}-{SignedDataset.__name__}.pth"
        saved = Path(config["dataset_save_path"] or Path(config["checkpoint_dir"], default))
        if saved.exists():
            with saved.open("rb") as file:
                dataset = pickle.load(file)
            if _are_of(dataset.config, config):
                logging.getLogger().info(f"Load filtered dataset from: [{saved}]")
                return dataset
        dataset = SignedDataset(config)
        if config["save_dataset"]:
            dataset.save()
        return dataset

    return creating_signed


def _loading_signed(load_split_dataloaders: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Dataloaders of another threshold or of other data are not those that are asked for."""

    @functools.wraps(load_split_dataloaders)
    def loading_signed(config: Any) -> Any:
        loaders = load_split_dataloaders(config)
        if loaders is not None and reads_signs(config):
            return loaders if _are_of(loaders[0]._dataset.config, config) else None
        return loaders

    return loading_signed


def _are_of(saved: Any, config: Any) -> bool:
    keys = {*argument_list.dataset_arguments, *DATASET_KEYS}
    return all(saved[key] == config[key] for key in keys)


def _loading(load_data_and_model: Callable[[str], Any]) -> Callable[[str], Any]:
    """Load a checkpoint of this plugin's by its function, and any other as RecBole does.

    RecBole's own fails on torch's guard, see ``load_own_checkpoints`` in
    :mod:`recbole_pngnn.plugin.compat`.
    """

    @functools.wraps(load_data_and_model)
    def loading(model_file: str) -> tuple[Any, ...]:
        path = Path(model_file)
        if path.is_file():
            checkpoint = torch.load(path, map_location="cpu", weights_only=False)
            known = isinstance(checkpoint, dict) and "config" in checkpoint
            if known and not is_addressed(checkpoint["config"]):
                return _load_stock(torch.load(path, weights_only=False))
        from recbole_pngnn import quick_start

        return quick_start.load_data_and_model(model_file)

    return loading


def _load_stock(checkpoint: Any) -> tuple[Any, ...]:
    """Do what RecBole's function does with what it has loaded (quick_start.py:251)."""
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, init_logger, init_seed

    config = checkpoint["config"]
    seed = config["seed"], config["reproducibility"]
    init_seed(*seed)
    init_logger(config)
    logger = logging.getLogger()
    logger.info(config)
    dataset = create_dataset(config)
    logger.info(dataset)
    parts = data_preparation(config, dataset)
    init_seed(*seed)
    model = get_model(config["model"])(config, parts[0]._dataset).to(config["device"])
    model.load_state_dict(checkpoint["state_dict"])
    model.load_other_parameter(checkpoint.get("other_parameter"))
    return config, model, dataset, *parts
