"""Modules whose tables move with a model and keep their precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from torch import Tensor, nn


class ExactBuffers(nn.Module):
    """A module whose own buffers follow to another device, and to no other type.

    ``model.float()`` or ``model.half()`` is meant for what is learnt: probabilities and tables that
    draws are looked up in would become others by it.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        before = {name: buffer for name, buffer in self._buffers.items() if buffer is not None}
        module: Any = super()._apply(fn, recurse)
        for name, buffer in before.items():
            moved = self._buffers[name]
            assert moved is not None
            if moved.dtype != buffer.dtype:
                self._buffers[name] = buffer.to(moved.device)
        return module  # type: ignore[no-any-return]
