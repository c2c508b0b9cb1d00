"""Keys and passwords: read with care, and replaced in whatever is shown or kept.

A server, a proxy or a library may put a key into any text: an echoed header, an error, a log. So
nothing is shown, journalled or raised before a :class:`Redactor` has been over it.
"""

from __future__ import annotations

import base64
import logging
import os
import re
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, unquote_plus
from urllib.request import getproxies

from recbole_pngnn.augment.errors import AugmentError

KEY_VARIABLE = "OPENAI_API_KEY"
HIDDEN = "[hidden]"
# Read by the client library as well, so a server could echo them as well.
_OTHER_VARIABLES = ("OPENAI_ADMIN_KEY", "OPENAI_WEBHOOK_SECRET")
# A shorter one ("none", "x") is a word of ordinary texts: it is hidden where a key would stand.
_SHORTEST = 8
# Of a longer one its beginning is hidden too, since whoever echoes it may cut it.
_PREFIX, _SHORTEST_WITH_PREFIX = 12, 16
_ESCAPE = re.compile(r"\\[uUxX/]|[%&]")
_WHERE_KEYS_STAND = (
    r"(?:bearer|basic)\s+|(?:authorization|api[-_]?key|access[-_]?token|token|password|passwd|"
    r"secret|key)[\"']?\s*[:=]\s*[\"']?(?:bearer\s+|basic\s+)?"
)
_NAMED = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019"}
_NO_SECRETS = ("api-version", "api_version", "version")


def read_key(environ: Mapping[str, str] = os.environ) -> str:
    """Return the key, free of what an editor, Windows or a file of variables put around it.

    Raises:
        AugmentError: There is none, or it has a character that no header can carry; the text names
            the character and not the key.
    """
    key = _trimmed(environ.get(KEY_VARIABLE, ""))
    if not key:
        raise AugmentError(
            f"there is no key: set the environment variable {KEY_VARIABLE} (a local server "
            f"that asks for none takes any word)"
        )
    for place, character in enumerate(key, 1):
        if not " " <= character <= "~":
            name = unicodedata.name(character, "a control character")
            raise AugmentError(
                f"the key in {KEY_VARIABLE} has a character that no header can carry, "
                f"U+{ord(character):04X} ({name}) at place {place} of {len(key)}; copy the key "
                f"again, alone"
            )
    return key


def _trimmed(text: str) -> str:
    """Take white space, invisible characters, quotes and the word Bearer off the ends."""
    while True:
        before = text
        text = re.sub(r"^bearer\s+", "", text, flags=re.IGNORECASE)
        while text and _is_blank(text[0]):
            text = text[1:]
        while text and _is_blank(text[-1]):
            text = text[:-1]
        if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
            text = text[1:-1]
        if text == before:
            return text


