"""Types of RecBole's own options, checked before RecBole stumbles over them, or does not.

RecBole takes ``epochs: 0`` for an untrained model, an unknown optimiser for Adam, and the text
``no`` for yes; most other slips end in a traceback. Applied under the protocol ``signed`` alone.
"""

from __future__ import annotations

import ast
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import yaml
from recbole.config import configurator
from recbole.evaluator import metric_types
from recbole.evaluator.register import metrics_dict
from recbole.utils import EvaluatorType, InputType, ModelType

from recbole_pngnn.arguments import close_to

# Says what a value must be where it is wrong, None where it is right.
Check = Callable[[Any], str | None]

_WITHOUT_CUTOFF = ("gauc", "auc", "rmse", "mae", "logloss", "signauc")
_NUMBER = r"[-+]?(?:inf|\d+\.?\d*(?:e[-+]?\d+)?|\.\d+)"
_INTERVALS = re.compile(
    rf"\s*[\[(]\s*{_NUMBER}\s*,\s*{_NUMBER}\s*[\])]\s*(;\s*[\[(]\s*{_NUMBER}\s*,\s*{_NUMBER}\s*[\])]\s*)*",
    re.IGNORECASE,
)


def whole(minimum: int | None = None, maximum: int | None = None) -> Check:
    """Check for a whole number between two bounds, both included."""
    bounds = "" if minimum is None else f" of at least {minimum}"
    bounds += "" if maximum is None else f" and at most {maximum}"

    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, Integral):
            return f"a whole number{bounds}"
        is_inside = (minimum is None or int(value) >= minimum) and (
            maximum is None or int(value) <= maximum
        )
        return None if is_inside else f"a whole number{bounds}"

    return check


def number(minimum: float = -math.inf, maximum: float = math.inf, above: bool = False) -> Check:
    """Check for a finite number between two bounds; ``above`` leaves the lower one out."""
    if minimum == -math.inf:
        what = "a number"
    elif maximum < math.inf:
        what = f"a number between {minimum:g} and {maximum:g}"
    else:
        what = f"a number {'above' if above else 'of at least'} {minimum:g}"

    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, Real):
            return what
        try:
            found = float(value)
        except OverflowError:  # a whole number of 400 digits
            found = math.inf
        is_inside = minimum <= found <= maximum and not (above and found == minimum)
        return None if math.isfinite(found) and is_inside else what

    return check


def flag(value: Any) -> str | None:
    """Check for True or False."""
    return None if isinstance(value, bool) or value in (0, 1) else "True or False"


def text(value: Any) -> str | None:
    """Check for a text, or a path, with something in it."""
    return None if isinstance(value, (str, os.PathLike)) and str(value) else "a text"


def one_of(*words: str) -> Check:
    """Check for one of a few words, whatever their case."""

    def check(value: Any) -> str | None:
        if isinstance(value, str) and value.lower() in [word.lower() for word in words]:
            return None
        close = close_to(value, words) if isinstance(value, str) else None
        return f"one of {', '.join(words)}" + (f" (did you mean {close}?)" if close else "")

    return check


def list_of(check_item: Check, example: str) -> Check:
    """Check for a list that is not empty, each item by a check of its own."""

    def check(value: Any) -> str | None:
        if not isinstance(value, (list, tuple)) or not value:
            return f"a list, such as {example}"
        problems = [problem for item in value if (problem := check_item(item)) is not None]
        return f"a list, each of it {problems[0]}, such as {example}" if problems else None

    return check


