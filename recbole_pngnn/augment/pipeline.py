"""The pipeline: candidates, prompts, answers, edges, a new dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from recbole_pngnn import __version__
from recbole_pngnn.augment.answers import Picks, count_votes
from recbole_pngnn.augment.client import (
    Outcome,
    Progress,
    StoppedError,
    described_reasons,
    reasons_of,
)
from recbole_pngnn.augment.edges import check_output, make_edges, write_dataset
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.prepared import Prepared, prepare
from recbole_pngnn.augment.prompts import read_template
from recbole_pngnn.augment.providers import Task, find_provider
from recbole_pngnn.augment.questions import open_questions
from recbole_pngnn.augment.redaction import Redactor, shown_url
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
        AugmentError: Something that the user can correct, or questions without an answer, and
            ``allow_failed`` is not set; answers so far are in the journal.
        KeyboardInterrupt: Ctrl-C; answers so far are in the journal.
    """
    check_output(settings.folder, settings.overwrite)
    if settings.request is not None:
        ready, picks, counts = _ask(settings, report)
    else:
        ready, picks, counts = _pick(settings, report)
    edges = make_edges(ready.data, picks, settings.provider, settings.min_weight)
    if edges.empty:
        raise AugmentError(_nothing(settings, ready, counts))
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
    if settings.request is not None:
        manifest = Redactor.of(settings.request.base_url).within(manifest)
    write_dataset(
        ready.data, edges, ready.candidates, manifest, settings.folder, settings.overwrite
    )
    return manifest


def _nothing(settings: AugmentSettings, ready: Prepared, counts: Mapping[str, Any]) -> str:
    """Say that there are no edges, and why."""
    text = f"{settings.provider} picked nothing for {len(ready.candidates.by_user)} user(s)"
    answers = counts.get("answers")
    if answers is None:
        return text
    reasons = [f"{n} x {why}" for why, n in answers["without_answer"].items()]
    if answers["abstained"]:
        reasons.append(f"{answers['abstained']} x abstained")
    if not reasons:
        reasons.append("no pick has the majority or the least weight that was asked for")
    return f"{text}: {'; '.join(reasons)}; all answers are in {settings.journal_file}"


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
    stopped = ""
    with open_questions(settings, report) as questions:
        asker, prompts = questions.asker, questions.prompts
        try:
            outcomes = asker.ask(prompts)
        except StoppedError as stop:
            if not settings.allow_failed:
                raise
            outcomes, stopped = stop.outcomes, str(stop)
        n_in, n_out = questions.tokens()
    for prompt in prompts:
        not_asked = Outcome(None, f"not asked: {stopped}", "not asked", failed=True)
        outcomes.setdefault((prompt.user, prompt.vote), not_asked)
    n_failed = sum(outcome.failed for outcome in outcomes.values())
    if n_failed and not settings.allow_failed:
        raise AugmentError(
            f"no dataset is written: {n_failed} of {len(prompts)} question(s) got no answer "
            f"({described_reasons(outcomes)}); the answers are kept in {settings.journal_file}. "
            f"Run again to ask what is open, or give --allow_failed to go on without"
        )
    answers = asdict(asker.progress) | {
        "failed": n_failed,
        "without_answer": reasons_of(outcomes),
        "cost_of_this_run": asker.budget.spent,
        "cost_of_lost_tries_at_most": asker.budget.unanswered,
        "of_all_runs": {
            "input_tokens": n_in,
            "output_tokens": n_out,
            "cost": asker.prices.cost(n_in, n_out),
        },
    }
    if stopped:
        answers["stopped"] = stopped
    picks = picks_of_outcomes(outcomes, settings)
    return questions.ready, picks, {"answers": answers}


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
            "request": {
                **asdict(settings.request),
                "base_url": shown_url(settings.request.base_url),
            },
        }
    return described
