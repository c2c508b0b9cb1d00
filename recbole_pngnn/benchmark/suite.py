"""A suite: what a benchmark compares, read from YAML and checked whole before anything runs."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from recbole_pngnn.protocol.by_user import METRICS as METRICS_BY_USER

RANGES = ("choice", "uniform", "loguniform")
# Columns of a table beside the metrics: means of what a run cost.
COSTS = ("train_seconds", "peak_memory_mib")
_NAME = re.compile(r"[^\W_][\w.+-]*")


@dataclass(frozen=True)
class Range:
    """Where a search looks for an option: ``choice``, ``uniform`` or ``loguniform``."""

    kind: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Split:
    """One split or fold of a dataset, a folder that ``recbole-pngnn prepare`` writes.

    Attributes:
        dataset: Name of the prepared dataset.
        prepare: Words of the ``prepare`` command that makes it; None where nothing here can.
    """

    dataset: str
    prepare: tuple[str, ...] | None


@dataclass(frozen=True)
class Dataset:
    """A dataset of a suite: a table of its own, over its splits and seeds."""

    name: str
    splits: tuple[Split, ...]
    seeds: tuple[int, ...]
    options: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Row:
    """A row of the tables.

    Attributes:
        name: Its name, as printed.
        model: Model, RecBole's or this plugin's.
        options: Its options, those of its preset among them, above those of the suite and of the
            dataset.
        options_on: Options on one dataset, by its name, above all of these: a batch size, say.
        search: Options chosen on validation, by name.
        baseline: Whether the paired tests may compare with it.
        variant: Trained on each split's augmented variant ``SPLIT-VARIANT``; None for the split.
        augment: Words of the ``augment`` command that makes the variant.
        answers: File with a language model's answers, ``{dataset}`` in it standing for the split;
            until it is there, the row waits. None where nothing is waited for.
        reference: Label of published figures shown below the row; None for none.
    """

    name: str
    model: str
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    options_on: dict[str, dict[str, Any]] = field(default_factory=dict, hash=False)
    search: dict[str, Range] = field(default_factory=dict, hash=False)
    baseline: bool = False
    variant: str | None = None
    augment: tuple[str, ...] = ()
    answers: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Suite:
    """A benchmark.

    Attributes:
        name: Name of the file, without its suffix.
        title: Its title.
        description: What a reader of the tables has to know.
        options: Options of every run.
        metrics: As RecBole's ``metrics``.
        topk: Cut-offs.
        valid_metric: Chooses the epoch and the searched options.
        main_metric: Finds the strongest baseline; a name in a result, ``ndcg@10``.
        trials: Trials of each search.
        datasets: Datasets, each a table.
        rows: Rows.
        tables: Columns of each part of a table.
        references: File with published figures, below the folder of results; None for none.
    """

    name: str
    title: str
    description: str
    options: dict[str, Any]
    metrics: tuple[str, ...]
    topk: tuple[int, ...]
    valid_metric: str
    main_metric: str
    trials: int
    datasets: tuple[Dataset, ...]
    rows: tuple[Row, ...]
    tables: tuple[tuple[str, ...], ...]
    references: str | None

    @property
    def result_names(self) -> tuple[str, ...]:
        """Metrics as a result names them: ``precision@5`` ..."""
        return _result_names(self.metrics, self.topk)

    def of_datasets(self, names: Sequence[str]) -> Suite:
        """Return the suite with these datasets alone; all where empty.

        Raises:
            ValueError: A name is no dataset's.
        """
        known = [dataset.name for dataset in self.datasets]
        for name in names:
            if name not in known:
                raise ValueError(
                    f"suite {self.name} has no dataset {name!r}; there are {', '.join(known)}"
                )
        kept = tuple(d for d in self.datasets if not names or d.name in names)
        return replace(self, datasets=kept)


def find_suite(name: str) -> Path:
    """Return the file of a suite: a path, or the name of one that is installed.

    Raises:
        ValueError: There is no such file.
    """
    from recbole_pngnn.plugin.config import properties_dir

    if Path(name).is_file():
        return Path(name)
    installed = properties_dir() / "benchmark"
    if (installed / f"{name}.yaml").is_file():
        return installed / f"{name}.yaml"
    names = ", ".join(sorted(file.stem for file in installed.glob("*.yaml")))
    raise ValueError(f"there is no suite {name}; give a YAML file, or one of {names}")


def read_suite(file: Path) -> Suite:
    """Read a suite.

    Args:
        file: Its YAML file.

    Raises:
        ValueError: It is no YAML, or a key is unknown, missing or impossible; the message says
            which, what was found and what is known.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is no YAML: {error}") from error
    top = _Keys(content, file.name)
    metrics = tuple(top.words("metrics", ["Precision", "Recall", "NDCG", "SignAUC"]))
    topk = tuple(top.whole_numbers("topk", [5, 10, 15, 20]))
    for metric in metrics:
        _known(metric.lower(), METRICS_BY_USER, f"{file.name}: metrics")
    names = _result_names(metrics, topk)
    valid_metric = top.text("valid_metric", "NDCG@10")
    _known(valid_metric.lower(), names, f"{file.name}: valid_metric")
    main_metric = top.text("main_metric", valid_metric.lower())
    _known(main_metric, names, f"{file.name}: main_metric")
    trials = top.whole_number("trials", 0, minimum=0)
    seeds = tuple(top.whole_numbers("seeds", [2020]))
    suite = Suite(
        name=file.stem,
        title=top.text("title", file.stem),
        description=top.text("description", ""),
        options=top.mapping("options"),
        metrics=metrics,
        topk=topk,
        valid_metric=valid_metric,
        main_metric=main_metric,
        trials=trials,
        datasets=tuple(
            _dataset(name, value, seeds, f"{file.name}: datasets: {name}")
            for name, value in top.mapping("datasets", required=True).items()
        ),
        rows=tuple(
            _row(value, trials, f"{file.name}: rows: {number}")
            for number, value in enumerate(top.sequence("rows", required=True), 1)
        ),
        tables=_tables(top.sequence("tables"), metrics, names, file.name),
        references=top.optional_text("references"),
    )
    top.finish()
    _check(suite, file.name)
    return suite


