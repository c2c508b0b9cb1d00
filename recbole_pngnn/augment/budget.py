"""Tokens and what they cost: estimated before, bounded while under way, counted afterwards."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass
from typing import Any

from recbole_pngnn.augment.defaults import TOKEN_LIMITS
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.requests import Request
from recbole_pngnn.augment.strict_json import read_json

_CHARACTERS_PER_TOKEN = 4  # of English; a rule of thumb for estimates, before anything is sent
_BYTES_PER_TOKEN = 3  # fewer than in any text that prompts are made of: an upper bound
_MARGIN = 1.1  # for questions that take more tokens a byte than those before
_SHORT_ANSWER = 20  # tokens of the object that is asked for
# No model writes more at once; what an answer without max_tokens may have.
LONGEST_ANSWER = 131_072
_MOST_PLAUSIBLE = 10_000_000  # a figure above it is none


@dataclass(frozen=True)
class Prices:
    """Prices in the user's currency for a million tokens."""

    input: float = 0.0
    output: float = 0.0

    def __post_init__(self) -> None:
        for name in ("input", "output"):
            price = getattr(self, name)
            if not (math.isfinite(price) and price >= 0):
                raise AugmentError(f"prices must be numbers from 0, found {price:g} for {name}")

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Return what so many tokens cost."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


@dataclass(frozen=True)
class Tokens:
    """Tokens of a question and its answer.

    Attributes:
        input: Tokens sent.
        output: Tokens answered.
        stated: Whether the server said so; an upper bound stands where it did not.
    """

    input: int
    output: int
    stated: bool = True


def estimated_tokens(request: Request) -> tuple[int, int]:
    """Estimate the tokens of a request and of its answer, before it is sent.

    A rule of thumb, four characters a token; the answer is a short object, or what
    ``max_tokens`` allows where that is set.
    """
    n_characters = len(json.dumps(request.body, ensure_ascii=False))
    return -(-n_characters // _CHARACTERS_PER_TOKEN), _limit_of(request) or _SHORT_ANSWER


def tokens_used(body: str, request: Request) -> Tokens:
    """Return the tokens of an answer: as the server states them, or an upper bound.

    Without a figure, or with one that is none (negative, not finite, a text), what was sent counts
    by its bytes, and the answer by ``max_tokens``, or by its bytes where that is not set, up to
    :data:`LONGEST_ANSWER`: a body of megabytes is no model's.
    """
    stated = stated_tokens(body)
    n_in, n_out = stated
    if n_in is None:
        n_in = most_input_tokens(request)
    if n_out is None:
        n_bytes = len(body.encode("utf-8", "replace"))
        n_out = _limit_of(request) or min(n_bytes, LONGEST_ANSWER)
    return Tokens(n_in, n_out, None not in stated)


def stated_tokens(body: str) -> tuple[int | None, int | None]:
    """Return the tokens sent and answered that a body states, None for a figure that is none."""
    try:
        usage: Any = read_json(body)["usage"]
        figures = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
    n_in, n_out = map(_figure, figures)
    return n_in, n_out


def _figure(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # Something was sent and something came: 0 is no figure either.
    return int(value) if 1 <= value <= _MOST_PLAUSIBLE else None


def most_input_tokens(request: Request) -> int:
    """Return an upper bound of the tokens sent."""
    return -(-_n_bytes(request) // _BYTES_PER_TOKEN)


def _n_bytes(request: Request) -> int:
    return len(json.dumps(request.body, ensure_ascii=False).encode("utf-8", "replace"))


def _limit_of(request: Request) -> int | None:
    return next((request.body[name] for name in TOKEN_LIMITS if name in request.body), None)


class OverBudgetError(Exception):
    """The next question could bring the cost above the limit; the text says what was spent."""


class Budget:
    """What a run has spent, and what the questions under way may cost.

    A question is let through when the limit holds even if all questions under way and this one get
    the longest answers that are possible: ``max_tokens``, or :data:`LONGEST_ANSWER` without it.
    Without ``max_tokens`` the first question goes alone, and later ones may, as long as an answer
    like the longest so far is within the limit.

    Args:
        prices: Prices of tokens.
        limit: What must not be passed; None for no limit.
    """

    def __init__(self, prices: Prices, limit: float | None) -> None:
        self.prices = prices
        self.limit = limit
        self.spent = 0.0
        self.unanswered = 0.0
        self.n_unanswered = 0
        self._held: dict[int, float] = {}
        self._n_reserved = 0
        self._longest = 0  # tokens of an answer, stated or as an upper bound
        self._per_byte = 0.0  # tokens sent for a byte, at most of those stated
        self._freed = asyncio.Event()

    def start(self) -> None:
        """Begin to serve an event loop."""
        self._held.clear()
        self._freed = asyncio.Event()

    async def reserve(self, request: Request) -> int:
        """Set aside what a question may cost, when the limit allows it; returns its number.

        Raises:
            OverBudgetError: The limit does not allow it, whatever becomes of those under way.
        """
        limited = _limit_of(request)
        while True:
            n_out = max(limited or LONGEST_ANSWER, (1 if limited else 2) * self._longest)
            most = self.prices.cost(self._most_input(request), n_out)
            if self.limit is None:
                break
            likely = self.prices.cost(*self._likely(request))
            counted = self.spent + self.unanswered
            if counted + likely > self.limit:
                raise OverBudgetError(self._refusal(limited is None))
            if not self._held:
                break
            known = limited or self._longest  # how long answers are, the first one shows
            if known and counted + sum(self._held.values()) + most <= self.limit:
                break
            self._freed.clear()
            await self._freed.wait()
        self._n_reserved += 1
        self._held[self._n_reserved] = most
        return self._n_reserved

    def _likely(self, request: Request) -> tuple[int, int]:
        n_in, n_out = estimated_tokens(request)
        if self._per_byte:
            n_in = self._most_input(request)
        return n_in, max(n_out, self._longest)

    def _most_input(self, request: Request) -> int:
        """Tokens sent, at most: by what the server stated of others, else by the bytes alone."""
        if not self._per_byte:
            return most_input_tokens(request)
        return math.ceil(_MARGIN * self._per_byte * _n_bytes(request))

    def _refusal(self, unlimited: bool) -> str:
        assert self.limit is not None
        text = f"max_cost {self.limit:g} is reached: {self.spent:.4f} spent in this run"
        if self.n_unanswered:
            text += (
                f", and {self.unanswered:.4f} at most for {self.n_unanswered} tries that brought "
                f"no answer and may be charged all the same"
            )
        return f"{text} (max_tokens bounds what an answer may cost)" if unlimited else text

    def answered(self, reservation: int, tokens: Tokens, request: Request) -> None:
        """Count an answer in place of what was set aside for it."""
        self.spent += self.prices.cost(tokens.input, tokens.output)
        self._longest = max(self._longest, tokens.output)  # as they are counted
        if tokens.stated:
            self._per_byte = max(self._per_byte, tokens.input / _n_bytes(request))
        self.release(reservation)

    def lost(self, reservation: int) -> None:
        """Count a try without an answer, which the server may charge, at the most it can cost."""
        self.unanswered += self._held.get(reservation, 0.0)
        self.n_unanswered += 1
        self.release(reservation)

    def release(self, reservation: int) -> None:
        """Give back what was set aside, where nothing was answered or charged."""
        self._held.pop(reservation, None)
        self._freed.set()
