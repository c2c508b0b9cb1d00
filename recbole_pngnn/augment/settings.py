"""What is augmented, by whom and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recbole_pngnn.augment.client import ClientSettings
from recbole_pngnn.augment.defaults import DEFAULT_TEMPLATE, HISTORY_SIZE
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.requests import RequestSettings


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
        allow_failed: Write the dataset though questions got no answer, or were not asked any more
            (provider openai); the manifest counts them.
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
    allow_failed: bool = False

    def __post_init__(self) -> None:
        if self.request is not None and self.provider != "openai":
            raise AugmentError(
                f"a request is for the provider openai; {self.provider} asks nobody: leave it out"
            )
        if self.request is not None:
            object.__setattr__(self, "request", replace(self.request, picks=self.picks))
        elif self.provider == "openai":
            raise AugmentError("the provider openai needs a model; name one by --model")
        for name in ("n_candidates", "picks", "votes", "history_size"):
            if getattr(self, name) < 1:
                raise AugmentError(f"{name} must be at least 1, found {getattr(self, name)}")
        if not 0 <= self.min_weight <= 1:
            raise AugmentError(f"min_weight must lie in [0, 1], found {self.min_weight:g}")
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
