"""A result that is kept while the parameters that it was computed from stay what they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")
# Numbers of each parameter that are compared; a table with more is compared at even distances.
COMPARED = 2**18


class Kept(Generic[T]):
    """The last result of a function of a module's parameters and buffers.

    torch counts what is written into a tensor, so a step of an optimiser, a loaded checkpoint or
    another device is noticed by a number a tensor. It does not count what is written through
    ``.data``; for that some values of each parameter are compared too.

    The result is in no pickle and no copy.
    """

    def __init__(self) -> None:
        self._result: T | None = None
        self._marks: list[tuple[Any, ...]] = []
        self._values: list[Tensor] = []

    def get(self, module: nn.Module, compute: Callable[[], T]) -> T:
        """Return the result for a module as it is now."""
        marks, values = _marks(module), _values(module)
        if (
            self._result is None
            or marks != self._marks
            or not all(map(torch.equal, values, self._values))
        ):
            self._result = compute()
            self._marks, self._values = marks, [some.clone() for some in values]
        return self._result

    def forget(self) -> None:
        """Free the memory of the result."""
        self.__init__()  # type: ignore[misc]

    def __getstate__(self) -> dict[str, Any]:
        return vars(type(self)())


def _marks(module: nn.Module) -> list[tuple[Any, ...]]:
    return [
        (
            tensor.data_ptr(),
            None if tensor.is_inference() else tensor._version,
            tensor.shape,
            tensor.dtype,
            tensor.device,
        )
        for tensor in (*module.parameters(), *module.buffers())
    ]


def _values(module: nn.Module) -> list[Tensor]:
    flat = [p.detach().reshape(-1) for p in module.parameters() if p.device.type != "meta"]
    return [some[:: max(1, -(-len(some) // COMPARED))] for some in flat]
