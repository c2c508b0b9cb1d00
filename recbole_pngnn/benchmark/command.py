"""``recbole-pngnn benchmark``: what it runs and what it prints."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

_EPILOG = """\
A suite is a YAML file; docs/benchmark.md says what is in it. Installed ones go by their names:
  recbole-pngnn benchmark quick                   run what is not recorded, print the tables
  recbole-pngnn benchmark quick --list            what is recorded and what is missing
  recbole-pngnn benchmark quick --report          tables, plots and a page, from the records alone
"""


def add_parser(subparsers: Any) -> None:
    """Add ``benchmark`` to a command line; its ``handler`` takes the parsed arguments."""
    parser = subparsers.add_parser(
        "benchmark",
        help="compare models over splits and seeds, with records and reports",
        description="Run a suite: models on splits and seeds, under the protocol. What is recorded "
        "is not run again, so the same command goes on after a stop.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # --trust is said in full
    )
    add = parser.add_argument
    add("suite", metavar="FILE.yaml", help="a suite's file, or the name of an installed one")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="show what is recorded and missing")
    what.add_argument("--report", action="store_true", help="write the report from the records")
    add("--jobs", type=int, default=1, metavar="N", help="processes at a time (1)")
    add(
        "--row", action="append", default=[], metavar="NAME", help="this row alone; may be repeated"
    )
    add(
        "--dataset",
        action="append",
        default=[],
        metavar="NAME",
        help="this dataset alone; may be repeated",
    )
    add("--source", type=Path, metavar="PATH", help="ml-1m.zip or a folder, where it is needed")
    add(
        "--trust",
        action="store_true",
        help="let this file's words send data to a server, unpickle files and write elsewhere; "
        "installed suites need no trust",
    )
    add(
        "--run_timeout",
        type=float,
        metavar="SECONDS",
        help="end a run that takes longer (the suite's run_timeout; none)",
    )
    add(
        "--idle_timeout",
        type=float,
        metavar="SECONDS",
        help="end a run that neither computes nor logs for so long (1800)",
    )
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="records (results)")
    add(
        "--output",
        type=Path,
        metavar="DIR",
        help="with --report: its folder (output/benchmark/SUITE/report)",
    )
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Run the command of a parsed command line.

    Returns:
        0; 1 where a run failed.
    """
    from recbole_pngnn.benchmark.records import Results
    from recbole_pngnn.benchmark.suite import find_suite, read_suite
    from recbole_pngnn.benchmark.trust import require_safe_reading

    suite = read_suite(find_suite(options.suite)).of_datasets(options.dataset)
    for name in ("results", "output"):
        folder = getattr(options, name)
        if folder is not None and folder.exists() and not folder.is_dir():
            raise ValueError(f"--{name} is a folder, and {folder} is a file; name another place")
    results = Results(options.results)
    if options.output is not None and not options.report:
        raise ValueError("--output is the folder of a report; give --report too")
    if options.jobs < 1:
        raise ValueError(f"--jobs must be at least 1, found {options.jobs}")
    for name in ("run_timeout", "idle_timeout"):
        seconds = getattr(options, name)
        if seconds is not None and not 0 < seconds < math.inf:
            raise ValueError(f"--{name} must be a number of seconds above 0, found {seconds:g}")
    if options.report and options.row:
        raise ValueError("--report is of all rows; leave --row out")
    if not options.trust:
        require_safe_reading(suite)
    if options.list:
        from recbole_pngnn.benchmark.listing import listing

        print(listing(suite, results, options.row))
        return 0
    if options.report:
        return _report(suite, results, options)
    return _run(suite, results, options)


def _run(suite: Any, results: Any, options: argparse.Namespace) -> int:
    from recbole_pngnn.benchmark.process import IDLE_TIMEOUT, Limits
    from recbole_pngnn.benchmark.report.markdown import markdown
    from recbole_pngnn.benchmark.report.summary import summarise
    from recbole_pngnn.benchmark.runner import run_suite

    limits = Limits(options.run_timeout or suite.run_timeout, options.idle_timeout or IDLE_TIMEOUT)
    try:
        outcome = run_suite(
            suite, results, options.jobs, options.source, options.row, limits, options.trust
        )
    except KeyboardInterrupt:
        print("stopped; what is recorded stays, the same command goes on", file=sys.stderr)
        raise
    print(
        f"{outcome.made} runs and trials made, {outcome.recorded} runs recorded before"
        f" ({results.runs_file})"
    )
    for name, reason in outcome.waiting.items():
        print(f"{name} {reason}")
    for name, reason in outcome.failed.items():
        print(f"FAILED {name}: {reason}", file=sys.stderr)
    print("", markdown(summarise(suite, results)), sep="\n")
    return 1 if outcome.failed else 0


def _report(suite: Any, results: Any, options: argparse.Namespace) -> int:
    from recbole_pngnn import plotting
    from recbole_pngnn.benchmark.report.write import write_report
    from recbole_pngnn.benchmark.runner import OUTPUT

    folder = options.output or OUTPUT / suite.name / "report"
    for file in write_report(suite, results, folder):
        print(file)
    try:
        plotting.require_matplotlib()
    except plotting.MissingError as error:
        print(f"tables alone: {error}", file=sys.stderr)
    return 0
