"""What the command says when it fails: a line, and a status."""

from __future__ import annotations

import errno
import pickle
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

_NO_RECBOLE = (
    "RecBole is not installed, and from Python 3.12 on pip takes it only without its requirements, "
    "which this package has brought: pip install --no-deps recbole==1.2.1"
)
_ADDRESS = re.compile(r"[a-z]{2,8}://[^\s'\"<>`]+")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Of torch, which has a class of its own for the memory of a GPU alone.
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "Unable to allocate")
_UNWRITTEN = ("PytorchStreamWriter", "inline_container", "file write failed", "unexpected pos")


def told(error: Exception, words: Sequence[str] = ()) -> tuple[str, int]:
    """Return what to say of an exception, on one line, and the status to leave with.

    Args:
        error: What was raised.
        words: Words of the command line, which ``sys.argv`` may have lost.

    Returns:
        The line and 2 for what the user can mend; 1 for a fault of ours, whose traceback is kept
        in a file that the line names. Keys and passwords are in neither.
    """
    line, status = _told(error, words)
    return without_secrets(line, words), status


def traceback_of(error: Exception, words: Sequence[str] = ()) -> str:
    """Return the traceback of an error without secrets, see :func:`told`."""
    return without_secrets("".join(traceback.format_exception(error)), words)


def without_secrets(text: str, words: Sequence[str] = ()) -> str:
    """Replace keys of the environment, and what addresses must not give away.

    Whoever raised an error may have put one into it. Addresses are those on the command line and
    those in the text, which may come from a file.

    Args:
        text: Anything.
        words: Words of the command line beside those of ``sys.argv``.
    """
    from recbole_pngnn.augment.redaction import Redactor, shown_url

    words = [word for word in (*sys.argv[1:], *words) if "://" in word]
    # --base_url=ADDRESS is one word; an address has its first "=" behind its "://".
    addresses = [w.partition("=")[2] if "=" in w.partition("://")[0] else w for w in words]
    shown = _ADDRESS.sub(lambda address: shown_url(address[0]), text)
    return Redactor.of(*addresses)(shown)


def _told(error: Exception, words: Sequence[str]) -> tuple[str, int]:
    text = " ".join(str(error).split()) or type(error).__name__
    text = without_secrets(text, words)  # before half of one is cut off
    if _is_memory(error, text):
        return f"there is not enough memory: {_cut(text)}; {_LESS}", 2
    if isinstance(error, RuntimeError) and any(sign in text for sign in _UNWRITTEN):
        return f"a checkpoint could not be written; is the disk full? {_cut(text)}", 2
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        place = f" {error.filename}" if error.filename else ""
        return f"the disk takes no more{place}: {error.strerror}; free space, or write elsewhere", 2
    if isinstance(error, (pickle.UnpicklingError, EOFError)) or _of_saved_data(error):
        return (
            f"a file that save_dataset or save_dataloaders wrote cannot be used: {_cut(text)}; "
            f"remove DATASET-*.pth from checkpoint_dir, or name another file by dataset_save_path "
            f"or dataloaders_save_path"
        ), 2
    if isinstance(error, ImportError) and not (error.name or "").startswith("recbole_pngnn"):
        return _missing(error, text), 2
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}", 2
    if isinstance(error, (ValueError, OSError, NotImplementedError)):
        return text, 2
    kept = _keep_traceback(traceback_of(error, words))
    where = f"its traceback is in {kept}" if kept else "its traceback could not be kept"
    return (
        f"a fault of recbole-pngnn, which did not foresee this: {type(error).__name__}: "
        f"{_cut(text)}; {where} (RECBOLE_PNGNN_TRACEBACK=1 prints it): please report it"
    ), 1


# Functions of RecBole and of this plugin that load what a run saved.
_UNPICKLE = (
    ("create_dataset", "utils.py"),
    ("load_split_dataloaders", "utils.py"),
    ("creating_signed", "loading.py"),
)
_LESS = "lower train_batch_size, eval_batch_size or embedding_size, or take fewer users and items"


def _is_memory(error: Exception, text: str) -> bool:
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in text for sign in _NO_MEMORY)


def _of_saved_data(error: Exception) -> bool:
    """Tell whether what RecBole unpickled is not what it saved."""
    frames = traceback.extract_tb(error.__traceback__)[-2:]  # the comparison is a generator
    return isinstance(error, (AttributeError, TypeError, ValueError)) and any(
        (frame.name, Path(frame.filename).name) in _UNPICKLE for frame in frames
    )


def _missing(error: ImportError, text: str) -> str:
    if error.name == "recbole":
        return _NO_RECBOLE
    if error.name and isinstance(error, ModuleNotFoundError):
        return f"the package {error.name} is not installed, and this needs it: {_cut(text)}"
    return text


def _cut(text: str, width: int = 300) -> str:
    return text if len(text) <= width else f"{text[:width]} ..."


def _keep_traceback(text: str) -> Path | None:
    """Write the traceback into the log of the run, or a file of its own."""
    output = sys.modules.get("recbole_pngnn.plugin.output")  # not imported: there is no log
    log: Path | None = output.log_file() if output else None
    name = f"error-{datetime.now():%Y-%m-%d_%H-%M-%S-%f}.log"
    for file in (log, Path("output", "log", name), Path(tempfile.gettempdir(), name)):
        if file is None:
            continue
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(text)
        except OSError:
            continue
        return file
    return None
