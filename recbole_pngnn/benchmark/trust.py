"""What a suite may ask for only where its author is trusted.

A suite is a file that people send each other, and its words are commands: it could send a key and
the users' histories to any address, have a file unpickled, which runs what is in it, or write
where it likes. The suites that are installed are this package's own; of another one, every word
that opens such a door is refused unless the user says ``--trust``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from recbole_pngnn.benchmark.keys import short
from recbole_pngnn.benchmark.suite import Row, Suite

# Words of `augment` that neither ask a server, nor load a file that runs, nor choose a place.
# Everything else, and a word that is not written out, needs trust.
_HARMLESS_AUGMENT = frozenset(
    """
    --provider --candidates --base_model --users --limit_users --sparsest --picks --votes
    --min_weight --like_threshold --seed --text_columns --history --anonymise_titles
    """.split()
)
_ASKS_A_SERVER = "openai"
# Words of `prepare` that choose where it writes.
_PREPARE_PLACES = ("--name", "--output", "--overwrite")
# Parts of the names of options that name files or addresses: RecBole unpickles datasets,
# dataloaders and pretrained weights where their options name them, and logs to a service.
_DOORS = frozenset(
    "path dir file files folder checkpoint pretrain save resume template wandb teacher url host ip"
    " port config".split()
)
# LDiffRec then loads item_emb.npy, pickles allowed; KD_DAGFM reads weights.
_DOOR_KEYS = frozenset({"n_cate", "warm_up"})
# What of Python a text may be: RecBole evaluates every option that is a text.
_LITERALS = (
    ast.Expression,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.Set,
    ast.UnaryOp,
    ast.USub,
    ast.UAdd,
)


def require_trust(suite: Suite) -> None:
    """Refuse a suite that is not installed and asks for what only a trusted one may.

    Raises:
        ValueError: The message names every such word, what it could do, and ``--trust``.
    """
    if is_installed(suite):
        return
    found = list(dict.fromkeys(doors(suite)))
    if found:
        shown = "; ".join(found[:5]) + (f"; and {len(found) - 5} more" if len(found) > 5 else "")
        raise ValueError(
            f"{suite.file} asks for what only a trusted suite may: {shown}. Read it, and say "
            f"--trust where you trust whoever wrote it"
        )


def require_safe_reading(suite: Suite) -> None:
    """Refuse a suite whose tables would read a file outside of the results.

    Raises:
        ValueError: ``references`` leads there, and the suite is not installed.
    """
    if suite.references is not None and _leads_away(suite.references) and not is_installed(suite):
        raise ValueError(
            f"{suite.file} asks for what only a trusted suite may: {_of_references(suite)}. Read "
            f"it, and say --trust where you trust whoever wrote it"
        )


def is_installed(suite: Suite) -> bool:
    """Tell whether a suite came with this package."""
    from recbole_pngnn.plugin.config import properties_dir

    return suite.file.resolve().parent == (properties_dir() / "benchmark").resolve()


def doors(suite: Suite) -> Iterator[str]:
    """List what of a suite needs trust: where it stands, the word, what it could do."""
    if suite.references is not None and _leads_away(suite.references):
        yield _of_references(suite)
    yield from _of_options(suite.options, "options")
    for dataset in suite.datasets:
        yield from _of_options(dataset.options, f"datasets: {dataset.name}: options")
        for split in dataset.splits:
            where = f"datasets: {dataset.name}: {split.dataset}: prepare"
            yield from _of_prepare(split.prepare or (), where)
    for row in suite.rows:
        yield from _of_row(row)


def _of_references(suite: Suite) -> str:
    return f"references: {short(suite.references)} (a file outside of the results)"


def _of_row(row: Row) -> Iterator[str]:
    where = f"rows: {row.name}"
    if not row.model.isidentifier():
        yield f"{where}: model {short(row.model)} (code from elsewhere)"
    yield from _of_options(row.options, f"{where}: options")
    for name, options in row.options_on.items():
        yield from _of_options(options, f"{where}: options_on: {name}")
    for key, found in row.search.items():
        for value in found.values:
            yield from _of_options({key: value}, f"{where}: search")
    yield from _of_augment(row.augment, f"{where}: augment")
    if row.answers is not None and _leads_away(row.answers):
        yield f"{where}: answers {short(row.answers)} (a file outside of the working folder)"


def _of_augment(words: Sequence[str], where: str) -> Iterator[str]:
    previous = ""
    for word in words:
        name, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        option = name or previous
        if name and name not in _HARMLESS_AUGMENT:
            yield f"{where}: {short(name)} (sends data, loads a file or writes elsewhere)"
        elif (equals or not name) and option == "--provider" and value == _ASKS_A_SERVER:
            yield f"{where}: --provider {value} (sends users' histories, and the key, to a server)"
        elif (equals or not name) and option == "--base_model" and not value.isidentifier():
            yield f"{where}: --base_model {short(value)} (code from elsewhere)"
        elif (equals or not name) and _is_path(value):
            yield f"{where}: {short(value)} (a file)"
        previous = name


def _of_prepare(words: Sequence[str], where: str) -> Iterator[str]:
    for word in words:
        name, _, value = word.partition("=") if word.startswith("--") else ("", "", word)
        if len(name) > 2 and any(place.startswith(name) for place in _PREPARE_PLACES):
            yield f"{where}: {short(name)} (writes elsewhere)"
        elif "://" in value or value.startswith("\\\\"):
            yield f"{where}: {short(value)} (an address)"


def _of_options(options: Mapping[str, Any], where: str) -> Iterator[str]:
    for key, value in options.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        parts = set(key.lower().split("_"))
        if key.lower() in _DOOR_KEYS and value not in (None, False, 0, 1):
            yield f"{where}: {short(key)} (loads a file)"
        elif parts & _DOORS and not (value in (None, False) or is_number):
            yield f"{where}: {short(key)} (names a file or an address, and may unpickle it)"
        elif isinstance(value, str) and _is_program(value):
            yield f"{where}: {short(key)}: {short(value)} (RecBole evaluates it as Python)"
        elif any(_is_path(text) for text in _texts(value)):
            yield f"{where}: {short(key)}: {short(value)} (a file or an address)"


def _is_program(text: str) -> bool:
    """Tell whether RecBole's ``eval`` of an option would do more than read a value."""
    try:
        tree = ast.parse(text.lstrip(" \t"), mode="eval")
    except SyntaxError:
        return False  # it stays a text
    except (ValueError, RecursionError, MemoryError):
        return True
    return not all(isinstance(node, _LITERALS) for node in ast.walk(tree))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from (*_texts(key), *_texts(entry))
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)


def _is_path(text: str) -> bool:
    return "/" in text or ("\\" in text and text != r"\t") or ".." in text or text.startswith("~")


def _leads_away(text: str) -> bool:
    """Tell whether a path is not below the folder that it is relative to, or is an address."""
    return (
        ".." in re.split(r"[/\\]", text)
        or re.match(r"[/~]|\\\\|[A-Za-z]:[/\\]", text) is not None
        or "://" in text
    )
