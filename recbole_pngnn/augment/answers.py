"""What a model answered: raw text to checked picks, and several votes to one.

The ladder of answers, from the strict to the loose; the first step that finds an answer decides:

1. JSON objects, wherever they stand in the text (alone, in a code fence, within another object).
2. What people and models write for JSON: single quotes, no quotes, a comma too many.
3. Lines ``liked: C`` and ``disliked: A``.

What is understood is what a reader could not take otherwise. Two answers that differ, a thought
that never ends, or a title that two candidates have are no answer.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recbole_pngnn.augment.strict_json import read_json, whole_number

_KEYS = {
    "liked": ("liked", "like", "likes"),
    "disliked": ("disliked", "dislike", "dislikes"),
}
_LONGEST = 400_000  # characters; beyond it no answer of a few labels is looked for
_MOST_TRIES = 200  # places where an object may begin
_IN_BRACES = re.compile(r"\{[^{}]{1,2000}\}")
_THOUGHT = re.compile(r"<(/?)(?:think|thinking|thought|reasoning|reflection)\b[^<>]{0,80}>", re.I)
_FINAL, _ANALYSIS = "<|channel|>final<|message|>", "<|channel|>analysis"
_PLACEHOLDER = re.compile(r"\W*(?:label|candidate|string|x)?\W*", re.I)
_NOTHING = frozenset(
    "|null|none|nil|nothing|nobody|neither|n/a|na|no|-|--|abstain|undefined|no one|none of them|"
    "none of these|not applicable|no candidate".split("|")
)
_WRAPPING = " \t\r\n*_`\"'()[]{}<>#.:;,!\u201c\u201d\u2018\u2019\u00ab\u00bb"
_BARE = re.compile(r"(?:(?:candidate|option|label|item|choice|answer|movie|film)\s+)?([a-z])", re.I)
_LABELLED = re.compile(
    r"[\s*_`\"'(\[]*(?:(?:candidate|option|label|item|choice|movie|film)\s+)?"
    r"([a-z])[*_`\"')\]]*\s*(?:[.:)\]\u2013\u2014-]|\s(?=[(\"'\u201c]))\s*(\S.*)",
    re.I | re.S,
)
_SECOND = re.compile(r"(?:\b(?:or|and|vs)\b|[,/&+])\W*([A-Z])\b")
_LINE = re.compile(r"(?<![a-z])((?:dis)?like[sd]?)[*_`\"']{0,4}\s{0,4}(?::|=|->)", re.I)
_LONGEST_NAME = 500
_NAMING_KEYS = ("label", "candidate", "choice", "id", "name", "title", "item")
_ARTICLE = re.compile(r"(.+), (the|a|an|le|la|les|l'|der|die|das|el|il)", re.S)
_TRAILING_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")


class InvalidAnswerError(ValueError):
    """An answer that names no valid picks; the text says why.

    Attributes:
        kind: The reason in words that do not depend on the answer, to count by.
    """

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind or text


class NoAnswerError(InvalidAnswerError):
    """A body that no model wrote: an error page, an error with status 200. It settles nothing."""


@dataclass(frozen=True)
class Picks:
    """Items that a user will like and dislike, with weights in (0, 1].

    Attributes:
        liked: Weight of each item.
        disliked: Weight of each item.
    """

    liked: Mapping[str, float] = field(default_factory=dict)
    disliked: Mapping[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.liked or self.disliked)


# From a body to a text


def read_completion(body: str) -> str:
    """Return the text of a chat completion.

    Args:
        body: Raw body of a response with status 200.

    Raises:
        NoAnswerError: It is no completion, or has no choice.
        InvalidAnswerError: It was cut or filtered, is a refusal, or has no text.
    """
    try:
        completion = read_json(body)
    except ValueError:
        raise NoAnswerError(f"the body is no JSON: {body[:60]!r}", "the body is no JSON") from None
    choices = completion.get("choices") if isinstance(completion, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        error = completion.get("error") if isinstance(completion, dict) else None
        detail = f": {json.dumps(error)[:100]}" if error else ""
        raise NoAnswerError(f"no choice{detail}", "no choice")
    # One was asked for; of several that differ none is the answer, which reading them finds out.
    texts = [_text_of_choice(choice) for choice in choices if isinstance(choice, dict)]
    return "\n".join(dict.fromkeys(texts))


def _text_of_choice(choice: dict[str, Any]) -> str:
    reason = choice.get("finish_reason")
    if reason in ("length", "content_filter"):
        raise InvalidAnswerError(f"finish_reason {reason}")
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    if message.get("refusal"):
        raise InvalidAnswerError("refusal")
    content = _joined(message.get("content"))
    if not content.strip():
        raise InvalidAnswerError("no content")
    return content


def _joined(content: Any) -> str:
    """A content as text: as it is, its parts of text together, or the object that it is."""
    if isinstance(content, list):
        return "".join(map(_text_of_part, content))
    if isinstance(content, dict):
        return _text_of_part(content) or json.dumps(content)
    return content if isinstance(content, str) else ""


def _text_of_part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    if part.get("type") == "refusal":
        raise InvalidAnswerError("refusal")
    if part.get("type", "text") not in ("text", "output_text"):  # thoughts, for one
        return ""
    text = part.get("text")
    text = text.get("value") if isinstance(text, dict) else text
    return text if isinstance(text, str) else ""


# From a text to picks


def read_picks(
    content: str,
    labels: Mapping[str, str],
    picks: int = 1,
    names: Mapping[str, Sequence[str]] | None = None,
) -> Picks:
    """Return the items that an answer names; the module says what is understood.

    Args:
        content: The model's text.
        labels: Item of each label.
        picks: Likes and dislikes asked for, each.
        names: What each label is called, its title for one, by which it may be named too.

    Raises:
        InvalidAnswerError: No answer, or more than one; a key is missing, a label is no candidate,
            one occurs twice, or there are too many.
    """
    text = _without_thoughts(content)
    if len(text) > _LONGEST:
        raise InvalidAnswerError(f"an answer of {len(text)} characters", "an answer too long")
    seen: list[dict[str, Any]] = []
    for step in _LADDER:
        found = list(step(text))
        seen += found
        answers = [answer for answer in found if "liked" in answer and "disliked" in answer]
        if answers:
            return _agreed(answers, _Reader(labels, names or {}, picks))
    for kind in ("disliked", "liked"):
        if seen and not any(kind in answer for answer in seen):
            raise InvalidAnswerError(f"no key {kind}")
    if seen:
        raise InvalidAnswerError("no object with both keys")
    raise InvalidAnswerError(f"no JSON object: {content[:60]!r}", "no JSON object")


def _without_thoughts(content: str) -> str:
    """Drop what a model thought aloud.

    Raises:
        InvalidAnswerError: A thought has no end: what follows may be no answer yet.
    """
    if _FINAL in content:
        content = content.rpartition(_FINAL)[2]
    elif _ANALYSIS in content:
        raise InvalidAnswerError("an unclosed <think>")
    kept: list[str] = []
    depth = place = 0
    for tag in _THOUGHT.finditer(content):
        if depth == 0:
            kept.append(content[place : tag.start()])
        if not tag[1]:
            depth += 1
        elif depth:
            depth -= 1
        else:  # opened in the prompt, as some servers do: all so far was a thought
            kept.clear()
        place = tag.end()
    if depth:
        raise InvalidAnswerError("an unclosed <think>")
    return "".join(kept) + content[place:]


def _two_answers() -> InvalidAnswerError:
    return InvalidAnswerError("two different answers")


class _Pairs(dict[str, Any]):
    """A JSON object; ``differ`` holds the keys that it has twice, with different values."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.differ = {key for key, value in pairs if self[key] != value}


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=whole_number, strict=False)


