"""A YAML file that a person wrote: read whole, or refused in one line that names the place.

PyYAML's safe loader makes nothing but plain values, but it keeps the last of two equal keys without
a word, unfolds aliases without a bound, and says what is wrong in several lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

# Values of a file once its aliases are written out; a suite has hundreds.
MOST_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"
_PLAIN = {_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq", "merge")}


class Mapping(dict[Any, Any]):
    """A mapping that knows the line of each of its keys, and its own."""

    def __init__(self, content: Any = (), lines: dict[Any, int] | None = None) -> None:
        super().__init__(content)
        self.lines: dict[Any, int] = lines or {}

    def at(self, key: Any = None) -> str:
        """Say where a key stands, or the mapping without one; empty where nothing is known."""
        line = min(self.lines.values(), default=None) if key is None else self.lines.get(key)
        return "" if line is None else f" (line {line})"


def read_yaml(file: Path) -> Any:
    """Read a YAML file of plain values.

    Args:
        file: The file, in UTF-8, with or without a byte order mark.

    Returns:
        Its content; every mapping is a :class:`Mapping`.

    Raises:
        ValueError: It is no UTF-8 or no YAML, has a key twice, a number that is not finite, a tag
            or a value that is not plain, or aliases that refer to themselves or unfold too far.
    """
    text = _decoded(file)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, file, set(), {})
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join((error.problem or error.context or "").split())
        if "\t" in (error.problem or "") or "'\\t'" in problem:
            problem += "; indent by spaces, not by tabs"
        place = "" if mark is None else f" (line {mark.line + 1})"
        raise ValueError(f"{file} is no YAML: {problem}{place}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = error.character  # its number, whatever its stub says
        shown = chr(found) if isinstance(found, int) else found
        raise ValueError(
            f"{file} is no YAML: the character {shown!r} is not allowed (line {line})"
        ) from error
    except RecursionError as error:
        raise ValueError(f"{file}: its values are nested too deep for a file of options") from error


def _decoded(file: Path) -> str:
    data = file.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{file} is not in UTF-8: byte 0x{data[error.start]:02x} (line {line}); save it as "
            f"UTF-8"
        ) from error


class _Loader(yaml.SafeLoader):
    """The safe loader, with mappings that know their lines."""


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[Mapping]:
    found = Mapping()
    yield found
    loader.flatten_mapping(node)  # what << merges
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node)  # type: ignore[no-untyped-call]
        found[key] = loader.construct_object(value_node)  # type: ignore[no-untyped-call]
        found.lines[key] = key_node.start_mark.line + 1


_Loader.add_constructor(_TAG + "map", _construct_mapping)


def _check(node: yaml.Node, file: Path, around: set[int], sizes: dict[int, int]) -> int:
    """Refuse what is not plain; return the number of values below a node, aliases written out."""
    if id(node) in sizes:
        return sizes[id(node)]
    line = node.start_mark.line + 1
    if id(node) in around:
        raise ValueError(f"{file}: an alias refers to what it is part of (line {line})")
    if node.tag not in _PLAIN:
        raise ValueError(f"{file}: {_not_plain(node)} (line {line})")
    size = 1
    if isinstance(node, yaml.ScalarNode):
        _check_number(node, file)
    else:
        children = (
            [part for pair in node.value for part in pair]
            if isinstance(node, yaml.MappingNode)
            else node.value
        )
        if isinstance(node, yaml.MappingNode):
            _check_keys(node, file)
        for child in children:
            size += _check(child, file, around | {id(node)}, sizes)
    if size > MOST_VALUES:
        raise ValueError(
            f"{file}: aliases make more than {MOST_VALUES:,} values of it (line {line})"
        )
    sizes[id(node)] = size
    return size


def _not_plain(node: yaml.Node) -> str:
    if node.tag == _TAG + "timestamp":
        return f"{node.value} is a date in YAML; put it in quotes"
    tag = node.tag.replace(_TAG, "!!")
    return f"the tag {tag} is refused: a file of options has plain values alone"


def _check_number(node: yaml.ScalarNode, file: Path) -> None:
    if node.tag not in (_TAG + "float", _TAG + "int"):
        return
    text = str(node.value)
    line = node.start_mark.line + 1
    try:
        loader = _Loader("")
        value = loader.construct_object(node)  # type: ignore[no-untyped-call]
        finite = math.isfinite(value)
    except (ValueError, OverflowError):
        finite = False
    if not finite:
        raise ValueError(f"{file}: {text[:40]} is not a finite number (line {line})")


def _check_keys(node: yaml.MappingNode, file: Path) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if key.tag == _TAG + "merge":
            continue
        if not isinstance(key, yaml.ScalarNode):
            raise ValueError(f"{file}: a list or a mapping cannot be a key (line {line})")
        if key.tag in (_TAG + "bool", _TAG + "null"):
            raise ValueError(
                f"{file}: the key {key.value or 'of nothing'} is a boolean or nothing in YAML; put "
                f"it in quotes (line {line})"
            )
        if key.value in seen:
            raise ValueError(
                f"{file}: the key {key.value} is there twice (lines {seen[key.value]} and {line})"
            )
        seen[key.value] = line
