"""Make RecBole know this plugin's models, options, data rules and metric."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from recbole_pngnn.plugin import compat

MODELS = {
    "PNGNN": "recbole_pngnn.model.pngnn",
    "SiReN": "recbole_pngnn.model.siren",
    "SignedEASE": "recbole_pngnn.model.signed_ease",
}
# RecBole's, from packages that it does not install.
_OPTIONAL_MODELS = ("LightGBM", "XGBoost")
_registered = False


def register() -> None:
    """Register with RecBole; a second call does nothing.

    - ``get_model`` and Config find the plugin's models and their YAML files;
    - the plugin's models choose the dataloader of their training;
    - Dataset, Sampler, evaluation loader and Collector obey ``like_threshold`` where it is set;
    - the metric ``SignAUC`` can be named in ``metrics``;
    - logs and TensorBoard files follow ``output_dir`` where it is set;
    - ``load_data_and_model`` also loads on another device, and checks the data.
    """
    global _registered
    if _registered:
        return
    _registered = True
    compat.mend_packages()
    compat.mend_recbole()
    _register_models()
    from recbole_pngnn.plugin import config

    config.install()
    _register_data()
    _register_outputs()
    from recbole_pngnn.plugin import fast_graph

    fast_graph.install()
    replace_everywhere("load_data_and_model", _load_data_and_model)


def _load_data_and_model(model_file: str) -> tuple[Any, ...]:
    """See :func:`recbole_pngnn.load_data_and_model`."""
    from recbole_pngnn.quick_start import load_data_and_model

    return load_data_and_model(model_file)


def replace_everywhere(name: str, replacement: Any) -> None:
    """Replace an object of RecBole's in each of its modules that holds it under its name.

    ``from module import name`` copies the reference, so the defining module is not enough.
    """
    for module_name, module in list(sys.modules.items()):
        inside = module_name == "recbole" or module_name.startswith("recbole.")
        if inside and isinstance(module, ModuleType) and name in vars(module):
            setattr(module, name, replacement)


def _register_models() -> None:
    import recbole.trainer

    for name, module_name in MODELS.items():
        # RecBole imports recbole.model.<kind>.<name in lower case>; an alias keeps one class.
        alias = f"recbole.model.general_recommender.{name.lower()}"
        sys.modules[alias] = module = importlib.import_module(module_name)
        trainer = getattr(getattr(module, name), "trainer", None)
        if trainer is not None:  # RecBole looks for one by the model's name
            setattr(recbole.trainer, f"{name}Trainer", trainer)
    from recbole.utils import utils

    replace_everywhere("get_model", _with_better_error(utils.get_model))


def _with_better_error(get_model: Callable[[str], Any]) -> Callable[[str], Any]:
    def get_model_by_name(model_name: str) -> Any:
        """Find a model class by its name, RecBole's or this plugin's."""
        try:
            return get_model(model_name)
        except (ValueError, ModuleNotFoundError, AttributeError) as error:
            # RecBole ends in a search for LightGBM, or in a module without that attribute.
            known = sorted(_recbole_model_names() | set(MODELS))
            lower = {name.lower(): name for name in known}
            close = difflib.get_close_matches(model_name.lower(), lower, n=3)
            hint = f"; did you mean {' or '.join(lower[name] for name in close)}?" if close else ""
            if model_name in (*known, *_OPTIONAL_MODELS):
                raise  # the model is there, and what it imports is not
            raise ValueError(f"there is no model named {model_name!r}{hint}") from error

    return get_model_by_name


def _recbole_model_names() -> set[str]:
    from recbole.model import general_recommender, knowledge_aware_recommender
    from recbole.model.abstract_recommender import AbstractRecommender

    modules = [general_recommender, knowledge_aware_recommender]
    return {
        name
        for module in modules
        for name, member in vars(module).items()
        if isinstance(member, type) and issubclass(member, AbstractRecommender)
    }


def _register_data() -> None:
    import recbole.data.dataset
    import recbole.data.utils
    import recbole.trainer.trainer

    from recbole_pngnn.protocol import sign_auc
    from recbole_pngnn.protocol.dataset import SignedDataset
    from recbole_pngnn.protocol.masks import RatedSampler

    recbole.data.dataset.Dataset = SignedDataset
    recbole.data.utils.Sampler = RatedSampler
    recbole.data.utils.FullSortEvalDataLoader = sign_auc.SignedEvalDataLoader
    recbole.trainer.trainer.Collector = sign_auc.SignedCollector
    sign_auc.add_to_register()
    replace_everywhere("get_dataloader", _with_own_dataloaders(recbole.data.utils.get_dataloader))


def _with_own_dataloaders(get_dataloader: Callable[..., Any]) -> Callable[..., Any]:
    """Let a model of ours choose its training's dataloader; RecBole has a table of its own names.

    ``train_dataloader`` of the model's class is asked, since the choice depends on options.
    """

    def get_dataloader_of_model(config: Any, phase: str) -> Any:
        """Return the class of a phase's dataloader, see RecBole's ``get_dataloader``."""
        if phase == "train" and config["model"] in MODELS:
            own = config.model_class.train_dataloader(config)
            if own is not None:
                return own
        return get_dataloader(config, phase)

    return get_dataloader_of_model


def _register_outputs() -> None:
    from recbole.utils import logger, utils

    from recbole_pngnn.plugin import output

    replace_everywhere("init_logger", output.logger_for(logger.init_logger))
    replace_everywhere("get_tensorboard", output.tensorboard_for(utils.get_tensorboard))
