"""Augment a dataset by interactions that a language model, or a control, suggests."""

from recbole_pngnn.augment.client import ClientSettings, Prices, Progress
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.pipeline import AugmentSettings, augment
from recbole_pngnn.augment.requests import RequestSettings

__all__ = [
    "AugmentError",
    "AugmentSettings",
    "ClientSettings",
    "Prices",
    "Progress",
    "RequestSettings",
    "augment",
]
