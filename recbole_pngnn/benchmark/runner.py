"""Makes what of a suite is not recorded: a process a run, several at once.

What is recorded is never made again, so a benchmark that is stopped or killed goes on by the same
command. A run that fails is reported, and the others go on.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recbole_pngnn.benchmark import plan
from recbole_pngnn.benchmark.data import DATASETS, Data, WaitingError
from recbole_pngnn.benchmark.estimate import Estimate, Kind
from recbole_pngnn.benchmark.lock import alone_in
from recbole_pngnn.benchmark.plan import Cell, Recorded, Search
from recbole_pngnn.benchmark.process import Kept, Limits, Process, kept
from recbole_pngnn.benchmark.progress import Progress
from recbole_pngnn.benchmark.records import Results, check_folder
from recbole_pngnn.benchmark.search import cut_below, next_parameters, require_optuna
from recbole_pngnn.benchmark.shape import text
from recbole_pngnn.benchmark.suite import Suite
from recbole_pngnn.benchmark.trust import require_trust
from recbole_pngnn.benchmark.worker import Request

OUTPUT = Path("output") / "benchmark"
# Seconds between two looks at the workers, and between two at the time left.
_PAUSE, _SHOW_EVERY = 0.1, 1.0
# How a full disk, or a quota, shows in what a worker answered; the last is torch's.
_FULL_DISK = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "PytorchStreamWriter failed",
)


@dataclass
class Outcome:
    """What came of an invocation.

    Attributes:
        made: Runs and trials that were recorded.
        recorded: Runs of the suite that had been recorded before.
        failed: What failed, and why.
        waiting: What waits for a file, and for which.
    """

    made: int = 0
    recorded: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Job:
    """A run, or a trial of a search: what to ask a worker for."""

    cell: Cell
    search: Search | None
    parameters: dict[str, Any]
    number: int
    cut_below: float | None

    def __str__(self) -> str:
        return str(self.cell) if self.search is None else f"{self.search}, trial {self.number + 1}"


def run_suite(
    suite: Suite,
    results: Results,
    jobs: int = 1,
    source: Path | None = None,
    rows: Sequence[str] = (),
    limits: Limits | None = None,
    trusted: bool = False,
) -> Outcome:
    """Make the runs of a suite that are not recorded.

    Args:
        suite: The suite.
        results: Where they are recorded.
        jobs: Processes at a time.
        source: What ``prepare`` reads where a dataset comes from elsewhere.
        rows: These rows alone; all where empty.
        limits: How long a run may take; by default as long as it computes.
        trusted: Whether the user trusts the author of a suite that is not installed: its words
            may then send data, unpickle files and write where they say.

    Returns:
        What was made and what was not.

    Raises:
        ValueError: The suite is not trusted, is being run by another process as are others in
            these results, an option cannot be used, or a record cannot be written.
        KeyboardInterrupt: Ctrl-C; the workers have ended.
    """
    if not trusted:
        require_trust(suite)
    if plan.searches(suite, rows):
        require_optuna()
    limits = limits or Limits(suite.run_timeout)
    with (
        alone_in(OUTPUT / suite.name, f"suite {suite.name}"),
        alone_in(results.folder, f"a benchmark that records in {results.folder}"),
    ):
        return _Runner(suite, results, jobs, source, rows, limits).run()


class UnrecordedError(ValueError):
    """A record cannot be written: what else would be run would be lost too."""


class _Runner:
    def __init__(
        self,
        suite: Suite,
        results: Results,
        jobs: int,
        source: Path | None,
        rows: Sequence[str],
        limits: Limits,
    ) -> None:
        self._suite, self._results, self._jobs = suite, results, jobs
        self._limits = limits
        self._folder = OUTPUT / suite.name
        self._cells = plan.cells(suite, rows)
        self._progress = Progress(suite.name)
        self._data = Data(self._folder / "logs", source, self._progress.say, limits.run)
        self._outcome = Outcome()
        self._running: dict[Job, Process | Kept] = {}
        self._given_up: set[Cell | Search] = set()
        self._fingerprints: dict[str, str] = {}
        self._shown = 0.0
        self._threads = max(1, (os.cpu_count() or 1) // jobs)

    def run(self) -> Outcome:
        with self._progress:
            self._look_for_data()
            self._read()
            self._outcome.recorded = sum(self._is_recorded(cell) for cell in self._cells)
            self._progress.start(len(self._open()))
            try:
                self._work()
            finally:
                for process in self._running.values():
                    process.stop()
        return self._outcome

    def _look_for_data(self) -> None:
        for cell in self._cells:
            try:
                self._fingerprints[cell.data] = self._data.fingerprint(cell)
            except WaitingError as error:
                self._outcome.waiting[str(cell)] = str(error)
                self._given_up.add(cell)
            except (ValueError, OSError) as error:
                self._fail(cell, str(error))

    def _work(self) -> None:
        while True:
            while len(self._running) < self._jobs and (job := self._next_job()) is not None:
                self._start(job)
            if not self._running:
                return
            time.sleep(_PAUSE)
            for job, process in list(self._running.items()):
                why = process.overdue()
                if process.ended() or (why is None and process.answered()):
                    self._finish(job, self._running.pop(job))
                elif why is not None:
                    del self._running[job]
                    process.stop()
                    self._fail(job.search or job.cell, why)
            self._show()

    def _next_job(self) -> Job | None:
        """Return the first job that can begin now, row by row; a search has one trial at a time."""
        busy = {job.search or job.cell for job in self._running}
        # Two rows may ask for the same run, which is made once.
        settings = {
            plan.setting_hash(self._suite, job.cell, job.parameters)
            for job in self._running
            if job.search is None
        }
        for cell in self._cells:
            if cell in self._given_up or cell in busy or self._is_recorded(cell):
                continue
            search = plan.search_of(self._suite, cell)
            if search in self._given_up:
                self._fail(cell, "its search failed")
                continue
            try:
                chosen = self._recorded.chosen(cell)
            except ValueError as error:
                self._fail(cell, str(error))
                continue
            if chosen is not None:
                if plan.setting_hash(self._suite, cell, chosen) in settings:
                    continue
                return Job(cell, None, chosen, 0, None)
            assert search is not None
            if search in busy:
                continue
            if search.cell in self._given_up:  # its data are not there
                self._fail(cell, f"its options are searched on {search.cell.data}, which failed")
                continue
            return self._next_trial(search)
        return None

    def _next_trial(self, search: Search) -> Job:
        trials = self._recorded.trials(search)
        parameters = next_parameters(
            search.cell.row.search,
            plan.options_of(self._suite, search.cell, {}),
            trials,
            plan.search_key(self._suite, search),
        )
        known = {trial["number"] for trial in trials}
        number = next(number for number in itertools.count() if number not in known)
        return Job(search.cell, search, parameters, number, cut_below(trials))

    def _start(self, job: Job) -> None:
        suite, cell = self._suite, job.cell
        key = plan.setting_hash(suite, cell, job.parameters)
        trial = "" if job.search is None else f"-trial{job.number + 1}"
        name = re.sub(r"[^\w.+-]+", "_", f"{cell.row.name[:60]}-{cell.data}-seed{cell.seed}{trial}")
        name = f"{name}-{key[:8]}"  # other names may look the same so
        request = Request(
            model=cell.row.model,
            dataset=cell.data,
            data_path=str(DATASETS),
            options={
                **plan.options_of(suite, cell, job.parameters),
                "protocol": "signed",
                "metrics": list(suite.metrics),
                "topk": list(suite.topk),
                "valid_metric": suite.valid_metric,
                "seed": cell.seed,
            },
            work=str(self._folder / "work" / f"{key[:16]}{trial}"),
            test=job.search is None,
            cut_below=job.cut_below,
        )
        self._check_places()
        log = self._folder / "logs" / f"{name}.log"
        found = kept(Path(request.work), self._fingerprints[cell.data])
        self._running[job] = found or Process(request, log, self._threads, self._limits)

    def _check_places(self) -> None:
        """Refuse to train what could not be kept."""
        for check, folder in (
            (self._results.check_writable, self._results.folder),
            (lambda: check_folder(self._folder / "work"), self._folder),
        ):
            try:
                check()
            except OSError as error:
                raise UnrecordedError(
                    f"{folder} cannot be written ({error}), and what is run would be lost; the "
                    f"benchmark stops. Make room, or choose another place, and run it again: it "
                    f"goes on"
                ) from error

    def _finish(self, job: Job, process: Process | Kept) -> None:
        is_kept = False
        try:
            answer = process.answer()
            record = self._record(job, answer, process)
            by_user = process.by_user() if job.search is None else None
            try:
                if by_user is not None:
                    self._results.add_run(record, by_user)
                else:
                    self._results.add_trial(record)
            except OSError as error:
                where, is_kept = process.keep(), True
                raise UnrecordedError(
                    f"{job} ended well, and its record cannot be written into "
                    f"{self._results.folder} ({error}); the benchmark stops. Its result is kept in "
                    f"{where}: make room and run the same command again, which records it"
                ) from error
        except UnrecordedError:
            raise
        except (ValueError, OSError) as error:
            if any(text in str(error) for text in _FULL_DISK):
                raise UnrecordedError(
                    f"{job}: {error}; the disk is full, and the benchmark stops. Make room and run "
                    f"it again: it goes on"
                ) from error
            self._fail(job.search or job.cell, str(error))
        else:
            self._outcome.made += 1
            self._progress.done(f"{job}: {_said(record, self._suite)}")
        finally:
            if not is_kept:
                process.stop()
        self._read()

    def _record(self, job: Job, answer: dict[str, Any], process: Process | Kept) -> dict[str, Any]:
        suite, cell = self._suite, job.cell
        hashed = plan.setting_hash(suite, cell, job.parameters)
        fingerprint = self._fingerprints[cell.data]
        if answer.get("data_fingerprint", fingerprint) != fingerprint:
            raise ValueError(f"the files of {cell.data} changed meanwhile; run the benchmark again")
        record: dict[str, Any] = {
            "suite": suite.name,
            "row": cell.row.name,
            "model": cell.row.model,
            "dataset": cell.dataset.name,
            "split": cell.split.dataset,
            "data": cell.data,
            "seed": cell.seed,
            "config": plan.options_of(suite, cell, job.parameters),
            "setting": hashed,
            "data_fingerprint": fingerprint,
            "observed": self._data.observed(cell),
        }
        diverged, cut = answer.pop("diverged"), answer.pop("cut", False)
        third = answer.pop("at_third", None)
        answer["seconds"] = {**answer.get("seconds", {}), "process": round(process.seconds, 1)}
        if job.search is None:
            return {**record, "key": plan.run_key(hashed, fingerprint), **answer}
        del answer["test"]
        value = answer.pop("best_valid_score", None)
        if value is None and not diverged:
            raise ValueError(f"{cell.data} has no validation part, and options are searched on it")
        return {
            "search": plan.search_key(suite, job.search),
            "number": job.number,
            "parameters": job.parameters,
            "state": "diverged" if diverged else "cut" if cut else "complete",
            "value": value,
            "at_third": third,
            **record,
            **answer,
        }

    def _read(self) -> None:
        """Read the records anew: another benchmark may write there too."""
        runs = self._results.runs()
        trials = [trial for trial in self._results.trials() if self._is_of_today(trial)]
        self._recorded = Recorded(self._suite, runs, trials)
        self._estimate = Estimate([*runs, *trials])

    def _is_of_today(self, trial: dict[str, Any]) -> bool:
        """Tell whether a trial had the data that are here now."""
        return text(trial, "data_fingerprint") == self._fingerprints.get(text(trial, "data"))

    def _is_recorded(self, cell: Cell) -> bool:
        """Tell whether the run is recorded, on the data that are here now."""
        run = self._recorded.run(cell)
        if run is None:
            return False
        return text(run, "data_fingerprint") == self._fingerprints.get(cell.data)

    def _open(self) -> list[Cell]:
        """List the runs and trials still to be made, as their cells."""
        runs = [c for c in self._cells if c not in self._given_up and not self._is_recorded(c)]
        searches = {plan.search_of(self._suite, cell) for cell in runs}
        trials = [
            search.cell
            for search in searches
            if search is not None and search not in self._given_up
            for _ in range(search.trials - len(self._recorded.trials(search)))
        ]
        return [*runs, *trials]

    def _fail(self, what: Cell | Search, why: str) -> None:
        if what not in self._given_up:
            self._given_up.add(what)
            self._outcome.failed[str(what)] = why
            self._progress.say(f"{what}: FAILED: {why}")

    def _show(self) -> None:
        if time.monotonic() - self._shown < _SHOW_EVERY:
            return
        self._shown = time.monotonic()
        open_jobs = [_kind(cell) for cell in self._open()]
        running = [(_kind(job.cell), process.seconds) for job, process in self._running.items()]
        left = self._estimate.seconds(open_jobs, running, self._jobs)
        self._progress.show(left, [str(job) for job in self._running])


def _kind(cell: Cell) -> Kind:
    return cell.row.name, cell.row.model, cell.dataset.name


def _said(record: dict[str, Any], suite: Suite) -> str:
    seconds = record.get("seconds", {}).get("process", 0.0)
    if "search" in record:
        value = "diverged" if record["value"] is None else f"{record['value']:.4f}"
        state = " (cut)" if record["state"] == "cut" else ""
        return f"{suite.valid_metric} {value} on validation{state}, {seconds:.0f} s"
    return f"{suite.main_metric} {record['test'][suite.main_metric]:.4f}, {seconds:.0f} s"
