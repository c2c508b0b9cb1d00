"""Which options the next trial of a search tries, and when a trial is cut.

Optuna proposes (``pip install "recbole-pngnn[tune]"``); it is asked anew before each trial and told
of the recorded ones, so that a search goes on wherever it was stopped. RecBole's ``HyperTuning``
keeps its trials in memory, cannot cut one, and evaluates the test part in every one of them.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recbole_pngnn.benchmark.suite import Range

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# Drawn at random, before there is something to learn from.
RANDOM_TRIALS = 5
# A median of fewer says little.
LEAST_FOR_MEDIAN = 4
# Of the median. Just below it is not far behind: slow starters there became the best of their
# search (NGCF, results/trials.jsonl).
FAR_BEHIND = 0.75


def require_optuna() -> None:
    """Find out that options can be searched, before any work.

    Raises:
        ValueError: Optuna is not installed.
    """
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise ValueError(
            'the search of options needs Optuna, which is not installed; pip install "recbole-pngnn'
            '[tune]"'
        ) from error


def next_parameters(
    ranges: Mapping[str, Range],
    start: Mapping[str, Any],
    trials: Sequence[Mapping[str, Any]],
    key: str,
) -> dict[str, Any]:
    """Propose the options of the next trial, by a tree-structured Parzen estimator.

    The proposal is a function of the arguments: a search that was stopped goes on as it would have.

    Args:
        ranges: Where to look, by option.
        start: Options of the run; where they name a searched one, with a value in its range, the
            first trial has that value.
        trials: The recorded trials, in their order.
        key: Key of the search, which seeds it.

    Returns:
        A value for each option.
    """
    require_optuna()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = int(key[:8], 16) + len(trials)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = {name: _distribution(found) for name, found in ranges.items()}
    states = {
        "complete": optuna.trial.TrialState.COMPLETE,
        "cut": optuna.trial.TrialState.PRUNED,
        "diverged": optuna.trial.TrialState.FAIL,
    }
    for trial in trials:
        third = trial.get("at_third")
        study.add_trial(
            optuna.trial.create_trial(
                state=states[trial["state"]],
                value=trial["value"] if trial["state"] == "complete" else None,
                params={
                    name: _encoded(ranges[name], value)
                    for name, value in trial["parameters"].items()
                },
                distributions=distributions,
                intermediate_values={} if third is None else {0: third},
            )
        )
    if not trials:
        given = {
            name: _encoded(found, start[name])
            for name, found in ranges.items()
            if name in start and found.holds(start[name])
        }
        if given:
            study.enqueue_trial(given)
    asked = study.ask(distributions)
    return {name: _decoded(ranges[name], asked.params[name]) for name in ranges}


def cut_below(trials: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the score that a trial needs at a third of its epochs in order to go on.

    Three quarters of the median of the best scores that the recorded trials of the search had by
    then; of one that stopped earlier, its best. None while there are too few.
    """
    by_third = (
        trial["value"] if trial.get("at_third") is None else trial["at_third"] for trial in trials
    )
    scores = [float(score) for score in by_third if score is not None]
    return FAR_BEHIND * statistics.median(scores) if len(scores) >= LEAST_FOR_MEDIAN else None


def _distribution(found: Range) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if found.kind == "choice":
        return CategoricalDistribution([_encoded(found, value) for value in found.values])
    low, high = found.values
    return FloatDistribution(low, high, log=found.kind == "loguniform")


def _encoded(found: Range, value: Any) -> Any:
    """Optuna's choices are plain values; those of a model may be lists."""
    return json.dumps(value) if found.kind == "choice" else float(value)


def _decoded(found: Range, value: Any) -> Any:
    if found.kind == "choice":
        return json.loads(value)
    low, high = found.values
    # Four figures say all that a search knows, and are read in a table.
    return min(max(float(f"{value:.4g}"), low), high)
