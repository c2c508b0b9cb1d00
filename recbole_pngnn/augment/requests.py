"""A question to a server as JSON: its body and its key."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from recbole_pngnn.augment.defaults import OPENAI_URL, TOKEN_LIMITS
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.prompts import Prompt
from recbole_pngnn.augment.redaction import shown_url

ENDPOINT = "/chat/completions"
# Tried in this order; a server that refuses one is asked by the next.
FORMATS = ("json_schema", "json_object", "text")


@dataclass(frozen=True)
class RequestSettings:
    """How a server is asked.

    Attributes:
        model: Name of the model, as the server knows it.
        base_url: Address of the server, up to and with ``/v1``; a query goes with every request.
        picks: Likes and dislikes asked for, each.
        temperature: Sent where it is not None.
        max_tokens: Longest answer, sent where it is not None.
        token_limit: The name under which a server knows ``max_tokens``.
    """

    model: str
    base_url: str = OPENAI_URL
    picks: int = 1
    temperature: float | None = None
    max_tokens: int | None = None
    token_limit: str = "max_tokens"

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise AugmentError("the provider openai needs a model; name one by --model")
        object.__setattr__(self, "base_url", self.base_url.strip().rstrip("/"))
        _check_url(self.base_url)
        if self.token_limit not in TOKEN_LIMITS:
            raise AugmentError(
                f"token_limit must be one of {', '.join(TOKEN_LIMITS)}, found {self.token_limit!r}"
            )
        if self.max_tokens is not None and self.max_tokens < 1:
            raise AugmentError(f"max_tokens must be at least 1, found {self.max_tokens}")
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise AugmentError(f"temperature must be a number from 0, found {self.temperature:g}")

    @property
    def address(self) -> tuple[str, dict[str, object]]:
        """The address without its query, and the query."""
        place, _, query = self.base_url.partition("#")[0].partition("?")
        return place, dict(parse_qsl(query, keep_blank_values=True))


def _check_url(url: str) -> None:
    """Refuse what is no address, without showing the password in it."""
    shown = repr(shown_url(url))
    if not url.startswith(("http://", "https://")):
        raise AugmentError(f"base_url must begin with http:// or https://, found {shown}")
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise AugmentError(
            f"base_url {shown} is no address; give it as http://HOST:PORT/v1, with @, : and / in "
            f"a password written as %40, %3A and %2F"
        )


@dataclass(frozen=True)
class Request:
    """A question, ready to be sent.

    Attributes:
        key: SHA-256 of address and body: what the journal knows it by.
        body: What is sent.
    """

    key: str
    body: dict[str, Any]


def make_request(prompt: Prompt, settings: RequestSettings, answer_format: str) -> Request:
    """Make the request of a prompt in one of :data:`FORMATS`."""
    body: dict[str, Any] = {"model": settings.model, "messages": list(prompt.messages)}
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    if settings.max_tokens is not None:
        body[settings.token_limit] = settings.max_tokens
    if answer_format == "json_schema":
        body["response_format"] = _json_schema(list(prompt.labels), settings.picks)
    elif answer_format == "json_object":
        body["response_format"] = {"type": "json_object"}
    return Request(request_key(settings.base_url, body), body)


def request_key(base_url: str, body: dict[str, Any]) -> str:
    """Return the SHA-256 of a request in its canonical form."""
    request = {"base_url": base_url, "endpoint": ENDPOINT, "body": body}
    text = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _json_schema(labels: list[str], picks: int) -> dict[str, Any]:
    if picks == 1:
        pick: dict[str, Any] = {"type": ["string", "null"], "enum": [*labels, None]}
    else:
        pick = {"type": "array", "items": {"type": "string", "enum": labels}}
    return {
        "type": "json_schema",
        "json_schema": {
            "name": "picks",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"liked": pick, "disliked": pick},
                "required": ["liked", "disliked"],
                "additionalProperties": False,
            },
        },
    }