def dict_of(example: str, **keys: Check) -> Check:
    """Check for a dict; with ``keys`` it has no others, and each value has its check."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return f"a dict, such as {example}"
        for key, item in value.items():
            if not keys:
                break
            if key not in keys:
                close = close_to(str(key), keys)
                hint = f"; did you mean {close}?" if close else ""
                return f"a dict of {', '.join(keys)}, without {key!r}{hint}"
            problem = keys[key](item)
            if problem is not None:
                return f"a dict whose {key} is {problem}"
        return None

    return check


def none_or(check_value: Check) -> Check:
    """Check a value that may be empty."""
    return lambda value: None if value is None or value == "None" else check_value(value)


def anything(value: Any) -> str | None:
    """Accept what is checked elsewhere."""
    return None


def _topk(value: Any) -> str | None:
    if isinstance(value, Integral) and whole(1)(value) is None:
        return None
    problem = list_of(whole(1), "[5,10]")(value) if not isinstance(value, tuple) else ""
    return None if problem is None else "a whole number of at least 1, or a list such as [5,10]"


def _gpu_id(value: Any) -> str | None:
    written = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    is_right = re.fullmatch(
        r"\s*(-1|(\d+|(GPU|MIG)-[\w/-]+)(\s*,\s*(\d+|(GPU|MIG)-[\w/-]+))*)?\s*", written
    )
    return None if is_right else "numbers of GPUs, such as 0 or 0,1; an empty text is the CPU"


def _interval(value: Any) -> str | None:
    # A closed interval of a command line, [1,6], is a list by then; RecBole makes it a text again.
    is_right = isinstance(value, (str, list, tuple)) and _INTERVALS.fullmatch(str(value))
    return None if is_right else "an interval, such as '[5,inf)'"


def _intervals(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "a dict, such as {'timestamp': '[0,1e9]'}"
    for field, allowed in value.items():
        if not isinstance(allowed, (list, tuple)) and _interval(allowed) is not None:
            return f"a dict whose {field} is an interval, such as '[0,5]', or a list of tokens"
    return None


def _threshold(value: Any) -> str | None:
    is_right = isinstance(value, dict) and len(value) == 1
    is_right = is_right and all(number()(bound) is None for bound in value.values())
    return None if is_right else "a dict of one column and a number, such as {'rating': 4}"


def _mode(value: Any) -> str | None:
    modes = value.values() if isinstance(value, dict) else [value]
    is_right = all(
        isinstance(m, str) and re.fullmatch(r"full|labeled|(uni|pop)\d+", m) for m in modes
    )
    return (
        None if is_right and modes else "full, labeled, or uni or pop and a number, such as uni100"
    )


def _encoding(value: Any) -> str | None:
    try:
        "".encode(value)  # a codec of texts: rot13 and base64 are none
    except (LookupError, TypeError, ValueError):
        return "an encoding that Python knows, such as utf-8 or latin-1"
    return None


def _columns(value: Any) -> str | None:
    """Check for columns by file: ``*`` for all, or a list of names."""
    if not isinstance(value, dict):
        return f"a dict, such as {_COLUMNS}"
    for suffix, columns in value.items():
        is_list = isinstance(columns, (list, tuple, set))
        if columns != "*" and not (is_list and all(text(c) is None for c in columns)):
            return f"a dict whose {suffix} is a list of names, such as {_COLUMNS}"
    return None


def _texts(example: str) -> Check:
    """Check for a list of texts, empty or not."""

    def check(value: Any) -> str | None:
        is_list = isinstance(value, (list, tuple)) and all(text(item) is None for item in value)
        return None if is_list else f"a list of texts, such as {example}"

    return check


def _texts_or_text(value: Any) -> str | None:
    return None if text(value) is None else _texts("['a','b']")(value)


_FLAGS = """
    use_gpu reproducibility show_progress save_dataset save_dataloaders log_wandb shuffle
    require_pow repeatable normalize_all fast_graph
    filter_inter_by_user_or_item
""".split()
_TEXTS = """
    data_path checkpoint_dir output_dir field_separator seq_separator NEG_PREFIX
    USER_ID_FIELD ITEM_ID_FIELD RATING_FIELD TIME_FIELD LABEL_FIELD wandb_project
