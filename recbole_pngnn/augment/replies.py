"""What a server's failures mean: ask again, ask otherwise, or stop."""

from __future__ import annotations

import email.utils
import math
import random
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from recbole_pngnn.augment.redaction import KEY_VARIABLE, one_line, shown_url
from recbole_pngnn.augment.requests import RequestSettings
from recbole_pngnn.augment.server import Reply
from recbole_pngnn.augment.strict_json import read_json

_PASSING = (408, 409, 425, 429)
_LONGEST_WAIT = 120.0  # a server that asks for more has no answer for this run
_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_MAY_REFUSE_FORMAT = (400, 415, 422, 500, 501)
_FORMAT = re.compile(
    r"response[_ -]?format|json[_ -]?schema|json[_ -]?object|json[_ -]?mode|\bgrammars?\b|"
    r"structured[_ -](?:output|generation|decoding|response)|"
    r"guided[_ -](?:json|grammar|decoding|generation)",
    re.IGNORECASE,
)
# Where frameworks repeat what was sent, which names the format whatever the fault is.
_ECHOES = ("input", "body", "request", "messages")


def said(body: str) -> str:
    """Return what a server says of a failure, in a line for a screen."""
    try:
        texts = [text for text in _messages(read_json(body)) if text.strip()]
    except ValueError:
        return one_line(re.sub(r"<[^<>]*>", " ", body[:4000]))
    return one_line("; ".join(texts) or body[:4000])


def _messages(value: Any) -> Iterator[str]:
    """The messages of an error, as OpenAI, FastAPI and others lay them out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value[:3]:
            yield from _messages(each)
    elif isinstance(value, dict):
        place = value.get("loc")
        if isinstance(place, list) and isinstance(value.get("msg"), str):
            yield f"{'.'.join(map(str, place))}: {value['msg']}"
            return
        for name in ("error", "message", "detail", "msg", "reason", "code"):
            if value.get(name):
                yield from _messages(value[name])
                return


def refuses_format(reply: Reply) -> bool:
    """Whether a server refuses the answer format that was asked for: its text must name it."""
    if reply.status not in _MAY_REFUSE_FORMAT:
        return False
    try:
        text = " ".join(_texts(read_json(reply.body)))
    except ValueError:
        text = reply.body
    return bool(_FORMAT.search(text))


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            waiting += [inner for name, inner in each.items() if name not in _ECHOES]


def hopeless(reply: Reply, settings: RequestSettings) -> str:
    """Say why no further question makes sense after this reply; empty where one may."""
    status, url = reply.status, shown_url(settings.base_url)
    words = said(reply.body)
    if status in (401, 403):
        return f"the server refuses the key ({status}): check {KEY_VARIABLE} ({words})"
    if status == 404:
        return (
            f"the server knows no model {settings.model}, or base_url {url} is wrong (404: {words})"
        )
    if status == 402 or (status == 429 and any(word in reply.body for word in _QUOTA)):
        name = next((word for word in _QUOTA if word in reply.body), f"{status}: {words}")
        return f"the quota is used up ({name})"
    if status is not None and 300 <= status < 400:
        place = shown_url(one_line(reply.headers.get("location", "another address"), 300))
        return (
            f"{url} sends on to {place} ({status}), where nothing was sent; give the right "
            f"--base_url"
        )
    return ""


def wait_before_next_try(reply: Reply, n_tries: int) -> float | None:
    """Return the seconds to wait before a failed try is repeated, None where it must not be."""
    asked = _retry_after(reply.headers)
    advice = reply.headers.get("x-should-retry")
    if advice == "false" or (asked is not None and asked > _LONGEST_WAIT):
        return None
    status = reply.status
    passing = status is None or status in _PASSING or 500 <= status < 600
    if not passing and advice != "true":
        return None
    if asked is not None:
        return asked
    return min(0.5 * 2.0 ** min(n_tries, 10), 8.0) * (1 - 0.25 * random.random())


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, in milliseconds, in seconds or as a date."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        text = headers.get(name, "")
        try:
            seconds = float(text) * unit
        except ValueError:
            date = email.utils.parsedate_tz(text)
            if date is None:
                continue
            try:
                seconds = email.utils.mktime_tz(date) - time.time()
            except (ValueError, OverflowError):
                continue
        if math.isfinite(seconds) and seconds > 0:
            return seconds
    return None
