"""One try at a server: a deadline for the whole of it, a bound for the body, never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.redaction import one_line, shown_url
from recbole_pngnn.augment.requests import Request, RequestSettings

MOST_BYTES = 4 * 2**20  # an answer of the longest kind, with what servers put around it, has less
_NEVER_SENT = (
    "ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol",
    "LocalProtocolError", "InvalidURL", "UnicodeEncodeError",
)  # fmt: skip
# The server, or who stands before it, gave up waiting for an answer that may yet be charged.
_GIVEN_UP = (408, 499, 504, 524)


@dataclass(frozen=True)
class Reply:
    """What came of a try.

    Attributes:
        status: HTTP status, None where no whole answer came.
        body: Its body, or what went wrong.
        headers: Its headers, with lower-case names.
        cut: Whether the body was longer than :data:`MOST_BYTES`.
        charged: Whether the server may charge a try that brought no answer.
    """

    status: int | None
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    charged: bool = False


class Server:
    """An OpenAI-compatible server; see :func:`connected`."""

    def __init__(self, client: Any, timeout: float) -> None:
        self._client, self._timeout = client, timeout

    async def ask(self, request: Request) -> Reply:
        """Send a request once; a failure of any kind is a reply without a status."""
        import openai

        try:
            async with asyncio.timeout(self._timeout):
                raw = await self._client.chat.completions.with_raw_response.create(**request.body)
                return _reply(raw.http_response)
        except openai.APIStatusError as error:
            return _reply(error.response)
        except (TimeoutError, openai.APITimeoutError) as error:
            sent = type(error.__cause__).__name__ not in _NEVER_SENT
            return Reply(None, f"no answer in {self._timeout:g} s", charged=sent)
        except Exception as error:  # of the libraries below; their texts are strangers' too
            cause = error.__cause__ or error
            sent = type(cause).__name__ not in _NEVER_SENT
            text = one_line(f"{cause}") or type(cause).__name__
            return Reply(None, text, charged=sent)


def _reply(response: Any) -> Reply:
    status: int = response.status_code
    return Reply(
        status,
        _text(response.content),
        {name.lower(): value for name, value in response.headers.items()},
        cut=bool(response.extensions.get("cut")),
        charged=status in _GIVEN_UP,
    )


def _text(data: bytes) -> str:
    """JSON is UTF-8 whatever the headers say; what is not is shown as well as it can be."""
    return data.decode("utf-8", "replace")


@asynccontextmanager
async def connected(settings: RequestSettings, key: str, timeout: float) -> AsyncIterator[Server]:
    """Connect to a server through the client library.

    The library neither repeats a request here, since each try is counted, nor follows a server to
    another address, to which nobody wanted to send anything.

    Args:
        settings: Its address, whose query goes with every request.
        key: The key, as :func:`redaction.read_key` returns it.
        timeout: Seconds for a whole try.

    Raises:
        AugmentError: The client cannot be made.
    """
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    class BoundedClient(DefaultAsyncHttpxClient):
        async def send(self, request: Any, **options: Any) -> Any:
            response = await super().send(request, **{**options, "stream": True})
            try:
                data, cut = await _bounded(response)
            finally:
                await response.aclose()
            coded = (b"content-encoding", b"content-length", b"transfer-encoding")
            # As bytes: a header need not be ASCII, and the answer is good all the same.
            headers = [(k, v) for k, v in response.headers.raw if k.lower() not in coded]
            return type(response)(
                response.status_code,
                headers=headers,
                content=data,
                request=request,
                extensions={**response.extensions, "cut": cut},
            )

    place, query = settings.address
    try:
        opened = AsyncOpenAI(
            api_key=key,
            base_url=place,
            default_query=query,
            max_retries=0,
            timeout=timeout,
            http_client=BoundedClient(timeout=timeout, follow_redirects=False),
        )
    except Exception as error:  # a proxy or a certificate of the environment, for one
        url = shown_url(settings.base_url)
        raise AugmentError(f"cannot connect to {url}: {one_line(str(error))}") from None
    async with opened as client:
        yield Server(client, timeout)


async def _bounded(response: Any) -> tuple[bytes, bool]:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part[: MOST_BYTES - size])
        size += len(part)
        if size > MOST_BYTES:
            return b"".join(parts), True
    return b"".join(parts), False
