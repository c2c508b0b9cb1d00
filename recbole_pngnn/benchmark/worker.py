"""One run or trial in a process of its own: ``python -m recbole_pngnn.benchmark.worker``.

The first line of the standard input is the request, as JSON. While it is open, the benchmark that
asked lives; when it ends, so does the worker: nothing goes on in the background after a kill. The
answer is a file, whole or not there. What is printed is the log.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recbole_pngnn.files import write_whole

ANSWER = "answer.json"
USERS, HITS = "users.npz", "hits.npz"
# What RecBole raises when a training diverges; for a trial that is a result.
DIVERGED = "Training loss is nan"


@dataclass(frozen=True)
class Request:
    """What a worker is asked for.

    Attributes:
        model: Model.
        dataset: Prepared dataset.
        data_path: Folder of datasets.
        options: Options of the run, metrics and seed among them.
        work: Empty folder for the answer and for what a run leaves.
        test: Evaluate the test part. A trial does not.
        cut_below: Stop at a third of the epochs where the best validation score is below it.
    """

    model: str
    dataset: str
    data_path: str
    options: dict[str, Any]
    work: str
    test: bool
    cut_below: float | None = None

    def to_line(self) -> bytes:
        """Return the request as the worker reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"


class Third:
    """Watches the validation: the best score at a third of the epochs, and whether to stop there.

    Args:
        cut_below: Stop where the score is below it; None for never.

    Attributes:
        score: The best score at the first validation from a third of the epochs on.
        cut: Whether the training was stopped.
    """

    def __init__(self, cut_below: float | None) -> None:
        self._cut_below = cut_below
        self.score: float | None = None
        self.cut = False

    def __call__(self, epoch: int, epochs: int, best: float) -> bool:
        """See ``on_validation`` of :func:`recbole_pngnn.run`."""
        if self.score is not None or epoch < math.ceil(epochs / 3):
            return False
        self.score = best = float(best)  # RecBole's are NumPy's, which JSON does not know
        self.cut = self._cut_below is not None and best < self._cut_below and epoch < epochs
        return self.cut


def answer(request: Request) -> dict[str, Any]:
    """Run what is asked for.

    Args:
        request: The request.

    Returns:
        What is recorded of it, beside what the benchmark knows itself; for a training that
        diverged only ``diverged``.
    """
    import recbole_pngnn
    from recbole_pngnn.benchmark.records import pack
    from recbole_pngnn.benchmark.suite import MEASURED_BY
    from recbole_pngnn.protocol.by_user import UserResults

    work = Path(request.work)

    def keep(results: UserResults) -> None:
        users, hits = pack(results)
        write_whole(work / USERS, users)
        write_whole(work / HITS, hits)

    third = Third(request.cut_below)
    options = {
        # RecBole unpickles what it finds there; the folder of a dataset may not send it elsewhere.
        "checkpoint_dir": str(work / "checkpoints"),
        "dataset_save_path": None,
        "dataloaders_save_path": None,
        **request.options,
        "data_path": request.data_path,
        "output_dir": str(work),
        "show_progress": False,
    }
    # The best epoch's weights are needed for a test behind a validation, and nowhere else.
    saved = request.test and _has_validation(request)
    try:
        record = recbole_pngnn.run(
            request.model,
            request.dataset,
            config_dict=options,
            saved=saved,
            test=request.test,
            on_validation=third,
            on_test=keep if request.test else None,
        )
    except ValueError as error:
        if DIVERGED in str(error) and not request.test:
            return {"diverged": True}
        raise
    return {
        "diverged": False,
        "cut": third.cut,
        "at_third": _finite(third.score),
        "best_valid_score": _finite(record["best_valid_score"]),
        "valid": record["valid_result"],
        "test": record["test_result"],
        "n_parameters": record["parameters"],
        "measured": {k: v for k, v in record["options"].items() if k in MEASURED_BY},
        **{
            key: record[key]
            for key in (
                "config_hash",
                "data_fingerprint",
                "epochs",
                "users",
                "items",
                "training_interactions",
                "seconds",
                "peak_memory_mib",
                "device",
                "commit",
                "versions",
            )
        },
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _has_validation(request: Request) -> bool:
    file = Path(request.data_path, request.dataset, f"{request.dataset}.valid.inter")
    return not file.is_file() or len(file.read_bytes().splitlines()) > 1


def main() -> int:
    """Read a request, answer it."""
    request = Request(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    sys.argv = sys.argv[:1]  # RecBole's Config would read them
    try:
        found = json.dumps(answer(request), allow_nan=False)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        found = json.dumps({"error": f"{type(error).__name__}: {error}"})
    write_whole(Path(request.work, ANSWER), found.encode())
    return 0


def _end_with_standard_input() -> None:
    while sys.stdin.readline():
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
