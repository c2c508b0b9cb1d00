"""What a run costs at most, against servers that state it badly or not at all."""

import time

import pytest

from recbole_pngnn.augment import AugmentError, ClientSettings, Prices, RequestSettings
from recbole_pngnn.augment.budget import (
    LONGEST_ANSWER,
    estimated_tokens,
    stated_tokens,
    tokens_used,
)
from recbole_pngnn.augment.client import Asker
from recbole_pngnn.augment.journal import Journal
from recbole_pngnn.augment.prompts import Prompt
from recbole_pngnn.augment.requests import make_request
from tests.augment.conftest import GOOD

FOR_A_TOKEN = 1e6  # a price for a million tokens that makes a token cost 1
OUTPUT_ALONE = Prices(0, FOR_A_TOKEN)
LABELS = {"A": "m1", "B": "m2", "C": "m3"}


@pytest.fixture
def ask(server, tmp_path):
    """Ask 24 questions; returns the asker, and why it stopped."""

    def run(
        max_tokens=None,
        prices=OUTPUT_ALONE,
        timeout=5.0,
        retries=0,
        seed="",
        **client,
    ):
        prompts = [
            Prompt(f"u{n}", 0, ({"role": "user", "content": f"Which, {n}{seed}?"},), LABELS)
            for n in range(24)
        ]
        settings = ClientSettings(timeout=timeout, max_retries=retries, prices=prices, **client)
        request = RequestSettings("tiny", server.url, max_tokens=max_tokens)
        with Journal(tmp_path / "journal.jsonl", {}) as journal:
            asker = Asker(request, settings, journal)
            try:
                asker.ask(prompts)
            except AugmentError as stop:
                return asker, str(stop)
        return asker, ""

    return run


def answer(**usage):
    return {**GOOD, "usage": usage} if usage else {k: v for k, v in GOOD.items() if k != "usage"}


def test_long_answers_in_flight_cannot_pass_the_limit(server, ask):
    server.latency = 0.02
    server.script = lambda *_: (200, {}, answer(prompt_tokens=1, completion_tokens=90))
    asker, stop = ask(max_tokens=100, max_cost=500, concurrency=12)
    paid = 90 * len(server.requests)
    assert 300 <= paid <= 500
    assert asker.budget.spent == paid
    assert f"max_cost 500 is reached: {paid:.4f} spent in this run" in stop


def test_questions_wait_for_those_under_way_and_all_are_asked(server, ask):
    server.latency = 0.02
    server.script = lambda *_: (200, {}, answer(prompt_tokens=1, completion_tokens=10))
    _, stop = ask(max_tokens=100, max_cost=400, concurrency=12)
    assert (stop, len(server.requests)) == ("", 24)


def test_what_is_sent_counts_as_the_server_counts_it(server, ask):
    """A question has some 350 bytes: of another alphabet they may be 350 tokens, or 35."""
    for stated, least in ((350, 10), (35, 20)):
        server.requests.clear()
        server.script = lambda *_, n=stated: (200, {}, answer(prompt_tokens=n, completion_tokens=1))
        prices = Prices(FOR_A_TOKEN, 0)
        asker, _ = ask(max_tokens=5, max_cost=5_000, prices=prices, concurrency=8, seed=stated)
        assert asker.budget.spent == stated * len(server.requests) <= 5_000
        assert len(server.requests) >= least


def test_answers_without_a_limit_of_their_own_go_one_by_one_near_the_end(server, ask):
    server.latency = 0.02
    server.script = lambda *_: (200, {}, answer(prompt_tokens=1, completion_tokens=248_600))
    asker, stop = ask(max_cost=5, prices=Prices(0, 10.0), concurrency=8)
    assert len(server.requests) == 2
    assert asker.budget.spent == pytest.approx(4.972)
    assert "max_tokens bounds what an answer may cost" in stop


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt_tokens": -5_000, "completion_tokens": -5_000},
        {"prompt_tokens": float("nan"), "completion_tokens": float("nan")},
        {"prompt_tokens": float("inf"), "completion_tokens": float("-inf")},
        {"prompt_tokens": "7", "completion_tokens": "many"},
        {"prompt_tokens": True, "completion_tokens": False},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 10**400, "completion_tokens": 10**30},
        {"prompt_tokens": [1], "completion_tokens": {}},
        {"total_tokens": 3},
    ],
)
def test_a_figure_that_is_none_counts_as_the_most_there_can_be(server, ask, usage):
    server.script = lambda *_: (200, {}, answer(**usage))
    asker, stop = ask(max_tokens=50, max_cost=200, concurrency=4)
    assert len(server.requests) == 4
    assert asker.budget.spent == 200
    assert asker.progress.unstated == 4
    assert "max_cost 200 is reached" in stop


