"""LLM-PNGNN for RecBole: sign-aware graph recommendation, and an honest protocol to measure it.

Importing this package makes its models known to RecBole, and RecBole fit for today's packages, as
soon as RecBole itself is imported (at once where it already is). Nothing else is imported here, so
the parts that need neither torch nor RecBole stay light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recbole_pngnn import _hook

if TYPE_CHECKING:
    from recbole_pngnn.quick_start import load_data_and_model, run
    from recbole_pngnn.recommendations import recommend

__version__ = "0.2.0"
__all__ = ["__version__", "load_data_and_model", "recommend", "run"]

_LAZY = {
    "load_data_and_model": "recbole_pngnn.quick_start",
    "recommend": "recbole_pngnn.recommendations",
    "run": "recbole_pngnn.quick_start",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)


_hook.install()
