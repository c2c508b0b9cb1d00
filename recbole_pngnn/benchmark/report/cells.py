"""A table as rows of marked cells, before it is Markdown, LaTeX or HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recbole_pngnn.benchmark.report.summary import Figure, RowSummary, Summary, Table
from recbole_pngnn.benchmark.suite import COSTS
from recbole_pngnn.significance import Comparison

_SHORT = {"precision": "P", "recall": "R", "ndcg": "NDCG", "hit": "Hit"}
_NAMES = {"signauc": "SignAUC", "train_seconds": "training, s", "peak_memory_mib": "memory, MiB"}


@dataclass(frozen=True)
class Marked:
    """A cell.

    Attributes:
        mean: The mean as text, empty for no figure.
        deviation: The standard deviation as text, empty for none.
        rank: 1 for the best of its column, 2 for the second, 0 for others.
        direction: 1 where significantly above the strongest baseline, -1 below, 0 otherwise.
        opposed: Whether a test finds a difference over users that is not that of the means.
    """

    mean: str = ""
    deviation: str = ""
    rank: int = 0
    direction: int = 0
    opposed: bool = False


@dataclass(frozen=True)
class Line:
    """A row of a part of a table; that of published figures has a ``source``."""

    label: str
    cells: list[Marked]
    published: bool = False


def column_label(name: str) -> str:
    """Return a metric as the head of its column: ``P@5``, ``SignAUC``."""
    kind, at, cutoff = name.partition("@")
    return _NAMES.get(name) or f"{_SHORT.get(kind, kind)}{at}{cutoff}"


def number(value: float, name: str) -> str:
    """Write a figure: four decimals for a metric, fewer for a cost."""
    if name == "train_seconds":
        return f"{value:.1f}"
    if name == "peak_memory_mib":
        return f"{value:.0f}"
    text = f"{value:.4f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def lines(table: Table, columns: Sequence[str]) -> list[Line]:
    """Lay out the rows of a part of a table, published figures below their rows.

    Those of rows that are not recorded come last.

    Args:
        table: The table.
        columns: Metrics and costs.
    """
    found = []
    for row in table.rows:
        label = row.row.name
        if not row.complete:
            label += f" ({len(row.runs)} of {row.n_expected} runs)"
        found.append(Line(label, [_cell(table, row, name) for name in columns]))
        if row.row.reference is not None:
            found += _published(row.row.reference, row.reference, columns)
    for reference, figures in table.references.items():
        found += _published(reference, figures, columns)
    return found


def _published(label: str, figures: Mapping[str, float], columns: Sequence[str]) -> list[Line]:
    """Lay out published figures; no line where none of the columns is among them."""
    if not set(columns) & set(figures):
        return []
    cells = [
        Marked(number(figures[name], name)) if name in figures else Marked() for name in columns
    ]
    return [Line(label, cells, published=True)]


def _cell(table: Table, row: RowSummary, name: str) -> Marked:
    figure = row.figures.get(name)
    if figure is None:
        return Marked()
    best, second = table.best(name)
    rounded = round(figure.mean, 4)
    rank = 0
    if row.complete and len(table.rows) > 1:
        rank = 1 if rounded == best else 2 if rounded == second else 0
    direction, opposed = 0, False
    comparison = row.comparisons.get(name)
    if comparison is not None:
        baseline = next(other for other in table.rows if other.row is table.baseline)
        direction, opposed = mark(comparison, figure.mean - baseline.figures[name].mean)
    shown = number(figure.mean, name)
    return Marked(shown, _deviation(figure, name), rank, direction, opposed)


def mark(comparison: Comparison, difference: float) -> tuple[int, bool]:
    """Return the direction to show beside two means, and whether their test says the opposite.

    A test counts a user once; a mean over runs weighs a user of a small split more, so that the
    two can point different ways. Then no direction is shown.

    Args:
        comparison: A test over users.
        difference: The difference of the means that are shown.
    """
    direction = comparison.direction()
    opposed = direction * difference < 0
    return (0 if opposed else direction), opposed


OPPOSED = (
    "↕: significant over users, each counted once, and the other way round than these means over "
    "runs, in which a user of a small split weighs more."
)


def _deviation(figure: Figure, name: str) -> str:
    if figure.deviation is None or name in COSTS:
        return ""
    return number(figure.deviation, name)


def notes(summary: Summary, table: Table) -> list[str]:
    """Say in sentences what the marks of a table mean and what it is made of."""
    suite, dataset = summary.suite, table.dataset
    n_runs = len(dataset.splits) * len(dataset.seeds)
    splits, seeds = len(dataset.splits), len(dataset.seeds)
    said = [
        f"{dataset.name}: {table.n_users:,} users; {n_runs} run{'s' * (n_runs > 1)} a row "
        f"({splits} split{'s' * (splits > 1)}, {seeds} seed{'s' * (seeds > 1)})"
        + (", mean ± standard deviation." if n_runs > 1 else ".")
        + " Best in bold, second underlined."
    ]
    if table.baseline is not None and table.n_comparisons:
        said.append(
            f"↑ ↓: above or below {table.baseline.name}, the strongest baseline in "
            f"{column_label(suite.main_metric)}, with p < .05 in a paired t-test over users after "
            f"Holm's correction for {table.n_comparisons} comparisons."
        )
    if _any_opposed(table):
        said.append(OPPOSED)
    time = f"{duration(table.hours_of_runs)} of runs"
    if table.hours_of_trials:
        time += f" and {duration(table.hours_of_trials)} of trials"
    said.append(f"Computing: {time}, one process after another.")
    if table.missing:
        said.append(f"Not recorded yet: {', '.join(row.name for row in table.missing)}.")
    return said


def _any_opposed(table: Table) -> bool:
    return any(_cell(table, row, name).opposed for row in table.rows for name in row.comparisons)


def duration(hours: float) -> str:
    """Write hours as text; what is shorter than a tenth of one, in minutes."""
    return f"{hours:.1f} h" if hours >= 0.1 else f"{60 * hours:.1f} min"


def choices(table: Table) -> list[list[str]]:
    """Lay out what was searched: row, where, trials, validation score, what was chosen."""
    found = []
    for row in table.rows:
        choice = row.choice
        if choice is None:
            continue
        n_cut = sum(trial["state"] == "cut" for trial in choice.trials)
        parameters = ", ".join(
            f"{key}: {value}" for key, value in choice.best["parameters"].items()
        )
        found.append(
            [
                row.row.name,
                f"{choice.cell.data}, seed {choice.cell.seed}",
                f"{len(choice.trials)} ({n_cut} cut)",
                f"{choice.best['value']:.4f}",
                parameters,
            ]
        )
    return found
