"""The pipeline: candidates, prompts, answers, edges, a new dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from recbole_pngnn import __version__
from recbole_pngnn.augment.answers import Picks, count_votes
from recbole_pngnn.augment.candidates import (
    Candidates,
    read_candidates,
    write_candidates,
)
from recbole_pngnn.augment.client import Asker, ClientSettings, Outcome, Progress
from recbole_pngnn.augment.dataset import TrainingData, check_texts, read_training_data
from recbole_pngnn.augment.edges import check_output, chosen_users, make_edges, write_dataset
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.journal import Journal
from recbole_pngnn.augment.prompts import (
    DEFAULT_TEMPLATE,
    HISTORY_SIZE,
    Prompt,
    PromptMaker,
    anonymised,
    read_template,
)
from recbole_pngnn.augment.providers import Task, find_provider
from recbole_pngnn.augment.requests import RequestSettings

# What MovieLens' files call them, here and in RecBole's copy of ml-100k; the first is the title.
TEXT_COLUMNS = (("movie_title", "title", "name"), ("release_year", "year"), ("genre", "class"))


@dataclass(frozen=True)
class AugmentSettings:
    """What is augmented, by whom and how.

    Attributes:
        dataset: Name of a pre-split dataset.
        provider: Who picks; ``openai`` or a name of :func:`providers.provider_names`.
        data_path: Folder of datasets.
        output: Folder of the new dataset; ``<data_path>/<dataset>-<provider>`` by default.
        work: Folder of candidates and journals; ``output/augment/<dataset>`` by default.
        candidates_file: A table of candidates made before or elsewhere.
        checkpoint: A trained base recommender.
        base_model: The base recommender that is trained where there is neither.
        base_options: RecBole's options for its training.
        n_candidates: Candidates of each user.
        like_threshold: A rating above it is a like.
        text_columns: Columns of the .item file that describe an item, its title first; found by
            their usual names where empty.
        template: Name or file of the prompt's template.
        history_size: Ratings shown at most.
        anonymise_titles: Show neutral names in place of titles.
        picks: Likes and dislikes asked for, each.
        votes: How often each user is asked, in other orders.
        min_weight: Picks of a smaller share of votes are left out.
        users: External ids; all where None.
        limit_users: At most so many users, the first of the training part.
        sparsest: Share of the users, those with the fewest training rows.
        seed: Seed of the order of candidates, and of what a provider draws.
        overwrite: Replace an older dataset of that name.
        request: How a server is asked (provider openai).
        client: How the client behaves (provider openai).
        journal: Where answers are kept (provider openai).
    """

    dataset: str
    provider: str
    data_path: Path = Path("dataset")
    output: Path | None = None
    work: Path | None = None
    candidates_file: Path | None = None
    checkpoint: Path | None = None
    base_model: str = "LightGCN"
    base_options: Mapping[str, Any] = field(default_factory=dict)
    n_candidates: int = 10
    like_threshold: float = 3.5
    text_columns: Sequence[str] = ()
    template: str = DEFAULT_TEMPLATE
    history_size: int = HISTORY_SIZE
    anonymise_titles: bool = False
    picks: int = 1
    votes: int = 1
    min_weight: float = 0.0
    users: Sequence[str] | None = None
    limit_users: int | None = None
    sparsest: float = 1.0
    seed: int = 0
    overwrite: bool = False
    request: RequestSettings | None = None
    client: ClientSettings = field(default_factory=ClientSettings)
    journal: Path | None = None

    def __post_init__(self) -> None:
        for name in ("n_candidates", "picks", "votes", "history_size"):
            if getattr(self, name) < 1:
                raise AugmentError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.limit_users is not None and self.limit_users < 1:
            raise AugmentError(f"limit_users must be at least 1, found {self.limit_users}")
        if not 2 * self.picks <= self.n_candidates <= 26:
            raise AugmentError(
                f"n_candidates must lie between twice the picks ({2 * self.picks}) and 26, found "
                f"{self.n_candidates}"
            )

    @property
    def folder(self) -> Path:
        """Folder of the new dataset."""
        return self.output or self.data_path / f"{self.dataset}-{self.provider}"

    @property
    def work_folder(self) -> Path:
        """Folder of candidates and journals."""
        return self.work or Path("output") / "augment" / self.dataset

    @property
    def journal_file(self) -> Path:
        """Where answers are kept."""
        return self.journal or self.work_folder / "journal.jsonl"


@dataclass(frozen=True)
class Prepared:
    """What is ready before anybody is asked."""

    data: TrainingData
    candidates: Candidates
    text_columns: tuple[str, ...]


def prepare(settings: AugmentSettings) -> Prepared:
    """Read the dataset, and make or read the candidates of the chosen users."""
    data = read_training_data(settings.dataset, settings.data_path, settings.like_threshold)
    columns = tuple(settings.text_columns) or _usual_columns(data)
    if settings.provider in ("openai", "text_similarity"):  # nothing without texts
        check_texts(data, columns or ("title",))
    if settings.anonymise_titles:
        data = replace(data, items=anonymised(data.items, columns[0]))
    users = chosen_users(data, settings.users, settings.sparsest)[: settings.limit_users]
    found = read_candidates(_candidates_file(settings, data), data, settings.n_candidates)
    without = [user for user in users if user not in found.by_user]
    if without:
        raise AugmentError(
            f"{len(without)} user(s) have no candidates, first: {without[0]}; make the candidates "
            f"of all users, or name users by --users"
        )
    chosen = Candidates({user: found.by_user[user] for user in users}, found.origin)
    return Prepared(data, chosen, columns)


def _usual_columns(data: TrainingData) -> tuple[str, ...]:
    found = [next((c for c in names if c in data.items), None) for names in TEXT_COLUMNS]
    return tuple(column for column in found if column is not None) if found[0] else ()


def _candidates_file(settings: AugmentSettings, data: TrainingData) -> Path:
    if settings.candidates_file is not None:
        return settings.candidates_file
    label = "checkpoint" if settings.checkpoint is not None else settings.base_model
    file = settings.work_folder / f"candidates-{label}-{settings.n_candidates}.csv"
    if file.is_file() and settings.checkpoint is None and _is_current(file, settings, data):
        return file
    from recbole_pngnn.augment.base_model import propose  # imports torch and RecBole

    table, origin = propose(
        data,
        settings.base_model,
        settings.n_candidates,
        settings.checkpoint,
        settings.base_options,
    )
    write_candidates(table, {**origin, "options": dict(settings.base_options)}, file)
    return file


def _is_current(file: Path, settings: AugmentSettings, data: TrainingData) -> bool:
    try:
        origin = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(
        origin.get("train_sha256") == data.train_sha256
        and origin.get("options") == dict(settings.base_options)
    )


def make_prompts(settings: AugmentSettings, ready: Prepared) -> list[Prompt]:
    """Make the prompts of all users and votes, user by user."""
    maker = PromptMaker(
        ready.data,
        read_template(settings.template),
        ready.text_columns,
        settings.picks,
        settings.history_size,
        settings.seed,
    )
    return [
        maker.prompt(user, items, vote)
        for user, items in ready.candidates.by_user.items()
        for vote in range(settings.votes)
    ]


def open_journal(settings: AugmentSettings, data: TrainingData) -> Journal:
    """Open the journal of a dataset."""
    identity = {"dataset": data.name, "train_sha256": data.train_sha256}
    return Journal(settings.journal_file, identity)


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
    ready = prepare(settings)
    users = list(ready.candidates.by_user)
    counts: dict[str, Any] = {}
    if settings.provider == "openai":
        picks, counts = _ask(settings, ready, report)
    else:
        task = Task(
            ready.data,
            ready.candidates.by_user,
            ready.text_columns,
            settings.picks,
            settings.seed,
        )
        provider = find_provider(settings.provider)
        picks = provider.pick(task, lambda n: report(Progress(answered=n), len(users)))
    edges = make_edges(ready.data, picks, settings.provider, settings.min_weight)
    if edges.empty:
        raise AugmentError(f"{settings.provider} picked nothing for {len(users)} user(s)")
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
        "users": len(users),
        "edges": {
            "liked": int((edges["rating"] == liked_rating).sum()),
            "disliked": int((edges["rating"] != liked_rating).sum()),
        },
        "settings": _described(settings, ready),
        **counts,
        "tool": {"name": "recbole-pngnn", "version": __version__},
    }
    write_dataset(ready.data, edges, manifest, settings.folder, settings.overwrite)
    return manifest


def _ask(
    settings: AugmentSettings, ready: Prepared, report: Callable[[Progress, int], None]
) -> tuple[dict[str, Picks], dict[str, Any]]:
    request = _request_settings(settings)
    prompts = make_prompts(settings, ready)
    with open_journal(settings, ready.data) as journal:
        asker = Asker(request, settings.client, journal, lambda p: report(p, len(prompts)))
        outcomes = asker.ask(prompts)
    reasons: dict[str, int] = {}
    for outcome in outcomes.values():
        if outcome.picks is None:
            reasons[outcome.reason] = reasons.get(outcome.reason, 0) + 1
    progress = asker.progress
    cost = settings.client.prices.cost(progress.input_tokens, progress.output_tokens)
    counts = {"answers": asdict(progress) | {"without_answer": reasons, "cost_of_this_run": cost}}
    return picks_of_outcomes(outcomes, settings), counts


def _request_settings(settings: AugmentSettings) -> RequestSettings:
    if settings.request is None:
        raise AugmentError("the provider openai needs a model; name one by --model")
    return replace(settings.request, picks=settings.picks)


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
    if settings.provider == "openai":
        template = read_template(settings.template)
        described |= {
            "template": template.name,
            "template_sha256": template.sha256,
            "history_size": settings.history_size,
            "votes": settings.votes,
            "request": asdict(_request_settings(settings)),
        }
    return described
