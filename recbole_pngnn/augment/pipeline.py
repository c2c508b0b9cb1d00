"""The pipeline: candidates, prompts, answers, edges, a new dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from recbole_pngnn import __version__
from recbole_pngnn.augment.answers import Picks, count_votes
from recbole_pngnn.augment.client import Outcome, Progress
from recbole_pngnn.augment.edges import check_output, make_edges, write_dataset
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.prepared import Prepared, prepare
from recbole_pngnn.augment.prompts import read_template
from recbole_pngnn.augment.providers import Task, find_provider
from recbole_pngnn.augment.questions import open_questions
from recbole_pngnn.augment.settings import AugmentSettings


def picks_of_outcomes(
    outcomes: Mapping[tuple[str, int], Outcome], settings: AugmentSettings
) -> dict[str, Picks]:
    """Count the votes of each user who answered at least once."""
    votes: dict[str, list[Picks]] = {}
    for (user, _), outcome in sorted(outcomes.items()):
        if outcome.picks is not None:
            votes.setdefault(user, []).append(outcome.picks)
    return {user: count_votes(found, settings.picks) for user, found in votes.items()}


def augment(
    settings: AugmentSettings,
    report: Callable[[Progress, int], None] = lambda progress, total: None,
) -> dict[str, Any]:
    """Augment a dataset; see :class:`AugmentSettings`.

    Args:
        settings: What, by whom and how.
        report: Called with what came of the questions so far, and their number.

    Returns:
        The manifest that lies in the new dataset.

    Raises:
        AugmentError: Something that the user can correct; answers so far are in the journal.
        KeyboardInterrupt: Ctrl-C; answers so far are in the journal.
    """
    check_output(settings.folder, settings.overwrite)
    if settings.request is not None:
        ready, picks, counts = _ask(settings, report)
    else:
        ready, picks, counts = _pick(settings, report)
    edges = make_edges(ready.data, picks, settings.provider, settings.min_weight)
    if edges.empty:
        raise AugmentError(
            f"{settings.provider} picked nothing for {len(ready.candidates.by_user)} user(s)"
        )
    liked_rating, _ = ready.data.ratings_of_picks()
    manifest = {
        "name": settings.folder.name,
        "augmented_from": {
            "dataset": ready.data.name,
            "train_sha256": ready.data.train_sha256,
            "items_sha256": ready.data.items_sha256,
        },
        "provider": settings.provider,
        "candidates": ready.candidates.origin,
        "users": len(ready.candidates.by_user),
        "edges": {
            "liked": int((edges["rating"] == liked_rating).sum()),
            "disliked": int((edges["rating"] != liked_rating).sum()),
        },
        "settings": _described(settings, ready),
        **counts,
        "tool": {"name": "recbole-pngnn", "version": __version__},
    }
    write_dataset(
        ready.data, edges, ready.candidates, manifest, settings.folder, settings.overwrite
    )
    return manifest


def _pick(
    settings: AugmentSettings, report: Callable[[Progress, int], None]
) -> tuple[Prepared, dict[str, Picks], dict[str, Any]]:
    provider = find_provider(settings.provider)
    ready = prepare(settings)
    by_user = ready.candidates.by_user
    task = Task(ready.data, by_user, ready.text_columns, settings.picks, settings.seed)
    picks = provider.pick(task, lambda n: report(Progress(answered=n), len(by_user)))
    return ready, picks, {}


def _ask(
    settings: AugmentSettings, report: Callable[[Progress, int], None]
) -> tuple[Prepared, dict[str, Picks], dict[str, Any]]:
    with open_questions(settings, report) as questions:
        outcomes = questions.asker.ask(questions.prompts)
        n_in, n_out = questions.tokens()
    reasons: dict[str, int] = {}
    for outcome in outcomes.values():
        if outcome.picks is None:
            reasons[outcome.reason] = reasons.get(outcome.reason, 0) + 1
    progress = questions.asker.progress
    prices = questions.asker.prices
    answers = asdict(progress) | {
        "without_answer": reasons,
        "cost_of_this_run": prices.cost(progress.input_tokens, progress.output_tokens),
        "of_all_runs": {
            "input_tokens": n_in,
            "output_tokens": n_out,
            "cost": prices.cost(n_in, n_out),
        },
    }
    return questions.ready, picks_of_outcomes(outcomes, settings), {"answers": answers}


def _described(settings: AugmentSettings, ready: Prepared) -> dict[str, Any]:
    """Settings that the edges depend on."""
    described: dict[str, Any] = {
        "n_candidates": settings.n_candidates,
        "like_threshold": settings.like_threshold,
        "picks": settings.picks,
        "min_weight": settings.min_weight,
        "sparsest": settings.sparsest,
        "seed": settings.seed,
        "text_columns": list(ready.text_columns),
        "anonymise_titles": settings.anonymise_titles,
    }
    if settings.request is not None:
        template = read_template(settings.template)
        described |= {
            "template": template.name,
            "template_sha256": template.sha256,
            "history_size": settings.history_size,
            "votes": settings.votes,
            "request": asdict(settings.request),
        }
    return described