""".split()
_SAMPLING = "{'distribution': 'uniform', 'sample_num': 1}"
_COLUMNS = "{'inter': ['user_id', 'item_id', 'rating']}"
GENERAL: dict[str, Check] = {
    "epochs": whole(1),
    "train_batch_size": whole(1),
    "eval_batch_size": whole(1),
    "learning_rate": number(0, above=True),
    "weight_decay": number(0),
    "eval_step": whole(),
    "stopping_step": whole(0),
    "seed": whole(0, 2**32 - 1),
    "worker": whole(0),
    "nproc": whole(1),
    "loss_decimal_place": whole(0),
    "metric_decimal_place": whole(0),
    "learner": one_of("adam", "adamw", "sgd", "adagrad", "rmsprop", "sparse_adam"),
    "state": none_or(one_of("debug", "info", "warning", "error", "critical")),
    "topk": _topk,
    "gpu_id": _gpu_id,
    "clip_grad_norm": none_or(
        dict_of(
            "{'max_norm': 5}", max_norm=number(0, above=True), norm_type=number(0), foreach=flag
        )
    ),
    "train_neg_sample_args": none_or(
        dict_of(
            _SAMPLING,
            distribution=none_or(one_of("uniform", "popularity")),
            sample_num=whole(1),
            alpha=number(),
            dynamic=flag,
            candidate_num=whole(0),
        )
    ),
    "eval_args": dict_of(
        "{'split': {'RS': [0.8, 0.1, 0.1]}, 'order': 'RO', 'group_by': 'user', 'mode': 'full'}",
        split=anything,  # by the protocol, with the data in hand
        order=one_of("RO", "TO"),
        group_by=none_or(one_of("user", "none")),
        mode=_mode,
    ),
    "benchmark_filename": none_or(list_of(text, "['train','valid','test']")),
    "load_col": none_or(_columns),
    "unload_col": none_or(_columns),
    "unused_col": none_or(_columns),
    "additional_feat_suffix": none_or(_texts_or_text),
    "normalize_field": none_or(list_of(text, "['rating']")),
    "val_interval": none_or(_intervals),
    "threshold": none_or(_threshold),
    "seq_len": none_or(dict_of("{'genres': 5}")),
    "user_inter_num_interval": none_or(_interval),
    "item_inter_num_interval": none_or(_interval),
    "rm_dup_inter": none_or(one_of("first", "last")),
    "alias_of_user_id": none_or(_texts_or_text),
    "alias_of_item_id": none_or(_texts_or_text),
    "preload_weight": none_or(dict_of("{'id': 'vector'}")),
    "numerical_features": _texts("['age']"),
    "discretization": none_or(dict_of("{'age': {'method': 'ED', 'bucket': 5}}")),
    "transform": none_or(text),
    "dataset_save_path": none_or(text),
    "dataloaders_save_path": none_or(text),
    "enable_amp": flag,
    "enable_scaler": flag,
    **dict.fromkeys(_FLAGS, none_or(flag)),
    **dict.fromkeys(_TEXTS, text),
    "encoding": none_or(_encoding),
}
# Names of whole numbers in RecBole's models; a weight may be a fraction though its default is none.
_COUNT = re.compile(
    r"^(n|num)_|(^|_)(size|size_list|dim|dimension|layers?|num|len|length|heads|epochs|steps?|k)$"
)
_AT_LEAST_ONE = re.compile(
    r"(^|_)(size|size_list|dim|dimension|heads|k|epochs)$|^n_(factors|heads)$"
)
_SHARE = re.compile(r"dropout|drop_ratio|corruption_ratio")
_RANGE = re.compile(r"^(\w+):.*#.*rang(?:e|ing) in `*\[(.*?)\]", re.IGNORECASE)


def check_all(config: Any, model: str, model_class: Any) -> None:
    """Check what a Config is about to be made of.

    Args:
        config: RecBole's Config, with its options read and not yet used.
        model: Name of the model.
        model_class: Its class.

    Raises:
        ValueError: Names the option, what it must be, and what it is.
    """
    options = {**config.internal_config_dict, **config.external_config_dict}
    if options.get("like_threshold") is not None:
        _check_kind(model, model_class.type)
    folder = Path(configurator.__file__).parent.parent / "properties" / "model"
    checks = {**_of_model(folder / f"{model}.yaml", config.yaml_loader), **GENERAL}
    for key, value in options.items():
        problem = checks[key](value) if key in checks else None
        if problem is not None:
            raise ValueError(f"{key} must be {problem}; found {value!r}{_is_quoted(value)}")
    if "local_rank" in options and "nproc" not in options:
        raise ValueError(
            "local_rank is set by RecBole where it starts several processes (nproc); leave it out"
        )
    _check_metrics(options)
    _check_columns(options)
    _check_sampling(options.get("train_neg_sample_args"), model, model_class)


def _check_columns(options: Mapping[str, Any]) -> None:
    """Check options that name columns against those that are loaded, and needed."""
    loaded = options.get("load_col")
    if isinstance(loaded, dict) and all(isinstance(c, (list, tuple)) for c in loaded.values()):
        names = {name for columns in loaded.values() for name in columns}
        for key in ("alias_of_user_id", "alias_of_item_id"):
            aliases = options.get(key) or []
            for alias in [aliases] if isinstance(aliases, str) else aliases:
                if alias not in names:
                    raise ValueError(f"{key} names {alias}, and load_col does not load it")
    threshold = options.get("like_threshold")
    if isinstance(threshold, dict):
        if isinstance(loaded, dict) and not loaded.get("inter"):
            raise ValueError(
                f"load_col loads no column of the interactions, and like_threshold needs some; "
                f"write for example {_COLUMNS}; found {loaded!r}"
            )
        needed = {options.get("USER_ID_FIELD"), options.get("ITEM_ID_FIELD"), *threshold}
        for key in ("unload_col", "unused_col"):
            by_file = options.get(key) or {}
            _check_files(key, by_file, options.get("additional_feat_suffix"))
            columns = by_file.get("inter") or []
            left_out = needed & set(columns)
            if left_out:
                raise ValueError(
                    f"{key} leaves out {', '.join(sorted(left_out))}, and like_threshold needs it"
                )


def _check_files(key: str, by_file: Mapping[str, Any], suffixes: Any) -> None:
    """Refuse columns of a file that RecBole does not read."""
    more = [suffixes] if isinstance(suffixes, str) else suffixes or []
    files = ["inter", "user", "item", *more]
    for suffix in by_file:
        if suffix not in files:
            raise ValueError(f"{key} names a file {suffix!r}, and files are {', '.join(files)}")


def _check_sampling(given: Any, model: str, model_class: Any) -> None:
    """Check that RecBole's models which compare pairs get what to compare with."""
    has_none = given in (None, "None") or given.get("distribution", "uniform") in (None, "None")
    is_stock = model_class.__module__.startswith("recbole.model.")
    if has_none and is_stock and getattr(model_class, "input_type", None) == InputType.PAIRWISE:
        raise ValueError(
            f"{model} learns from sampled items, and train_neg_sample_args draws none; its default "
            f"is {_SAMPLING}"
        )
    if not has_none and given.get("dynamic") and not given.get("candidate_num"):
        raise ValueError(
            "train_neg_sample_args is dynamic and has no candidates; set candidate_num, to 1 at "
            "least"
        )


