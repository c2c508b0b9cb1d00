"""``recbole-pngnn prepare``: what it runs and what it prints."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_pngnn.data.prepare.atomic import read_manifest
from recbole_pngnn.data.prepare.datasets import (
    prepare_csv,
    prepare_ml_1m,
    prepare_ml_100k,
)
from recbole_pngnn.data.prepare.delimited import ItemColumns, TextFormat
from recbole_pngnn.data.prepare.errors import PrepareError
from recbole_pngnn.data.prepare.options import (
    add_csv_options,
    add_ml_1m_options,
    add_ml_100k_options,
)
from recbole_pngnn.data.prepare.split import parse_ratios

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: "Subparsers") -> None:
    """Add ``prepare`` and its three sources to a command line.

    Each source sets ``handler``, a function of the parsed arguments that returns an exit code and
    raises PrepareError for what the user can correct.

    Args:
        subparsers: What ``ArgumentParser.add_subparsers`` returned.
    """
    prepare = subparsers.add_parser(
        "prepare",
        help="write MovieLens or your own ratings as pre-split RecBole datasets",
        description="Write ratings as RecBole's atomic files, split into train, valid and test.",
    )
    sources = prepare.add_subparsers(title="sources", dest="source_kind", required=True)
    ml_1m = sources.add_parser(
        "ml-1m",
        help="MovieLens-1M from GroupLens' zip or folder, or from a folder with folds",
        description="MovieLens-1M. Get ml-1m.zip from https://grouplens.org/datasets/movielens/1m/.",
    )
    add_ml_1m_options(ml_1m)
    ml_1m.set_defaults(handler=_run_ml_1m)
    ml_100k = sources.add_parser(
        "ml-100k",
        help="MovieLens-100K from the copy that RecBole installs",
        description="MovieLens-100K, from the copy that RecBole installs.",
    )
    add_ml_100k_options(ml_100k)
    ml_100k.set_defaults(handler=_run_ml_100k)
    own = sources.add_parser(
        "csv",
        help="your own ratings from delimited text, plain or gzip",
        description="Ratings from delimited text whose first line names the columns.",
    )
    add_csv_options(own)
    own.set_defaults(handler=_run_csv)


def summary(folder: Path) -> str:
    """Describe a written dataset and the command that trains on it.

    Args:
        folder: What a ``prepare_*`` function returned.
    """
    manifest = read_manifest(folder)
    parts = ", ".join(f"{part} {size:,}" for part, size in manifest["ratings"].items())
    lines = [
        f"{manifest['name']}: written to {folder}",
        f"  users {manifest['users']:,}, items {manifest['items']:,}",
        f"  ratings {sum(manifest['ratings'].values()):,}: {parts}",
    ]
    if manifest["duplicates_dropped"]:
        lines.append(
            f"  {manifest['duplicates_dropped']:,} ratings dropped: "
            "the same user rated the same item again further down"
        )
    command = [
        "recbole-pngnn",
        "run",
        "--model=PNGNN",
        f"--dataset={manifest['name']}",
        f"--data_path={folder.parent}",
    ]
    return "\n".join([*lines, f"next: {shlex.join(command)}"])


def _ratios(args: argparse.Namespace) -> list[float] | None:
    return None if args.split is None else parse_ratios(args.split)


def _run_ml_1m(args: argparse.Namespace) -> int:
    folder = prepare_ml_1m(
        args.source,
        args.output,
        fold=args.fold,
        split=_ratios(args),
        valid_ratio=args.valid_ratio,
        seed=args.seed,
        name=args.name,
        overwrite=args.overwrite,
    )
    print(summary(folder))
    return 0


def _run_ml_100k(args: argparse.Namespace) -> int:
    folder = prepare_ml_100k(
        args.output,
        split=_ratios(args),
        seed=args.seed,
        name=args.name,
        overwrite=args.overwrite,
    )
    print(summary(folder))
    return 0


def _run_csv(args: argparse.Namespace) -> int:
    of_items = (args.item_id, args.title, args.year, args.genres)
    if args.items is None and any(option is not None for option in of_items):
        raise PrepareError("--item_id, --title, --year and --genres describe --items; give it too")
    folder = prepare_csv(
        args.ratings,
        args.output,
        name=args.name,
        user=args.user,
        item=args.item,
        rating=args.rating,
        timestamp=args.timestamp,
        items=args.items,
        item_columns=ItemColumns(
            args.item_id or args.item, args.title, args.year, args.genres, args.genres_separator
        ),
        text_format=TextFormat("\t" if args.delimiter == r"\t" else args.delimiter, args.encoding),
        split=_ratios(args),
        seed=args.seed,
        overwrite=args.overwrite,
    )
    print(summary(folder))
    return 0
