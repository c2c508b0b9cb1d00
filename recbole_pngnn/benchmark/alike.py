"""What has to be the same of records that stand in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from recbole_pngnn.benchmark.records import place_of
from recbole_pngnn.benchmark.suite import MEASURED_BY

Named = tuple[str, Mapping[str, Any]]
ValueOf = Callable[[Mapping[str, Any]], Any]


def check_alike(runs: Iterable[Named], trials: Iterable[Named] = ()) -> None:
    """Refuse records that were made of different data, or measured in different ways.

    A run on a split and a run on its augmented variant have different training parts by nature.
    What has to be the same: of one dataset, its fingerprint; of one split, the users, what they
    liked and how much they had rated (``users_file``), what was observed (``observed``), and the
    options that decide what is measured: those of the suite, ``config``, and those that the run
    had, ``measured``.
    Records of version 0.1.0 have neither ``observed`` nor ``measured``.

    Args:
        runs: Runs of one table, each with the name of its row.
        trials: Trials that chose their options.

    Raises:
        ValueError: Two differ; the message names both, in what they differ, and what to do.
    """
    runs = list(runs)
    _check([*runs, *trials], _data_of, "data_fingerprint", _field("data_fingerprint"))
    for key in ("users_file", "observed"):
        _check(runs, _split_of, key, _field(key))
    for option in sorted(MEASURED_BY):
        for group in ("config", "measured"):
            _check(runs, _split_of, option, _option(group, option), is_data=False)


def check_results(records: Iterable[Named], measured_alike: bool = True) -> None:
    """Refuse results of :func:`recbole_pngnn.run` that cannot stand in one table.

    Args:
        records: The results, each with what to call it.
        measured_alike: Whether the options that decide what is measured have to be the same.

    Raises:
        ValueError: Two of one dataset were made of different files, or two were measured in
            different ways; the message names both.
    """
    records = list(records)
    _check(records, _dataset_of, "data_fingerprint", _field("data_fingerprint"))
    if measured_alike:
        for option in sorted({*MEASURED_BY, "protocol"}):
            _check(records, lambda _: "", option, _option("options", option), is_data=False)


def _dataset_of(record: Mapping[str, Any]) -> str:
    return str(record.get("dataset"))


def _field(key: str) -> ValueOf:
    return lambda record: record.get(key)


def _option(group: str, option: str) -> ValueOf:
    return lambda record: record[group].get(option, _ABSENT) if group in record else None


_ABSENT = object()


def _data_of(run: Mapping[str, Any]) -> str:
    return str(run.get("data", run.get("split")))


def _split_of(run: Mapping[str, Any]) -> str:
    return str(run.get("split"))


def _check(
    records: Iterable[Named],
    group_of: ValueOf,
    key: str,
    value_of: ValueOf,
    is_data: bool = True,
) -> None:
    seen: dict[str, tuple[str, Mapping[str, Any], Any]] = {}
    for name, record in records:
        value = value_of(record)
        if value is None:  # an older record, or one by hand
            continue
        first_name, first, its = seen.setdefault(group_of(record), (name, record, value))
        if value == its:
            continue
        what = "on different data" if is_data else "in different ways"
        why = (
            "it was prepared anew between them; run the benchmark again with the data of today"
            if is_data
            else "give it to all rows alike, under the options of the suite or of the dataset, and "
            "run the benchmark again"
        )
        of = record.get("split") or record.get("dataset")
        raise ValueError(
            f"{first_name} and {name} were measured {what} of {of}: {key} is "
            f"{_shown(its)} in {place_of(first)} and {_shown(value)} in {place_of(record)}; {why}"
        )


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "not given"
    text = str(value)
    is_hash = len(text) == 64 and text.isalnum()
    return text[:12] if is_hash else text[:60]