def _check_kind(model: str, kind: ModelType) -> None:
    if kind in (ModelType.GENERAL, ModelType.TRADITIONAL):
        return
    raise ValueError(
        f"like_threshold is for general recommenders, such as PNGNN, SiReN, SignedEASE, BPR, "
        f"LightGCN or EASE, and {model} is a {kind.name.lower()} model: its results would not be "
        f"comparable. Choose one of them, or RecBole's own rules by --protocol=recbole"
    )


def _is_quoted(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    try:
        read = ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return ""
    return "" if isinstance(read, str) else ", a text: take it out of its quotes"


def _check_metrics(options: Mapping[str, Any]) -> None:
    """Check ``metrics`` and ``valid_metric``; that the one is among the others waits for a split.

    A pre-split dataset without a validation part needs no ``valid_metric``.
    """
    names = [metric.__name__ for metric in metrics_dict.values()]
    metrics = options.get("metrics")
    listed = [metrics] if isinstance(metrics, str) else metrics
    if not isinstance(listed, (list, tuple)) or not listed:
        raise ValueError(f"metrics must be a list, such as ['Recall','NDCG']; found {metrics!r}")
    for metric in listed:
        if not isinstance(metric, str) or metric.lower() not in metric_types:
            close = close_to(str(metric), names)
            if isinstance(metric, str) and "@" in metric:
                hint = "; cut-offs are set by topk"
            else:
                hint = f"; did you mean {close}?" if close else ""
            raise ValueError(f"there is no metric {metric!r}{hint}; metrics are {', '.join(names)}")
    kinds = {metric_types[metric.lower()] for metric in listed}
    ranks = options.get("like_threshold") is not None
    if len(kinds) > 1 or (ranks and EvaluatorType.VALUE in kinds):
        values = [m for m in listed if metric_types[m.lower()] == EvaluatorType.VALUE]
        raise ValueError(
            f"{', '.join(values)} measure{'s' * (len(values) == 1)} predicted values, and here "
            f"items are ranked; take ranking metrics alone, such as Recall and NDCG"
        )
    _check_valid_metric(options.get("valid_metric"), names)


def _check_valid_metric(value: Any, names: Sequence[str]) -> None:
    name, at, cutoff = str(value).strip().partition("@")
    if not isinstance(value, str) or not name:
        raise ValueError(f"valid_metric must be a metric, such as NDCG@10; found {value!r}")
    known = [metric.lower() for metric in names]
    if name.lower() not in known:
        close = close_to(name, names)
        hint = f"; did you mean {close}{at}{cutoff}?" if close else ""
        raise ValueError(
            f"valid_metric {value!r} is no metric{hint}; metrics are {', '.join(names)}"
        )
    if name.lower() in _WITHOUT_CUTOFF:
        if at:
            raise ValueError(f"valid_metric {value!r}: {name} has no cut-off; write {name}")
    elif not re.fullmatch(r"[1-9]\d*", cutoff):
        raise ValueError(f"valid_metric {value!r} needs a cut-off, such as {name}@10")


def _of_model(file: Path, loader: Any) -> dict[str, Check]:
    """Return checks of a stock model's options, by their defaults and RecBole's comments."""
    if not file.is_file():
        return {}
    written = file.read_text(encoding="utf-8")
    defaults: dict[str, Any] = yaml.load(written, Loader=loader) or {}
    words = {
        match[1]: [word.strip(" '\"") for word in match[2].split(",")]
        for line in written.splitlines()
        if (match := _RANGE.match(line))
    }
    return {key: _like(key, value, words.get(key, ())) for key, value in defaults.items()}


def _like(key: str, default: Any, words: Sequence[str]) -> Check:
    if isinstance(default, bool):
        return flag
    if isinstance(default, int) and _COUNT.search(key):
        return whole(min(default, 1 if _AT_LEAST_ONE.search(key) else 0))
    if isinstance(default, (int, float)):
        return number(0, 1) if _SHARE.search(key) else number()
    if isinstance(default, str):
        return one_of(*words) if default in words else lambda v: text(v) if default else None
    if isinstance(default, list) and default:
        kinds = {type(item) for item in default}
        minimum = 1 if _AT_LEAST_ONE.search(key) else None
        item = whole(minimum) if kinds == {int} and _COUNT.search(key) else number()
        return list_of(item if kinds <= {int, float} else anything, str(default))
    return anything
