"""``recbole-pngnn augment report``: compare the providers that augmented a dataset."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

# One word for argparse, two for people.
NAME = "augment report"
_DESCRIPTION = """\
Compare datasets that augment made from one, at an equal number of edges: coverage, agreement with
the base recommender, what became of the picks in the validation part (the test part is not read),
popularity and genres, abstentions, cost.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``augment report`` to a command line; its ``handler`` takes the parsed arguments."""
    parser = subparsers.add_parser(
        NAME,
        help="compare what the providers picked",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--dataset", required=True, metavar="NAME", help="the dataset that was augmented")
    add("--data_path", type=Path, default=Path("dataset"), help="folder of datasets (dataset)")
    add(
        "--variants",
        nargs="+",
        default=[],
        metavar="NAME",
        help="augmented datasets (all that were made from it)",
    )
    add("--like_threshold", type=float, default=3.5, help="a rating above it (3.5)")
    add(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for report.md, report.csv and report.svg (output/augment/DATASET/report)",
    )
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Run the command of a parsed command line."""
    # SciPy's statistics take a second to import, which no other command should wait for.
    from recbole_pngnn import plotting
    from recbole_pngnn.augment.prepared import split_of
    from recbole_pngnn.augment.report import make_report
    from recbole_pngnn.augment.report_view import report_csv, report_figure, report_table
    from recbole_pngnn.files import write_whole

    dataset = split_of(options.dataset, options.data_path)
    report = make_report(dataset, options.data_path, options.variants, options.like_threshold)
    table = report_table(report)
    folder = options.output or Path("output") / "augment" / dataset / "report"
    folder.mkdir(parents=True, exist_ok=True)
    title = f"{report.dataset}: {report.n_users} users, validation part"
    written = ["report.md", "report.csv"]
    try:
        plotting.save(report_figure(report), folder / "report.svg")
        written.append("report.svg")
        figure, without = "\n![figure](report.svg)\n", ""
    except plotting.MissingError as error:  # the tables need no matplotlib
        figure, without = "", f"\nno figure: {error}"
    write_whole(folder / "report.md", f"# {title}\n\n{table}\n{figure}".encode())
    write_whole(folder / "report.csv", report_csv(report).encode())
    print(f"{title}\n\n{table}\n\nwritten to {folder}: {', '.join(written)}{without}")
    return 0
