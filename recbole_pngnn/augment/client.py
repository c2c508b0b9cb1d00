"""Ask an OpenAI-compatible server, many questions at once, each answer journalled as it comes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from recbole_pngnn.augment.answers import InvalidAnswerError, Picks, read_completion, read_picks
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.journal import Journal
from recbole_pngnn.augment.prompts import Prompt
from recbole_pngnn.augment.requests import FORMATS, Request, RequestSettings, make_request

KEY_VARIABLE = "OPENAI_API_KEY"
ATTEMPTS = 2  # an answer that is invalid is asked for once more
_CHARACTERS_PER_TOKEN = 4  # of English; a rule of thumb for estimates, before anything is sent


@dataclass(frozen=True)
class Prices:
    """Prices in the user's currency for a million tokens."""

    input: float = 0.0
    output: float = 0.0

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Return what so many tokens cost."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


@dataclass
class Progress:
    """What came of the questions so far, in this run and from the journal."""

    answered: int = 0
    cached: int = 0
    abstained: int = 0
    invalid: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def done(self) -> int:
        """Questions that are settled."""
        return self.answered + self.cached + self.invalid + self.failed


@dataclass(frozen=True)
class Outcome:
    """What came of one question.

    Attributes:
        picks: The picks of a valid answer, empty where the model abstained; None without one.
        reason: Why there is no valid answer.
    """

    picks: Picks | None
    reason: str = ""


@dataclass(frozen=True)
class ClientSettings:
    """How the client behaves; nothing of it changes a request.

    Attributes:
        concurrency: Questions under way at once.
        timeout: Seconds to wait for an answer.
        max_retries: Further tries after time-outs, lost connections, 408, 409, 429 and 5xx.
        prices: For the cost shown and for ``max_cost``.
        max_cost: No question is sent that could bring the cost of this run above it.
    """

    concurrency: int = 8
    timeout: float = 60.0
    max_retries: int = 5
    prices: Prices = field(default_factory=Prices)
    max_cost: float | None = None


class _StopError(Exception):
    """No further question makes sense; the text says why."""


