"""Run trainings whole, and killed and resumed; print what came of them as JSON.

One process imports RecBole and forks a child for every training: a child can be killed at a chosen
point, and none has to import it again.
"""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

import torch
import torch._dynamo  # else every child imports it, with its first optimiser

from recbole_pngnn import quick_start
from recbole_pngnn.training import state

CASES = json.loads(sys.argv.pop())


def digest(value):
    found = hashlib.sha256()

    def add(part):
        if isinstance(part, torch.Tensor):
            found.update(part.contiguous().numpy().tobytes())
        elif isinstance(part, dict):
            for key in sorted(part, key=str):
                found.update(str(key).encode())
                add(part[key])
        elif isinstance(part, (list, tuple)):
            for item in part:
                add(item)
        elif hasattr(part, "tobytes"):
            found.update(part.tobytes())
        else:
            found.update(repr(part).encode())

    add(value)
    return found.hexdigest()


def killed_at(point):
    """Have this process die at a point of the training."""

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    if point["at"] == "validation":
        return lambda epoch, epochs, best: die() if epoch == point["epoch"] else False
    if point["at"] == "batch":
        from recbole.trainer import Trainer

        check, left = Trainer._check_nan, [point["batches"]]

        def check_and_die(self, loss):
            left[0] -= 1
            if not left[0]:
                die()
            check(self, loss)

        Trainer._check_nan = check_and_die
    if point["at"] == "between the two files":
        save, left = state.save_whole, [point["saves"]]

        def save_and_die(content, file):
            save(content, file)
            left[0] -= 1
            if not left[0]:
                die()

        state.save_whole = save_and_die
    return None


def child(folder, model, options, point=None, resume=None):
    pid = os.fork()
    if not pid:
        try:
            os.chdir(folder)
            record = quick_start.run(
                None if resume else model,
                None if resume else "d",
                config_dict=None if resume else options,
                resume=resume,
                on_validation=killed_at(point) if point else None,
            )
            best = Path(record["checkpoint"])
            files = (best, state.last_epoch_file(best))
            contents = [torch.load(file, weights_only=False) for file in files]
            training = contents[1]["training"]
            answer = {
                "valid": record["valid_result"],
                "test": record["test_result"],
                "epochs": record["epochs"],
                "resumed": record["resumed_behind_epoch"],
                "best": [contents[0]["epoch"], digest(contents[0]["state_dict"])],
                "last": [contents[1][k] for k in ("epoch", "cur_step")]
                + [digest(contents[1][k]) for k in ("state_dict", "optimizer")],
                "random": digest(training["random"]),
                "shuffle": digest(training["shuffle"]),
                "best_epoch": training["best_epoch"],
            }
            Path("answer.json").write_text(json.dumps(answer, default=float))
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


answers = []
for number, case in enumerate(CASES):
    found = []
    for name, point in (("whole", None), ("killed", case["point"])):
        folder = Path(f"{number}-{name}")
        folder.mkdir()
        status = child(folder, case["model"], case["options"], point)
        if point is None:
            found.append(json.loads((folder / "answer.json").read_text()))
    if os.WIFSIGNALED(status):
        (last,) = (folder / "output/checkpoints").glob("*.last.pth")
        behind = torch.load(last, weights_only=False)["epoch"]
        child(folder, case["model"], case["options"], resume=str(last.relative_to(folder)))
        found.append(json.loads((folder / "answer.json").read_text()))
        found.append(behind)
    answers.append(found)
print(json.dumps(answers))
