"""``recbole-pngnn augment``: options, what is shown, what is printed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from recbole_pngnn.augment.batch import export_batch, import_batch
from recbole_pngnn.augment.client import ClientSettings, Prices, Progress
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.pipeline import augment
from recbole_pngnn.augment.prepared import split_of
from recbole_pngnn.augment.prompts import DEFAULT_TEMPLATE, HISTORY_SIZE
from recbole_pngnn.augment.providers import provider_names
from recbole_pngnn.augment.questions import open_questions
from recbole_pngnn.augment.requests import OPENAI_URL, TOKEN_LIMITS, RequestSettings
from recbole_pngnn.augment.settings import AugmentSettings
from recbole_pngnn.files import read_user_ids

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
    base.add_argument("--checkpoint", type=Path, metavar="FILE", help="a trained base recommender")
    base.add_argument(
        "--base_model", default="LightGCN", help="trained where there is none of both"
    )
    base.add_argument(
        "--base_options", default="{}", metavar="YAML", help='its options, e.g. "{epochs: 30}"'
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
    words.add_argument("--template", default=DEFAULT_TEMPLATE, help="a name, or a file of yours")
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
    server.add_argument("--timeout", type=float, default=60.0, help="seconds (60)")
    server.add_argument("--max_retries", type=int, default=5, help="after 429, 5xx ... (5)")
    server.add_argument("--price_in", type=float, default=0.0, help="for a million tokens sent")
    server.add_argument(
        "--price_out", type=float, default=0.0, help="for a million tokens answered"
    )
    server.add_argument("--max_cost", type=float, help="stop before this run costs more")
    server.add_argument("--journal", type=Path, metavar="FILE", help="WORK/journal.jsonl")
    server.add_argument(
        "--dry_run", action="store_true", help="estimate, show prompts, send nothing"
    )
    server.add_argument("--export_batch", type=Path, metavar="FILE", help="write a Batch API file")
    server.add_argument(
        "--import_batch", type=Path, nargs="+", metavar="FILE", help="read answers of a batch"
    )
    parser.set_defaults(handler=run)


def settings_of(options: argparse.Namespace) -> AugmentSettings:
    """Return the settings of a parsed command line."""
    base_options = yaml.safe_load(options.base_options)
    if not isinstance(base_options, dict):
        raise AugmentError(f"--base_options must be a YAML mapping, found {options.base_options!r}")
    request = None
    if options.provider == "openai":
        request = RequestSettings(
            options.model,
            options.base_url,
            options.picks,
            options.temperature,
            options.max_tokens,
            options.token_limit,
        )
    return AugmentSettings(
        dataset=split_of(options.dataset, options.data_path),
        provider=options.provider,
        data_path=options.data_path,
        output=options.output,
        work=options.work,
        candidates_file=options.candidates_file,
        checkpoint=options.checkpoint,
        base_model=options.base_model,
        base_options=base_options,
        n_candidates=options.candidates,
        like_threshold=options.like_threshold,
        text_columns=tuple(name for name in options.text_columns.split(",") if name),
        template=options.template,
        history_size=options.history,
        anonymise_titles=options.anonymise_titles,
        picks=options.picks,
        votes=options.votes,
        min_weight=options.min_weight,
        users=None if options.users is None else read_user_ids(options.users),
        limit_users=options.limit_users,
        sparsest=options.sparsest,
        seed=options.seed,
        overwrite=options.overwrite,
        request=request,
        client=ClientSettings(
            options.concurrency,
            options.timeout,
            options.max_retries,
            Prices(options.price_in, options.price_out),
            options.max_cost,
        ),
        journal=options.journal,
    )


def run(options: argparse.Namespace) -> int:
    """Run the command of a parsed command line."""
    settings = settings_of(options)
    only_openai = options.dry_run or options.export_batch or options.import_batch
    if only_openai and settings.provider != "openai":
        raise AugmentError(
            "--dry_run, --export_batch and --import_batch are for the provider openai; the others "
            "ask nobody and cost nothing"
        )
    sys.argv = sys.argv[:1]  # RecBole's Config would read them
    if options.dry_run:
        _dry_run(settings)
    elif options.export_batch:
        _export(settings, options.export_batch)
    elif options.import_batch:
        _import(settings, options.import_batch)
    else:
        _augment(settings)
    return 0


def _augment(settings: AugmentSettings) -> None:
    with _Bar(settings) as bar:
        manifest = augment(settings, bar.show)
    edges = manifest["edges"]
    print(
        f"{manifest['name']}: written to {settings.folder}\n"
        f"  {manifest['users']:,} users, edges: {edges['liked']:,} liked, "
        f"{edges['disliked']:,} disliked"
    )
    if "answers" in manifest:
        print(f"  answers: {json.dumps(manifest['answers'])}")
    print(
        f"next: python run_recbole.py --model=PNGNN --dataset={settings.folder.name} "
        f"--data_path={settings.folder.parent}"
    )


class _Bar:
    """The progress bar of a run: what came of the questions, tokens, cost."""

    def __init__(self, settings: AugmentSettings) -> None:
        self._prices = settings.client.prices
        self._asks = settings.provider == "openai"
        self._bar = tqdm(desc=settings.provider, unit="user", dynamic_ncols=True, disable=None)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.close()

    def show(self, progress: Progress, total: int) -> None:
        """Show what came of the questions so far."""
        self._bar.total = total
        self._bar.n = progress.done
        if self._asks:
            cost = self._prices.cost(progress.input_tokens, progress.output_tokens)
            self._bar.set_postfix_str(
                f"answered {progress.answered}, cached {progress.cached}, abstained "
                f"{progress.abstained}, invalid {progress.invalid}, failed {progress.failed}, "
                f"tokens {progress.input_tokens}+{progress.output_tokens}, cost {cost:.4f}",
                refresh=False,
            )
        self._bar.update(0)


def _dry_run(settings: AugmentSettings) -> None:
    with open_questions(settings) as questions:
        found = questions.estimate()
    prices = settings.client.prices
    print(
        f"{len(questions.ready.candidates.by_user):,} users, {found.n_questions:,} questions, "
        f"{found.n_questions - found.n_open:,} answered in the journal\n"
        f"estimate for the {found.n_open:,} open ones: {found.input_tokens:,} tokens sent, "
        f"{found.output_tokens:,} answered, cost {found.cost:.4f} (4 characters a token; prices: "
        f"{prices.input:g} in, {prices.output:g} out for a million)\nnothing was sent"
    )
    for number, prompt in enumerate(questions.prompts[:2], 1):
        print(f"\n--- prompt {number}")
        for message in prompt.messages:
            print(f"[{message['role']}]\n{message['content']}")


def _export(settings: AugmentSettings, file: Path) -> None:
    with open_questions(settings) as questions:
        written = export_batch(questions, file)
    if not written:
        print("every question is answered in the journal; nothing to export")
    for path in written:
        print(
            f"{path}: {sum(1 for _ in path.open('rb')):,} requests, {path.stat().st_size:,} bytes"
        )


def _import(settings: AugmentSettings, files: list[Path]) -> None:
    with open_questions(settings) as questions:
        found = import_batch(questions, files)
    print(
        f"{found.answered:,} answers imported, {found.known:,} known before, {found.failed:,} "
        f"failed, {found.unknown:,} of other requests; {found.missing:,} of "
        f"{len(questions.prompts):,} questions are open"
    )
    print("next: the same command without --import_batch; what is open is asked online")
