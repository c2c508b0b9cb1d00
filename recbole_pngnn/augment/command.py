"""``recbole-pngnn augment``: its options; nothing heavy is imported for them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from recbole_pngnn.augment.defaults import (
    DEFAULT_TEMPLATE,
    HISTORY_SIZE,
    OPENAI_URL,
    TOKEN_LIMITS,
)
from recbole_pngnn.augment.providers import provider_names

_EPILOG = """\
A provider that needs no key, then a hosted model, then a server of your own:
  recbole-pngnn augment --dataset ml-100k-split-80-10-10-seed1 --provider text_similarity
  OPENAI_API_KEY=... recbole-pngnn augment --dataset NAME --provider openai --model MODEL --dry_run
  OPENAI_API_KEY=none recbole-pngnn augment --dataset NAME --provider openai --model MODEL \\
      --base_url http://localhost:8000/v1
"""


def add_parser(subparsers: Any) -> None:
    """Add ``augment`` to a command line; its ``handler`` takes the parsed arguments."""
    parser = subparsers.add_parser(
        "augment",
        help="add interactions that a language model or a control suggests",
        description="Write a dataset whose training part also holds suggested interactions.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--dataset", required=True, metavar="NAME", help="a dataset that prepare wrote, or ml-100k")
    add("--provider", required=True, metavar="NAME", help=", ".join(provider_names()))
    add("--data_path", type=Path, default=Path("dataset"), help="folder of datasets (dataset)")
    add("--output", type=Path, metavar="DIR", help="the new dataset (DATASET-PROVIDER beside it)")
    add("--overwrite", action="store_true", help="replace an older dataset of that name")
    add("--work", type=Path, metavar="DIR", help="candidates and journal (output/augment/DATASET)")

    base = parser.add_argument_group("candidates")
    base.add_argument("--candidates", type=int, default=10, metavar="N", help="each user's (10)")
    base.add_argument("--candidates_file", type=Path, metavar="FILE", help="CSV made elsewhere")
    base.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="a trained base recommender; it is unpickled, which can run any code: only one that "
        "you trust",
    )
    base.add_argument(
        "--base_model", default="LightGCN", help="trained where there is none of both"
    )
    base.add_argument(
        "--base_options",
        default="{}",
        metavar="YAML",
        help='its options, e.g. "{epochs: 30}"; RecBole evaluates a text among them as Python',
    )

    who = parser.add_argument_group("users and picks")
    who.add_argument("--users", metavar="ID,ID|FILE", help="these users alone")
    who.add_argument("--limit_users", type=int, metavar="N", help="the first N users alone")
    who.add_argument(
        "--sparsest", type=float, default=1.0, metavar="SHARE", help="users with the fewest ratings"
    )
    who.add_argument("--picks", type=int, default=1, help="likes and dislikes, each (1)")
    who.add_argument("--votes", type=int, default=1, help="ask so often, keep the majority (1)")
    who.add_argument("--min_weight", type=float, default=0.0, help="least share of votes (0)")
    who.add_argument("--like_threshold", type=float, default=3.5, help="a rating above it (3.5)")
    who.add_argument("--seed", type=int, default=0, help="order of candidates, random picks (0)")

    words = parser.add_argument_group("prompts")
    words.add_argument(
        "--text_columns", default="", metavar="A,B", help="columns of the .item file, title first"
    )
    words.add_argument(
        "--template",
        default=DEFAULT_TEMPLATE,
        help="a name, or a text file of yours: nothing in it is executed, all of it is sent",
    )
    words.add_argument("--history", type=int, default=HISTORY_SIZE, help="ratings shown (50)")
    words.add_argument(
        "--anonymise_titles", action="store_true", help="neutral names in place of titles"
    )

    server = parser.add_argument_group("provider openai (key: OPENAI_API_KEY)")
    server.add_argument("--model", default="", metavar="NAME", help="as the server knows it")
    server.add_argument("--base_url", default=OPENAI_URL, metavar="URL", help=f"({OPENAI_URL})")
    server.add_argument("--temperature", type=float, help="sent where given")
    server.add_argument("--max_tokens", type=int, help="longest answer, sent where given")
    server.add_argument("--token_limit", default=TOKEN_LIMITS[0], help=" or ".join(TOKEN_LIMITS))
    server.add_argument("--concurrency", type=int, default=8, help="questions at once (8)")
    server.add_argument("--timeout", type=float, default=60.0, help="seconds a try (60)")
    server.add_argument("--max_retries", type=int, default=5, help="after 429, 5xx ... (5)")
    server.add_argument("--price_in", type=float, default=0.0, help="for a million tokens sent")
    server.add_argument(
        "--price_out", type=float, default=0.0, help="for a million tokens answered"
    )
    server.add_argument(
        "--max_cost",
        type=float,
        help="stop before this run costs more; with --max_tokens no answer can pass it",
    )
    server.add_argument(
        "--allow_failed",
        action="store_true",
        help="write the dataset though questions got no answer; its manifest counts them",
    )
    server.add_argument("--journal", type=Path, metavar="FILE", help="WORK/journal.jsonl")
    server.add_argument(
        "--dry_run", action="store_true", help="estimate, show prompts, send nothing"
    )
    server.add_argument("--export_batch", type=Path, metavar="FILE", help="write a Batch API file")
    server.add_argument(
        "--import_batch", type=Path, nargs="+", metavar="FILE", help="read answers of a batch"
    )
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Run the command of a parsed command line."""
    from recbole_pngnn.augment.command_run import run_command

    return run_command(options)
