"""The client against a server on loopback that misbehaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from recbole_pngnn.augment.client import Asker, ClientSettings, Prices
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.journal import Journal
from recbole_pngnn.augment.prompts import Prompt, PromptMaker, read_template
from recbole_pngnn.augment.requests import FORMATS, RequestSettings, make_request
from tests.augment.conftest import GOOD, KEY, completion

COLUMNS = ("movie_title", "release_year", "genre")


@pytest.fixture
def prompts(data):
    maker = PromptMaker(data, read_template("history-v1"), COLUMNS)
    return [maker.prompt(user, ["m10", "m11", "m12"]) for user in data.users]


@pytest.fixture
def ask(server, tmp_path, prompts):
    """Ask the server once; returns the outcomes by user and the asker."""

    def run(chosen=None, client=None, **settings):
        request = RequestSettings("tiny", server.url, **settings)
        client = client or ClientSettings(concurrency=2, timeout=1.0, max_retries=2)
        with Journal(tmp_path / "journal.jsonl", {"dataset": "films"}) as journal:
            asker = Asker(request, client, journal)
            outcomes = asker.ask(prompts if chosen is None else chosen)
        return {user: outcome for (user, _), outcome in outcomes.items()}, asker

    return run


def journal_of(tmp_path):
    return [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]


def test_good_answers_are_asked_for_once(server, ask, prompts, tmp_path):
    outcomes, asker = ask()
    for prompt in prompts:
        assert list(outcomes[prompt.user].picks.liked) == [prompt.labels["A"]]
        assert list(outcomes[prompt.user].picks.disliked) == [prompt.labels["B"]]
    assert (asker.progress.answered, asker.progress.cached) == (6, 0)
    assert (asker.progress.input_tokens, asker.progress.output_tokens) == (600, 60)
    again, asker = ask()
    assert again == outcomes
    assert (asker.progress.answered, asker.progress.cached) == (0, 6)
    assert len(server.requests) == 6
    assert {record["body"] for record in journal_of(tmp_path)[1:]} == {json.dumps(GOOD)}


def test_headers_that_are_not_ascii_lose_no_answer(server, ask, prompts):
    headers = {"X-Served-By": "M\xfcnchen"}
    server.script = lambda body, times: (200, headers, GOOD)
    outcomes, asker = ask()
    assert (asker.progress.answered, len(server.requests)) == (6, 6)
    assert all(outcomes[prompt.user].picks for prompt in prompts)


def test_what_is_sent(server, ask, prompts):
    ask(prompts[:1], temperature=0.2, max_tokens=30, token_limit="max_completion_tokens")
    (body,) = server.requests
    assert body["messages"] == list(prompts[0].messages)
    assert (body["model"], body["temperature"]) == ("tiny", 0.2)
    assert body["max_completion_tokens"] == 30
    assert "max_tokens" not in body
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"]["properties"]["liked"]["enum"] == ["A", "B", "C", None]
    assert server.keys == [f"Bearer {KEY}"]


def fail_first(reply, n=1):
    return lambda body, times: reply if times <= n else (200, {}, GOOD)


@pytest.mark.parametrize(
    "reply",
    [
        (429, {"Retry-After": "0.1"}, {"error": {"message": "slow down"}}),
        (429, {}, {"error": {"message": "slow down"}}),
        (500, {}, "oops"),
        (503, {}, "<html>busy</html>"),
        "close",
    ],
)
def test_what_passes_is_asked_again(server, ask, prompts, reply):
    server.script = fail_first(reply)
    outcomes, asker = ask(prompts[:2])
    assert asker.progress.answered == 2
    assert all(outcome.picks for outcome in outcomes.values())
    assert len(server.requests) == 4


def test_a_server_that_hangs_is_waited_for_so_long(server, ask, prompts):
    server.script = fail_first("hang")
    outcomes, _ = ask(prompts[:1], ClientSettings(timeout=0.3, max_retries=1))
    assert outcomes[prompts[0].user].picks


def test_a_server_error_that_stays_fails_that_user_alone(server, ask, prompts, tmp_path):
    bad = prompts[1].messages[1]["content"]
    server.script = lambda body, times: (
        (500, {}, "oops") if body["messages"][1]["content"] == bad else (200, {}, GOOD)
    )
    outcomes, asker = ask()
    assert outcomes[prompts[1].user].reason == "status 500: oops"
    assert (asker.progress.answered, asker.progress.failed) == (5, 1)
    server.script = lambda body, times: (200, {}, GOOD)
    outcomes, asker = ask()  # and is asked again by the next run
    assert outcomes[prompts[1].user].picks
    assert (asker.progress.answered, asker.progress.cached) == (1, 5)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (completion('{"liked": "Z", "disliked": "A"}'), "'Z' is no candidate's label"),
        (completion('{"liked": "A", "disliked": "A"}'), "a label occurs twice"),
        (completion(None, refusal="no"), "refusal"),
        (completion('{"liked": "A", "disl', reason="length"), "finish_reason length"),
    ],
)
def test_invalid_answers_are_repeated_once_and_recorded(
    server, ask, prompts, reply, reason, tmp_path
):
    server.script = lambda body, times: (200, {}, reply)
    outcomes, asker = ask(prompts[:1])
    outcome = outcomes[prompts[0].user]
    assert outcome.picks is None
    assert reason in outcome.reason
    assert asker.progress.invalid == 1
    assert len(server.requests) == 2
    raw = reply if isinstance(reply, str) else json.dumps(reply)
    assert [record["body"] for record in journal_of(tmp_path)[1:]] == [raw, raw]
    ask(prompts[:1])
    assert len(server.requests) == 2  # not asked a third time


def test_an_invalid_answer_may_be_mended_by_the_repeat(server, ask, prompts):
    server.script = fail_first((200, {}, completion("hm")))
    outcomes, _ = ask(prompts[:1])
    assert outcomes[prompts[0].user].picks


def test_an_abstention_is_an_answer(server, ask, prompts):
    server.script = lambda *_: (200, {}, completion('{"liked": null, "disliked": null}'))
    outcomes, asker = ask(prompts[:1])
    assert outcomes[prompts[0].user].picks is not None
    assert not outcomes[prompts[0].user].picks
    assert (asker.progress.answered, asker.progress.abstained) == (1, 1)


@pytest.mark.parametrize(
    ("reply", "message", "most"),
    [
        ((401, {}, {"error": {"message": "bad key"}}), r"refuses the key \(401\)", 2),
        ((403, {}, {"error": {"message": "no"}}), r"refuses the key \(403\)", 2),
        ((404, {}, {"error": {"message": "no model"}}), "knows no model tiny", 2),
        (
            (429, {"Retry-After": "0.01"}, {"error": {"code": "insufficient_quota"}}),
            "the quota is used up",
            6,
        ),
    ],
)
def test_what_no_question_could_pass_stops_the_run(server, ask, reply, message, most, tmp_path):
    server.script = lambda *_: reply
    with pytest.raises(AugmentError, match=message):
        ask()
    assert len(server.requests) <= most
    assert KEY not in (tmp_path / "journal.jsonl").read_text()


def test_a_refused_format_is_stepped_down_from_and_remembered(server, ask, prompts, tmp_path):
    def script(body, times):
        kind = body.get("response_format", {}).get("type", "text")
        if kind != "text":
            return 400, {}, {"error": {"message": f"response_format {kind} is not supported"}}
        return 200, {}, GOOD

    server.script = script
    outcomes, _ = ask(client=ClientSettings(concurrency=1, max_retries=0))
    assert all(outcome.picks for outcome in outcomes.values())
    kinds = Counter(body.get("response_format", {}).get("type") for body in server.requests)
    assert kinds == {"json_schema": 1, "json_object": 1, None: 6}
    ask()
    assert len(server.requests) == 8


def test_another_400_is_no_matter_of_format(server, ask, prompts):
    server.script = lambda *_: (400, {}, {"error": {"message": "context too long"}})
    outcomes, _ = ask(prompts[:1])
    assert outcomes[prompts[0].user].reason == "status 400: context too long"
    assert len(server.requests) == 1


def test_an_unreachable_server_is_said_at_once(prompts, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    settings = RequestSettings("tiny", "http://127.0.0.1:9/v1")
    with Journal(tmp_path / "j.jsonl", {}) as journal:
        asker = Asker(settings, ClientSettings(max_retries=0), journal)
        with pytest.raises(AugmentError, match=r"no answer from http://127.0.0.1:9/v1"):
            asker.ask(prompts)


def test_a_missing_key_is_named(server, ask, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(AugmentError, match="set the environment variable OPENAI_API_KEY"):
        ask()


def test_max_cost_stops_before_it_is_passed(server, ask):
    client = ClientSettings(concurrency=1, prices=Prices(1000.0, 1000.0), max_cost=0.5)
    with pytest.raises(AugmentError, match=r"max_cost 0.5 is reached: 0\.\d+ spent"):
        ask(client=client)
    spent = len(server.requests) * 110 * 1000 / 1e6
    assert 0 < spent <= 0.5
    _, asker = ask(client=replace(client, max_cost=None))
    assert asker.progress.cached == 6 - asker.progress.answered > 0


def test_what_changes_the_key_and_what_does_not(prompts):
    settings = RequestSettings("tiny", "http://x/v1")
    key = make_request(prompts[0], settings, "json_schema").key
    assert key == make_request(prompts[0], replace(settings, base_url="http://x/v1/"), FORMAT).key
    for other in (
        make_request(prompts[1], settings, FORMAT),
        make_request(prompts[0], replace(settings, model="other"), FORMAT),
        make_request(prompts[0], replace(settings, temperature=0.0), FORMAT),
        make_request(prompts[0], replace(settings, base_url="http://y/v1"), FORMAT),
        make_request(prompts[0], settings, "text"),
    ):
        assert other.key != key


FORMAT = "json_schema"


def test_requests_are_those_of_the_first_version():
    """Journals and batch files of 0.1.0 keep their worth: the keys were computed by it."""
    messages = (
        {"role": "system", "content": "You choose."},
        {"role": "user", "content": "Se\u00f1or? A. Zo\u00eb\nB. Ada"},
    )
    prompt = Prompt("u", 0, messages, {"A": "1", "B": "2"})
    settings = RequestSettings(
        "tiny",
        "http://localhost:8000/v1/",
        temperature=0.5,
        max_tokens=30,
        token_limit="max_completion_tokens",
    )
    assert [make_request(prompt, settings, name).key for name in FORMATS] == [
        "16dd82f726751d2077bb2e7f6d8c6441b850b8fa0d5dece9235b4732dd4f12fb",
        "3a0b3a0cf614ba52291669dea9b43ecdca55bb88a0d08ce4addff9004e492dd3",
        "6cf6eb30ace650aa65a5a56039e06bdfab85d32273f9e8b208dc44b708f83db6",
    ]
    several = make_request(prompt, RequestSettings("tiny", picks=2), FORMAT)
    assert several.key == "b3a40088d32dab63c4a9ee4fa43ab308f23766767bb7a7d6ff0e9682ece8af5b"


def test_prompts_are_those_of_the_first_version(data):
    maker = PromptMaker(data, read_template("history-v1"), COLUMNS)
    prompt = maker.prompt("u1", ["m9", "m10", "m11", "m12"], 1)
    request = make_request(prompt, RequestSettings("tiny", "http://x/v1"), FORMAT)
    assert request.key == "e60fb5f73193515fa217283abfb34fe3c72d9936559500d6bd1b4d29ebc10954"


def test_a_concurrent_client_waits_for_the_server_and_nothing_else(server, ask, prompts):
    server.latency = 0.1
    many = [replace(prompts[0], user=f"x{n}", messages=({"role": "user", "content": str(n)},))
            for n in range(96)]  # fmt: skip
    started = time.monotonic()
    ask(many, ClientSettings(concurrency=16))
    assert len(server.requests) == 96
    assert time.monotonic() - started < 3 * 0.1 * 96 / 16 + 2


CHILD = """
import sys
from pathlib import Path
from recbole_pngnn.augment.client import Asker, ClientSettings
from recbole_pngnn.augment.dataset import read_training_data
from recbole_pngnn.augment.journal import Journal
from recbole_pngnn.augment.prompts import PromptMaker, read_template
from recbole_pngnn.augment.requests import RequestSettings
data = read_training_data("films", Path("dataset"), text_columns=("movie_title",))
maker = PromptMaker(data, read_template("history-v1"), ("movie_title",))
items = [f"m{n}" for n in range(1, 13)]
prompts = [maker.prompt(u, items, v) for u in data.users for v in range(10)]
with Journal(Path("journal.jsonl"), {}) as journal:
    asker = Asker(RequestSettings("tiny", sys.argv[1]), ClientSettings(concurrency=2), journal)
    try:
        asker.ask(prompts)
    except KeyboardInterrupt:
        sys.exit(130)
