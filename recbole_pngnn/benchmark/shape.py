"""What a record has to hold before it is used; what is not as it was written is an error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from recbole_pngnn.benchmark.records import place_of

STATES = ("complete", "cut", "diverged")
_MEND = "mend the line, or take it out and what it records is run again"


def text(record: Mapping[str, Any], key: str) -> str:
    """Return a text of a record.

    Raises:
        ValueError: There is none; the message names file and line.
    """
    return str(_of_kind(record, key, str, "a text"))


def check_run(run: Mapping[str, Any]) -> None:
    """Refuse a record of a run that tables cannot be made of.

    Raises:
        ValueError: A field is missing or of another kind; the message names file and line.
    """
    for key in ("setting", "key", "split", "by_user_file", "users_file"):
        text(run, key)
    _figures(run, "test")
    _seconds(run, "train", "process")
    versions = _of_kind(run, "versions", dict, "a mapping")
    if not all(isinstance(version, str) for version in versions.values()):
        raise _wrong(run, "versions", "a mapping of texts")
    _number(run, "peak_memory_mib", optional=True)
    if run.get("commit") is not None:
        text(run, "commit")
    for key in ("config", "measured"):
        if not isinstance(run.get(key, {}), dict):
            raise _wrong(run, key, "a mapping")


def check_measured(run: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse a record of a run that lacks a figure which its suite measures.

    ``signauc`` may be null: it is undefined where no user has both a liked and a disliked item.

    Raises:
        ValueError: It does; the message names file, line and figure.
    """
    for name in names:
        if run["test"].get(name) is None and not (name == "signauc" and name in run["test"]):
            raise _wrong(run, "test", f"a mapping with a figure {name}")


def check_trial(trial: Mapping[str, Any]) -> None:
    """Refuse a record of a trial that a search cannot go on from.

    Raises:
        ValueError: A field is missing or of another kind; the message names file and line.
    """
    text(trial, "search")
    number = _of_kind(trial, "number", int, "a whole number")
    if number < 0:
        raise _wrong(trial, "number", "a whole number")
    if trial.get("state") not in STATES:
        raise _wrong(trial, "state", f"one of {', '.join(STATES)}")
    _number(trial, "value", optional=trial["state"] != "complete")
    _number(trial, "at_third", optional=True)
    _of_kind(trial, "parameters", dict, "a mapping")
    _seconds(trial, "process")


def _seconds(record: Mapping[str, Any], *names: str) -> None:
    seconds = _of_kind(record, "seconds", dict, "a mapping")
    for name in names:
        if not _is_number(seconds.get(name)):
            raise _wrong(record, "seconds", f"a mapping with a number {name}")


def _figures(record: Mapping[str, Any], key: str) -> None:
    figures = _of_kind(record, key, dict, "a mapping")
    for name, value in figures.items():
        if value is not None and not _is_number(value):
            raise _wrong(record, key, f"a mapping of figures, also {name}")


def _number(record: Mapping[str, Any], key: str, optional: bool) -> None:
    value = record.get(key)
    if not (_is_number(value) or (optional and value is None)):
        raise _wrong(record, key, "a number")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _of_kind(record: Mapping[str, Any], key: str, kind: type, wanted: str) -> Any:
    value = record.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong(record, key, wanted)
    return value


def _wrong(record: Mapping[str, Any], key: str, wanted: str) -> ValueError:
    found = repr(record[key])[:60] if key in record else "nothing"
    return ValueError(f"{place_of(record)}: {key} must be {wanted}, found {found}; {_MEND}")
