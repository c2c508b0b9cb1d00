"""Augment a dataset by interactions that a language model, or a control, suggests."""

from recbole_pngnn.augment.batch import export_batch, import_batch
from recbole_pngnn.augment.client import ClientSettings, Prices, Progress
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
