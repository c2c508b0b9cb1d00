"""The plots of a dataset: metric by cut-off, accuracy by training time, accuracy by activity."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recbole_pngnn import plotting
from recbole_pngnn.benchmark.report.cells import column_label
from recbole_pngnn.benchmark.report.summary import RowSummary, Summary, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_GROUPS = 4


def plots(summary: Summary, table: Table) -> dict[str, Figure]:
    """Draw the plots of a dataset by their names; none where no row is complete."""
    metric = summary.suite.main_metric
    rows = [row for row in table.rows if row.complete and metric in row.figures]
    if not rows:
        return {}
    with plotting.style():
        return {
            "cutoffs": _by_cutoff(summary, rows),
            "time": _by_time(summary, rows),
            "activity": _by_activity(summary, rows),
        }


def looks(rows: Sequence[RowSummary], metric: str) -> list[dict[str, Any]]:
    """Choose a colour and a marker for each row.

    Of more rows than there are colours, the baselines that are not among the best are grey, told
    apart by their markers.

    Args:
        rows: The rows.
        metric: Finds the best baselines.
    """
    coloured = list(range(len(rows)))
    if len(rows) > len(plotting.PALETTE):
        coloured.sort(
            key=lambda place: (rows[place].row.baseline, -rows[place].figures[metric].mean)
        )
        coloured = coloured[: len(plotting.PALETTE) - 1]  # without the faint one
    colours, markers, grey_markers = (
        itertools.cycle(values) for values in (plotting.PALETTE, *[plotting.MARKERS] * 2)
    )
    return [
        {"color": next(colours), "marker": next(markers)}
        if place in coloured
        else {"color": plotting.GREY, "marker": next(grey_markers), "linewidth": 0.7, "zorder": 1}
        for place in range(len(rows))
    ]


def _by_cutoff(summary: Summary, rows: Sequence[RowSummary]) -> Figure:
    suite = summary.suite
    kinds = [metric.lower() for metric in suite.metrics if metric.lower() != "signauc"]
    cutoffs, colours = sorted(suite.topk), looks(rows, suite.main_metric)
    figure, axes = plotting.new_figure(2.6 * len(kinds) + 1.6, 2.8, n_columns=len(kinds))
    for kind, panel in zip(kinds, axes, strict=True):
        for place, (row, look) in enumerate(zip(rows, colours, strict=True)):
            found = [row.figures[f"{kind}@{k}"] for k in cutoffs]
            # Side by side, so that bars do not cover each other.
            aside = (place - (len(rows) - 1) / 2) * 0.12
            panel.errorbar(
                [k + aside for k in cutoffs],
                [figure.mean for figure in found],
                yerr=_bars([figure.deviation for figure in found]),
                label=plotting.plain(row.row.name),
                **look,
            )
        panel.set_title(column_label(f"{kind}@K"))
        panel.set_xlabel("K")
        panel.set_xticks(cutoffs)
    _legend(figure, axes[0])
    return figure


def _by_time(summary: Summary, rows: Sequence[RowSummary]) -> Figure:
    metric = summary.suite.main_metric
    figure, (panel,) = plotting.new_figure(6.4, 3.2)
    for row, look in zip(rows, looks(rows, metric), strict=True):
        accuracy, seconds = row.figures[metric], row.figures["train_seconds"]
        panel.errorbar(
            max(seconds.mean, 0.01),  # a logarithm needs more than nothing
            accuracy.mean,
            yerr=_bars([accuracy.deviation]),
            label=plotting.plain(row.row.name),
            linestyle="none",
            **look,
        )
    panel.set_xscale("log")
    panel.set_xlabel("training, seconds")
    panel.set_ylabel(column_label(metric))
    _legend(figure, panel)
    return figure


def _by_activity(summary: Summary, rows: Sequence[RowSummary]) -> Figure:
    metric = summary.suite.main_metric
    bounds = activity_bounds(rows)
    figure, (panel,) = plotting.new_figure(8.0, 3.2)
    places = np.arange(len(bounds) - 1)
    width = 0.8 / len(rows)
    for place, (row, look) in enumerate(zip(rows, looks(rows, metric), strict=True)):
        means, deviations = activity_means(row, metric, bounds)
        panel.errorbar(
            places + (place - (len(rows) - 1) / 2) * width,
            means,
            yerr=_bars(deviations),
            label=plotting.plain(row.row.name),
            linestyle="none",
            **look,
        )
    panel.set_xticks(places, [f"{low} to {high - 1}" for low, high in itertools.pairwise(bounds)])
    panel.set_xlabel("user's ratings in training")
    panel.set_ylabel(column_label(metric))
    panel.grid(axis="x", visible=False)
    _legend(figure, panel)
    return figure


def activity_bounds(rows: Sequence[RowSummary]) -> list[int]:
    """Split users by their ratings in training into groups of about equal size.

    Returns:
        Bounds of the groups: a user with n ratings is in the group with ``low <= n < high``.
    """
    counts = np.concatenate([users.n_rated for users in rows[0].by_user])
    inner = np.quantile(counts, np.arange(1, N_GROUPS) / N_GROUPS, method="higher")
    return sorted({int(counts.min()), *map(int, inner), int(counts.max()) + 1})


def activity_means(
    row: RowSummary, metric: str, bounds: Sequence[int]
) -> tuple[list[float], list[float | None]]:
    """Average a metric in each group of users: mean and standard deviation over the runs.

    A run without a user in a group says nothing about it.
    """
    by_run = np.full((len(row.by_user), len(bounds) - 1), np.nan)
    for place, users in enumerate(row.by_user):
        values = users.metric(metric)
        for group, (low, high) in enumerate(itertools.pairwise(bounds)):
            inside = (users.n_rated >= low) & (users.n_rated < high) & ~np.isnan(values)
            if inside.any():
                by_run[place, group] = values[inside].mean()
    means: list[float] = []
    deviations: list[float | None] = []
    for of_group in by_run.T:
        defined = of_group[~np.isnan(of_group)]
        means.append(float(defined.mean()) if len(defined) else 0.0)
        deviations.append(float(defined.std(ddof=1)) if len(defined) > 1 else None)
    return means, deviations


def _bars(deviations: Sequence[float | None]) -> list[float] | None:
    """Error bars where there is a spread; None for no bars at all."""
    known = [0.0 if deviation is None else deviation for deviation in deviations]
    return None if all(deviation is None for deviation in deviations) else known


def _legend(figure: Figure, panel: Axes) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
