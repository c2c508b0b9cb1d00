"""Logs, TensorBoard files and checkpoints in one folder, ``output_dir``."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from recbole.utils.logger import RemoveColorFilter
from torch.utils.tensorboard import SummaryWriter

from recbole_pngnn.plugin.scope import is_addressed

_FORMAT = logging.Formatter("%(asctime)s %(levelname)s  %(message)s", "%Y-%m-%d %H:%M:%S")


class _LogFile(logging.FileHandler):
    """The log of one run."""


class _Screen(logging.StreamHandler):  # type: ignore[type-arg]
    """What of the log is shown."""


def logger_for(init_logger: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap RecBole's ``init_logger``: with ``output_dir`` each run has a log of its own there.

    RecBole writes below ``./log`` always, and in a second run of one process still to the first
    run's file.
    """

    def init_logger_in_output_dir(config: Any) -> None:
        close_log()
        if not is_addressed(config) or config["output_dir"] is None:
            init_logger(config)
            return
        folder = Path(config["output_dir"]) / "log"
        folder.mkdir(parents=True, exist_ok=True)
        now = f"{datetime.now():%Y-%m-%d_%H-%M-%S-%f}"
        file = folder / f"{config['model']}-{config['dataset']}-{now}-{os.getpid()}.log"
        level = getattr(logging, str(config["state"] or "INFO").upper(), logging.INFO)
        root = logging.getLogger()
        root.setLevel(level)
        for handler in (_LogFile(file, encoding="utf-8"), _Screen()):
            handler.addFilter(RemoveColorFilter())
            handler.setFormatter(_FORMAT)
            root.addHandler(handler)

    return init_logger_in_output_dir


def close_log() -> None:
    """Take this module's handlers off the root logger; those of others stay."""
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, (_LogFile, _Screen))]:
        root.removeHandler(handler)
        handler.close()


def show_warnings_only() -> None:
    """Keep the screen for a progress bar and the result; the log file still gets everything."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Screen):
            handler.setLevel(logging.WARNING)


def log_file() -> Path | None:
    """Return the log of the current run, or None where RecBole's own logger is at work."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _LogFile):
            return Path(handler.baseFilename)
    return None


def tensorboard_for(
    get_tensorboard: Callable[[logging.Logger], SummaryWriter],
) -> Callable[[logging.Logger], SummaryWriter]:
    """Wrap RecBole's ``get_tensorboard``: beside the log, in place of ``./log_tensorboard``."""

    def get_tensorboard_in_output_dir(logger: logging.Logger) -> SummaryWriter:
        file = log_file()
        if file is None:
            return get_tensorboard(logger)
        return SummaryWriter(str(file.parent.parent / "tensorboard" / file.stem))

    return get_tensorboard_in_output_dir
