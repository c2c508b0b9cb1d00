"""Ask an OpenAI-compatible server, many questions at once, each answer journalled as it comes."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from recbole_pngnn.augment.answers import (
    InvalidAnswerError,
    NoAnswerError,
    Picks,
    read_completion,
    read_picks,
)
from recbole_pngnn.augment.budget import (
    Budget,
    OverBudgetError,
    Prices,
    Tokens,
    estimated_tokens,
    stated_tokens,
    tokens_used,
)
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.journal import Journal
from recbole_pngnn.augment.prompts import Prompt
from recbole_pngnn.augment.redaction import KEY_VARIABLE, Redactor, one_line, read_key, shown_url
from recbole_pngnn.augment.replies import hopeless, refuses_format, said, wait_before_next_try
from recbole_pngnn.augment.requests import FORMATS, Request, RequestSettings, make_request
from recbole_pngnn.augment.running import Interrupts, run_to_the_end
from recbole_pngnn.augment.server import MOST_BYTES, Reply, Server, connected

__all__ = [
    "KEY_VARIABLE",
    "Asker",
    "ClientSettings",
    "Outcome",
    "Prices",
    "Progress",
    "StoppedError",
    "estimated_tokens",
]

ATTEMPTS = 2  # an answer that is invalid is asked for once more
# In a row, without an answer between them: the fault is none of a question's.
MOST_FAILED, MOST_INVALID = 10, 25
_FAILURE_KEPT = 16_384  # characters of a failure's body in the journal


@dataclass
class Progress:
    """What came of the questions so far, in this run and from the journal.

    Attributes:
        answered: Valid answers of this run.
        cached: Valid answers from the journal.
        abstained: Valid answers of either that name nothing.
        invalid: Questions whose answers, asked for twice, name no valid picks.
        failed: Questions without an answer of the model's; the next run asks them again.
        input_tokens: Tokens sent in this run.
        output_tokens: Tokens answered in this run.
        unstated: Answers whose tokens the server did not state: upper bounds are counted.
    """

    answered: int = 0
    cached: int = 0
    abstained: int = 0
    invalid: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unstated: int = 0

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
        kind: The reason in few words, to count by.
        failed: Whether no model answered at all: nothing is settled.
    """

    picks: Picks | None
    reason: str = ""
    kind: str = ""
    failed: bool = False


def reasons_of(outcomes: Mapping[tuple[str, int], Outcome]) -> dict[str, int]:
    """Count the questions without a valid answer by reason, the most frequent first."""
    kinds = Counter(o.kind or o.reason for o in outcomes.values() if o.picks is None)
    return dict(kinds.most_common())


def described_reasons(outcomes: Mapping[tuple[str, int], Outcome], most: int = 5) -> str:
    """Return the reasons in a line, with an example of each."""
    examples: dict[str, str] = {}
    for outcome in outcomes.values():
        if outcome.picks is None:
            examples.setdefault(outcome.kind or outcome.reason, outcome.reason)
    reasons = reasons_of(outcomes)
    shown = [f"{n} x {one_line(examples[kind])}" for kind, n in list(reasons.items())[:most]]
    return "; ".join(shown + (["..."] if len(reasons) > most else []))


@dataclass(frozen=True)
class ClientSettings:
    """How the client behaves; nothing of it changes a request.

    Attributes:
        concurrency: Questions under way at once.
        timeout: Seconds for a whole try, from its start to the last byte of the answer.
        max_retries: Further tries after time-outs, lost connections, 408, 409, 429 and 5xx.
        prices: For the cost shown and for ``max_cost``.
        max_cost: No question is sent that could bring the cost of this run above it; see
            :class:`budget.Budget` for what is counted.
    """

    concurrency: int = 8
    timeout: float = 60.0
    max_retries: int = 5
    prices: Prices = field(default_factory=Prices)
    max_cost: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("concurrency", 1), ("max_retries", 0)):
            if getattr(self, name) < least:
                raise AugmentError(f"{name} must be at least {least}, found {getattr(self, name)}")
        if not 0 < self.timeout < math.inf:
            raise AugmentError(f"timeout must be seconds above 0, found {self.timeout:g}")
        if self.max_cost is not None:
            if not 0 <= self.max_cost < math.inf:
                raise AugmentError(f"max_cost must be a number from 0, found {self.max_cost:g}")
            if self.prices.input == self.prices.output == 0:
                raise AugmentError(
                    f"max_cost {self.max_cost:g} limits nothing without prices; give --price_in "
                    f"and --price_out"
                )


