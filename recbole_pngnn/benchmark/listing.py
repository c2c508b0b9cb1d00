"""What of a suite is recorded and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from recbole_pngnn.benchmark.plan import Cell, Recorded, cells, search_of
from recbole_pngnn.benchmark.records import Results
from recbole_pngnn.benchmark.suite import Suite


def listing(suite: Suite, results: Results, rows: Sequence[str] = ()) -> str:
    """Lay out for each dataset the recorded runs of each row and split, and the trials.

    Args:
        suite: The suite.
        results: The records.
        rows: These rows alone; all where empty.
    """
    recorded = Recorded(suite, results.runs(), results.trials())
    every = cells(suite, rows)
    parts = []
    for dataset in suite.datasets:
        here = [cell for cell in every if cell.dataset is dataset]
        n_recorded = sum(recorded.run(cell) is not None for cell in here)
        body = []
        for row in dict.fromkeys(cell.row for cell in here):
            of_row = [cell for cell in here if cell.row is row]
            states = []
            for split in dataset.splits:
                states.append(_state([c for c in of_row if c.split is split], recorded))
            body.append([row.name, _search(suite, of_row[0], recorded), *states])
        headers = [dataset.name, "trials", *(split.dataset for split in dataset.splits)]
        parts.append(tabulate(body, headers, disable_numparse=True))
        parts.append(f"{n_recorded} of {len(here)} runs recorded")
    return "\n\n".join(parts)


def _search(suite: Suite, cell: Cell, recorded: Recorded) -> str:
    search = search_of(suite, cell)
    return "" if search is None else f"{len(recorded.trials(search))} of {search.trials}"


def _state(of_split: Sequence[Cell], recorded: Recorded) -> str:
    n_recorded = sum(recorded.run(cell) is not None for cell in of_split)
    if n_recorded == len(of_split):
        return "recorded"
    answers = of_split[0].row.answers_of(of_split[0].split.dataset)
    if answers is not None and not answers.is_file():
        return f"waits for {answers}"
    return "missing" if not n_recorded else f"{n_recorded} of {len(of_split)} seeds"
