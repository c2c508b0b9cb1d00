"""How long the rest of a benchmark takes, from what the recorded runs took."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

# What a job is told by: its row, the model, the dataset.
Kind = tuple[str, str, str]


class Estimate:
    """Seconds of a job: those of its row on its dataset, else of its model, else of all models.

    Another dataset says nothing: MovieLens-1M takes a hundred times as long as MovieLens-100K.

    Args:
        records: Recorded runs and trials.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self._taken: dict[tuple[str | None, str | None, str], list[float]] = {}
        for record in records:
            known = record.get("seconds")
            seconds = known.get("process") if isinstance(known, dict) else None
            names: list[Any] = [record.get(key) for key in ("row", "model", "dataset")]
            if not isinstance(seconds, (int, float)) or not all(isinstance(n, str) for n in names):
                continue  # says nothing of the time; who reads its figures says what it lacks
            for key in _alike(*names):
                self._taken.setdefault(key, []).append(float(seconds))

    def job(self, row: str, model: str, dataset: str) -> float | None:
        """Return the seconds of a job, None where nothing is recorded of its dataset."""
        for key in _alike(row, model, dataset):
            if key in self._taken:
                return statistics.mean(self._taken[key])
        return None

    def seconds(
        self, jobs: list[Kind], running: list[tuple[Kind, float]], at_once: int
    ) -> float | None:
        """Return the seconds until the last job has ended.

        Args:
            jobs: Those that have not ended.
            running: Those of them that run, with the seconds that each had already. One that
                takes longer than its like ends now; it takes nothing off the others.
            at_once: Jobs at a time.

        Returns:
            An estimate, None where nothing is recorded.
        """
        each = [self.job(*job) for job in jobs]
        known = [seconds for seconds in each if seconds is not None]
        if len(known) < len(each):
            return None
        passed = sum(min(seconds, self.job(*job) or 0.0) for job, seconds in running)
        return max(sum(known) - passed, 0.0) / at_once  # one that runs may be recorded already


def _alike(row: str, model: str, dataset: str) -> tuple[tuple[str | None, str | None, str], ...]:
    """List what a job is like, the most alike first."""
    return (row, model, dataset), (None, model, dataset), (None, None, dataset)
