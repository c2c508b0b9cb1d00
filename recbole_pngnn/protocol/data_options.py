"""Options of the split and of the filters: what RecBole misreads or dies of is refused by name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

from recbole_pngnn.protocol.threshold import SOURCE_FIELD

EVAL_KEYS = ("split", "group_by", "order", "mode")
SPLITS = ("RS", "LS", "TS")
COUNT_FILTERS = ("user_inter_num_interval", "item_inter_num_interval")
FILTERS = ("val_interval", *COUNT_FILTERS, "filter_inter_by_user_or_item", "rm_dup_inter")
_BRACKETS = 'write it as "[low,high]", with ( or ) for an end that is left out and inf for none'


def check_data_options(config: Any) -> list[str]:
    """Refuse options of the data that cannot be obeyed, before any file is read.

    Args:
        config: RecBole's Config, under ``like_threshold``.

    Returns:
        Sentences for the log: options that are given and that these data ignore.

    Raises:
        ValueError: An option of the split or of a filter has no meaning, or leaves no test part.
    """
    parts = config["benchmark_filename"]
    _check_unused_columns(config)
    if parts is None:
        check_split(config["eval_args"])
        if needs_time(config["eval_args"]) and not config["TIME_FIELD"]:
            raise ValueError(_no_time(config["eval_args"], "and TIME_FIELD names none"))
        _check_filters(config)
        if config["rm_dup_inter"] == "first":
            return [
                "rm_dup_inter: first is not read: of a pair that was rated again the last rating "
                "counts (like_threshold)"
            ]
        return []
    named = isinstance(parts, (list, tuple)) and all(isinstance(part, str) for part in parts)
    if not named or len(parts) not in (2, 3):
        raise ValueError(
            f"benchmark_filename must name two parts ([train, test]) or three ([train, valid, "
            f"test]), found {parts!r}"
        )
    if len(set(parts)) < len(parts):
        raise ValueError(f"benchmark_filename names a part twice: {list(parts)}")
    given = config.external_config_dict
    ignored = [key for key in FILTERS if given.get(key) not in (None, False)]
    if "split" in (given.get("eval_args") or {}):
        ignored.append("eval_args: split")
    return [
        f"{key} is not read: {config['dataset']} is split already (benchmark_filename), and "
        f"RecBole takes its parts as they are"
        for key in ignored
    ]


def check_split(eval_args: Any) -> None:
    """Refuse an ``eval_args`` that RecBole cannot split by, or that leaves no test part.

    Raises:
        ValueError: It says what was found and what can be written.
    """
    unknown = [key for key in eval_args if key not in EVAL_KEYS]
    if unknown:
        close = difflib.get_close_matches(str(unknown[0]), EVAL_KEYS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"its keys are {', '.join(EVAL_KEYS)}"
        raise ValueError(f"eval_args has {unknown[0]!r}, which nothing reads; {hint}")
    order, group_by = eval_args.get("order"), eval_args.get("group_by")
    if order not in ("RO", "TO"):
        raise ValueError(
            f"eval_args: order must be RO (at random) or TO (by time), found {order!r}"
        )
    if group_by not in (None, "user") and str(group_by).lower() != "none":
        raise ValueError(
            f"eval_args: group_by must be user (each user's interactions are split) or none (all "
            f"together), found {group_by!r}"
        )
    split = eval_args.get("split")
    if not isinstance(split, dict) or len(split) != 1 or next(iter(split)) not in SPLITS:
        raise ValueError(
            f"eval_args: split must be one of {{RS: [0.8, 0.1, 0.1]}} (shares), {{LS: "
            f"valid_and_test}} (leave one out) and {{TS: [0.8, 0.1, 0.1]}} (shares, the test part "
            f"behind one point in time), found {split!r}"
        )
    ((kind, value),) = split.items()
    if kind == "LS":
        _check_leave_one_out(value)
    else:
        _check_ratios(kind, value, lengths=(2, 3) if kind == "RS" else (3,))


def check_time(eval_args: Any, time_field: str, columns: Sequence[str], numeric: bool) -> None:
    """Refuse an order by time of interactions without times.

    Args:
        eval_args: RecBole's.
        time_field: ``TIME_FIELD``.
        columns: Columns of the interactions that were loaded.
        numeric: Whether the times are numbers.

    Raises:
        ValueError: There are no times, or they are text.
    """
    if not needs_time(eval_args):
        return
    if time_field not in columns:
        found = f"and the interactions have {', '.join(map(str, columns))}"
        raise ValueError(_no_time(eval_args, f"{time_field} (TIME_FIELD), {found}"))
    if not numeric:
        raise ValueError(
            _no_time(eval_args, f"and {time_field} is no float; write {time_field}:float")
        )


def needs_time(eval_args: Any) -> bool:
    """Whether the parts depend on times."""
    return eval_args.get("order") == "TO" or "TS" in (eval_args.get("split") or {})


def _no_time(eval_args: Any, found: str) -> str:
    word = "order: TO" if eval_args.get("order") == "TO" else "split: TS"
    return (
        f"eval_args: {word} needs a column of times, {found}; name the column by TIME_FIELD and in "
        f"load_col, or choose order: RO and split: RS"
    )


def _check_leave_one_out(value: Any) -> None:
    if value == "valid_only":
        raise ValueError(
            "eval_args: split {LS: valid_only} leaves no test part, and a run is measured on one; "
            "write valid_and_test or test_only"
        )
    if value not in ("valid_and_test", "test_only"):
        raise ValueError(
            f"eval_args: split LS must be valid_and_test or test_only, found {value!r}"
        )


def _check_ratios(kind: str, ratios: Any, lengths: Sequence[int]) -> None:
    example = f"eval_args: split {kind} takes shares of training, validation and test"
    if (
        not isinstance(ratios, (list, tuple))
        or len(ratios) not in lengths
        or any(isinstance(r, bool) or not isinstance(r, (int, float)) for r in ratios)
    ):
        raise ValueError(f"{example}, for example [0.8, 0.1, 0.1]; found {ratios!r}")
    if any(not math.isfinite(ratio) or ratio < 0 for ratio in ratios):
        raise ValueError(f"{example}, none of them negative; found {list(ratios)}")
    if not ratios[0] or not ratios[-1]:
        missing = "test" if ratios[0] else "training"
        raise ValueError(
            f"eval_args: split {kind} {list(ratios)} leaves no {missing} part, and a run needs "
            f"one; write for example [0.8, 0.1, 0.1], or [0.8, 0, 0.2] for no validation"
        )
    # Whole numbers are parts of their sum, as RecBole reads them.
    whole = all(float(ratio).is_integer() for ratio in ratios)
    if not whole and not math.isclose(sum(ratios), 1.0, abs_tol=1e-3):
        raise ValueError(f"{example}, which sum to 1; {list(ratios)} sum to {sum(ratios):g}")


def _check_unused_columns(config: Any) -> None:
    unused = config["unused_col"]
    if unused is None:
        return
    if not isinstance(unused, dict):
        raise ValueError(
            f"unused_col names columns by file, for example {{inter: [timestamp]}}; found "
            f"{unused!r}"
        )
    needed = [config["USER_ID_FIELD"], config["ITEM_ID_FIELD"], config["LABEL_FIELD"], SOURCE_FIELD]
    dropped = [field for field in unused.get("inter") or [] if field in needed]
    if dropped:
        raise ValueError(
            f"unused_col drops {', '.join(dropped)} of the interactions, which like_threshold "
            f"needs: take it out of unused_col"
        )


def _check_filters(config: Any) -> None:
    for key in COUNT_FILTERS:
        if config[key] is not None:
            _check_intervals(key, config[key])
    values = config["val_interval"]
    if values is not None and not isinstance(values, dict):
        raise ValueError(
            f"val_interval names a column and what is kept of it, for example "
            f'{{timestamp: "[1e9,inf)"}}; found {values!r}'
        )
    if config["rm_dup_inter"] not in (None, "first", "last"):
        raise ValueError(
            f"rm_dup_inter must be first or last, or unset, found {config['rm_dup_inter']!r}"
        )


def check_kept_values(config: Any, is_float: dict[str, bool]) -> None:
    """Refuse a ``val_interval`` that RecBole would misread, given the columns that are there.

    Args:
        config: RecBole's Config.
        is_float: Whether a column holds numbers (else ids or words), by its name.

    Raises:
        ValueError: A column is not loaded, or what is to be kept of it cannot be read.
    """
    for field, kept in (config["val_interval"] or {}).items():
        if field not in is_float:
            raise ValueError(
                f"val_interval names {field}, and the columns loaded are {', '.join(is_float)}; "
                f"name it in load_col"
            )
        if is_float[field]:
            _check_intervals(f"val_interval of {field}", kept)
        elif not isinstance(kept, (list, tuple, set)):
            raise ValueError(
                f"val_interval of {field} must be a list of the values that are kept, since "
                f"{field} is no number; found {kept!r}"
            )


def _check_intervals(key: str, text: Any) -> None:
    for interval in str(text).split(";"):
        interval = interval.strip()
        ends = interval[1:-1].split(",")
        if interval[:1] not in ("[", "(") or interval[-1:] not in ("]", ")") or len(ends) != 2:
            raise ValueError(f"{key}: {interval!r} is no interval; {_BRACKETS}")
        try:
            low, high = map(float, ends)
        except ValueError:
            raise ValueError(
                f"{key}: {interval!r} has an end that is no number; {_BRACKETS}"
            ) from None
        if not low <= high:
            raise ValueError(f"{key}: {interval!r} holds nothing, {low:g} is above {high:g}")
