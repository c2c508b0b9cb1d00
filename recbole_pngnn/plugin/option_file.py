"""Files of options as people write them: what is wrong with one, by its line.

RecBole reads them with PyYAML, which keeps the last of two equal keys without a word, and whose
errors take several lines.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

import yaml

from recbole_pngnn.files import UTF_16, read_text

_TAG = "tag:yaml.org,2002:"
_EXAMPLE = "an option is written as a name, a colon, a space and a value, such as epochs: 20"


def check_files(names: Iterable[str] | None, presets: Iterable[str]) -> list[str] | None:
    """Check the files of options that are named.

    Args:
        names: Paths, or names of presets.
        presets: Names of the presets.

    Returns:
        The names, as they are.

    Raises:
        ValueError: There is no such file, or :func:`check_file` refuses it.
        OSError: It cannot be read.
    """
    if names is None:
        return None
    found = [str(name) for name in ([names] if isinstance(names, (str, os.PathLike)) else names)]
    presets = list(presets)
    for name in found:
        if os.path.isfile(name):
            check_file(Path(name))
        elif name not in presets:
            raise ValueError(_missing(name, presets))
    return found


def check_file(file: Path, may_be_empty: bool = False) -> None:
    """Check a file of options.

    Args:
        file: YAML in UTF-8, with or without a byte order mark.
        may_be_empty: Whether a file that sets nothing is right.

    Raises:
        ValueError: It is no UTF-8, no YAML, no mapping of names to plain values, or has a name
            twice; the message names the line.
        OSError: It cannot be read.
    """
    text = read_text(file)
    if file.read_bytes()[:2] in UTF_16:
        raise ValueError(f"{file} is in UTF-16, which RecBole does not read; save it as UTF-8")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            if may_be_empty:
                return
            raise ValueError(f"{file} is empty, and sets no option; {_EXAMPLE}")
        if not isinstance(root, yaml.MappingNode):
            kind = "a list" if isinstance(root, yaml.SequenceNode) else "a text"
            line = root.start_mark.line + 1
            raise ValueError(f"{file}, line {line}: this is {kind}, and {_EXAMPLE}")
        for key, _ in root.value:
            if key.tag != _TAG + "str" and key.tag != _TAG + "merge":
                line = key.start_mark.line + 1
                raise ValueError(f"{file}, line {line}: {_shown(key)} is no name of an option")
        _check_node(root, file, set())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f", line {mark.line + 1}"
        problem = " ".join((error.problem or error.context or "it is no YAML").split())
        hint = "indent by spaces, not by tabs" if "\\t" in problem else _EXAMPLE
        raise ValueError(f"{file}{place}: {problem}; {hint}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = ord(text[error.position])
        raise ValueError(
            f"{file}, line {line}: the character U+{code:04X} is not allowed in YAML"
        ) from error
    except RecursionError as error:
        raise ValueError(f"{file} is nested too deep for a file of options") from error


def _missing(name: str, presets: list[str]) -> str:
    if os.path.isdir(name):
        return f"the config file {name} is a folder; name a YAML file in it"
    known = ", ".join(presets)
    folder = Path(name).parent
    beside = [str(folder / file.name) for file in _yaml_files(folder)]
    close = difflib.get_close_matches(name, [*presets, *beside], n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    if "," in name and not hint:
        hint = "; several are separated by spaces"
    return f"there is no config file {name}, and no preset of that name; presets are {known}{hint}"


def _yaml_files(folder: Path) -> list[Path]:
    try:
        return sorted(f for f in folder.iterdir() if f.suffix in (".yaml", ".yml"))
    except OSError:
        return []


def _check_node(node: yaml.Node, file: Path, seen: set[int]) -> None:
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    line = node.start_mark.line + 1
    if not node.tag.startswith(_TAG) or (
        node.tag.startswith(_TAG + "python/") and node.tag != _TAG + "python/tuple"
    ):
        tag = node.tag.replace(_TAG, "!!")
        raise ValueError(f"{file}, line {line}: the tag {tag} is refused: options are plain values")
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.tag != _TAG + "merge":
                if key.value in lines:
                    raise ValueError(
                        f"{file}, line {line}: {key.value} is there already in line "
                        f"{lines[key.value]}; keep one of the two"
                    )
                lines[key.value] = line
            _check_node(value, file, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_node(item, file, seen)


def _shown(key: yaml.Node) -> str:
    return repr(key.value) if isinstance(key, yaml.ScalarNode) else "a list or a mapping"
