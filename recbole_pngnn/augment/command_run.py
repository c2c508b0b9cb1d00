"""``recbole-pngnn augment``: what is done, what is shown, what is printed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from recbole_pngnn.augment.batch import export_batch, import_batch
from recbole_pngnn.augment.budget import Prices
from recbole_pngnn.augment.client import ClientSettings, Progress
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.pipeline import augment
from recbole_pngnn.augment.prepared import split_of
from recbole_pngnn.augment.questions import open_questions
from recbole_pngnn.augment.requests import RequestSettings
from recbole_pngnn.augment.settings import AugmentSettings
from recbole_pngnn.files import read_user_ids


def settings_of(options: argparse.Namespace) -> AugmentSettings:
    """Return the settings of a parsed command line."""
    try:
        base_options = yaml.safe_load(options.base_options)
    except yaml.YAMLError:
        base_options = None
    if not isinstance(base_options, dict):
        raise AugmentError(
            f"--base_options must be a YAML mapping such as {{epochs: 30}}, found "
            f"{options.base_options!r}"
        )
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
        allow_failed=options.allow_failed,
    )


def run_command(options: argparse.Namespace) -> int:
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
        answers = manifest["answers"]
        print(f"  answers: {json.dumps(answers)}")
        if answers["without_answer"]:
            reasons = "; ".join(f"{n} x {why}" for why, n in answers["without_answer"].items())
            print(f"  without a valid answer: {reasons}; all answers: {settings.journal_file}")
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
