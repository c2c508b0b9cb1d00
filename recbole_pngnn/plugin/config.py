"""RecBole's Config with this plugin's YAML files, and with errors for keys that nothing reads."""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from recbole.config import configurator
from recbole.utils import ModelType

from recbole_pngnn.options import read_choice
from recbole_pngnn.plugin import keys, option_file, unread, values
from recbole_pngnn.plugin.patching import put, wrap
from recbole_pngnn.plugin.scope import (
    PROTOCOLS,
    ModelName,
    is_addressed,
    is_own,
    is_signed,
    own_models,
)
from recbole_pngnn.protocol.field_names import follow_field_names
from recbole_pngnn.protocol.fingerprint import config_fingerprint
from recbole_pngnn.protocol.folders import check_name
from recbole_pngnn.protocol.threshold import read_like_threshold

# What a run's result does not depend on: places, devices, and what is shown.
NOT_HASHED = frozenset(
    """
    gpu_id use_gpu device state show_progress data_path checkpoint_dir output_dir config_files
    save_dataset dataset_save_path save_dataloaders dataloaders_save_path log_wandb wandb_project
    local_rank worker single_spec recbole_pngnn eval_batch_size text_columns
    """.split()
)
# Set by the plugin's command line, where an unknown word is a slip and not another program's.
STRICT_COMMAND_LINE = False


class PluginVersion(str):
    """The version of this plugin in a Config: unpickling a checkpoint imports the plugin by it."""


def properties_dir() -> Path:
    """Return the folder of the YAML files: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    for folder in (package / "properties", package.parent / "properties"):
        if (folder / "overall.yaml").is_file():
            return folder
    raise FileNotFoundError(
        f"the plugin's properties/overall.yaml is neither in {package} nor beside it; "
        f"install it again"
    )


def install() -> None:
    """Wrap Config."""
    config_class = configurator.Config
    if getattr(config_class.__init__, "recbole_pngnn_guard", False):
        put(config_class, "__init__", config_class.__init__.__wrapped__)
    wrap(config_class, "_load_internal_config_dict", _layered)
    wrap(config_class, "__init__", _finished)


def _layered(load_internal: Callable[..., None]) -> Callable[..., None]:
    """Add the plugin's files where RecBole reads its own: overall < model < dataset."""

    @functools.wraps(load_internal)
    def load_internal_config_dict(self: Any, model: str, model_class: type, dataset: str) -> None:
        load_internal(self, model, model_class, dataset)
        own = own_models(model_class)
        protocol = _read_protocol(self.external_config_dict, bool(own))
        if protocol is None:
            return
        if protocol == "signed":
            check_name(dataset)
        ours = properties_dir()
        recboles = Path(configurator.__file__).parent.parent / "properties"
        data_path = str(self.external_config_dict.get("data_path") or "dataset/")
        # A model of ours has the options of the one that it extends.
        models = [ours / "model" / f"{name}.yaml" for name in own]
        files = [
            ours / "overall.yaml",
            recboles / "model" / f"{model}.yaml",  # again: a model's file beats the overall one
            *models,
            ours / "dataset" / f"{dataset}.yaml",
            Path(data_path) / dataset / f"{dataset}.yaml",  # what prepare wrote
        ]
        if protocol == "recbole":  # a model's own options have their defaults under any protocol
            files = models
        for file in files:
            if file.is_file():
                if file.parent.name == dataset:  # what people write too
                    option_file.check_file(file, may_be_empty=True)
                    folders = [recboles / "model", ours / "model"]
                    keys.check_dataset_file(file, self, folders)
                self._update_internal_config_dict(file)
        self.internal_config_dict["protocol"] = protocol
        if protocol == "signed":
            values.check_all(self, model, model_class)

    return load_internal_config_dict


