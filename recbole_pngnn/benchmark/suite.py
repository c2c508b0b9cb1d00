"""A suite: what a benchmark compares, read from YAML and checked whole before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from recbole_pngnn.benchmark.keys import Keys, check_known, is_name, read_number, short
from recbole_pngnn.benchmark.yaml_file import Mapping, read_yaml
from recbole_pngnn.protocol.by_user import METRICS as METRICS_BY_USER

RANGES = ("choice", "uniform", "loguniform")
# Columns of a table beside the metrics: means of what a run cost.
COSTS = ("train_seconds", "peak_memory_mib")
# The longest list that is measured.
LONGEST_LIST = 10_000
MOST_TRIALS = 10_000
# Options that decide what is measured, of whom and on what: those of a table, not of a row.
MEASURED_BY = frozenset(
    """
    like_threshold threshold eval_args repeatable benchmark_filename val_interval rm_dup_inter
    filter_inter_by_user_or_item user_inter_num_interval item_inter_num_interval
    metric_decimal_place valid_neg_sample_args test_neg_sample_args
    """.split()
)
# Options that the suite or the run itself sets.
_RESERVED = frozenset(
    """
    metrics topk valid_metric seed data_path output_dir protocol model dataset config_files
    config_file_list config_dict
    """.split()
)


@dataclass(frozen=True)
class Range:
    """Where a search looks for an option: ``choice``, ``uniform`` or ``loguniform``."""

    kind: str
    values: tuple[Any, ...]

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one that may be chosen."""
        if self.kind == "choice":
            return value in self.values
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        low, high = self.values
        return bool(low <= value <= high)


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

    def answers_of(self, split: str) -> Path | None:
        """Return the file of a language model's answers on a split; None for none."""
        return None if self.answers is None else Path(self.answers.replace("{dataset}", split))


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
        run_timeout: Seconds after which a run is ended and has failed; None for no limit.
        file: The file that it was read from.
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
    run_timeout: float | None = None
    file: Path = Path()

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
            which, what was found and what is known, in which line.
    """
    where = file.name
    top = Keys(read_yaml(file), where)
    metrics = _metrics(top, where)
    topk = tuple(top.whole_numbers("topk", [5, 10, 15, 20], minimum=1, maximum=LONGEST_LIST))
    names = _result_names(metrics, topk)
    valid_metric = top.text("valid_metric", "NDCG@10")
    check_known(valid_metric.lower(), names, f"{where}: valid_metric", top.at("valid_metric"))
    main_metric = top.text("main_metric", valid_metric.lower())
    check_known(main_metric, names, f"{where}: main_metric", top.at("main_metric"))
    trials = top.whole_number("trials", 0, minimum=0, maximum=MOST_TRIALS)
    seeds = tuple(top.whole_numbers("seeds", [2020]))
    suite = Suite(
        name=file.stem,
        file=file,
        title=top.label("title", file.stem),
        description=top.text("description", ""),
        options=top.mapping("options"),
        metrics=metrics,
        topk=topk,
        valid_metric=valid_metric,
        main_metric=main_metric,
        trials=trials,
        datasets=_datasets(top.mapping("datasets", required=True), seeds, where),
        rows=tuple(
            _row(value, trials, f"{where}: rows: {place}", top.at("rows"))
            for place, value in enumerate(top.sequence("rows", required=True), 1)
        ),
        tables=_tables(
            top.sequence("tables"), metrics, names, f"{where}: tables", top.at("tables")
        ),
        references=top.optional_text("references"),
        run_timeout=top.seconds("run_timeout"),
    )
    top.finish()
    _check(suite, where)
    return suite


def _metrics(top: Keys, where: str) -> tuple[str, ...]:
    metrics = tuple(top.words("metrics", ["Precision", "Recall", "NDCG", "SignAUC"]))
    lower = [metric.lower() for metric in metrics]
    for metric in lower:
        check_known(metric, METRICS_BY_USER, f"{where}: metrics", top.at("metrics"))
    if len(set(lower)) < len(lower) or not set(lower) - {"signauc"}:
        raise ValueError(
            f"{where}: metrics must be different ones, and one of lists among them (Precision, "
            f"Recall, NDCG, Hit); found {short(list(metrics))}{top.at('metrics')}"
        )
    return metrics


def _check(suite: Suite, where: str) -> None:
    for label, names in (
        ("rows", [row.name for row in suite.rows]),
        ("splits", [split.dataset for dataset in suite.datasets for split in dataset.splits]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{where}: {label}: {', '.join(twice)} is there twice")
    datasets = [dataset.name for dataset in suite.datasets]
    for row in suite.rows:
        for name in row.options_on:
            at = _at(row.options_on, name)
            check_known(name, datasets, f"{where}: rows: {row.name}: options_on", at)
        for options in (row.options, *row.options_on.values(), row.search):
            _refuse(
                options,
                MEASURED_BY,
                where,
                "decides what is measured, and rows of a table are "
                "measured alike; set it under the options of the suite or of a dataset",
            )
    groups: list[Suite | Dataset | Row] = [suite, *suite.datasets, *suite.rows]
    on_datasets = [options for row in suite.rows for options in row.options_on.values()]
    searched = [row.search for row in suite.rows]
    for options in [*(group.options for group in groups), *on_datasets, *searched]:
        _refuse(
            options,
            _RESERVED,
            where,
            "is the suite's own, the same for every row; set it at "
            "the top (metrics, topk, valid_metric, seeds) or leave it out",
        )


def _refuse(options: dict[str, Any], keys: frozenset[str], where: str, why: str) -> None:
    for key in sorted(keys & set(options)):
        raise ValueError(f"{where}: options: {key} {why}{_at(options, key)}")


def _at(options: Any, key: str) -> str:
    return options.at(key) if isinstance(options, Mapping) else ""


def _datasets(content: Mapping, seeds: tuple[int, ...], where: str) -> tuple[Dataset, ...]:
    for name in content:
        if not is_name(name):
            raise ValueError(
                f"{where}: datasets: the name of a dataset is part of file names; found "
                f"{short(name)}{content.at(name)}"
            )
    return tuple(
        _dataset(name, value, seeds, f"{where}: datasets: {name}", content.at(name))
        for name, value in content.items()
    )


def _dataset(name: str, value: Any, seeds: tuple[int, ...], where: str, at: str) -> Dataset:
    keys = Keys(value, where, at)
    splits = []
    for number, entry in enumerate(keys.sequence("splits", required=True), 1):
        place = f"{where}: splits: {number}"
        part = Keys(
            {"dataset": entry} if isinstance(entry, str) else entry, place, keys.at("splits")
        )
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


def _row(value: Any, trials: int, where: str, at: str) -> Row:
    keys = Keys(value, where, at)
    model = keys.label("model")
    ranges = keys.mapping("search")
    search = {
        option: _range(entry, f"{where}: search: {option}", ranges.at(option))
        for option, entry in ranges.items()
    }
    if search and not trials:
        raise ValueError(
            f"{where}: search needs a budget; set trials at the top of the file{keys.at('search')}"
        )
    variant = keys.name("variant") if keys.optional_text("variant") else None
    on_dataset = Keys(keys.mapping("options_on"), f"{where}: options_on")
    row = Row(
        name=keys.label("name", model),
        model=model,
        options=_with_preset(keys, where),
        options_on=Mapping(
            {name: on_dataset.mapping(name) for name in keys.mapping("options_on")},
            keys.mapping("options_on").lines,
        ),
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
                    f"which is outside of {found.kind} {list(found.values)}{ranges.at(option)}"
                )
    if row.augment and row.variant is None:
        raise ValueError(
            f"{where}: augment makes a variant; name it by variant{keys.at('augment')}"
        )
    if row.answers and row.variant is None:
        raise ValueError(
            f"{where}: answers are for a variant; name it by variant{keys.at('answers')}"
        )
    if row.answers and set(re.findall(r"[{}]", row.answers.replace("{dataset}", ""))):
        raise ValueError(
            f"{where}: answers may have {{dataset}} in it for the split, and no other braces; "
            f"found {short(row.answers)}{keys.at('answers')}"
        )
    return row


def _with_preset(keys: Keys, where: str) -> dict[str, Any]:
    """Lay a row's options over its preset's; null takes one of the preset's out."""
    from recbole_pngnn.plugin.config import presets

    name, options = keys.optional_text("preset"), keys.mapping("options")
    if name is None:
        return options
    files = presets()
    check_known(name, list(files), f"{where}: preset", keys.at("preset"))
    preset = yaml.safe_load(files[name].read_text(encoding="utf-8"))
    removed = {key for key in preset if key in options and options[key] is None}
    return {key: value for key, value in {**preset, **options}.items() if key not in removed}