@pytest.mark.parametrize("usage", ["1e999", "-1e999", "9" * 5000])
def test_an_answer_is_kept_whatever_its_figures(server, ask, usage, tmp_path):
    raw = '{"choices": [{"message": {"content": "{\\"liked\\": \\"A\\", \\"disliked\\": null}"}}], '
    raw += f'"usage": {{"prompt_tokens": {usage}, "completion_tokens": {usage}}}}}'
    server.script = lambda *_: (200, {}, raw)
    for _ in range(2):  # and read again by the next run
        asker, stop = ask()
        assert stop == ""
    assert (asker.progress.cached, len(server.requests)) == (24, 24)


def test_a_body_that_cannot_be_looked_at_is_kept_and_asked_again(server, ask, tmp_path):
    brackets = "[" * 100_000 + "]" * 100_000
    server.script = lambda *_: (200, {}, brackets)
    for run in (1, 2):
        asker, stop = ask(max_tokens=3, max_cost=1e6, concurrency=1)
        assert "10 questions in a row came to nothing, the last: the body is no JSON" in stop
        assert asker.budget.spent == 3 * 20
        assert (tmp_path / "journal.jsonl").read_text().count(brackets) == 20 * run


def test_a_page_of_megabytes_counts_as_the_longest_answer(server, ask):
    server.script = lambda *_: (200, {}, " " * 2_000_000)
    asker, stop = ask(max_cost=LONGEST_ANSWER + 100, concurrency=2)
    assert "is reached" in stop
    assert asker.budget.spent == LONGEST_ANSWER
    assert len(server.requests) == 1


def test_what_is_stated_beside_what_is_not():
    settings = RequestSettings("tiny", "http://x/v1")
    prompt = Prompt("u", 0, ({"role": "user", "content": "Wörter " * 50},), LABELS)
    request = make_request(prompt, settings, "text")
    body = '{"usage": {"prompt_tokens": 12}, "choices": []}'
    assert stated_tokens(body) == (12, None)
    used = tokens_used(body, request)
    assert (used.input, used.output, used.stated) == (12, len(body), False)
    # The bound is above the estimate, which is of English.
    assert tokens_used("", request).input > estimated_tokens(request)[0]


@pytest.mark.parametrize("reply", ["hang", "close", (504, {}, "gateway"), (408, {}, "slow")])
def test_a_try_without_an_answer_may_be_charged(server, ask, reply, monkeypatch):
    monkeypatch.setattr("recbole_pngnn.augment.replies._LONGEST_WAIT", 0.01)
    monkeypatch.setattr("recbole_pngnn.augment.replies.random.random", lambda: 4.0)  # no wait
    server.script = lambda *_: reply
    asker, stop = ask(max_tokens=100, max_cost=250, timeout=0.3, retries=5, concurrency=1)
    assert len(server.requests) == 2
    assert (asker.budget.spent, asker.budget.unanswered) == (0, 200)
    assert "200.0000 at most for 2 tries that brought no answer" in stop


def test_a_try_that_nobody_took_costs_nothing(ask, monkeypatch):
    monkeypatch.setattr(RequestSettings, "address", ("http://127.0.0.1:9/v1", {}))
    asker, stop = ask(max_tokens=100, max_cost=250)
    assert "no answer from" in stop
    assert asker.budget.unanswered == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Prices(-1, 0), "prices must be numbers from 0, found -1 for input"),
        (lambda: Prices(0, float("nan")), "found nan for output"),
        (lambda: Prices(float("inf"), 0), "found inf"),
        (lambda: ClientSettings(max_cost=5), "max_cost 5 limits nothing without prices"),
        (lambda: ClientSettings(prices=Prices(1, 1), max_cost=float("nan")), "found nan"),
        (lambda: ClientSettings(prices=Prices(1, 1), max_cost=-1), "found -1"),
        (lambda: ClientSettings(concurrency=0), "concurrency must be at least 1, found 0"),
        (lambda: ClientSettings(max_retries=-1), "max_retries must be at least 0, found -1"),
        (lambda: ClientSettings(timeout=float("nan")), "timeout must be seconds above 0"),
        (lambda: RequestSettings("m", temperature=float("nan")), "temperature must be"),
        (lambda: RequestSettings("m", max_tokens=0), "max_tokens must be at least 1, found 0"),
    ],
)
def test_settings_that_cannot_be(make, message):
    with pytest.raises(AugmentError, match=message):
        make()


def test_a_server_that_sends_a_byte_now_and_then_is_left(server, ask):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(60):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)

    server.script = lambda *_: drip
    started = time.monotonic()
    asker, stop = ask(max_tokens=10, max_cost=1000, timeout=0.5, concurrency=2)
    assert time.monotonic() - started < 3
    assert "no answer in 0.5 s" in stop
    assert asker.budget.n_unanswered > 0


def test_a_body_without_an_end_is_cut(server, ask, tmp_path, monkeypatch):
    monkeypatch.setattr("recbole_pngnn.augment.server.MOST_BYTES", 20_000)

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65_536)

    server.script = lambda *_: endless
    asker, stop = ask(concurrency=1)
    assert "10 questions in a row came to nothing, the last: an answer longer than" in stop
    assert (tmp_path / "journal.jsonl").stat().st_size < 21 * 21_000
    assert asker.progress.failed == 10