def _read_protocol(given: dict[str, Any], own: bool) -> str | None:
    """Read the option ``protocol``; None where the run is none of this plugin's.

    Another program's option of that name is left alone, a slip in one of our words is not.
    """
    if "protocol" not in given:
        return "signed" if own else None
    value = given["protocol"]
    near = isinstance(value, str) and difflib.get_close_matches(
        value.lower(), PROTOCOLS, cutoff=0.7
    )
    if value not in PROTOCOLS and not (own or STRICT_COMMAND_LINE or near):
        return None
    return read_choice(given, "protocol", PROTOCOLS)


def _finished(init: Callable[..., None]) -> Callable[..., None]:
    """Check and complete a Config once RecBole has built it."""

    @functools.wraps(init)
    def __init__(
        self: Any,
        model: Any = None,
        dataset: str | None = None,
        config_file_list: list[str] | None = None,
        config_dict: dict[str, Any] | None = None,
    ) -> None:
        files = [config_file(name) for name in config_file_list or []]
        options = dict(config_dict) if config_dict else None
        init(self, model, dataset, files, options)
        if not is_addressed(self):
            if config_dict and options:  # RecBole converts the values of the caller's dict in place
                config_dict.update(options)
            return
        named = self.external_config_dict.get("model") if model is None else model
        if isinstance(named, type):
            self.model = self["model"] = ModelName(named)
        keys.check(self, properties_dir() / "overall.yaml", STRICT_COMMAND_LINE)
        if is_own(self):
            unread.check(self, files, presets())
        if is_signed(self):
            overall = (properties_dir() / "overall.yaml").read_text(encoding="utf-8")
            follow_field_names(self, yaml.safe_load(overall))
        if self["like_threshold"] is not None:
            _check_protocol(self)
        if not is_signed(self):
            return
        from recbole_pngnn import __version__

        self["recbole_pngnn"] = PluginVersion(__version__)
        self["data_path"] = os.path.abspath(self["data_path"])
        self["data_fingerprint"] = config_fingerprint(self)
        if "checkpoint_dir" not in self.external_config_dict:
            self["checkpoint_dir"] = os.path.join(self["output_dir"], "checkpoints")

    return __init__


def _check_protocol(config: Any) -> None:
    if config["MODEL_TYPE"] not in (ModelType.GENERAL, ModelType.TRADITIONAL):
        raise ValueError(
            f"like_threshold is for general recommenders, and {config['model']} is none: its "
            f"results would not be comparable. Unset like_threshold (protocol: recbole) or choose "
            f"another model"
        )
    read_like_threshold(config)
    modes = config["eval_args"]["mode"]
    if set(modes.values()) != {"full"}:
        raise ValueError(f"like_threshold needs full ranking, and eval_args has mode {modes}")
    if config["repeatable"]:
        raise ValueError("like_threshold masks what was rated, and repeatable: True masks nothing")


def presets() -> dict[str, Path]:
    """Return the files of ``properties/presets`` by their names without ``.yaml``, sorted."""
    return {file.stem: file for file in sorted((properties_dir() / "presets").glob("*.yaml"))}


class NoConfigFileError(FileNotFoundError, ValueError):
    """What was named is neither a file nor a preset."""


def config_file(name: str) -> str:
    """Find a file of options: a path, or the name of a preset of this plugin.

    Args:
        name: A path, or the name of a preset.

    Returns:
        A path.

    Raises:
        NoConfigFileError: It is neither.
    """
    if os.path.isfile(name):
        return name
    known = presets()
    if name not in known:
        raise NoConfigFileError(
            f"there is no config file {name}, and no preset of that name; presets are "
            f"{', '.join(known)}"
        )
    return str(known[name])


def yaml_keys(files: Iterable[Path]) -> list[str]:
    """Return the top-level keys of YAML files, in order."""
    keys: list[str] = []
    for file in files:
        keys += yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return keys


def result_options(config: Any) -> dict[str, Any]:
    """Return the options that a run's result depends on."""
    return {key: value for key, value in config.final_config_dict.items() if key not in NOT_HASHED}


def config_hash(config: Any) -> str:
    """Return the SHA-256 of :func:`result_options`."""
    text = json.dumps(result_options(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