def _check(suite: Suite, where: str) -> None:
    for label, names in (
        ("rows", [row.name for row in suite.rows]),
        ("splits", [split.dataset for dataset in suite.datasets for split in dataset.splits]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{where}: {label}: {', '.join(twice)} is there twice")
    reserved = {"metrics", "topk", "valid_metric", "seed", "data_path", "output_dir", "protocol"}
    known = [dataset.name for dataset in suite.datasets]
    for row in suite.rows:
        for name in row.options_on:
            _known(name, known, f"{where}: rows: {row.name}: options_on")
    groups: list[Suite | Dataset | Row] = [suite, *suite.datasets, *suite.rows]
    on_datasets = [options for row in suite.rows for options in row.options_on.values()]
    for options in [*(group.options for group in groups), *on_datasets]:
        for key in sorted(reserved & set(options)):
            raise ValueError(
                f"{where}: options: {key} is the suite's own, the same for every row; set it at "
                f"the top (metrics, topk, valid_metric, seeds) or leave it out"
            )


def _dataset(name: str, value: Any, seeds: tuple[int, ...], where: str) -> Dataset:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{where}: the name of a dataset is part of file names; found {name!r}")
    keys = _Keys(value, where)
    splits = []
    for number, entry in enumerate(keys.sequence("splits", required=True), 1):
        place = f"{where}: splits: {number}"
        part = _Keys({"dataset": entry} if isinstance(entry, str) else entry, place)
        prepare = part.words("prepare", [])
        splits.append(Split(part.name("dataset"), tuple(prepare) or None))
        part.finish()
    dataset = Dataset(
        name=name,
        splits=tuple(splits),
        seeds=tuple(keys.whole_numbers("seeds", list(seeds))),
        options=keys.mapping("options"),
    )
    keys.finish()
    return dataset


def _row(value: Any, trials: int, where: str) -> Row:
    keys = _Keys(value, where)
    model = keys.text("model")
    search = {
        option: _range(entry, f"{where}: search: {option}")
        for option, entry in keys.mapping("search").items()
    }
    if search and not trials:
        raise ValueError(f"{where}: search needs a budget; set trials at the top of the file")
    variant = keys.optional_text("variant")
    on_dataset = _Keys(keys.mapping("options_on"), f"{where}: options_on")
    row = Row(
        name=keys.text("name", model),
        model=model,
        options=_with_preset(keys, where),
        options_on={name: on_dataset.mapping(name) for name in keys.mapping("options_on")},
        search=search,
        baseline=keys.flag("baseline"),
        variant=variant,
        augment=tuple(keys.words("augment", ["--provider", variant] if variant else [])),
        answers=keys.optional_text("answers"),
        reference=keys.optional_text("reference"),
    )
    keys.finish()
    for options in (row.options, *row.options_on.values()):
        for option, found in search.items():
            if option in options and not _within(options[option], found):
                raise ValueError(
                    f"{where}: search: {option} starts at {options[option]!r}, the row's option, "
                    f"which is outside of {found.kind} {list(found.values)}"
                )
    if row.augment and row.variant is None:
        raise ValueError(f"{where}: augment makes a variant; name it by variant")
    if row.answers and row.variant is None:
        raise ValueError(f"{where}: answers are for a variant; name it by variant")
    return row


def _with_preset(keys: _Keys, where: str) -> dict[str, Any]:
    """Lay a row's options over its preset's; null takes one of the preset's out."""
    from recbole_pngnn.plugin.config import presets

    name, options = keys.optional_text("preset"), keys.mapping("options")
    if name is None:
        return options
    known = presets()
    _known(name, list(known), f"{where}: preset")
    preset = yaml.safe_load(known[name].read_text(encoding="utf-8"))
    removed = {key for key in preset if key in options and options[key] is None}
    return {key: value for key, value in {**preset, **options}.items() if key not in removed}


def _range(entry: Any, where: str) -> Range:
    kinds = ", ".join(RANGES)
    if not isinstance(entry, dict) or len(entry) != 1 or next(iter(entry)) not in RANGES:
        raise ValueError(f"{where} must be one of {kinds} and its values; found {entry!r}")
    (kind, values), *_ = entry.items()
    if not isinstance(values, list) or not values:
        raise ValueError(f"{where}: {kind} needs a list of values; found {values!r}")
    if kind == "choice":
        return Range(kind, tuple(values))
    bounds = tuple(_number(value, f"{where}: {kind}") for value in values)
    if len(bounds) != 2 or not bounds[0] < bounds[1]:
        raise ValueError(f"{where}: {kind} needs [lowest, highest]; found {values!r}")
    if kind == "loguniform" and bounds[0] <= 0:
        raise ValueError(f"{where}: loguniform needs bounds above 0; found {values!r}")
    return Range(kind, bounds)


def _within(value: Any, found: Range) -> bool:
    if found.kind == "choice":
        return value in found.values
    low, high = found.values
    return low <= _number(value, "search") <= high


def _number(value: Any, where: str) -> float:
    """Read a number; YAML 1.1 takes ``1e-3`` for a word."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where} needs numbers; found {value!r}")
    return number


def _tables(
    entries: list[Any], metrics: Sequence[str], names: Sequence[str], where: str
) -> tuple[tuple[str, ...], ...]:
    if not entries:
        kinds = [metric.lower() for metric in metrics if metric.lower() != "signauc"]
        by_kind = [tuple(n for n in names if n.startswith(f"{kind}@")) for kind in kinds]
        rest = tuple(name for name in names if "@" not in name)
        return (*by_kind, (*rest, *COSTS))
    for entry in entries:
        if not isinstance(entry, list) or not entry:
            raise ValueError(f"{where}: tables must be lists of columns; found {entry!r}")
        for name in entry:
            _known(name, [*names, *COSTS], f"{where}: tables")
    return tuple(tuple(entry) for entry in entries)


def _result_names(metrics: Iterable[str], topk: Iterable[int]) -> tuple[str, ...]:
    names: list[str] = []
    cutoffs = sorted(topk)
    for metric in metrics:
        lower = metric.lower()
        names += [lower] if lower == "signauc" else [f"{lower}@{k}" for k in cutoffs]
    return tuple(names)


def _known(name: Any, known: Sequence[str], where: str) -> None:
    if name in known:
        return
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ValueError(f"{where}: {name!r} is not one of {', '.join(known)}{hint}")


class _Keys:
    """The keys of one mapping, taken one by one; what nobody took is an error."""

    def __init__(self, content: Any, where: str) -> None:
        if not isinstance(content, dict):
            raise ValueError(f"{where} must be a mapping of keys; found {content!r}")
        self._content, self._where = content, where
        self._asked: list[str] = []

    def _take(self, key: str, default: Any, required: bool = False) -> Any:
        self._asked.append(key)
        value = self._content.get(key)
        if value is None and required:
            raise ValueError(f"{self._where}: the key {key} is missing")
        return default if value is None else value

    def _wrong(self, key: str, wanted: str, value: Any) -> ValueError:
        return ValueError(f"{self._where}: {key} must be {wanted}; found {value!r}")

    def mapping(self, key: str, required: bool = False) -> dict[str, Any]:
        value = self._take(key, {}, required)
        if not isinstance(value, dict) or (required and not value):
            raise self._wrong(key, "a mapping", value)
        return {str(name): entry for name, entry in value.items()}

    def sequence(self, key: str, required: bool = False) -> list[Any]:
        value = self._take(key, [], required)
        if not isinstance(value, list) or (required and not value):
            raise self._wrong(key, "a list", value)
        return value

    def words(self, key: str, default: list[str]) -> list[str]:
        value = self._take(key, default)
        if not isinstance(value, list):
            raise self._wrong(key, "a list of words", value)
        return [str(word) for word in value]

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default, required=default is None)
        if not isinstance(value, str):
            raise self._wrong(key, "a text", value)
        return value.strip()

    def optional_text(self, key: str) -> str | None:
        return self.text(key, "") or None

    def name(self, key: str) -> str:
        value = self.text(key)
        if not _NAME.fullmatch(value):
            raise self._wrong(key, "the name of a folder, letters, digits and . _ - +", value)
        return value

    def flag(self, key: str) -> bool:
        value = self._take(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def whole_number(self, key: str, default: int, minimum: int) -> int:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise self._wrong(key, f"a whole number of at least {minimum}", value)
        return value

    def whole_numbers(self, key: str, default: list[int]) -> list[int]:
        value = self._take(key, default)
        values = value if isinstance(value, list) else [value]
        for number in values:
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise self._wrong(key, "whole numbers", value)
        if not values or len(set(values)) < len(values):
            raise self._wrong(key, "different whole numbers, one or more", value)
        return values

    def finish(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key in self._content:
            if key not in self._asked:
                close = difflib.get_close_matches(str(key), self._asked, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                known = ", ".join(self._asked)
                raise ValueError(f"{self._where}: unknown key {key!r}{hint} Known: {known}")
