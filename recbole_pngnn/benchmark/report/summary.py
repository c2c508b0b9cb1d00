"""What the records of a suite say: means, spread, paired tests."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recbole_pngnn.benchmark.alike import check_alike
from recbole_pngnn.benchmark.plan import (
    Cell,
    Recorded,
    best_trial,
    cells,
    search_of,
)
from recbole_pngnn.benchmark.records import Results, place_of
from recbole_pngnn.benchmark.shape import check_measured
from recbole_pngnn.benchmark.suite import COSTS, Dataset, Row, Suite
from recbole_pngnn.protocol.by_user import UserResults
from recbole_pngnn.significance import (
    Array,
    Comparison,
    compare,
    mean_by_user,
)

# Records have six decimals, side files SignAUC in float32.
_ROUNDING = 2e-6


@dataclass(frozen=True)
class Figure:
    """A mean over runs, and their standard deviation where there are two or more."""

    mean: float
    deviation: float | None


@dataclass(frozen=True, eq=False)
class Choice:
    """What a search found."""

    cell: Cell
    trials: list[dict[str, Any]]
    best: dict[str, Any]


@dataclass(frozen=True, eq=False)
class RowSummary:
    """A row on a dataset.

    Attributes:
        row: The row.
        runs: Its recorded runs.
        by_user: What each user got, of each run.
        n_expected: Runs that the suite asks for.
        figures: By metric and cost.
        comparisons: With the strongest baseline, by metric; empty for that one itself.
        choice: What its search found; None where nothing is searched.
        reference: Published figures, by metric.
    """

    row: Row
    runs: list[dict[str, Any]]
    by_user: list[UserResults]
    n_expected: int
    figures: dict[str, Figure]
    comparisons: dict[str, Comparison]
    choice: Choice | None
    reference: dict[str, float]

    @property
    def complete(self) -> bool:
        """Whether every run is recorded."""
        return len(self.runs) == self.n_expected

    def values(self, metric: str) -> Array:
        """Return a metric of each user, averaged over the runs."""
        return mean_by_user([(users.users, users.metric(metric)) for users in self.by_user])


@dataclass(frozen=True, eq=False)
class Table:
    """A dataset of a suite.

    Attributes:
        dataset: The dataset.
        rows: Rows with a recorded run, in the order of the suite.
        missing: Rows without.
        references: Published figures of the missing rows, by their name and metric.
        baseline: The strongest complete baseline; None where there is none.
        n_users: Users in any test part.
        n_comparisons: Tests that Holm's correction is for.
    """

    dataset: Dataset
    rows: list[RowSummary]
    missing: list[Row]
    references: dict[str, dict[str, float]]
    baseline: Row | None
    n_users: int
    n_comparisons: int

    @property
    def hours_of_runs(self) -> float:
        """Hours of the runs' processes, one after another."""
        return _hours(run for row in self.rows for run in row.runs)

    @property
    def hours_of_trials(self) -> float:
        """Hours of the processes of the trials that chose the runs' options."""
        return _hours(trial for row in self.rows if row.choice for trial in row.choice.trials)

    def best(self, metric: str) -> tuple[float | None, float | None]:
        """Return the best and the second-best mean of the complete rows, to printed accuracy."""
        if metric in COSTS:
            return None, None
        means = {
            round(row.figures[metric].mean, 4)
            for row in self.rows
            if row.complete and metric in row.figures
        }
        ranked: list[float | None] = [*sorted(means, reverse=True), None, None]
        return ranked[0], ranked[1]


@dataclass(frozen=True, eq=False)
class Summary:
    """A suite and its tables."""

    suite: Suite
    tables: list[Table] = field(default_factory=list)

    def versions(self) -> list[str]:
        """Say what code and packages the records were made with."""
        runs = [run for table in self.tables for row in table.rows for run in row.runs]
        commits = sorted({str(run["commit"])[:12] for run in runs if run.get("commit")})
        found: dict[str, set[str]] = {}
        for run in runs:
            for package, version in run["versions"].items():
                found.setdefault(package, set()).add(version)
        packages = [f"{package} {'/'.join(sorted(found[package]))}" for package in found]
        return [f"commit {commit}" for commit in commits] + packages


def _hours(records: Iterable[Mapping[str, Any]]) -> float:
    return sum(float(record["seconds"]["process"]) for record in records) / 3600


def summarise(suite: Suite, results: Results) -> Summary:
    """Summarise what is recorded of a suite.

    Args:
        suite: The suite.
        results: The records.

    Raises:
        ValueError: Rows were measured on different users, or a file of the records is missing.
    """
    recorded = Recorded(suite, results.runs(), results.trials())
    references = _references(suite, results)
    return Summary(
        suite,
        [_table(suite, dataset, recorded, results, references) for dataset in suite.datasets],
    )


