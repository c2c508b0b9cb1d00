"""What is recorded of a run, and how it is written."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from recbole_pngnn import __version__
from recbole_pngnn.files import write_whole


def check_writable(file: Path) -> None:
    """Find out before the training that its record cannot be written after it."""
    if file.is_dir():
        raise ValueError(f"the result file {file} is a folder; give a file name")
    file.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ValueError(f"the result file {file} cannot be written; choose another place")


def write_json(value: Any, file: Path) -> None:
    """Write a value as JSON; a reader sees the old file or the new one, never half of it."""
    write_whole(file, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    packages = {name: version(name) for name in ("recbole", "torch", "numpy", "scipy", "pandas")}
    return {"recbole_pngnn": __version__, "python": platform.python_version(), **packages}


def floats(result: dict[str, Any] | None) -> dict[str, float | None]:
    """Plain floats, None for what is not a number: JSON has neither NumPy's numbers nor NaN."""
    return {key: None if value != value else float(value) for key, value in (result or {}).items()}


def plain(value: Any) -> Any:
    """Options as JSON; what is no plain value as its text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return str(value)


def peak_memory_mib() -> float | None:
    """Return the most memory that this process held; None on Windows, which counts otherwise."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def commit() -> str | None:
    """Return the git commit of this checkout, ``+`` behind it where files differ from it.

    None where the package is installed elsewhere than in a checkout of its own repository.
    """
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        revision = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", *_CODE)
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{revision}+" if changed else revision


_CODE = ("recbole_pngnn", "properties", "run_recbole.py")


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=root, check=True, capture_output=True, text=True, timeout=30
    )
    return done.stdout.strip()


def relative(path: Path | str | None) -> str | None:
    """Return a path as seen from the working directory where it is below it."""
    if path is None:
        return None
    absolute = Path(os.path.abspath(path))
    here = Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)
