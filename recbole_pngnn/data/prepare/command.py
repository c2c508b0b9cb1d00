"""``recbole-pngnn prepare``: what it runs and what it prints."""

import argparse
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_pngnn.data.prepare.atomic import read_manifest
from recbole_pngnn.data.prepare.datasets import (
    prepare_csv,
    prepare_ml_1m,
    prepare_ml_100k,
)
from recbole_pngnn.data.prepare.delimited import ItemColumns, TextFormat
from recbole_pngnn.data.prepare.errors import PrepareError, listing
from recbole_pngnn.data.prepare.header import parse_names
from recbole_pngnn.data.prepare.options import (
    add_csv_options,
    add_ml_1m_options,
    add_ml_100k_options,
)
from recbole_pngnn.data.prepare.split import parse_ratios
from recbole_pngnn.scale import describe_scale, scale_warning

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
        help="your own ratings from delimited text, plain or packed",
        description="Ratings from delimited text whose first line names the columns, or --columns "
        "does.",
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
            "the same user rated the same item again, and the latest stays"
        )
    lines += _scale_lines(manifest)
    lines += [f"  note: {note}" for note in manifest["notes"]]
    command = [
        "recbole-pngnn",
        "run",
        "--model=PNGNN",
        f"--dataset={manifest['name']}",
        f"--data_path={folder.parent}",
    ]
    return "\n".join([*lines, f"next: {shlex.join(command)}"])


def _scale_lines(manifest: dict[str, Any]) -> list[str]:
    """Say what ratings and timestamps span, and what is doubtful about it."""
    low, high = manifest["rating_span"]
    threshold = manifest["liked"]["like_threshold"]
    share = manifest["liked"]["ratings"] / sum(manifest["ratings"].values())
    lines = [f"  {describe_scale(low, high, threshold, share)}"]
    if "timestamp_span" in manifest:
        first, last = (_date(seconds) for seconds in manifest["timestamp_span"])
        lines.append(f"  timestamps from {first} to {last}")
    warning = scale_warning(low, high, threshold, share)
    return [*lines, f"  warning: {warning}"] if warning else lines


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):  # no year of a calendar
        return f"{seconds:g}"


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
    of_items = (args.item_id, args.item_columns, args.title, args.year, args.genres)
    if args.items is None and any(option is not None for option in of_items):
        raise PrepareError(
            "--item_id, --item_columns, --title, --year and --genres describe --items; give it too"
        )
    columns = None if args.columns is None else parse_names(args.columns, "--columns")
    user, item, rating, timestamp = (
        _role(args, columns, role) for role in ("user", "item", "rating", "timestamp")
    )
    if user is None or item is None or rating is None:
        raise PrepareError(_missing_roles(args, columns))
    names = None if args.item_columns is None else parse_names(args.item_columns, "--item_columns")
    folder = prepare_csv(
        args.ratings,
        args.output,
        name=args.name,
        user=user,
        item=item,
        rating=rating,
        timestamp=timestamp,
        columns=columns,
        items=args.items,
        item_columns=ItemColumns(
            args.item_id or item,
            _role(args, names, "title"),
            _role(args, names, "year"),
            _role(args, names, "genres"),
            args.genres_separator,
            names,
        ),
        text_format=TextFormat(
            "\t" if args.delimiter == r"\t" else args.delimiter, args.encoding, args.decimal
        ),
        split=_ratios(args),
        seed=args.seed,
        overwrite=args.overwrite,
    )
    print(summary(folder))
    return 0


def _role(args: argparse.Namespace, columns: Sequence[str] | None, role: str) -> str | None:
    """Return the column of a role: the one that was named, or the one of that name."""
    named: str | None = getattr(args, role)
    return role if named is None and columns is not None and role in columns else named


def _missing_roles(args: argparse.Namespace, columns: Sequence[str] | None) -> str:
    missing = [role for role in ("user", "item", "rating") if _role(args, columns, role) is None]
    options = listing(f"--{role}" for role in missing)
    if columns is None:
        return (
            f"give the column names of {args.ratings} by {options}; for a file without a header "
            "--columns user,item,rating,timestamp names all its columns in their order"
        )
    return (
        f"--columns names no {' and no '.join(missing)} among {','.join(columns)}; call the "
        f"columns so, or say which they are by {options}"
    )