def _is_blank(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf")


def shown_url(url: str) -> str:
    """Return an address without its user, password and the values of its query."""
    place, _, query = url.partition("?")
    scheme, slashes, rest = place.rpartition("://")
    if "@" in rest:
        rest = f"{HIDDEN}@{rest.rpartition('@')[2]}"
    shown = scheme + slashes + rest
    if query:
        pairs = (pair.partition("=") for pair in query.partition("#")[0].split("&"))
        shown += "?" + "&".join(
            f"{name}={value if name.lower() in _NO_SECRETS else HIDDEN}" if equals else HIDDEN
            for name, equals, value in pairs
        )
    return shown


def secrets_of_url(url: str) -> tuple[list[str], list[str]]:
    """Return what an address must not give away: alone, and with what marks it as a secret."""
    place, _, query = url.partition("?")
    alone, marked = [], []
    rest = place.rpartition("://")[2]
    if "@" in rest:
        credentials = rest.rpartition("@")[0]
        user, colon, password = credentials.partition(":")
        plain = unquote(credentials)
        marked += [f"{credentials}@", f"{plain}@"]
        marked.append(base64.b64encode(plain.encode("utf-8", "replace")).decode().rstrip("="))
        alone += [password, unquote(password)] if colon else [user, unquote(user)]
    for pair in query.partition("#")[0].split("&"):
        name, equals, value = pair.partition("=")
        if not equals:
            alone += [name, unquote_plus(name)]
        elif name.lower() not in _NO_SECRETS and value:
            marked += [f"{mark}{pair}" for mark in "?&"]
            alone += [value, unquote_plus(value)]
    return [text for text in alone if text], [text for text in marked if len(text) > 3]


class Redactor:
    """Replace secrets in texts, however they are written there.

    A secret is found as it is, with JSON's, a URL's or HTML's escapes in any mixture, and in
    base64, as the header of a user and a password has it.

    Args:
        secrets: What must not be seen; empty ones are ignored. A short one is hidden only where a
            key would stand.
        marked: What is hidden wherever it stands, however short: ``user:password@``.
    """

    def __init__(self, secrets: Iterable[str], marked: Iterable[str] = ()) -> None:
        known = {text for secret in secrets for text in (secret, secret.strip()) if text}
        coded = {
            base64.b64encode(secret.encode("utf-8", "replace")).decode().rstrip("=")
            for secret in known
            if len(secret) >= _SHORTEST
        }
        ordered = sorted(known | coded, key=lambda text: (-len(text), text))
        hidden = [text for text in sorted(marked, key=len, reverse=True) if text]
        hidden += [text for text in ordered if len(text) >= _SHORTEST]
        short = [_anyhow(text) for text in ordered if len(text) < _SHORTEST]
        self._escaped = _pattern(hidden, _anyhow)
        # Most texts have no escape that could hide one, and are searched in a fraction of the time.
        odd = any(character in text for text in hidden for character in "\"'\\ ")
        self._plain = self._escaped if odd else _pattern(hidden, re.escape)
        self._short = (
            re.compile(rf"((?i:{_WHERE_KEYS_STAND}))(?:{'|'.join(short)})(?![A-Za-z0-9])")
            if short
            else None
        )

    @classmethod
    def of(cls, *urls: str, environ: Mapping[str, str] = os.environ) -> Redactor:
        """Return one that knows the keys of the environment, these addresses and the proxies."""
        keys = [environ.get(name, "") for name in (KEY_VARIABLE, *_OTHER_VARIABLES)]
        secrets = [form for key in keys for form in (key, _trimmed(key))]
        marked: list[str] = []
        for url in (*urls, *getproxies().values()):
            of_url, marked_of_url = secrets_of_url(url)
            secrets, marked = [*secrets, *of_url], [*marked, *marked_of_url]
        return cls(secrets, marked)

    def __call__(self, text: str) -> str:
        """Return a text with every secret replaced."""
        pattern = self._escaped if _ESCAPE.search(text) else self._plain
        if pattern is not None:
            text = pattern.sub(HIDDEN, text)
        if self._short is not None:
            text = self._short.sub(rf"\g<1>{HIDDEN}", text)
        return text

    def within(self, value: Any) -> Any:
        """Return a JSON value with every secret replaced in its texts and keys."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            return {self.within(key): self.within(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.within(each) for each in value]
        return value

    @contextmanager
    def logs(self) -> Iterator[None]:
        """Inside, no log of any library gets a secret."""
        made = logging.getLogRecordFactory()

        def record_without_secrets(*args: Any, **options: Any) -> logging.LogRecord:
            record = made(*args, **options)
            try:
                text = record.getMessage()
            except Exception:  # a record that cannot be formatted says so itself, elsewhere
                return record
            if self(text) != text:
                record.msg, record.args = self(text), ()
            if record.exc_info:
                trace = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
                record.exc_text = self(trace)  # formatters take it in place of their own
            return record

        logging.setLogRecordFactory(record_without_secrets)
        try:
            yield
        finally:
            logging.setLogRecordFactory(made)


def _pattern(texts: Sequence[str], written: Callable[[str], str]) -> re.Pattern[str] | None:
    """Return what finds any of the texts, or the beginning of a long one, written somehow."""
    if not texts:
        return None
    forms = [written(text) for text in texts]
    forms += [
        written(text[:_PREFIX]) + r"[\w.~+/=%-]*"
        for text in texts
        if len(text) >= _SHORTEST_WITH_PREFIX
    ]
    first = re.escape("".join({*(text[0] for text in texts), *"\\%&"}))  # quick to look at
    return re.compile(f"(?=[{first}])(?:{'|'.join(forms)})")


def _anyhow(text: str) -> str:
    """Return a pattern of a text in which each character may be escaped."""
    return "".join(map(_character, text))


def _character(character: str) -> str:
    code = f"{ord(character):x}"
    forms = [r"\\*" + re.escape(character) if character in "\"'/\\" else re.escape(character)]
    if ord(character) < 0x10000:
        forms.append(rf"\\+(?i:u{code:0>4})")
    if ord(character) < 0x80:
        forms.append(rf"(?i:(?:\\+x|%(?:25)*){code:0>2})")
    forms.append(rf"(?i:&#(?:0*{ord(character)}|x0*{code});)")
    if character in _NAMED:
        forms.append(f"&{_NAMED[character]};")
    if character == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"


def one_line(text: str, longest: int = 120) -> str:
    """Return a stranger's text for a screen: a line, no control characters, cut."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."
