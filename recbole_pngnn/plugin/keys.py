"""Errors for options that nothing reads: a run must not go on without what its user asked for."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import yaml

from recbole_pngnn.plugin.scope import is_own, is_signed

# Keys that RecBole reads from the command line or sets itself.
_RECBOLE_KEYS = frozenset(
    """
    model dataset config_files config_file_list benchmark_filename
    nproc ip port world_size group_offset offset local_rank worker wandb_project
    shuffle require_pow enable_amp enable_scaler transform discretization numerical_features
    entity_kg_num_interval relation_kg_num_interval alias_of_entity_id alias_of_relation_id
    kg_reverse_r tail_ratio encoding
    """.split()
)
_CUTOFF = 0.8


def check(config: Any, overall: Path, strict_command_line: bool) -> None:
    """Refuse options that nothing reads.

    For the plugin's own models any unknown key of a file or a dict is an error. For others, which
    may read what is listed nowhere, it is one under the protocol ``signed`` where it looks like a
    slip in a key of the plugin's, of RecBole's or of the model's own YAML file. What the model's
    code names is known. Other people's keys are none of ours.

    Args:
        config: RecBole's Config.
        overall: The plugin's file of options for all models.
        strict_command_line: Whether the words of the command line are checked too.

    Raises:
        ValueError: Names the option, and the one that may be meant.
    """
    own = is_own(config)
    if not own and not is_signed(config):
        return
    given = {**config.file_config_dict, **config.variable_config_dict}
    if strict_command_line:
        given |= config.cmd_config_dict
    known = {str(key) for key in yaml.safe_load(overall.read_text(encoding="utf-8"))}
    known |= {"protocol"} | _RECBOLE_KEYS | set(config.internal_config_dict)
    known |= {key for listed in config.parameters.values() for key in listed}
    for key in given:
        if key in known:
            continue
        close = _close_to(str(key), known)
        if (own or close) and key not in named_in_code(config.model_class, own):
            hint = f"; did you mean {close}?" if close else ""
            raise ValueError(f"the option {key} is read by nothing{hint}")


def check_dataset_file(file: Path, config: Any, folders: Iterable[Path]) -> None:
    """Refuse slips in a dataset's own file of options, which serves models of all kinds.

    Args:
        file: The file, a mapping.
        config: RecBole's Config, with the options of its model and not yet those of the file.
        folders: Where the files of all models' options are, RecBole's and this plugin's.

    Raises:
        ValueError: Names an option that no model reads and that looks like one that is read.
    """
    known = {"protocol"} | _RECBOLE_KEYS | set(config.internal_config_dict)
    known |= {key for listed in config.parameters.values() for key in listed}
    given = yaml.safe_load(file.read_text(encoding="utf-8-sig")) or {}
    slips = {key: close for key in given if key not in known and (close := _close_to(key, known))}
    if not slips:
        return
    others = {key for folder in folders for path in folder.glob("*.yaml") for key in _keys(path)}
    for key, close in slips.items():
        if key not in others:
            raise ValueError(f"{file}: the option {key} is read by nothing; did you mean {close}?")


def _keys(file: Path) -> Iterator[str]:
    """Return the options of a file of RecBole's or ours, each at the beginning of a line."""
    for line in file.read_text(encoding="utf-8").splitlines():
        name, colon, _ = line.partition(":")
        if colon and name.isidentifier():
            yield name


def _close_to(key: str, known: Iterable[str]) -> str | None:
    """Return the known key that another may be a slip of."""
    plain = _plain(key)
    # batch_size for train_batch_size
    longer = [name for name in sorted(known) if "_" in plain and _plain(name).endswith(f"_{plain}")]
    if longer:
        return " or ".join(longer)
    by_spelling = {_plain(name): name for name in sorted(known)}
    close = difflib.get_close_matches(plain, by_spelling, n=1, cutoff=_CUTOFF)
    return by_spelling[close[0]] if close else None


def _plain(key: str) -> str:
    return key.lower().replace("-", "_")


def named_in_code(model_class: type, others_alone: bool) -> set[str]:
    """Return the words that the code of a model's modules holds, the options that it reads among.

    Args:
        model_class: The class; its base classes' modules count too.
        others_alone: Leave out what is RecBole's and this plugin's: what a user's subclass adds.
    """
    left_out = {"builtins", "torch"} | ({"recbole", "recbole_pngnn"} if others_alone else set())
    words: set[str] = set()
    for base in model_class.__mro__:
        if base.__module__.partition(".")[0] in left_out:
            continue
        # Of the module too, for functions that a model hands its Config to.
        module = sys.modules.get(base.__module__)
        for member in [base, *(vars(module).values() if module else ())]:
            if getattr(member, "__module__", None) == base.__module__:
                words.update(_words_of(member))
    return words


def _words_of(member: Any) -> Iterator[str]:
    if isinstance(member, type):
        for item in vars(member).values():
            if not isinstance(item, type):
                yield from _words_of(item)
        return
    if isinstance(member, property):
        member = member.fget
    function = getattr(member, "__func__", member)  # static and class methods
    function = getattr(function, "__wrapped__", function)
    if isinstance(function, FunctionType):
        yield from _strings(function.__code__)


def _strings(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from (item for item in constant if isinstance(item, str))
        elif isinstance(constant, CodeType):
            yield from _strings(constant)
