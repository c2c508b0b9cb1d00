"""Replace parts of RecBole: each once, however often it is asked for, and all or none of them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

_LAYER = "__recbole_pngnn_layer__"
_ABSENT = object()
# What to do to have everything as it was; None outside of all_or_nothing.
_undo: list[Callable[[], None]] | None = None


class _Layer(NamedTuple):
    """One replacement: what was there, what was made of it, and by which function."""

    below: Any
    above: Any
    make: Callable[[Any], Any]

    @property
    def key(self) -> tuple[str, str]:
        # The same function has another identity once its module was imported anew.
        return self.make.__module__, self.make.__qualname__


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Take back what was put inside, where it does not come to its end (Ctrl-C included)."""
    global _undo
    done: list[Callable[[], None]] = []
    _undo, outer = done, _undo
    try:
        yield
    except BaseException:
        for undo in reversed(done):
            undo()
        raise
    finally:
        _undo = outer


def put(owner: Any, name: str, value: Any) -> None:
    """Set an attribute of a module or a class, so that it can be taken back."""
    before = vars(owner).get(name, _ABSENT)
    if before is value:
        return

    def undo() -> None:
        if before is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, before)

    if _undo is not None:
        _undo.append(undo)
    setattr(owner, name, value)


def wrap(owner: Any, name: str, make: Callable[[Any], Any]) -> Any:
    """Replace an attribute by what a function makes of it, once.

    A second call does nothing. One of the same function from a module that was imported anew
    replaces what the earlier one had made.

    Args:
        owner: A module or a class.
        name: Its attribute.
        make: Takes what is there and returns what replaces it; a function of a module, since it is
            known by its name.

    Returns:
        What is there now.
    """
    current = getattr(owner, name)
    layers: list[_Layer] = []
    bottom = current
    while (layer := getattr(bottom, _LAYER, None)) is not None:
        if layer.above is not bottom:  # somebody else's, around one of ours
            return current
        layers.append(layer)
        bottom = layer.below
    makes = {layer.key: layer.make for layer in reversed(layers)}
    new = _Layer(None, None, make)
    if makes.get(new.key) is make:
        return current
    makes[new.key] = make
    for function in makes.values():
        above = function(bottom)
        setattr(above, _LAYER, _Layer(bottom, above, function))
        bottom = above
    put(owner, name, bottom)
    return bottom


def original(value: Any) -> Any:
    """Return what RecBole had in place of what :func:`wrap` made."""
    while (layer := getattr(value, _LAYER, None)) is not None and layer.above is value:
        value = layer.below
    return value


def wrap_everywhere(owner: ModuleType, name: str, make: Callable[[Any], Any]) -> None:
    """:func:`wrap` a function in its module and in each of RecBole's that holds it.

    ``from module import name`` copies the reference, so the defining module is not enough.
    """
    stock = original(getattr(owner, name))
    replacement = wrap(owner, name, make)
    for module_name, module in list(sys.modules.items()):
        inside = module_name == "recbole" or module_name.startswith("recbole.")
        if inside and isinstance(module, ModuleType):
            held = vars(module).get(name)
            if held is not None and original(held) is stock:
                put(module, name, replacement)


def specialise(base: type, special: type, when: Callable[..., bool]) -> None:
    """Have a class make instances of its subclass where the arguments ask for that.

    The class stays the one that everybody holds, pickles and inherits from.

    Args:
        base: RecBole's class.
        special: A subclass of it.
        when: Called with the arguments of the constructor.
    """

    def __new__(cls: type, *args: Any, **options: Any) -> Any:
        # Copies and pickles make an instance without arguments.
        if cls is base and (args or options) and when(*args, **options):
            cls = special
        return object.__new__(cls)

    # Python cannot go back to object's own once a class had another.
    if _undo is not None and "__new__" not in vars(base):
        _undo.append(lambda: setattr(base, "__new__", _new))
    base.__new__ = __new__  # type: ignore[method-assign,assignment]
    base.__signature__ = _SignatureOfInit()  # type: ignore[attr-defined]


def _new(cls: type, *args: Any, **options: Any) -> Any:
    return object.__new__(cls)


class _SignatureOfInit:
    """What ``inspect`` says of a class and its subclasses: it would take that of ``__new__``."""

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        if instance is not None:  # one that can be called has a signature of its own
            raise AttributeError("__signature__")
        of_init = inspect.signature(owner.__init__)  # type: ignore[misc]
        return of_init.replace(parameters=list(of_init.parameters.values())[1:])


class ModuleProxy(ModuleType):
    """A module as one module of RecBole's sees it: what a subclass defines, else the real one."""

    def __init__(self, real: ModuleType) -> None:
        super().__init__(real.__name__)
        self._real = real

    def __getattr__(self, name: str) -> Any:
        if name == "_real":  # a copy that has nothing yet
            raise AttributeError(name)
        return getattr(self._real, name)
