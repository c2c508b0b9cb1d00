"""What a model answered: raw text to checked picks, and several votes to one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_OBJECT = re.compile(r"\{[^{}]*\}", re.DOTALL)


class InvalidAnswerError(ValueError):
    """An answer that names no valid picks; the text says why."""


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


def read_completion(body: str) -> str:
    """Return the text of a chat completion.

    Args:
        body: Raw body of a response with status 200.

    Raises:
        InvalidAnswerError: It is no completion, has no choice, was cut or filtered, or is a
            refusal.
    """
    try:
        completion = json.loads(body)
    except ValueError:
        raise InvalidAnswerError(f"the body is no JSON: {body[:60]!r}") from None
    choices = completion.get("choices") if isinstance(completion, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise InvalidAnswerError("no choice")
    reason = choices[0].get("finish_reason")
    if reason in ("length", "content_filter"):
        raise InvalidAnswerError(f"finish_reason {reason}")
    message = choices[0].get("message")
    message = message if isinstance(message, dict) else {}
    if message.get("refusal"):
        raise InvalidAnswerError("refusal")
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise InvalidAnswerError("no content")
    return content


def read_picks(content: str, labels: Mapping[str, str], picks: int = 1) -> Picks:
    """Return the items that an answer names.

    Text around the JSON object (a code fence, a sentence) is ignored, as models that know no
    response format write it.

    Args:
        content: The model's text.
        labels: Item of each label.
        picks: Likes and dislikes asked for, each.

    Raises:
        InvalidAnswerError: No object, a key is missing, a label is no candidate, one occurs twice,
            or there are too many.
    """
    answer = _find_object(content)
    chosen: dict[str, list[str]] = {}
    for kind in ("liked", "disliked"):
        if kind not in answer:
            raise InvalidAnswerError(f"no key {kind}")
        chosen[kind] = [_label(value, labels) for value in _as_list(answer[kind], kind, picks)]
    named = [*chosen["liked"], *chosen["disliked"]]
    if len(set(named)) < len(named):
        raise InvalidAnswerError("a label occurs twice")
    return Picks(
        **{kind: {labels[label]: 1.0 for label in found} for kind, found in chosen.items()}
    )


def _find_object(content: str) -> dict[str, Any]:
    candidates = [content, *_OBJECT.findall(content)[::-1]]  # the last object is the conclusion
    for text in candidates:
        try:
            answer = json.loads(text)
        except ValueError:
            continue
        if isinstance(answer, dict):
            return answer
    raise InvalidAnswerError(f"no JSON object: {content[:60]!r}")


def _as_list(value: Any, kind: str, picks: int) -> list[Any]:
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    if len(values) > picks:
        raise InvalidAnswerError(f"{len(values)} {kind} picks, asked for at most {picks}")
    return values


def _label(value: Any, labels: Mapping[str, str]) -> str:
    text = value.strip().rstrip(".").upper() if isinstance(value, str) else value
    if not isinstance(text, str) or text not in labels:
        raise InvalidAnswerError(f"{value!r} is no candidate's label")
    return text


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
