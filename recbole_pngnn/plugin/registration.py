"""Make RecBole know this plugin's models, options, data rules and metric."""

from __future__ import annotations

import difflib
import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any

from recbole_pngnn.plugin import compat
from recbole_pngnn.plugin.patching import all_or_nothing, put, specialise, wrap_everywhere
from recbole_pngnn.plugin.scope import (
    MODELS,
    ModelName,
    is_own,
    measures_sign_auc,
    own_models,
    reads_signs,
)

# RecBole's, from packages that it does not install.
_OPTIONAL_MODELS = ("LightGBM", "XGBoost")
_CONFIGURATOR = "recbole.config.configurator"
# RecBole as this module and those that it imports know it.
_recbole = sys.modules.get(_CONFIGURATOR)


def is_of_this_recbole() -> bool:
    """Tell whether the RecBole that is imported is still the one that was registered with."""
    return _recbole is None or sys.modules.get(_CONFIGURATOR) is _recbole


def register() -> None:
    """Register with RecBole, whole or not at all; a second call changes nothing.

    - ``get_model`` and Config find the plugin's models and their YAML files;
    - the plugin's models and their subclasses choose dataloader and trainer of their training;
    - Dataset, Sampler, evaluation loader and Collector obey ``like_threshold`` where it is set;
    - the metric ``SignAUC`` can be named in ``metrics``;
    - logs and TensorBoard files follow ``output_dir`` where it is set;
    - ``load_data_and_model`` also loads on another device, and checks the data;
    - what cannot run on today's packages runs, what the protocol corrects is correct there, and
      some things are faster.

    A run that names neither the option ``protocol`` nor a model of the plugin is as RecBole has it.
    """
    global _recbole
    with all_or_nothing():
        compat.mend_packages()
        importlib.import_module("recbole.config")
        _recbole = sys.modules[_CONFIGURATOR]
        compat.mend_recbole()
        from recbole_pngnn.plugin import config, corrections, loading, speed

        speed.install()
        corrections.install()
        _register_models()
        _register_data()
        loading.install()
        _register_outputs()
        config.install()  # the last: until then a Config of another thread waits


def _register_models() -> None:
    import recbole.trainer
    from recbole.utils import utils

    for name, module_name in MODELS.items():
        # RecBole imports recbole.model.<kind>.<name in lower case>; an alias keeps one class.
        alias = f"recbole.model.general_recommender.{name.lower()}"
        sys.modules[alias] = module = importlib.import_module(module_name)
        trainer = getattr(getattr(module, name), "trainer", None)
        if trainer is not None:  # for code that holds RecBole's own get_trainer
            put(recbole.trainer, f"{name}Trainer", trainer)
    wrap_everywhere(utils, "get_model", _with_better_error)
    wrap_everywhere(utils, "get_trainer", _by_class)


def _with_better_error(get_model: Callable[[str], Any]) -> Callable[[str], Any]:
    @functools.wraps(get_model)
    def get_model_by_name(model_name: str) -> Any:
        """Find a model class by its name, RecBole's or this plugin's."""
        if isinstance(model_name, ModelName):
            return model_name.model_class
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


def _by_class(get_trainer: Callable[..., Any]) -> Callable[..., Any]:
    """Let a model of ours name its trainer; RecBole looks for one by the model's name alone."""

    @functools.wraps(get_trainer)
    def get_trainer_of_model(model_type: Any, model_name: str) -> Any:
        """Return the trainer of a model, see RecBole's ``get_trainer``."""
        import recbole.trainer
        from recbole.utils import ModelType, get_model

        try:
            model_class = get_model(model_name)
        except (ValueError, ModuleNotFoundError, AttributeError):
            model_class = None
        if not own_models(model_class):
            return get_trainer(model_type, model_name)
        named = getattr(recbole.trainer, f"{model_name}Trainer", None)
        if named is not None and named.__module__.partition(".")[0] not in (
            "recbole",
            "recbole_pngnn",
        ):
            return named  # a user's, by RecBole's convention
        of_type = "TraditionalTrainer" if model_type == ModelType.TRADITIONAL else "Trainer"
        return getattr(model_class, "trainer", None) or getattr(recbole.trainer, of_type)

    return get_trainer_of_model


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
    import recbole.data.dataset.dataset
    import recbole.data.utils
    import recbole.evaluator.collector
    import recbole.sampler.sampler

    from recbole_pngnn.protocol import sign_auc
    from recbole_pngnn.protocol.dataset import SignedDataset
    from recbole_pngnn.protocol.masks import RatedSampler

    specialise(recbole.data.dataset.dataset.Dataset, SignedDataset, _reads_signs)
    specialise(recbole.sampler.sampler.Sampler, RatedSampler, _knows_what_was_rated)
    specialise(recbole.evaluator.collector.Collector, sign_auc.SignedCollector, measures_sign_auc)
    sign_auc.add_to_register()
    wrap_everywhere(recbole.data.utils, "get_dataloader", _with_own_dataloaders)


def _reads_signs(config: Any, *args: Any, **options: Any) -> bool:
    return reads_signs(config)


def _knows_what_was_rated(phases: Any, datasets: Any, *args: Any, **options: Any) -> bool:
    first = datasets[0] if isinstance(datasets, (list, tuple)) else datasets
    return getattr(first, "like_threshold", None) is not None


def _with_own_dataloaders(get_dataloader: Callable[..., Any]) -> Callable[..., Any]:
    """Let a model of ours choose its training's dataloader; RecBole has a table of its own names.

    ``train_dataloader`` of the model's class is asked, since the choice depends on options.
    """

    @functools.wraps(get_dataloader)
    def get_dataloader_of_model(config: Any, phase: str) -> Any:
        """Return the class of a phase's dataloader, see RecBole's ``get_dataloader``."""
        from recbole.data.dataloader import FullSortEvalDataLoader, TrainDataLoader

        from recbole_pngnn.protocol.sign_auc import SignedEvalDataLoader

        if phase == "train" and is_own(config):
            return config.model_class.train_dataloader(config) or TrainDataLoader
        loader = get_dataloader(config, phase)
        signed = reads_signs(config) or measures_sign_auc(config)
        return SignedEvalDataLoader if signed and loader is FullSortEvalDataLoader else loader

    return get_dataloader_of_model


def _register_outputs() -> None:
    from recbole.utils import logger, utils

    from recbole_pngnn.plugin import output

    wrap_everywhere(logger, "init_logger", output.logger_for)
    wrap_everywhere(utils, "get_tensorboard", output.tensorboard_for)
