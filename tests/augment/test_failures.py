"""Servers that fail: no dataset that looks finished, the reason, and no endless asking."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recbole_pngnn.cli import main
from tests.augment.conftest import GOOD, completion

BASE = ["augment", "--dataset", "films", "--candidates", "4", "--provider", "openai"]


@pytest.fixture
def augment(dataset, candidates_file, server, capsys):
    def run(*words):
        words = [*BASE, "--candidates_file", candidates_file, "--model", "tiny", *words]
        status = main([str(word) for word in [*words, "--base_url", server.url]])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def user_of(server, body):
    """Number of the question, in the order in which they came first."""
    asked = list(dict.fromkeys(each["messages"][1]["content"] for each in server.requests))
    return asked.index(body["messages"][1]["content"])


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((503, {}, {"error": {"message": "overloaded"}}), "4 x status 503: overloaded"),
        ((500, {}, "<html><h1>Oh</h1> no</html>"), "4 x status 500: Oh no"),
        ((422, {}, {"detail": [{"loc": ["body", "n"], "msg": "bad"}]}), "status 422: body.n: bad"),
        ((200, {}, "<html>Sign in</html>"), "4 x the body is no JSON: '<html>Sign in"),
        ((200, {}, {"error": {"message": "loading"}}), '4 x no choice: {"message": "loading"}'),
        ("close", "4 x no answer: Server disconnected"),
    ],
)
def test_a_server_that_dies_in_the_middle(augment, server, reply, reason):
    server.script = lambda body, times: (200, {}, GOOD) if user_of(server, body) < 2 else reply
    words = ("--max_retries", 0, "--concurrency", 1)
    status, _, err = augment(*words)
    assert status == 2
    assert "no dataset is written: 4 of 6 question(s) got no answer" in err
    assert reason in err
    assert "output/augment/films/journal.jsonl" in err
    assert not Path("dataset/films-openai").exists()

    # The user may go on without, and the manifest says so.
    status, out, err = augment(*words, "--allow_failed")
    assert status == 0, err
    answers = json.loads(Path("dataset/films-openai/manifest.json").read_text())["answers"]
    assert (answers["cached"], answers["failed"]) == (2, 4)
    assert list(answers["without_answer"].values()) == [4]
    assert "edges: 2 liked, 2 disliked" in out

    # When the server is back, what is open is asked, and nothing else.
    server.script = lambda *_: (200, {}, GOOD)
    n = len(server.requests)
    status, out, err = augment("--overwrite")
    assert (status, len(server.requests) - n) == (0, 4), err
    assert "edges: 6 liked, 6 disliked" in out


def test_a_run_that_was_stopped_may_be_written_too(augment, server):
    server.script = lambda body, times: (
        (200, {}, GOOD) if user_of(server, body) < 2 else (401, {}, {"error": "no"})
    )
    words = ("--concurrency", 1)
    assert "the server refuses the key (401)" in augment(*words)[2]
    status, _, err = augment(*words, "--allow_failed")
    assert status == 0, err
    answers = json.loads(Path("dataset/films-openai/manifest.json").read_text())["answers"]
    assert answers["without_answer"] == {"not asked": 4}
    assert "refuses the key" in answers["stopped"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (completion(None), "6 x no content"),
        (completion("Hm."), "6 x no JSON object"),
        (completion('{"liked": null, "disliked": "none"}'), "6 x abstained"),
    ],
)
def test_why_nothing_was_picked(augment, server, reply, reason):
    server.script = lambda *_: (200, {}, reply)
    status, _, err = augment()
    assert (status, "picked nothing for 6 user(s)" in err) == (2, True)
    assert reason in err
    assert "journal.jsonl" in err


def test_no_concurrency_is_refused(augment):
    assert "concurrency must be at least 1, found 0" in augment("--concurrency", 0)[2]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": "response_format is not supported"}}),
        (422, {"detail": [{"loc": ["body", "response_format", "type"], "msg": "not permitted"}]}),
        (500, {"error": {"message": "Input should be 'text' ('body', 'response_format')"}}),
        (500, "failed to parse grammar"),
        (400, {"message": "this model has no structured outputs"}),
        (501, {"error": "json_schema is not implemented"}),
    ],
)
def test_a_refused_format_is_stepped_down_from(augment, server, status, body):
    server.script = lambda asked, times: (
        (status, {}, body) if "response_format" in asked else (200, {}, GOOD)
    )
    found, _, err = augment("--concurrency", 2, "--max_retries", 0)
    assert found == 0, err
    assert len(server.requests) <= 6 + 2 * 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": "see the log for more information"}}),
        (400, {"error": {"message": "wrong date format"}}),
        (500, "no information"),
        (422, {"detail": [{"loc": ["body", "n"], "msg": "bad",
                           "input": {"response_format": {"type": "json_schema"}}}]}),
        (503, {"error": {"message": "response_format is not supported"}}),
    ],
)  # fmt: skip
def test_another_failure_is_no_matter_of_format(augment, server, status, body):
    server.script = lambda *_: (status, {}, body)
    assert augment("--max_retries", 0)[0] == 2
    kinds = {asked["response_format"]["type"] for asked in server.requests}
    assert (kinds, len(server.requests)) == ({"json_schema"}, 6)


@pytest.mark.parametrize(
    ("reply", "n_asked"), [((503, {}, "busy"), 10), ((200, {}, completion("Hm.")), 50)]
)
def test_a_run_of_failures_stops(augment, server, reply, n_asked):
    server.script = lambda *_: reply
    words = ("--max_retries", 0, "--concurrency", 1, "--votes", 9)
    status, _, err = augment(*words)
    assert (status, "questions in a row came to nothing, the last:" in err) == (2, True)
    assert len(server.requests) == n_asked


def test_a_server_that_asks_to_wait_for_ever_is_not_waited_for(augment, server):
    server.script = lambda *_: (429, {"Retry-After": "86400"}, {"error": "tomorrow"})
    started = time.monotonic()
    assert "status 429: tomorrow" in augment()[2]
    assert time.monotonic() - started < 5


def test_from_a_notebook(dataset, candidates_file, server):
    """An event loop is running already where the user's own code stands."""
    from recbole_pngnn.augment import AugmentSettings, RequestSettings, augment

    settings = AugmentSettings(
        "films",
        "openai",
        candidates_file=candidates_file,
        n_candidates=4,
        request=RequestSettings("tiny", server.url),
    )

    async def cell():
        return augment(settings)

    assert asyncio.run(cell())["answers"]["answered"] == 6


NOTEBOOK = """
import asyncio, signal, sys, threading, time
from pathlib import Path
from recbole_pngnn.augment import *
settings = AugmentSettings("films", "openai", candidates_file=Path(sys.argv[2]), n_candidates=4,
    request=RequestSettings("tiny", sys.argv[1]), client=ClientSettings(concurrency=1))
async def cell():
    augment(settings)
handler = signal.getsignal(signal.SIGINT)
try:
    asyncio.run(cell())
except KeyboardInterrupt:
    print("interrupted")
assert signal.getsignal(signal.SIGINT) is handler
"""


def test_ctrl_c_in_a_notebook_drains(dataset, candidates_file, server, tmp_path):
    server.latency = 0.5
    child = subprocess.Popen(
        [sys.executable, "-c", NOTEBOOK, server.url, str(candidates_file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    deadline = time.monotonic() + 60
    while not server.requests:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(2)
    out, _ = child.communicate(timeout=60)
    assert (child.returncode, out) == (0, "interrupted\n")
    lines = Path("output/augment/films/journal.jsonl").read_text().splitlines()
    assert len(lines) - 1 == len(server.requests) < 6