print(asker.progress)
"""


def start_child(server):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, server.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_a_second_ctrl_c_does_not_wait(server, data):
    server.script = lambda body, times: "hang"
    child = start_child(server)
    deadline = time.monotonic() + 60
    while len(server.requests) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    started = time.monotonic()
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert time.monotonic() - started < 2.5  # an answer takes 3 seconds


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_stopped_pays_for_nothing_twice(server, data, signal_number, tmp_path):
    server.latency = 0.05
    first = start_child(server)
    deadline = time.monotonic() + 60
    while len(server.requests) < 12:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    first.send_signal(signal_number)
    _, errors = first.communicate(timeout=60)
    if signal_number == signal.SIGINT:
        assert first.returncode == 130, errors
    answered = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    n_asked = len(server.requests)
    # Ctrl-C waits for the questions under way; a kill loses at most those.
    assert n_asked - (len(answered) - 1) <= (2 if signal_number == signal.SIGKILL else 0)
    second = start_child(server)
    out, errors = second.communicate(timeout=120)
    assert second.returncode == 0, errors
    assert f"cached={len(answered) - 1}" in out
    times = Counter(json.dumps(body, sort_keys=True) for body in server.requests)
    assert len(times) == 60
    assert sum(times.values()) - 60 == n_asked - (len(answered) - 1)
