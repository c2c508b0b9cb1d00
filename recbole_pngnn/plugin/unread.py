"""Errors for options that the chosen mode of this plugin's models does not read."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from recbole_pngnn.model.modes import EMPTY_IS_A_CHOICE, TABLES, Need, missing
from recbole_pngnn.plugin.keys import named_in_code
from recbole_pngnn.plugin.scope import own_models


def check(config: Any, files: Sequence[str], presets: Mapping[str, Path]) -> None:
    """Refuse options that were given, differ from their default, and are not read.

    A default may be said: a record holds every option, and so says many that its mode ignores. What
    a preset brings and a later option of the user's switches off was not asked for either: the log
    names it.

    Args:
        config: RecBole's Config of a model of this plugin.
        files: The files of options that it was made with.
        presets: The files of the presets, by their names.

    Raises:
        ValueError: Names the options, what they lack and what to do.
    """
    table = TABLES[own_models(config.model_class)[-1]]
    options = config.final_config_dict
    given = {**config.file_config_dict, **config.variable_config_dict, **config.cmd_config_dict}
    read_by_subclass = named_in_code(config.model_class, True)
    unread: dict[str, list[list[Need]]] = {}
    for option in given:
        lacking = missing(table, option, options)
        if lacking is not None and option not in read_by_subclass and _differs(config, option):
            unread[option] = lacking
    if not unread:
        return
    preset_name, of_preset = _from_preset(config, files, presets)
    loss_of_preset = of_preset.get("loss", config["loss"]) if of_preset else None
    if of_preset and config["loss"] == loss_of_preset:
        switched_off = [option for option in unread if option in of_preset]
        for option in switched_off:
            del unread[option]
        if switched_off:
            logging.getLogger().warning(
                f"{', '.join(switched_off)} of the preset {preset_name} are not read with the "
                f"options that were set beside it"
            )
        if not unread:
            return
    elif set(unread) <= set(of_preset):
        raise ValueError(
            f"loss {config['loss']} does not go with the preset {preset_name}, which is for loss "
            f"{loss_of_preset}: {', '.join(unread)} would not be read. Leave out one of the two"
        )
    raise ValueError(f"{config['model']} does not read {_reasons(unread, options)}")


def _differs(config: Any, option: str) -> bool:
    default = config.internal_config_dict.get(option)
    value = config[option]
    if value is None and option not in EMPTY_IS_A_CHOICE:
        return False  # the model says that it is missing
    if option == "train_neg_sample_args":
        # Config completes it, and says in its own words that nothing is drawn.
        drawn = _completed(default)
        return _completed(value)["distribution"] != "none" and _completed(value) != drawn
    return bool(value != default)


def _completed(arguments: Any) -> dict[str, Any]:
    default = {"distribution": "uniform", "sample_num": 1, "alpha": 1.0, "dynamic": False}
    if not arguments:
        return {"distribution": "none"}
    return {**default, "candidate_num": 0, **arguments}


def _from_preset(
    config: Any, files: Sequence[str], presets: Mapping[str, Path]
) -> tuple[str, dict[str, Any]]:
    """Return a preset among the files and its options that no later file or option replaced."""
    later = {**config.variable_config_dict, **config.cmd_config_dict}
    for file in reversed(files):
        options = yaml.load(Path(file).read_text(encoding="utf-8"), Loader=config.yaml_loader) or {}
        for name, preset in presets.items():
            if Path(file).resolve() == preset.resolve():
                # The preset's own loss is told, whoever replaced it.
                kept = {key: value for key, value in options.items() if key not in later}
                return name, kept | {k: v for k, v in options.items() if k == "loss"}
        later |= options
    return "", {}


def _reasons(unread: Mapping[str, list[list[Need]]], options: Mapping[str, Any]) -> str:
    """One line for all: options of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for option, lacking in unread.items():
        if not lacking:
            reason = "in any mode: leave it out"
        else:
            found = dict.fromkeys(need.found(options) for needs in lacking for need in needs)
            ways = [" and ".join(need.wanted for need in needs) for needs in lacking]
            reason = f"with {', '.join(found)}: leave it out, or set {', or '.join(ways)}"
        by_reason.setdefault(reason, []).append(option)
    return "; nor ".join(f"{', '.join(names)} {reason}" for reason, names in by_reason.items())
