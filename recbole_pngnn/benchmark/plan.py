"""The runs of a suite, what identifies each, and what of them is recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recbole_pngnn.benchmark.records import place_of
from recbole_pngnn.benchmark.shape import check_run, check_trial, text
from recbole_pngnn.benchmark.suite import Dataset, Row, Split, Suite

# A change of what is measured, or of how it is written down, makes every run again.
FORMAT = 1


@dataclass(frozen=True)
class Cell:
    """One run of a suite: a row on a split with a seed."""

    row: Row
    dataset: Dataset
    split: Split
    seed: int

    @property
    def data(self) -> str:
        """Name of the prepared dataset that the run reads."""
        variant = self.row.variant
        return self.split.dataset if variant is None else f"{self.split.dataset}-{variant}"

    def __str__(self) -> str:
        return f"{self.row.name}, {self.split.dataset}, seed {self.seed}"


@dataclass(frozen=True)
class Search:
    """The search of a row's options: on the first split and seed of a dataset, its validation."""

    cell: Cell
    trials: int

    def __str__(self) -> str:
        return f"search of {self.cell}"


def cells(suite: Suite, rows: Sequence[str] = ()) -> list[Cell]:
    """List the runs of a suite, split by split, so that every row has its first run early.

    Args:
        suite: The suite.
        rows: These rows alone; all where empty.

    Raises:
        ValueError: A name is no row's.
    """
    known = [row.name for row in suite.rows]
    for name in rows:
        if name not in known:
            raise ValueError(
                f"suite {suite.name} has no row {name!r}; there are {', '.join(known)}"
            )
    return [
        Cell(row, dataset, split, seed)
        for dataset in suite.datasets
        for seed in dataset.seeds
        for split in dataset.splits
        for row in suite.rows
        if not rows or row.name in rows
    ]


def searches(suite: Suite, rows: Sequence[str] = ()) -> list[Search]:
    """List the searches of a suite."""
    first = [
        cell
        for cell in cells(suite, rows)
        if cell.split is cell.dataset.splits[0] and cell.seed == cell.dataset.seeds[0]
    ]
    return [Search(cell, suite.trials) for cell in first if cell.row.search]


def search_of(suite: Suite, cell: Cell) -> Search | None:
    """Return the search that chooses a run's options, None where nothing is chosen."""
    if not cell.row.search:
        return None
    dataset = cell.dataset
    return Search(Cell(cell.row, dataset, dataset.splits[0], dataset.seeds[0]), suite.trials)


