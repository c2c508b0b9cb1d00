"""Register the plugin when RecBole is imported, not before: RecBole imports torch and Ray.

A finder stands before Python's own and changes one thing: behind the import of ``recbole``, and
behind the reload of any of its modules, the plugin registers. The import has succeeded when the
registration has. One that is broken off leaves no module of RecBole's behind, so that the next does
it all again: RecBole is never there without the protocol, silently.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

_CONFIGURATOR = "recbole.config.configurator"
# Held by the thread that registers; others may import RecBole's modules meanwhile.
_LOCK = threading.RLock()


def install() -> None:
    """Register now where RecBole is imported already, and whenever it is imported."""
    # One that an earlier import of this package left would call functions that are gone.
    sys.meta_path[:] = [f for f in sys.meta_path if type(f).__name__ != _RecBoleFinder.__name__]
    sys.meta_path.insert(0, _RecBoleFinder())
    if "recbole" in sys.modules:
        importlib.import_module("recbole")  # another thread may be importing it
        _register()


def _register() -> None:
    with _LOCK:
        registration = sys.modules.get("recbole_pngnn.plugin.registration")
        if registration is not None and not registration.is_of_this_recbole():
            _forget("recbole_pngnn.", (name for name in list(sys.modules) if name != __name__))
        from recbole_pngnn.plugin.registration import register

        register()


def _forget(prefixes: str | tuple[str, ...], names: Iterable[str]) -> None:
    """Take modules out of ``sys.modules``, but for those that are being imported."""
    for name in names:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        if name.startswith(prefixes) and not getattr(spec, "_initializing", False):
            sys.modules.pop(name, None)


class _RecBoleFinder(importlib.abc.MetaPathFinder):
    """Find RecBole as Python would, and act behind the import of it."""

    def __init__(self) -> None:
        self._own = threading.local()  # whether this thread looks up what it was asked for

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == "recbole" or (target is not None and fullname.startswith("recbole.")):
            behind = _register
        elif fullname == _CONFIGURATOR:
            behind = _guard_config
        else:
            return None
        if getattr(self._own, "searching", False):
            return None
        self._own.searching = True
        try:
            spec = self._next_spec(fullname, path, target)
        finally:
            self._own.searching = False
        if spec is not None and spec.loader is not None:
            _act_behind(spec, behind)
        return spec

    def _next_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> importlib.machinery.ModuleSpec | None:
        for finder in list(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if finder is self or find_spec is None:
                continue
            spec: importlib.machinery.ModuleSpec | None = find_spec(fullname, path, target)
            if spec is not None:
                return spec
        return None


def _guard_config() -> None:
    """Have a Config that is made while another thread registers wait for that.

    Python lets a thread import modules of a package that another thread is importing still.
    """
    config_class = sys.modules[_CONFIGURATOR].Config
    init = config_class.__init__

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **options: Any) -> None:
        with _LOCK:
            registered = config_class.__init__
        if registered is __init__:
            raise RuntimeError(
                "recbole_pngnn was imported and could not register with RecBole, so its protocol "
                "would be missing; import recbole again to see why"
            )
        registered(self, *args, **options)

    __init__.recbole_pngnn_guard = True  # type: ignore[attr-defined]
    config_class.__init__ = __init__


def _act_behind(spec: importlib.machinery.ModuleSpec, behind: Callable[[], None]) -> None:
    """Have a spec's loader call a function behind the run of the module.

    It stays the loader that it is, with all that it can do: only what runs the module is put
    before its class's, and taken away as soon as the module runs.
    """
    loader: Any = spec.loader
    if isinstance(loader, type) or not hasattr(loader, "__dict__"):
        spec.loader = _Loader(loader, behind, spec.name)
        return
    vars(loader).pop("exec_module", None)  # of a look-up without an import
    loader.exec_module = _ExecModule(loader.exec_module, behind, spec.name, loader)


class _ExecModule:
    """``exec_module`` of a loader, with something to do behind it."""

    def __init__(
        self,
        run: Callable[[ModuleType], None],
        behind: Callable[[], None],
        name: str,
        loader: Any = None,
    ) -> None:
        self.run, self.behind, self.name, self.loader = run, behind, name, loader

    def __call__(self, module: ModuleType) -> None:
        if module.__name__ != self.name:  # a loader of several modules, such as zipimport's
            self.run(module)
            return
        if self.loader is not None:
            vars(self.loader).pop("exec_module", None)
        before = set(sys.modules)
        try:
            self.run(module)
            self.behind()
        except BaseException:
            if self.name == "recbole":
                # Modules of RecBole's that stayed would be found without it, unregistered.
                _forget(("recbole.", "recbole_pngnn."), set(sys.modules) - before)
            raise


class _Loader(importlib.abc.Loader):
    """What a loader does that cannot be given another ``exec_module``."""

    def __init__(self, loader: Any, behind: Callable[[], None], name: str) -> None:
        self._loader, self._run = loader, _ExecModule(loader.exec_module, behind, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._run(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
