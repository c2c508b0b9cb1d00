"""Augment a dataset by interactions that a language model, or a control, suggests."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recbole_pngnn.augment.batch import export_batch, import_batch
    from recbole_pngnn.augment.budget import Prices
    from recbole_pngnn.augment.client import ClientSettings, Progress
    from recbole_pngnn.augment.errors import AugmentError
    from recbole_pngnn.augment.pipeline import augment
    from recbole_pngnn.augment.questions import open_questions
    from recbole_pngnn.augment.requests import RequestSettings
    from recbole_pngnn.augment.settings import AugmentSettings

__all__ = [
    "AugmentError",
    "AugmentSettings",
    "ClientSettings",
    "Prices",
    "Progress",
    "RequestSettings",
    "augment",
    "export_batch",
    "import_batch",
    "open_questions",
]
# Imported when first asked for: the command line's help needs none of them, nor pandas.
_PLACES = {
    "AugmentError": "errors",
    "AugmentSettings": "settings",
    "ClientSettings": "client",
    "Prices": "budget",
    "Progress": "client",
    "RequestSettings": "requests",
    "augment": "pipeline",
    "export_batch": "batch",
    "import_batch": "batch",
    "open_questions": "questions",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