def options_of(suite: Suite, cell: Cell, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a run's options: suite < dataset < row < row on the dataset < chosen on validation."""
    row = {**cell.row.options, **cell.row.options_on.get(cell.dataset.name, {})}
    return {**suite.options, **cell.dataset.options, **row, **chosen}


def setting(suite: Suite, cell: Cell, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run is asked for, as JSON; what its result depends on beside the data."""
    value: dict[str, Any] = json.loads(
        json.dumps(
            {
                "format": FORMAT,
                "protocol": "signed",
                "model": cell.row.model,
                "data": cell.data,
                "seed": cell.seed,
                "options": options_of(suite, cell, chosen),
                "metrics": [metric.lower() for metric in suite.metrics],
                "topk": sorted(suite.topk),
                "valid_metric": suite.valid_metric.lower(),
            },
            default=str,
        )
    )
    return value


def setting_hash(suite: Suite, cell: Cell, chosen: Mapping[str, Any]) -> str:
    """Hash a setting: a report finds a run by it, where no data are."""
    return digest(setting(suite, cell, chosen))


def run_key(setting_hash: str, data_fingerprint: str) -> str:
    """Hash a setting and the data: a run with this key is not made again."""
    return digest([setting_hash, data_fingerprint])


def search_key(suite: Suite, search: Search) -> str:
    """Hash what the trials of a search have in common; their number is not part of it."""
    ranges = {name: [r.kind, list(r.values)] for name, r in search.cell.row.search.items()}
    return digest([setting(suite, search.cell, {}), ranges])


def digest(value: Any) -> str:
    """Return the SHA-256 of a value of JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


class Recorded:
    """What is recorded of a suite.

    Args:
        suite: The suite.
        runs: All recorded runs, oldest first.
        trials: All recorded trials, oldest first.

    Raises:
        ValueError: A record has no setting or search, or what is used of one is not as written.
    """

    def __init__(
        self, suite: Suite, runs: Iterable[dict[str, Any]], trials: Iterable[dict[str, Any]]
    ) -> None:
        self.suite = suite
        self._by_setting = {text(run, "setting"): run for run in runs}
        # A search goes by the data of its last trial: those on other data chose for others.
        self._data: dict[str, Any] = {}
        self._trials: dict[tuple[str, Any], dict[int, dict[str, Any]]] = {}
        for trial in trials:
            check_trial(trial)
            key, fingerprint = trial["search"], trial.get("data_fingerprint")
            self._data[key] = fingerprint
            self._trials.setdefault((key, fingerprint), {})[trial["number"]] = trial

    def trials(self, search: Search) -> list[dict[str, Any]]:
        """Return the recorded trials of a search, in their order, all on the same data.

        Raises:
            ValueError: One has other options than are searched, or values outside of their ranges.
        """
        key = search_key(self.suite, search)
        of_search = self._trials.get((key, self._data.get(key)), {})
        found = [of_search[number] for number in sorted(of_search) if number < search.trials]
        for trial in found:
            _check_parameters(trial, search)
        return found

    def trial_on_other_data(self, search: Search) -> dict[str, Any] | None:
        """Return a trial that an unfinished search cannot use, of other data than its last one."""
        key = search_key(self.suite, search)
        if len(self.trials(search)) >= search.trials:
            return None
        others = (
            trial
            for (of_search, data), trials in self._trials.items()
            if of_search == key and data != self._data.get(key)
            for trial in trials.values()
        )
        return next(others, None)

    def chosen(self, cell: Cell) -> dict[str, Any] | None:
        """Return the options that validation chose, None while its search is not finished.

        Raises:
            ValueError: Every trial diverged.
        """
        search = search_of(self.suite, cell)
        if search is None:
            return {}
        trials = self.trials(search)
        if len(trials) < search.trials:
            return None
        return dict(best_trial(trials, search)["parameters"])

    def run(self, cell: Cell) -> dict[str, Any] | None:
        """Return the latest recorded run of a cell, None where there is none."""
        try:
            chosen = self.chosen(cell)
        except ValueError:
            return None
        if chosen is None:
            return None
        run = self._by_setting.get(setting_hash(self.suite, cell, chosen))
        if run is not None:
            check_run(run)
        return run


def _check_parameters(trial: Mapping[str, Any], search: Search) -> None:
    ranges, parameters = search.cell.row.search, trial["parameters"]
    if set(parameters) == set(ranges):
        wrong = [name for name in ranges if not ranges[name].holds(parameters[name])]
        if not wrong:
            return
        why = f"{wrong[0]} is {parameters[wrong[0]]!r}, outside of its range"
    else:
        why = f"its parameters are {', '.join(parameters) or 'none'}, not {', '.join(ranges)}"
    raise ValueError(
        f"{place_of(trial)}: {why}; mend the line, or take it out and the trial is made again"
    )


def best_trial(trials: Sequence[dict[str, Any]], search: Search) -> dict[str, Any]:
    """Return the trial with the best validation score; of equal ones the first.

    Raises:
        ValueError: None has a score.
    """
    finished = [trial for trial in trials if trial["state"] == "complete"]
    if not finished:
        raise ValueError(
            f"{search}: each of {len(trials)} trials diverged; narrow the ranges of its search"
        )
    return max(finished, key=lambda trial: float(trial["value"]))