class StoppedError(AugmentError):
    """A run that was stopped before all was asked.

    Attributes:
        outcomes: What came of the questions until then.
    """

    def __init__(self, text: str, outcomes: dict[tuple[str, int], Outcome]) -> None:
        super().__init__(text)
        self.outcomes = outcomes


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
        self.redactor = Redactor.of(settings.base_url)
        self.progress = Progress()
        self.prices = client.prices
        self.budget = Budget(client.prices, client.max_cost)
        self._in_a_row = {"failed": 0, "invalid": 0}
        self._halt = asyncio.Event()  # no further try is begun
        self._formats = self._accepted_formats()

    # What the journal knows

    def _accepted_formats(self) -> list[str]:
        """The formats that this server has not refused so far; plain text is refused by none."""
        keys = {self._refusal_key(), self._refusal_key(self._settings.base_url)}
        refused = {record.get("format") for key in keys for record in self._journal.find(key)}
        return [name for name in FORMATS if name not in refused or name == FORMATS[-1]]

    def _refusal_key(self, url: str | None = None) -> str:
        shown = shown_url(self._settings.base_url) if url is None else url
        return f"format-refused {shown} {self._settings.model}"

    def requests(self, prompt: Prompt) -> list[Request]:
        """Return the requests of a prompt in every format that could have been answered."""
        return [make_request(prompt, self._settings, name) for name in FORMATS]

    def cached(self, prompt: Prompt) -> Outcome | None:
        """Return what the journal says of a prompt, None where it has yet to be asked."""
        last, attempts = None, 0
        for request in self.requests(prompt):
            for record in self._journal.find(request.key):
                body = record.get("body")
                if record.get("status") != 200 or not isinstance(body, str):
                    continue
                outcome = self._judge(body, prompt)
                if outcome.picks is not None:
                    return outcome
                if not outcome.failed:  # a page of HTML is no answer, and settles nothing
                    attempts += 1
                    last = outcome
        return last if attempts >= ATTEMPTS else None

    def _judge(self, body: str, prompt: Prompt) -> Outcome:
        try:
            content = read_completion(body)
            return Outcome(read_picks(content, prompt.labels, self._settings.picks, prompt.names))
        except InvalidAnswerError as error:
            failed = isinstance(error, NoAnswerError)
            return Outcome(None, self.redactor(str(error)), self.redactor(error.kind), failed)
        except Exception as error:  # whatever it holds: it is in the journal, for a better reader
            text = f"it cannot be looked at ({type(error).__name__})"
            return Outcome(None, text, text)

    # Asking

    def ask(self, prompts: Sequence[Prompt]) -> dict[tuple[str, int], Outcome]:
        """Ask what the journal does not answer; returns what came of each user and vote.

        Ctrl-C lets the questions under way come to an end; a second one cancels them. It works
        where an event loop is running already, as in a notebook.

        Raises:
            StoppedError: The server cannot be reached, refuses the key or the model, or answers
                nothing any more; or the quota or ``max_cost`` is used up. What was answered is in
                the journal.
            AugmentError: There is no key, or it cannot be one.
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
            key = read_key()
            self.redactor = Redactor.of(self._settings.base_url)  # the key may be a new one
            interrupts = Interrupts()
            try:
                with self.redactor.logs():
                    run_to_the_end(
                        lambda: self._ask_all(open_prompts, outcomes, key, interrupts), interrupts
                    )
            except StoppedError:
                raise
            except AugmentError as error:
                raise AugmentError(self.redactor(str(error))) from None
        return outcomes

    def _count(self, outcome: Outcome, cached: bool = False) -> None:
        progress = self.progress
        if outcome.failed:
            progress.failed += 1
        elif outcome.picks is None:
            progress.invalid += 1
        else:
            progress.cached += cached
            progress.answered += not cached
            progress.abstained += not outcome.picks
        self._report(progress)

    async def _ask_all(
        self,
        prompts: Sequence[Prompt],
        outcomes: dict[tuple[str, int], Outcome],
        key: str,
        interrupts: Interrupts,
    ) -> None:
        self._halt = asyncio.Event()
        self.budget.start()
        waiting = iter(prompts)
        stops: list[Exception] = []
        concurrency = min(self._client.concurrency, len(prompts))

        async def worker(server: Server) -> None:
            for prompt in waiting:
                if self._halt.is_set():
                    return
                try:
                    outcome = await self._ask_one(server, prompt)
                    if outcome is not None:
                        outcomes[prompt.user, prompt.vote] = outcome
                        self._stop_after_many(outcome)
                except Exception as stop:
                    stops.append(stop)
                    self._halt.set()
                    return

        async with connected(self._settings, key, self._client.timeout) as server:
            with interrupts.handled(self._halt.set):
                await asyncio.gather(*(worker(server) for _ in range(concurrency)))
        if stops:
            self._raise(stops[0], outcomes)
        if interrupts.draining:
            raise KeyboardInterrupt

    def _raise(self, stop: Exception, outcomes: dict[tuple[str, int], Outcome]) -> None:
        if not isinstance(stop, (_StopError, OverBudgetError, AugmentError)):
            raise stop
        text = (
            f"{stop}; {self.progress.done - self.progress.failed} question(s) are settled and kept "
            f"in {self._journal.path}, run again to go on"
        )
        # The cause may hold what the text must not.
        raise StoppedError(self.redactor(text), outcomes) from None

    async def _ask_one(self, server: Server, prompt: Prompt) -> Outcome | None:
        """Ask a question, once more where the answer is invalid; None where the run was halted."""
        outcome = None
        for attempt in range(1, ATTEMPTS + 1):
            reply = await self._answer(server, prompt, attempt)
            if reply is None:
                return None
            if reply.status != 200:
                outcome = self._failure(reply)
                break
            outcome = self._judge(reply.body, prompt)
            if reply.cut:
                text = f"an answer longer than {MOST_BYTES:,} bytes"
                outcome = Outcome(None, text, text, failed=True)
            if outcome.picks is not None or self._halt.is_set():
                break
        assert outcome is not None
        self._count(outcome)
        return outcome

    def _failure(self, reply: Reply) -> Outcome:
        words = one_line(reply.body) if reply.status is None else said(reply.body)
        kind = "no answer" if reply.status is None else f"status {reply.status}"
        return Outcome(None, f"{kind}: {words}" if words else kind, kind, failed=True)

    def _stop_after_many(self, outcome: Outcome) -> None:
        """Stop where one question after the other comes to nothing."""
        if outcome.picks is not None:
            self._in_a_row = {"failed": 0, "invalid": 0}
            return
        kind = "failed" if outcome.failed else "invalid"
        self._in_a_row[kind] += 1
        if kind == "invalid":  # a model that answers is there
            self._in_a_row["failed"] = 0
        n, most = self._in_a_row[kind], {"failed": MOST_FAILED, "invalid": MOST_INVALID}[kind]
        if n >= most:
            raise _StopError(f"{n} questions in a row came to nothing, the last: {outcome.reason}")

    async def _answer(self, server: Server, prompt: Prompt, attempt: int) -> Reply | None:
        """Return the reply to a question, journalled; None where the run was halted before it."""
        n_tries = 0
        while True:
            answer_format = self._formats[0]
            request = make_request(prompt, self._settings, answer_format)
            reply = await self._try(server, request, answer_format, attempt)
            if reply is None or reply.status == 200:
                return reply
            if answer_format != FORMATS[-1] and refuses_format(reply):
                self._step_down(answer_format, reply)
                continue
            self._stop_if_hopeless(reply)
            wait = wait_before_next_try(reply, n_tries)
            n_tries += 1
            if wait is None or n_tries > self._client.max_retries or await self._halted(wait):
                if reply.status is None and not self.progress.answered:
                    url = shown_url(self._settings.base_url)
                    raise _StopError(f"no answer from {url}: {one_line(reply.body)}")
                return reply

    async def _halted(self, seconds: float) -> bool:
        """Wait; returns early, and True, where no further try is to be begun."""
        try:
            await asyncio.wait_for(self._halt.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _try(
        self, server: Server, request: Request, answer_format: str, attempt: int
    ) -> Reply | None:
        """Send a request once, keep what came, then count it; None where the run was halted."""
        reservation = await self.budget.reserve(request)
        if self._halt.is_set():
            self.budget.release(reservation)
            return None
        started = time.monotonic()
        try:
            raw = await server.ask(request)
        except BaseException:  # cancelled
            self.budget.lost(reservation)
            raise
        body = self.redactor(raw.body)
        headers = {name: self.redactor(value) for name, value in raw.headers.items()}
        reply = Reply(raw.status, body, headers, raw.cut, raw.charged)
        record = {
            "key": request.key,
            "status": reply.status,
            "attempt": attempt,
            "format": answer_format,
            "seconds": round(time.monotonic() - started, 3),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "body": body if reply.status == 200 else body[:_FAILURE_KEPT],
        }
        try:
            self._journal.add({**record, "cut": True} if reply.cut else record)
        finally:
            self._settle(reservation, reply, request)
        return reply

    def _settle(self, reservation: int, reply: Reply, request: Request) -> None:
        """Count what a try cost."""
        if reply.status == 200:
            tokens = tokens_used(reply.body, request)
        else:  # a failure is charged where the server says so, or may have been where it is silent
            n_in, n_out = stated_tokens(reply.body)
            if n_in is None and n_out is None:
                if reply.charged:
                    self.budget.lost(reservation)
                else:
                    self.budget.release(reservation)
                return
            tokens = Tokens(n_in or 0, n_out or 0)
        self.budget.answered(reservation, tokens, request)
        self.progress.input_tokens += tokens.input
        self.progress.output_tokens += tokens.output
        self.progress.unstated += not tokens.stated

    def _step_down(self, answer_format: str, reply: Reply) -> None:
        """Ask by the next format from now on; several questions may find out at once."""
        if answer_format not in self._formats:
            return
        self._formats.remove(answer_format)
        self._journal.add(
            {
                "key": self._refusal_key(),
                "status": reply.status,
                "format": answer_format,
                "body": reply.body[:_FAILURE_KEPT],
            }
        )

    def _stop_if_hopeless(self, reply: Reply) -> None:
        reason = hopeless(reply, self._settings)
        if reason:
            raise _StopError(reason)