class Asker:
    """Ask prompts of a server, through a journal.

    Args:
        settings: What is asked of whom.
        client: How it is asked.
        journal: Where answers are kept, and found.
        report: Called after each question that is settled.
    """

    def __init__(
        self,
        settings: RequestSettings,
        client: ClientSettings,
        journal: Journal,
        report: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._settings, self._client, self._journal = settings, client, journal
        self._report = report
        self.progress = Progress()
        self.prices = client.prices
        self._reserved = 0.0  # cost of the questions under way, estimated
        self._draining = False
        self._formats = self._accepted_formats()

    # What the journal knows

    def _accepted_formats(self) -> list[str]:
        """The formats that this server has not refused so far."""
        refused = {record["format"] for record in self._journal.find(self._refusal_key()) if record}
        return [name for name in FORMATS if name not in refused]

    def _refusal_key(self) -> str:
        return f"format-refused {self._settings.base_url} {self._settings.model}"

    def requests(self, prompt: Prompt) -> list[Request]:
        """Return the requests of a prompt in every format that could have been answered."""
        return [make_request(prompt, self._settings, name) for name in FORMATS]

    def cached(self, prompt: Prompt) -> Outcome | None:
        """Return what the journal says of a prompt, None where it has yet to be asked."""
        last, attempts = None, 0
        for request in self.requests(prompt):
            for record in self._journal.find(request.key):
                if record.get("status") != 200:
                    continue
                attempts += 1
                outcome = self._judge(record["body"], prompt)
                if outcome.picks is not None:
                    return outcome
                last = outcome
        return last if attempts >= ATTEMPTS else None

    def _judge(self, body: str, prompt: Prompt) -> Outcome:
        try:
            picks = read_picks(read_completion(body), prompt.labels, self._settings.picks)
        except InvalidAnswerError as error:
            return Outcome(None, str(error))
        return Outcome(picks)

    # Asking

    def ask(self, prompts: Sequence[Prompt]) -> dict[tuple[str, int], Outcome]:
        """Ask what the journal does not answer; returns what came of each user and vote.

        Ctrl-C lets the questions under way come to an end; a second one cancels them.

        Raises:
            AugmentError: The key is missing, the server cannot be reached, refuses the key or the
                model, or the quota or ``max_cost`` is used up. What was answered is in the journal.
            KeyboardInterrupt: Ctrl-C, with everything answered in the journal.
        """
        outcomes: dict[tuple[str, int], Outcome] = {}
        open_prompts = []
        for prompt in prompts:
            known = self.cached(prompt)
            if known is None:
                open_prompts.append(prompt)
            else:
                outcomes[prompt.user, prompt.vote] = known
                self._count(known, cached=True)
        if open_prompts:
            key = os.environ.get(KEY_VARIABLE)
            if not key:
                raise AugmentError(
                    f"there is no key: set the environment variable {KEY_VARIABLE} (a local server "
                    f"that asks for none takes any word)"
                )
            try:
                asyncio.run(self._ask_all(open_prompts, outcomes, key))
            except asyncio.CancelledError:  # a second Ctrl-C
                raise KeyboardInterrupt from None
        return outcomes

    def _count(self, outcome: Outcome, cached: bool = False) -> None:
        progress = self.progress
        if outcome.picks is None:
            progress.invalid += 1
        else:
            progress.cached += cached
            progress.answered += not cached
            progress.abstained += not outcome.picks
        self._report(progress)

    async def _ask_all(
        self, prompts: Sequence[Prompt], outcomes: dict[tuple[str, int], Outcome], key: str
    ) -> None:
        from openai import AsyncOpenAI

        waiting = iter(prompts)
        stops: list[Exception] = []
        async with AsyncOpenAI(
            api_key=key,
            base_url=self._settings.base_url,
            timeout=self._client.timeout,
            max_retries=self._client.max_retries,
        ) as server:

            async def worker() -> None:
                for prompt in waiting:
                    if self._draining or stops:
                        return
                    try:
                        outcome = await self._ask_one(server, prompt)
                    except (_StopError, AugmentError) as stop:
                        stops.append(stop)
                        return
                    outcomes[prompt.user, prompt.vote] = outcome

            n_workers = min(self._client.concurrency, len(prompts))
            with self._interrupts():
                await asyncio.gather(*(worker() for _ in range(n_workers)))
        if stops:
            raise AugmentError(
                f"{stops[0]}; {self.progress.done} question(s) are settled and kept in "
                f"{self._journal.path}, run again to go on"
            )
        if self._draining:
            raise KeyboardInterrupt

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def interrupted() -> None:
            if self._draining and task is not None:
                task.cancel()
            self._draining = True

        try:
            loop.add_signal_handler(signal.SIGINT, interrupted)
        except (NotImplementedError, ValueError, RuntimeError):  # Windows; not the main thread
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    async def _ask_one(self, server: Any, prompt: Prompt) -> Outcome:
        outcome = Outcome(None, "no answer")
        for attempt in range(1, ATTEMPTS + 1):
            body = await self._answer(server, prompt, attempt)
            if body is None:
                self.progress.failed += 1
                self._report(self.progress)
                return Outcome(None, "failed")
            outcome = self._judge(body, prompt)
            if outcome.picks is not None:
                break
        self._count(outcome)
        return outcome

    async def _answer(self, server: Any, prompt: Prompt, attempt: int) -> str | None:
        """Return the raw body of an answer, journalled; None where the server failed."""
        import openai

        while True:
            answer_format = self._formats[0]
            request = make_request(prompt, self._settings, answer_format)
            estimate = self._reserve(request)
            started = time.monotonic()
            try:
                raw = await server.chat.completions.with_raw_response.create(**request.body)
                status, body = raw.http_response.status_code, raw.http_response.text
            except openai.APIStatusError as error:
                status, body = error.response.status_code, error.response.text
            except openai.APITimeoutError:
                status, body = None, f"no answer in {self._client.timeout:g} s"
            except openai.APIConnectionError as error:
                status, body = None, f"{error.__cause__ or error}"
            finally:
                self._reserved -= estimate
            tokens = tokens_of(body) if status == 200 else (0, 0)
            self.progress.input_tokens += tokens[0]
            self.progress.output_tokens += tokens[1]
            self._journal.add(
                {
                    "key": request.key,
                    "status": status,
                    "attempt": attempt,
                    "format": answer_format,
                    "seconds": round(time.monotonic() - started, 3),
                    "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "body": body,
                }
            )
            if status == 200:
                return body
            if status == 400 and len(self._formats) > 1 and self._refuses_format(body):
                self._step_down(answer_format, body)
                continue
            self._stop_if_hopeless(status, body)
            return None

    def _refuses_format(self, body: str) -> bool:
        words = ("response_format", "json_schema", "json_object", "schema", "format")
        return any(word in body for word in words)

    def _step_down(self, answer_format: str, body: str) -> None:
        """Ask by the next format from now on; several questions may find out at once."""
        if answer_format not in self._formats:
            return
        self._formats.remove(answer_format)
        self._journal.add(
            {"key": self._refusal_key(), "status": 400, "format": answer_format, "body": body}
        )

    def _stop_if_hopeless(self, status: int | None, body: str) -> None:
        if status in (401, 403):
            raise _StopError(f"the server refuses the key ({status}): check {KEY_VARIABLE}")
        if status == 404:
            raise _StopError(
                f"the server knows no model {self._settings.model}, or base_url "
                f"{self._settings.base_url} is wrong (404)"
            )
        if status == 429 and "insufficient_quota" in body:
            raise _StopError("the quota is used up (insufficient_quota)")
        if status is None and not self.progress.answered:
            raise _StopError(f"no answer from {self._settings.base_url}: {body}")

    def _reserve(self, request: Request) -> float:
        """Set the cost of a question aside, or stop before it could pass ``max_cost``."""
        estimate = self._client.prices.cost(*estimated_tokens(request))
        limit = self._client.max_cost
        if limit is not None:
            spent = self._client.prices.cost(
                self.progress.input_tokens, self.progress.output_tokens
            )
            if spent + self._reserved + estimate > limit:
                raise _StopError(f"max_cost {limit:g} is reached: {spent:.4f} spent in this run")
        self._reserved += estimate
        return estimate


def estimated_tokens(request: Request) -> tuple[int, int]:
    """Estimate the tokens of a request and of its answer, before it is sent.

    A rule of thumb, four characters a token; the answer is a short object, or what
    ``max_tokens`` allows where that is set.
    """
    n_characters = len(json.dumps(request.body, ensure_ascii=False))
    limit = request.body.get("max_tokens", request.body.get("max_completion_tokens"))
    return -(-n_characters // _CHARACTERS_PER_TOKEN), limit or 20


def tokens_of(body: str) -> tuple[int, int]:
    """Return the tokens sent and answered, as a completion states them; 0 where it does not."""
    try:
        usage = json.loads(body)["usage"]
        return int(usage["prompt_tokens"]), int(usage["completion_tokens"])
    except (ValueError, KeyError, TypeError):
        return 0, 0
