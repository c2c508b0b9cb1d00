"""A comparison of providers as a table, as CSV and as a figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from recbole_pngnn import plotting
from recbole_pngnn.augment.report import CONTROL, DISLIKED, LIKED, Report, Summary
from recbole_pngnn.benchmark.layout import markdown_table
from recbole_pngnn.benchmark.report.escaped import csv_text, markdown_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_GENRES = 8  # shown in the figure, the most frequent among the observed likes


def report_table(report: Report) -> str:
    """Lay a comparison out as a Markdown table, a column a provider."""
    rows = [[label, *map(show, report.summaries)] for label, show in _ROWS.items()]
    shown = [row for row in rows if any(cell != "" for cell in row[1:])]
    headers = ["", *(markdown_text(summary.provider) for summary in report.summaries)]
    return markdown_table(headers, shown)


def report_csv(report: Report) -> str:
    """Lay a comparison out as CSV, a row a provider."""
    rows = []
    for summary in report.summaries:
        row: dict[str, object] = {
            "provider": csv_text(summary.provider),
            "users_share": summary.users,
            "distinct_items": summary.items,
            "base_top_share": summary.top_share,
            "genre_distance": summary.genre_distance,
            "abstained": summary.abstained,
            "unanswered": summary.unanswered,
            "cost": summary.cost,
        }
        for sign in (LIKED, DISLIKED):
            row[f"{sign}_written"] = summary.written[sign]
            row[f"{sign}_compared"] = summary.compared[sign]
            row[f"{sign}_mean_rank"] = summary.mean_rank[sign]
            row[f"{sign}_popularity"] = _median(summary.popularity[sign])
            if summary.valid is not None:
                found = summary.valid[sign]
                row[f"{sign}_liked_in_validation"] = found.liked
                row[f"{sign}_disliked_in_validation"] = found.disliked
                row[f"{sign}_unrated_in_validation"] = found.unrated
                row[f"{sign}_p_value"] = found.p_value
        rows.append(row)
    return str(pd.DataFrame(rows).to_csv(index=False, lineterminator="\n", float_format="%.6g"))


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _number(value: float | None, form: str = ".2f") -> str:
    return "" if value is None or math.isnan(value) else format(value, form)


def _share(value: float) -> str:
    return _number(100 * value, ".1f") + "%"


def _in_validation(sign: str) -> Callable[[Summary], str]:
    def show(summary: Summary) -> str:
        if summary.valid is None:
            return ""
        found = summary.valid[sign]
        return f"{found.liked} / {found.disliked} / {found.unrated}"

    return show


def _right(sign: str) -> Callable[[Summary], str]:
    def show(summary: Summary) -> str:
        if summary.valid is None or not summary.valid[sign].n:
            return ""
        found = summary.valid[sign]
        return _share((found.liked if sign == LIKED else found.disliked) / found.n)

    return show


def _p_value(sign: str) -> Callable[[Summary], str]:
    def show(summary: Summary) -> str:
        value = None if summary.valid is None else summary.valid[sign].p_value
        return "" if value is None else "< .001" if value < 0.001 else f"{value:.3f}"

    return show


_ROWS: dict[str, Callable[[Summary], str]] = {
    "edges written, liked + disliked": lambda s: f"{s.written[LIKED]} + {s.written[DISLIKED]}",
    "users with an edge": lambda s: _share(s.users),
    "edges compared, liked + disliked": lambda s: f"{s.compared[LIKED]} + {s.compared[DISLIKED]}",
    "distinct items": lambda s: str(s.items),
    "likes that are the base's first": lambda s: _share(s.top_share),
    "mean rank of likes": lambda s: _number(s.mean_rank[LIKED]),
    "mean rank of dislikes": lambda s: _number(s.mean_rank[DISLIKED]),
    "likes in validation: liked / disliked / unrated": _in_validation(LIKED),
    "likes that are liked there": _right(LIKED),
    f"p against {CONTROL} (Holm), likes": _p_value(LIKED),
    "dislikes in validation: liked / disliked / unrated": _in_validation(DISLIKED),
    "dislikes that are disliked there": _right(DISLIKED),
    f"p against {CONTROL} (Holm), dislikes": _p_value(DISLIKED),
    "popularity of likes (median percentile)": lambda s: _number(_median(s.popularity[LIKED])),
    "popularity of dislikes": lambda s: _number(_median(s.popularity[DISLIKED])),
    "genres of likes, distance to the observed": lambda s: _number(s.genre_distance),
    "abstained": lambda s: "" if s.abstained is None else str(s.abstained),
    "without a valid answer": lambda s: "" if s.unanswered is None else str(s.unanswered),
    "cost": lambda s: _number(s.cost, ".4f"),
}


def report_figure(report: Report) -> Figure:
    """Draw a comparison: hits in validation, popularity and genres of the picks.

    Raises:
        ValueError: matplotlib is not installed.
    """
    figure, (hits, popularity, genres) = plotting.new_figure(11, 3.4, n_columns=3)
    with plotting.style():
        _draw_hits(hits, report)
        _draw_popularity(popularity, report)
        _draw_genres(genres, report)
    return figure


def _draw_hits(axes: Axes, report: Report) -> None:
    names = [plotting.plain(summary.provider) for summary in report.summaries]
    axes.set_title("picks found right in the validation part")
    if any(summary.valid is None for summary in report.summaries):
        axes.text(0.5, 0.5, "no validation part", ha="center", transform=axes.transAxes)
        return
    for number, sign in enumerate((LIKED, DISLIKED)):
        shares, below, above = [], [], []
        for summary in report.summaries:
            assert summary.valid is not None
            found = summary.valid[sign]
            n_right = found.liked if sign == LIKED else found.disliked
            interval = stats.binomtest(n_right, max(found.n, 1)).proportion_ci(method="wilson")
            share = n_right / max(found.n, 1)
            shares.append(100 * share)
            below.append(100 * (share - interval.low))
            above.append(100 * (interval.high - share))
        places = np.arange(len(names)) + 0.38 * number - 0.19
        label = f"{sign} picks that are {sign}"
        axes.bar(places, shares, 0.36, label=label, color=plotting.PALETTE[number])
        axes.errorbar(places, shares, [below, above], fmt="none", ecolor="#333333", elinewidth=0.8)
    axes.set_xticks(np.arange(len(names)), names, rotation=20, ha="right")
    axes.set_ylabel("% of the picks (Wilson, 95%)")
    axes.legend()


def _draw_popularity(axes: Axes, report: Report) -> None:
    axes.set_title("popularity of the picks (quartiles, 5% and 95%)")
    names = [plotting.plain(summary.provider) for summary in report.summaries]
    for number, sign in enumerate((LIKED, DISLIKED)):
        colour = plotting.PALETTE[number]
        drawn = axes.boxplot(
            [100 * summary.popularity[sign] for summary in report.summaries],
            positions=np.arange(len(names)) + 0.38 * number - 0.19,
            widths=0.3,
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            medianprops={"color": "black"},
        )
        for box in drawn["boxes"]:
            box.set_facecolor(colour)
            box.set_alpha(0.7)
        axes.plot([], [], "s", color=colour, alpha=0.7, label=f"{sign} picks")
    axes.set_xticks(np.arange(len(names)), names, rotation=20, ha="right")
    axes.set_ylabel("percentile of training degree")
    axes.legend()


def _draw_genres(axes: Axes, report: Report) -> None:
    axes.set_title("genres of the liked picks")
    observed = report.observed_genres
    shown = sorted(observed, key=lambda genre: (-observed[genre], genre))[:N_GENRES]
    if not shown:
        axes.text(0.5, 0.5, "no genres", ha="center", transform=axes.transAxes)
        return
    places = np.arange(len(shown))
    shares = [100 * observed[genre] for genre in shown]
    axes.barh(places, shares, 0.8, color="#cccccc", label="observed likes")
    for number, summary in enumerate(report.summaries):
        axes.plot(
            [100 * summary.genres.get(genre, 0.0) for genre in shown],
            places,
            plotting.MARKERS[number % len(plotting.MARKERS)],
            color=plotting.PALETTE[number % len(plotting.PALETTE)],
            label=plotting.plain(summary.provider),
        )
    axes.set_yticks(places, [plotting.plain(genre) for genre in shown])
    axes.invert_yaxis()
    axes.set_xlabel("% of the likes")
    axes.legend(loc="lower right")