def _table(
    suite: Suite,
    dataset: Dataset,
    recorded: Recorded,
    results: Results,
    references: Mapping[str, dict[str, float]],
) -> Table:
    rows, missing = [], []
    for row in suite.rows:
        of_row = [c for c in cells(suite) if c.row is row and c.dataset is dataset]
        runs = [run for cell in of_row if (run := recorded.run(cell)) is not None]
        if row.reference is not None and row.reference not in references:
            raise ValueError(
                f"row {row.name}: there are no published figures {row.reference!r}; "
                f"{suite.references} has {', '.join(references) or 'none'}"
            )
        if not runs:
            _check_search(suite, of_row[0], recorded)
            missing.append(row)
            continue
        for run in runs:
            check_measured(run, suite.result_names)
        rows.append(
            RowSummary(
                row=row,
                runs=runs,
                by_user=[results.by_user(run) for run in runs],
                n_expected=len(of_row),
                figures=_figures(suite, runs),
                comparisons={},
                choice=_choice(suite, of_row[0], recorded),
                reference=references[row.reference] if row.reference else {},
            )
        )
    _check_rows(suite, rows)
    baselines = [
        row
        for row in rows
        if row.row.baseline and row.complete and suite.main_metric in row.figures
    ]
    best = max(baselines, key=lambda row: row.figures[suite.main_metric].mean, default=None)
    users = {user for row in rows for part in row.by_user for user in part.users.tolist()}
    n_comparisons = 0 if best is None else _compare(suite, rows, best)
    return Table(
        dataset,
        rows,
        missing,
        {row.reference: references[row.reference] for row in missing if row.reference},
        None if best is None else best.row,
        len(users),
        n_comparisons,
    )


def _figures(suite: Suite, runs: Sequence[Mapping[str, Any]]) -> dict[str, Figure]:
    values: dict[str, list[float | None]] = {
        name: [run["test"].get(name) for run in runs] for name in suite.result_names
    }
    values["train_seconds"] = [run["seconds"]["train"] for run in runs]
    values["peak_memory_mib"] = [run.get("peak_memory_mib") for run in runs]
    figures = {}
    for name, of_runs in values.items():
        numbers = [value for value in of_runs if value is not None]
        if len(numbers) == len(of_runs):
            deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
            figures[name] = Figure(statistics.fmean(numbers), deviation)
    return figures


def _choice(suite: Suite, cell: Cell, recorded: Recorded) -> Choice | None:
    search = search_of(suite, cell)
    if search is None:
        return None
    trials = recorded.trials(search)
    return Choice(search.cell, trials, best_trial(trials, search))


def _check_search(suite: Suite, cell: Cell, recorded: Recorded) -> None:
    """Say why the search of a row is not finished, where it is so for the data."""
    search = search_of(suite, cell)
    other = None if search is None else recorded.trial_on_other_data(search)
    if search is not None and other is not None:
        last = recorded.trials(search)
        raise ValueError(
            f"{search} has trials on different data: data_fingerprint is "
            f"{str(other.get('data_fingerprint'))[:12]} in {place_of(other)} and "
            f"{str(last[-1].get('data_fingerprint'))[:12]} in {place_of(last[-1])}, and of these "
            f"there are {len(last)} of {search.trials}; run the benchmark again with the data of "
            f"today"
        )


def _check_rows(suite: Suite, rows: Sequence[RowSummary]) -> None:
    """Refuse rows of different data, and side files that do not belong to their records."""
    check_alike(
        [(row.row.name, run) for row in rows for run in row.runs],
        [
            (f"the search of {row.row.name}", trial)
            for row in rows
            if row.choice is not None
            for trial in row.choice.trials
        ],
    )
    for row in rows:
        for run, by_user in zip(row.runs, row.by_user, strict=True):
            for name in suite.result_names:
                value = run["test"][name]
                if value is None:
                    continue
                found = by_user.mean(name)
                if not abs(found - value) < _ROUNDING:
                    raise ValueError(
                        f"{place_of(run)}: {name} of {row.row.name} is {value:.6f}, and "
                        f"{found:.6f} over the users of {run['by_user_file']}: the file is of "
                        f"another run; bring the right one back, or take the line out and run it "
                        f"again"
                    )


def _compare(suite: Suite, rows: Sequence[RowSummary], baseline: RowSummary) -> int:
    """Fill in the comparisons of the complete rows; return their number."""
    measured = [name for name in suite.result_names if name in baseline.figures]
    of_baseline = {name: baseline.values(name) for name in measured}
    compared = [
        (row, name)
        for row in rows
        if row is not baseline and row.complete
        for name in measured
        if name in row.figures
    ]
    for row in {id(row): row for row, _ in compared}.values():
        check_same_users(row, baseline)
    found = compare([(row.values(name), of_baseline[name]) for row, name in compared])
    for (row, name), comparison in zip(compared, found, strict=True):
        row.comparisons[name] = comparison
    return len(found)


def check_same_users(row: RowSummary, other: RowSummary) -> None:
    """Refuse to test rows against each other that were measured on other users.

    Raises:
        ValueError: They were.
    """
    ours, theirs = (set(_users(row)), set(_users(other)))
    if ours != theirs:
        raise ValueError(
            f"{row.row.name} was measured on {len(ours)} users and {other.row.name} on "
            f"{len(theirs)}, {len(ours & theirs)} of them the same; run the benchmark again with "
            f"the data of today"
        )


def _users(row: RowSummary) -> list[str]:
    return [user for part in row.by_user for user in part.users.tolist()]


def _references(suite: Suite, results: Results) -> dict[str, dict[str, float]]:
    if suite.references is None:
        return {}
    file = results.folder / suite.references
    if not file.is_file():
        raise ValueError(f"suite {suite.name}: there are no published figures in {file}")
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is no JSON: {error}") from error
    figures = found.get("test_result") if isinstance(found, dict) else None
    if not isinstance(figures, dict) or not all(map(_is_result, figures.values())):
        raise ValueError(
            f"{file} must be a mapping with test_result, which has the figures of each row by "
            f"their names, all numbers"
        )
    return figures


def _is_result(figures: Any) -> bool:
    return isinstance(figures, dict) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        for value in figures.values()
    )
