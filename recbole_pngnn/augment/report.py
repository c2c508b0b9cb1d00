"""What providers picked, compared at an equal number of edges and judged by the validation part.

The test part is never read: a provider may be chosen by this report.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from recbole_pngnn.augment.dataset import (
    ITEM,
    OBSERVED,
    RATING,
    SOURCE,
    USER,
    WEIGHT,
    TrainingData,
    read_rows,
    read_training_data,
)
from recbole_pngnn.augment.edges import CANDIDATES
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.strict_json import read_json
from recbole_pngnn.augment.texts import read_text
from recbole_pngnn.data.prepare.folder import MANIFEST
from recbole_pngnn.significance import holm

CONTROL = "random"
GENRE_COLUMNS = ("genre", "class", "genres")
LIKED, DISLIKED = "liked", "disliked"


@dataclass(frozen=True)
class Variant:
    """A dataset with suggested interactions.

    Attributes:
        name: Name of its folder.
        provider: Who picked.
        edges: Columns user_id, item_id, weight, sign (liked or disliked), rank (among the base
            recommender's candidates, 1 is the best) and n_candidates.
        manifest: How it was made.
    """

    name: str
    provider: str
    edges: pd.DataFrame
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Outcomes:
    """What became of picks in the validation part, and whether by more than chance.

    Attributes:
        liked: Picks that the user liked there.
        disliked: Picks that the user rated and did not like there.
        unrated: Picks that the user did not rate there.
        p_value: Two-sided sign test over users against the control's picks, of liked picks for
            likes and disliked picks for dislikes, by Holm's correction for all of a report; None
            for the control itself, or without one.
    """

    liked: int
    disliked: int
    unrated: int
    p_value: float | None

    @property
    def n(self) -> int:
        """Number of picks."""
        return self.liked + self.disliked + self.unrated


@dataclass(frozen=True)
class Summary:
    """What a provider picked; all but ``written`` and ``users`` at the equal number of edges.

    Attributes:
        provider: Who picked.
        written: Edges of the dataset, by sign.
        users: Share of the training part's users with an edge.
        compared: Edges left at the equal number, by sign.
        items: Distinct items among them.
        top_share: Share of the likes that are also the base recommender's first candidates.
        mean_rank: Mean rank among the base recommender's candidates, by sign.
        valid: What became of them in the validation part, by sign; None without one.
        popularity: Percentile of each pick's training degree among the items, in [0, 1], by sign.
        genres: Share of each genre in the likes; an item of several counts a part for each. Empty
            without genres.
        genre_distance: Total variation between that and the users' observed likes, in [0, 1].
        abstained: Questions answered with nothing, None where nobody was asked.
        unanswered: Questions without a valid answer, None where nobody was asked.
        cost: What all answers cost, at the prices of the run; None where nobody was asked.
    """

    provider: str
    written: Mapping[str, int]
    users: float
    compared: Mapping[str, int]
    items: int
    top_share: float
    mean_rank: Mapping[str, float]
    valid: Mapping[str, Outcomes] | None
    popularity: Mapping[str, np.ndarray]
    genres: Mapping[str, float]
    genre_distance: float | None
    abstained: int | None
    unanswered: int | None
    cost: float | None


@dataclass(frozen=True)
class Report:
    """A comparison of providers.

    Attributes:
        dataset: The dataset that was augmented.
        n_users: Users of its training part.
        observed_genres: Share of each genre in the observed likes.
        summaries: The providers.
    """

    dataset: str
    n_users: int
    observed_genres: Mapping[str, float]
    summaries: Sequence[Summary]


def make_report(
    dataset: str,
    data_path: Path = Path("dataset"),
    variants: Sequence[str] = (),
    like_threshold: float = 3.5,
) -> Report:
    """Compare datasets that were made from one by :func:`recbole_pngnn.augment.augment`.

    Args:
        dataset: The dataset that was augmented.
        data_path: Folder of datasets.
        variants: Names of the augmented ones; all in ``data_path`` where empty.
        like_threshold: A rating above it is a like.

    Raises:
        AugmentError: There is nothing to compare, a variant was made from something else or by a
            provider that is there already, or it has no table of candidates.
    """
    data = read_training_data(dataset, data_path, like_threshold)
    found = [_read_variant(data, data_path / name) for name in variants or _made_from(data)]
    if not found:
        raise AugmentError(
            f"no dataset in {data_path} was made from {dataset}; make some by recbole-pngnn "
            f"augment --dataset {dataset} --provider NAME"
        )
    names = [variant.provider for variant in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise AugmentError(
            f"two datasets are of the provider {min(twice)}; name those to compare by --variants"
        )
    found.sort(key=lambda variant: (variant.provider == CONTROL, variant.provider))
    equal = at_equal_number(found)
    valid = _validation(data)
    control = next((equal[v.provider] for v in found if v.provider == CONTROL), None)
    genres = _genres_of_items(data)
    liked_rows = data.rows[data.rows[RATING] > like_threshold]
    observed = _genre_shares(liked_rows[ITEM], genres)
    popularity = _popularity(data)
    summaries = [
        _summary(
            variant, equal[variant.provider], control, data, valid, popularity, genres, observed
        )
        for variant in found
    ]
    return Report(dataset, len(data.users), observed, _corrected(summaries))


def _made_from(data: TrainingData) -> list[str]:
    names = []
    for file in sorted(data.folder.parent.glob(f"*/{MANIFEST}")):
        if _made_of(_manifest(file)) == data.train_sha256:
            names.append(file.parent.name)
    return names


def _manifest(file: Path) -> dict[str, Any]:
    """A dataset's manifest, empty where there is none that can be read."""
    try:
        manifest = read_json(read_text(file))
    except ValueError:
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _made_of(manifest: Mapping[str, Any]) -> str | None:
    """Digest of the training part that was augmented."""
    made_from = manifest.get("augmented_from")
    return made_from.get("train_sha256") if isinstance(made_from, dict) else None


def _read_variant(data: TrainingData, folder: Path) -> Variant:
    manifest = _manifest(folder / MANIFEST)
    if _made_of(manifest) != data.train_sha256:
        raise AugmentError(f"{folder} was not made from {data.name} by recbole-pngnn augment")
    _check_manifest(folder, manifest, data)
    rows = read_rows(folder / f"{folder.name}.train.inter")
    edges = rows.loc[rows[SOURCE] != OBSERVED, [USER, ITEM, RATING, WEIGHT]].reset_index(drop=True)
    liked = pd.to_numeric(edges.pop(RATING)) > data.like_threshold
    edges["sign"] = np.where(liked, LIKED, DISLIKED)
    edges[WEIGHT] = pd.to_numeric(edges[WEIGHT])
    file = folder / CANDIDATES
    if not file.is_file():
        raise AugmentError(f"{folder} has no {CANDIDATES}; make it again by recbole-pngnn augment")
    text = io.StringIO(read_text(file))
    candidates = pd.read_csv(text, dtype={USER: str, ITEM: str}, keep_default_na=False)
    candidates["n_candidates"] = candidates.groupby(USER)[ITEM].transform("size")
    edges = edges.merge(candidates, on=[USER, ITEM], how="left", validate="one_to_one")
    return Variant(folder.name, str(manifest["provider"]), edges, manifest)


def _check_manifest(folder: Path, manifest: Mapping[str, Any], data: TrainingData) -> None:
    """Refuse a variant whose manifest lacks what is compared, or that has other likes."""
    missing = [name for name in ("provider", "edges") if not manifest.get(name)]
    if missing:
        raise AugmentError(
            f"{folder / MANIFEST} says no {missing[0]}; make the dataset again by recbole-pngnn "
            f"augment"
        )
    settings = manifest.get("settings")
    threshold = settings.get("like_threshold") if isinstance(settings, dict) else None
    if threshold not in (None, data.like_threshold):
        raise AugmentError(
            f"{folder} was made for like_threshold {threshold}, and this report is for "
            f"{data.like_threshold:g}; give --like_threshold {threshold}, or name those to compare "
            f"by --variants"
        )


def at_equal_number(variants: Sequence[Variant]) -> dict[str, pd.DataFrame]:
    """Keep as many edges of each user and sign as every variant has.

    A provider that abstains for a user takes nothing away from its rivals' quality, and gains
    nothing by it either: for that user nobody is counted. The heaviest edges are kept, of equal
    ones those that the base recommender ranks first.

    Returns:
        Edges by provider; for each user and sign their number is the same for all.
    """
    counts = pd.concat(
        [variant.edges.groupby([USER, "sign"]).size() for variant in variants], axis=1
    )
    common = counts.fillna(0).min(axis=1).astype(int).rename("common").reset_index()
    kept = {}
    for variant in variants:
        order = variant.edges.sort_values([WEIGHT, "rank"], ascending=[False, True], kind="stable")
        place = order.groupby([USER, "sign"]).cumcount()
        limit = order.merge(common, on=[USER, "sign"], how="left")["common"].to_numpy()
        kept[variant.provider] = order[place.to_numpy() < limit].sort_index()
    return kept


def _validation(data: TrainingData) -> pd.Series | None:
    """Whether a user liked an item in the validation part, by user and item."""
    file = data.folder / f"{data.name}.valid.inter"
    rows = read_rows(file) if file.is_file() else None
    if rows is None or rows.empty:
        return None
    rows = rows.drop_duplicates([USER, ITEM], keep="last").set_index([USER, ITEM])
    return pd.to_numeric(rows[RATING]) > data.like_threshold


def _summary(
    variant: Variant,
    edges: pd.DataFrame,
    control: pd.DataFrame | None,
    data: TrainingData,
    valid: pd.Series | None,
    popularity: pd.Series,
    genres_of_items: pd.Series,
    observed: Mapping[str, float],
) -> Summary:
    signs = {sign: edges[edges["sign"] == sign] for sign in (LIKED, DISLIKED)}
    genres = _genre_shares(signs[LIKED][ITEM], genres_of_items)
    # The base recommender's first: as many as this user's likes.
    first = signs[LIKED].groupby(USER)[ITEM].transform("size") >= signs[LIKED]["rank"]
    outcomes = None
    if valid is not None:
        against = None if variant.provider == CONTROL else control
        outcomes = {sign: _outcomes(signs[sign], sign, against, valid) for sign in signs}
    answers = variant.manifest.get("answers")
    return Summary(
        provider=variant.provider,
        written=variant.manifest["edges"],
        users=variant.edges[USER].nunique() / len(data.users),
        compared={sign: len(rows) for sign, rows in signs.items()},
        items=edges[ITEM].nunique(),
        top_share=float(first.mean()),
        mean_rank={sign: float(rows["rank"].mean()) for sign, rows in signs.items()},
        valid=outcomes,
        popularity={sign: popularity[rows[ITEM]].to_numpy() for sign, rows in signs.items()},
        genres=genres,
        genre_distance=_total_variation(genres, observed) if genres else None,
        abstained=None if answers is None else answers["abstained"],
        unanswered=None if answers is None else answers["invalid"] + answers["failed"],
        cost=None if answers is None else answers["of_all_runs"]["cost"],
    )


def _outcomes(
    edges: pd.DataFrame, sign: str, control: pd.DataFrame | None, valid: pd.Series
) -> Outcomes:
    rated = _look_up(edges, valid)
    p_value = None
    if control is not None:
        others = control[control["sign"] == sign]
        right = sign == LIKED
        own_hits = (rated == right).astype(int).groupby(edges[USER]).sum()
        other_hits = (_look_up(others, valid) == right).astype(int).groupby(others[USER]).sum()
        difference = own_hits.sub(other_hits, fill_value=0)
        won, lost = int((difference > 0).sum()), int((difference < 0).sum())
        p_value = float(stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0
    n_liked, n_disliked = int((rated == True).sum()), int((rated == False).sum())  # noqa: E712
    return Outcomes(n_liked, n_disliked, len(edges) - n_liked - n_disliked, p_value)


def _corrected(summaries: Sequence[Summary]) -> list[Summary]:
    """Correct the p-values for their number."""
    tests = [
        (summary.provider, sign, outcomes.p_value)
        for summary in summaries
        for sign, outcomes in (summary.valid or {}).items()
        if outcomes.p_value is not None
    ]
    corrected = dict(zip([test[:2] for test in tests], holm([p for *_, p in tests]), strict=True))
    return [
        summary
        if summary.valid is None
        else replace(
            summary,
            valid={
                sign: replace(outcomes, p_value=corrected.get((summary.provider, sign)))
                for sign, outcomes in summary.valid.items()
            },
        )
        for summary in summaries
    ]


def _look_up(edges: pd.DataFrame, valid: pd.Series) -> pd.Series:
    """True for liked, False for disliked, None for unrated in the validation part."""
    pairs = pd.MultiIndex.from_frame(edges[[USER, ITEM]])
    found = valid.astype(object).reindex(pairs)
    return pd.Series(found.to_numpy(), index=edges.index)


def _popularity(data: TrainingData) -> pd.Series:
    """Percentile of each item's training degree among all items, ties in the middle."""
    degrees = pd.Series(data.degrees).reindex(
        data.items.index.union(pd.Index(data.catalogue)), fill_value=0
    )
    return (degrees.rank(method="average") - 0.5) / len(degrees)


def _genres_of_items(data: TrainingData) -> pd.Series:
    columns = [name for name in GENRE_COLUMNS if name in data.items]
    if not columns:
        return pd.Series(dtype=object)
    return data.items[columns[0]].str.split().rename("genres")


def _genre_shares(items: pd.Series, genres: pd.Series) -> dict[str, float]:
    if genres.empty or items.empty:
        return {}
    lists = genres.reindex(items).dropna()
    lists = lists[lists.map(len) > 0]
    weights = np.repeat(1 / lists.map(len).to_numpy(), lists.map(len).to_numpy())
    shares = pd.Series(weights, index=lists.explode().to_numpy()).groupby(level=0).sum()
    return {str(genre): float(share) for genre, share in (shares / shares.sum()).items()}


def _total_variation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum(abs(one.get(g, 0.0) - other.get(g, 0.0)) for g in {*one, *other}) / 2
