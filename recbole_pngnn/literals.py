"""Values of options as people write them: literals, never code.

RecBole evaluates the text of an option as Python, so that ``--epochs=exit()`` ends the program and
worse words do worse. Here a text is a number, a list, a dict, True, False or None by
``ast.literal_eval``, and else it is itself.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

# Words, names and paths: `--data_path=2024` is a folder and no number.
_TEXTS = frozenset(
    """
    model dataset protocol data_path checkpoint_dir output_dir dataset_save_path
    dataloaders_save_path wandb_project state learner valid_metric field_separator seq_separator
    encoding USER_ID_FIELD ITEM_ID_FIELD RATING_FIELD TIME_FIELD LABEL_FIELD NEG_PREFIX
    HEAD_ENTITY_ID_FIELD TAIL_ENTITY_ID_FIELD RELATION_ID_FIELD ENTITY_ID_FIELD weight_field
    """.split()
)
_WORDS = {"true": True, "false": False, "none": None, "null": None, "~": None}
_SEPARATORS = ("field_separator", "seq_separator")
_EXAMPLES = {
    "topk": "[5,10]",
    "metrics": "\"['NDCG','Recall']\"",
    "eval_args": "\"{'split': {'RS': [0.8,0.1,0.1]}}\"",
    "like_threshold": "\"{'rating': 3.5}\"",
}
_TYPOGRAPHIC = "\u2018\u2019\u201c\u201d\u00ab\u00bb"


def read_value(key: str, text: str) -> Any:
    """Read the value of an option.

    Args:
        key: Name of the option.
        text: What was written.

    Returns:
        The value; the text itself where it is no literal.

    Raises:
        ValueError: It begins like a list or a dict and is none.
    """
    word = text.strip()
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if key in _SEPARATORS and text == r"\t":
        return "\t"
    try:
        value = ast.literal_eval(word)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        if word[:1] in ("[", "{", "(") and not key.endswith("_interval"):
            raise ValueError(_no_literal(key, text)) from error
        return text
    if isinstance(value, (bytes, complex, set)) or value is ...:
        return text
    return text if key in _TEXTS and not isinstance(value, str) else value


def for_recbole(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return options whose texts RecBole's ``Config`` can evaluate without running code.

    Args:
        options: Values by name. A text is read by :func:`read_value`.

    Raises:
        ValueError: See :func:`read_value`.
    """
    read = {
        key: read_value(key, value) if isinstance(value, str) else value
        for key, value in (options or {}).items()
    }
    return quoted(read)


def quoted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that have been read so that RecBole's evaluation leaves them as they are."""
    return {k: repr(value) if isinstance(value, str) else value for k, value in options.items()}


def _no_literal(key: str, text: str) -> str:
    kind = "dict" if text.strip().startswith("{") else "list"
    example = _EXAMPLES.get(
        key, "\"{'key': 'text', 'other': 3.5}\"" if kind == "dict" else "\"['text', 3.5]\""
    )
    quotes = "plain quotes" if set(_TYPOGRAPHIC) & set(text) else "quotes"
    return (
        f"the value of {key} is no {kind} that can be read: {text}; close its brackets, put "
        f"{quotes} around each text, and quotes of the shell around it all: --{key}={example}"
    )
