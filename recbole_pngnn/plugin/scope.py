"""Whom the plugin's options and rules are for: everybody else's runs are RecBole's own.

A run is addressed by the option ``protocol``. This plugin's models set it; any other run does by
naming it, and has nothing of this plugin where it does not.
"""

from __future__ import annotations

from typing import Any

PROTOCOLS = ("signed", "recbole")
MODELS = {
    "PNGNN": "recbole_pngnn.model.pngnn",
    "SiReN": "recbole_pngnn.model.siren",
    "SignedEASE": "recbole_pngnn.model.signed_ease",
}


def own_models(model_class: Any) -> list[str]:
    """Return the models of this plugin that a class is or extends, the most general one first."""
    return [
        base.__name__
        for base in reversed(getattr(model_class, "__mro__", ()))
        if MODELS.get(base.__name__) == base.__module__
    ]


def is_own(config: Any) -> bool:
    """Tell whether a Config is that of a model of this plugin, or of a subclass of one."""
    return bool(own_models(getattr(config, "model_class", None)))


def is_addressed(config: Any) -> bool:
    """Tell whether a Config's run may be other than RecBole's: it says under which protocol."""
    return config["protocol"] in PROTOCOLS


def is_signed(config: Any) -> bool:
    """Tell whether a Config is under the protocol ``signed``."""
    return bool(config["protocol"] == "signed")


def reads_signs(config: Any) -> bool:
    """Tell whether a Config's data are read by this plugin's Dataset."""
    if not is_addressed(config):
        return False
    return is_signed(config) or is_own(config) or config["like_threshold"] is not None


def measures_sign_auc(config: Any) -> bool:
    """Tell whether a Config names this plugin's metric."""
    return any(metric.lower() == "signauc" for metric in config["metrics"] or ())


class ModelName(str):
    """The name of a model in a Config that was given the class.

    RecBole looks a model, its trainer and its dataloader up by the name; a class of a user's own
    module is found by what the name brings with it, through a pickle too.

    Attributes:
        model_class: The class.
    """

    model_class: type

    def __new__(cls, model_class: type) -> ModelName:
        """Take the name from the class."""
        name = super().__new__(cls, model_class.__name__)
        name.model_class = model_class
        return name

    def __reduce__(self) -> tuple[Any, ...]:
        return ModelName, (self.model_class,)