def _range(entry: Any, where: str, at: str) -> Range:
    kinds = ", ".join(RANGES)
    if not isinstance(entry, dict) or len(entry) != 1 or next(iter(entry)) not in RANGES:
        raise ValueError(f"{where} must be one of {kinds} and its values; found {short(entry)}{at}")
    (kind, values), *_ = entry.items()
    if not isinstance(values, list) or not values:
        raise ValueError(f"{where}: {kind} needs a list of values; found {short(values)}{at}")
    if kind == "choice":
        return Range(kind, tuple(values))
    bounds = tuple(read_number(value, f"{where}: {kind}", at) for value in values)
    if len(bounds) != 2 or not bounds[0] < bounds[1]:
        raise ValueError(f"{where}: {kind} needs [lowest, highest]; found {short(values)}{at}")
    if kind == "loguniform" and bounds[0] <= 0:
        raise ValueError(f"{where}: loguniform needs bounds above 0; found {short(values)}{at}")
    return Range(kind, bounds)


def _within(value: Any, found: Range) -> bool:
    if found.kind == "choice":
        return value in found.values
    low, high = found.values
    return low <= read_number(value, "search") <= high


def _tables(
    entries: list[Any], metrics: Sequence[str], names: Sequence[str], where: str, at: str
) -> tuple[tuple[str, ...], ...]:
    if not entries:
        kinds = [metric.lower() for metric in metrics if metric.lower() != "signauc"]
        by_kind = [tuple(n for n in names if n.startswith(f"{kind}@")) for kind in kinds]
        rest = tuple(name for name in names if "@" not in name)
        return (*by_kind, (*rest, *COSTS))
    for entry in entries:
        if not isinstance(entry, list) or not entry:
            raise ValueError(f"{where} must be lists of columns; found {short(entry)}{at}")
        for name in entry:
            check_known(name, [*names, *COSTS], where, at)
    return tuple(tuple(entry) for entry in entries)


def _result_names(metrics: Iterable[str], topk: Iterable[int]) -> tuple[str, ...]:
    names: list[str] = []
    cutoffs = sorted(topk)
    for metric in metrics:
        lower = metric.lower()
        names += [lower] if lower == "signauc" else [f"{lower}@{k}" for k in cutoffs]
    return tuple(names)
