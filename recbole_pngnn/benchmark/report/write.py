"""Writes a report: the same records are the same bytes."""

from __future__ import annotations

from pathlib import Path

from recbole_pngnn import plotting
from recbole_pngnn.benchmark.records import Results
from recbole_pngnn.benchmark.report.latex import latex
from recbole_pngnn.benchmark.report.long import long_csv
from recbole_pngnn.benchmark.report.markdown import document
from recbole_pngnn.benchmark.report.page import page
from recbole_pngnn.benchmark.report.plots import plots
from recbole_pngnn.benchmark.report.summary import Summary, Table, summarise
from recbole_pngnn.benchmark.suite import Suite
from recbole_pngnn.files import write_whole


def write_report(suite: Suite, results: Results, folder: Path) -> list[Path]:
    """Write Markdown, CSV, LaTeX, plots and a page of HTML; without matplotlib, no plots.

    Args:
        suite: The suite.
        results: Its records.
        folder: Where to write; made where missing, older files of the same names are replaced.

    Returns:
        The files.

    Raises:
        ValueError: The records do not fit together.
    """
    summary = summarise(suite, results)
    images = {table.dataset.name: _images(summary, table) for table in summary.tables}
    files = {
        f"{dataset}-{name}.svg": image
        for dataset, of_dataset in images.items()
        for name, image in of_dataset.items()
    }
    names = {
        dataset: [f"{dataset}-{name}.svg" for name in found] for dataset, found in images.items()
    }
    files["report.md"] = document(summary, names).encode()
    files["figures.csv"] = long_csv(summary).encode()
    for table in summary.tables:
        if table.rows:
            files[f"{table.dataset.name}.tex"] = latex(summary, table).encode()
    files["index.html"] = page(summary, images).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_whole(folder / name, data)
    return [folder / name for name in files]


def _images(summary: Summary, table: Table) -> dict[str, bytes]:
    """Draw the plots of a dataset as SVG by their names; none without matplotlib."""
    try:
        plotting.require_matplotlib()
    except plotting.MissingError:
        return {}
    return {name: plotting.render(figure, "svg") for name, figure in plots(summary, table).items()}
