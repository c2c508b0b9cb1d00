"""What is only faster, for everybody: the same numbers to the last bit."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from recbole_pngnn.plugin.patching import ModuleProxy, wrap


def install() -> None:
    """Put the faster ways in place."""
    wrap(importlib.import_module("recbole.data.dataset.dataset"), "pd", _ReadingPandas)
    interaction = importlib.import_module("recbole.data.interaction").Interaction
    wrap(interaction, "__getitem__", _indexed_by_tensors)


_CHUNK = 1 << 22
_MOST_DIGITS = 18  # of a number below 2 ** 63


class _ReadingPandas(ModuleProxy):
    """pandas for RecBole's reading: its parser in C, several times faster than the one in Python.

    RecBole asks for the latter (dataset.py:492), which only a separator of several characters and
    odd files need. Both read numbers by one function where the precision is ``high``.
    """

    def read_csv(self, *args: Any, **options: Any) -> Any:
        if options.get("engine") == "python" and _is_plain(args, options):
            try:
                return self._real.read_csv(
                    *args, **{**options, "engine": "c", "float_precision": "high"}
                )
            except Exception:  # RecBole's own parser reads it, or says what is wrong
                pass
        return self._real.read_csv(*args, **options)


def _is_plain(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Tell whether both parsers read a file alike."""
    if len(args) != 1 or not isinstance(args[0], (str, os.PathLike)):
        return False
    delimiter = (options.get("delimiter") or "").encode()
    if len(delimiter) != 1 or options.get("encoding") not in ("utf-8", None):
        return False
    try:
        with open(args[0], "rb") as file:
            n_fields = file.readline().count(delimiter) + 1
            file.seek(0)
            while lines := file.read(_CHUNK) + file.readline():
                if _are_odd(lines, delimiter, n_fields):
                    return False
    except OSError:
        return False
    return True


def _are_odd(lines: bytes, delimiter: bytes, n_fields: int) -> bool:
    """Tell whether lines hold what the parsers read differently.

    Quotes, ends of lines that are none of Unix's or Windows', zero bytes, a byte order mark, a line
    of more fields than the first, and numbers beyond 64 bits, which the parser in Python reads as
    objects, with their whole column.
    """
    if b'"' in lines or b"\0" in lines or b"\xef\xbb\xbf" in lines:
        return True
    if lines.count(b"\r") != lines.count(b"\r\n"):
        return True
    characters = np.frombuffer(lines, np.uint8)
    starts = np.append(0, np.flatnonzero(characters[:-1] == ord("\n")) + 1)
    if np.add.reduceat(characters == ord(delimiter), starts, dtype=np.int64).max() >= n_fields:
        return True
    digits = (characters >= ord("0")) & (characters <= ord("9"))
    gaps = np.diff(np.flatnonzero(~digits), prepend=-1, append=len(digits)) - 1
    return bool(gaps.max() > _MOST_DIGITS)


def _indexed_by_tensors(getitem: Callable[..., Any]) -> Callable[..., Any]:
    """Interactions make a list of an index, and a tensor of that list for each of their columns.

    Every batch of a training is such an index (interaction.py:137).
    """

    from recbole.data.interaction import Interaction

    @functools.wraps(getitem)
    def __getitem__(self: Any, index: Any) -> Any:
        rows = _as_rows(index)
        if rows is None:
            return getitem(self, index)
        return Interaction({name: self[name][rows.to(self[name].device)] for name in self})

    return __getitem__


def _as_rows(index: Any) -> torch.Tensor | None:
    """A tensor that indexes as the list of its numbers does, None where there is no such."""
    if isinstance(index, np.ndarray) and index.dtype.kind in "biu":
        index = torch.from_numpy(np.array(index))  # writable and in order
    if not isinstance(index, torch.Tensor) or index.ndim != 1 or not len(index):
        return None
    if index.is_floating_point() or index.is_complex():
        return None
    # Bytes would be a mask.
    return index if index.dtype == torch.bool else index.long()