def _strict(text: str) -> Iterator[dict[str, Any]]:
    """Objects in JSON."""
    place = tries = 0
    while (place := text.find("{", place)) >= 0 and tries < _MOST_TRIES:
        tries += 1
        try:
            found, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            place += 1
            continue
        yield from _keyed_within(found)


def _loose(text: str) -> Iterator[dict[str, Any]]:
    """Objects in what YAML reads between braces: other quotes or none, a comma too many."""
    import yaml

    straight = text.translate({0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'"})
    for number, match in enumerate(_IN_BRACES.finditer(straight)):
        if number == _MOST_TRIES:
            return
        try:
            found = yaml.load(match[0], yaml.BaseLoader)
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        yield from _keyed_within(found)


def _lines(text: str) -> Iterator[dict[str, Any]]:
    """Lines of a key, a colon and a value, each key once; JSON without its last brace, for one."""
    found: dict[str, set[str]] = {}
    matches = list(_LINE.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)]
    for match, end in zip(matches, ends, strict=False):
        value = text[match.end() : end].partition("\n")[0].strip(" \t\r,;")
        found.setdefault(_key(match[1]) or "", set()).add(value)
    if any(len(values) > 1 for values in found.values()):
        raise _two_answers()
    if found:
        yield {key: values.pop() for key, values in found.items()}


_LADDER: tuple[Callable[[str], Iterator[dict[str, Any]]], ...] = (_strict, _loose, _lines)


def _key(text: str) -> str | None:
    word = text.strip().casefold()
    return next((key for key, words in _KEYS.items() if word in words), None)


def _keyed_within(value: Any) -> Iterator[dict[str, Any]]:
    """Objects with a key of an answer, the outermost of those within each other."""
    waiting = deque([value])
    while waiting:
        each = waiting.popleft()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            answer: dict[str, Any] = {}
            for name, inner in each.items():
                key = _key(name) if isinstance(name, str) else None
                if key and (key in answer and answer[key] != inner):
                    raise _two_answers()
                if key and name in getattr(each, "differ", ()):
                    raise _two_answers()
                if key:
                    answer[key] = inner
            if answer:
                yield answer
            else:
                waiting += each.values()


def _agreed(answers: Sequence[dict[str, Any]], reader: _Reader) -> Picks:
    """Return what all answers say; those that only repeat the form that was asked for say nothing.

    Raises:
        InvalidAnswerError: They differ, or one of them cannot be understood.
    """
    meant = [answer for answer in answers if not _is_form(answer)] or answers
    first: Picks | None = None
    for answer in meant:
        try:
            found = reader.picks(answer)
        except InvalidAnswerError:
            if len(meant) == 1:
                raise
            raise _two_answers() from None
        if first is not None and (list(found.liked), list(found.disliked)) != (
            list(first.liked), list(first.disliked)
        ):  # fmt: skip
            raise _two_answers()
        first = found
    assert first is not None
    return first


def _is_form(answer: Mapping[str, Any]) -> bool:
    values = [answer["liked"], answer["disliked"]]
    texts = [value[0] if isinstance(value, list) and value else value for value in values]
    return all(isinstance(t, str) and t.strip() and _PLACEHOLDER.fullmatch(t) for t in texts)


class _Reader:
    """Values of an answer to labels, labels to picks."""

    def __init__(
        self, labels: Mapping[str, str], names: Mapping[str, Sequence[str]], picks: int
    ) -> None:
        self._labels, self._picks = labels, picks
        # Names as they are, then without what stands in brackets behind them.
        self._names: list[dict[str, set[str]]] = [{}, {}]
        for label, texts in names.items():
            for text in texts:
                exact, short = _forms(text)
                self._names[0].setdefault(exact, set()).add(label)
                self._names[1].setdefault(short, set()).add(label)

    def picks(self, answer: Mapping[str, Any]) -> Picks:
        """Return the picks of an answer that has both keys."""
        chosen = {kind: self._chosen(answer[kind], kind) for kind in _KEYS}
        named = [*chosen["liked"], *chosen["disliked"]]
        if len(set(named)) < len(named):
            raise InvalidAnswerError("a label occurs twice")
        weights = {kind: {self._labels[label]: 1.0 for label in chosen[kind]} for kind in _KEYS}
        return Picks(weights["liked"], weights["disliked"])

    def _chosen(self, value: Any, kind: str) -> list[str]:
        values = value if isinstance(value, list) else self._split(value)
        found = [label for each in values for label in self._label(each)]
        if len(found) > self._picks:
            raise InvalidAnswerError(
                f"{len(found)} {kind} picks, asked for at most {self._picks}", f"too many {kind}"
            )
        return found

    def _split(self, value: Any) -> list[Any]:
        """Labels with commas between them, where several are asked for; else the value alone."""
        if self._picks > 1 and isinstance(value, str):
            parts = [part for part in re.split(r"\s*(?:[,;&]|\band\b)\s*", value) if part]
            if len(parts) > 1 and all(_bare_label(part) in self._labels for part in parts):
                return parts
        return [value]

    def _label(self, value: Any) -> list[str]:
        """Return the label that a value means, in a list; an empty one where it means nothing."""
        if value is None:
            return []
        if isinstance(value, dict):
            return self._label_of_object(value)
        if isinstance(value, str) and len(value) <= _LONGEST_NAME:
            text = unicodedata.normalize("NFKC", value)
            named = self._named(text)
            nothing = text.strip(_WRAPPING).casefold() in _NOTHING or text.strip() == "-"
            if nothing and named:
                raise InvalidAnswerError(
                    f"{value!r} is a candidate's name and a word for nothing", "ambiguous"
                )
            if nothing:
                return []
            bare = _bare_label(text)
            if bare in self._labels:
                return [bare]
            if len(named) == 1:
                return list(named)
            if len(named) > 1:
                raise InvalidAnswerError(f"{value!r} names {len(named)} candidates", "ambiguous")
            labelled = _LABELLED.fullmatch(text)
            if labelled and labelled[1].upper() in self._labels:
                label = labelled[1].upper()
                if self._names_another(labelled[2], label):
                    raise InvalidAnswerError(f"{value!r} names two candidates", "ambiguous")
                return [label]
        shown = value if not isinstance(value, str) or len(value) <= 60 else f"{value[:57]}..."
        raise InvalidAnswerError(f"{shown!r} is no candidate's label", "no candidate's label")

    def _label_of_object(self, value: Mapping[str, Any]) -> list[str]:
        naming = [each for name, each in value.items() if name.casefold() in _NAMING_KEYS]
        found = {tuple(self._label(each)) for each in naming if not isinstance(each, dict)}
        if len(found) != 1:
            raise InvalidAnswerError(
                f"{json.dumps(value)[:60]} is no candidate's label", "no candidate's label"
            )
        return list(found.pop())

    def _named(self, text: str) -> set[str]:
        for names, form in zip(self._names, _forms(text), strict=True):
            if form and form in names:
                return names[form]
        return set()

    def _names_another(self, text: str, label: str) -> bool:
        """Whether a text behind a label names another candidate: its title, or ``or B``."""
        named = self._named(text)
        if named:
            return named != {label}
        others = {_bare_label(text), *_SECOND.findall(text)} & set(self._labels)
        return not others <= {label}


def _bare_label(text: str) -> str:
    match = _BARE.fullmatch(text.strip(_WRAPPING))
    return match[1].upper() if match else ""


def _forms(text: str) -> tuple[str, str]:
    """Return a name in the form it is compared in, and that without brackets behind it."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(" \"'`*_.")
    short = plain
    while (cut := _TRAILING_BRACKETS.sub("", short)) and cut != short:
        short = cut
    return _article_first(plain), _article_first(short)


def _article_first(text: str) -> str:
    match = _ARTICLE.fullmatch(text)
    return f"{match[2]} {match[1]}" if match else text


# From votes to one


def count_votes(votes: Sequence[Picks], picks: int = 1) -> Picks:
    """Keep what more than half of the votes named; the weight is the share of votes.

    An abstention is a vote for nothing. An item that is liked by some and disliked by others can
    have a majority for one of the two only.

    Args:
        votes: Valid answers, at least one.
        picks: Likes and dislikes kept, each.
    """
    kept: dict[str, dict[str, float]] = {}
    for kind in ("liked", "disliked"):
        counts = Counter(item for vote in votes for item in getattr(vote, kind))
        shares = {item: n / len(votes) for item, n in counts.items() if 2 * n > len(votes)}
        best = sorted(shares, key=lambda item: (-shares[item], item))[:picks]
        kept[kind] = {item: shares[item] for item in best}
    return Picks(**kept)
