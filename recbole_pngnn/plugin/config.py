"""RecBole's Config with this plugin's YAML files, and with errors for keys that nothing reads."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from recbole.config import configurator
from recbole.utils import ModelType, argument_list

from recbole_pngnn.options import read_choice
from recbole_pngnn.plugin.registration import MODELS
from recbole_pngnn.protocol.threshold import read_like_threshold

PROTOCOLS = ("signed", "recbole")
# Keys of the data and its split: a cached dataset that differs in one of them is made anew.
DATASET_KEYS = (
    "like_threshold",
    "train_interactions",
    "eval_args",
    "data_path",
    "data_fingerprint",
)
# Keys that RecBole reads from the command line or sets itself.
_RECBOLE_KEYS = frozenset(
    """
    model dataset config_files config_file_list benchmark_filename
    nproc ip port world_size group_offset offset local_rank worker wandb_project
    shuffle require_pow enable_amp enable_scaler transform discretization numerical_features
    entity_kg_num_interval relation_kg_num_interval alias_of_entity_id alias_of_relation_id
    kg_reverse_r
    """.split()
)
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
    """Wrap Config, and have cached datasets compared in the plugin's keys too."""
    argument_list.dataset_arguments.extend(
        key for key in DATASET_KEYS if key not in argument_list.dataset_arguments
    )
    config_class = configurator.Config
    config_class._load_internal_config_dict = _layered(config_class._load_internal_config_dict)
    config_class.__init__ = _finished(config_class.__init__)


def _layered(load_internal: Callable[..., None]) -> Callable[..., None]:
    """Add the plugin's files where RecBole reads its own: overall < model < dataset."""

    def load_internal_config_dict(self: Any, model: str, model_class: type, dataset: str) -> None:
        load_internal(self, model, model_class, dataset)
        default = "signed" if model in MODELS else "recbole"
        protocol = self.external_config_dict.get("protocol", default)
        read_choice({"protocol": protocol}, "protocol", PROTOCOLS)
        ours = properties_dir()
        recboles = Path(configurator.__file__).parent.parent / "properties"
        data_path = self.external_config_dict.get("data_path") or "dataset/"
        # A model of ours has the options of the one that it extends.
        own = [c.__name__ for c in reversed(model_class.__mro__) if c.__name__ in MODELS]
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
                self._update_internal_config_dict(file)
        self.internal_config_dict["protocol"] = protocol

    return load_internal_config_dict


def _finished(init: Callable[..., None]) -> Callable[..., None]:
    """Check and complete a Config once RecBole has built it."""

    def __init__(
        self: Any,
        model: Any = None,
        dataset: str | None = None,
        config_file_list: list[str] | None = None,
        config_dict: dict[str, Any] | None = None,
    ) -> None:
        files = [config_file(name) for name in config_file_list or []]
        # RecBole converts the values of the caller's dict in place.
        init(self, model, dataset, files, dict(config_dict) if config_dict else None)
        _check_keys(self)
        if self["like_threshold"] is not None:
            _check_protocol(self)
        if self["protocol"] != "signed":
            return
        from recbole_pngnn import __version__

        self["recbole_pngnn"] = PluginVersion(__version__)
        self["data_path"] = os.path.abspath(self["data_path"])
        self["data_fingerprint"] = fingerprint(Path(self["data_path"]), self["dataset"])
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


def _check_keys(config: Any) -> None:
    """Refuse options that nothing reads.

    For the plugin's own models any unknown key of a file or a dict is an error; for RecBole's,
    which read keys that are listed nowhere, only one that looks like a misspelt key of ours. Keys
    of the command line count where the plugin's own program reads it (``cli`` asks for it).
    """
    own = set(yaml_keys([properties_dir() / "overall.yaml"])) | {"protocol"}
    given = {**config.file_config_dict, **config.variable_config_dict}
    if STRICT_COMMAND_LINE:
        given |= config.cmd_config_dict
    known = own | _RECBOLE_KEYS | set(config.internal_config_dict)
    known |= {key for keys in config.parameters.values() for key in keys}
    for key in given:
        if key in known:
            continue
        is_ours = config["model"] in MODELS
        close = difflib.get_close_matches(key, known if is_ours else own, n=1, cutoff=0.8)
        if is_ours or close:
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"the option {key} is read by nothing{hint}")


def presets() -> dict[str, Path]:
    """Return the files of ``properties/presets`` by their names without ``.yaml``, sorted."""
    return {file.stem: file for file in sorted((properties_dir() / "presets").glob("*.yaml"))}


def config_file(name: str) -> str:
    """Find a file of options: a path, or the name of a preset of this plugin.

    Args:
        name: A path, or the name of a preset.

    Returns:
        A path.

    Raises:
        ValueError: It is neither.
    """
    if os.path.isfile(name):
        return name
    known = presets()
    if name not in known:
        raise ValueError(
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


def fingerprint(folder: Path, dataset: str) -> str | None:
    """Return the SHA-256 of a dataset's interaction files, or None where there are none.

    A model's rows are tied to the order in which these files name users and items.
    """
    digest = hashlib.sha256()
    files = sorted(folder.glob(f"{dataset}*.inter"))
    for file in files:
        digest.update(file.name.encode() + b"\0")
        digest.update(file.read_bytes())
    return digest.hexdigest() if files else None


def result_options(config: Any) -> dict[str, Any]:
    """Return the options that a run's result depends on."""
    return {key: value for key, value in config.final_config_dict.items() if key not in NOT_HASHED}


def config_hash(config: Any) -> str:
    """Return the SHA-256 of :func:`result_options`."""
    text = json.dumps(result_options(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
