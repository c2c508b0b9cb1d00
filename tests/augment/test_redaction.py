"""Keys and passwords are never shown, whoever writes them, and however."""

import base64
import json
import logging
from pathlib import Path
from urllib.parse import quote

import pytest

from recbole_pngnn.augment import AugmentError, RequestSettings
from recbole_pngnn.augment.redaction import Redactor, read_key, shown_url
from recbole_pngnn.cli import main
from tests.augment.conftest import GOOD

SECRET = "sk-Tower/of+Babel_9081726354-xyzzy"
BASE = ["augment", "--dataset", "films", "--candidates", "4", "--provider", "openai"]


@pytest.mark.parametrize(
    "found",
    [
        "sk-word\r\n",
        "\ufeffsk-word",
        ' "sk-word" ',
        "'sk-word'\r",
        "Bearer sk-word",
        "\u200bsk-word",
    ],
)
def test_a_key_loses_what_files_and_editors_put_around_it(found):
    assert read_key({"OPENAI_API_KEY": found}) == "sk-word"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("sk-tower\u201chill", r"U\+201C \(LEFT DOUBLE QUOTATION MARK\) at place 9 of 13"),
        ("sk-tower\nhill", r"U\+000A \(a control character\) at place 9"),
        ("sk-tower\x7fhill", r"U\+007F"),
        ("sk-tower\udcffhill", r"U\+DCFF"),
        (" \r\n", "there is no key"),
    ],
)
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(found, message):
    with pytest.raises(AugmentError, match=message) as caught:
        read_key({"OPENAI_API_KEY": found})
    assert "tower" not in str(caught.value)


FORMS = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON, with its other slash": lambda key: key.replace("/", r"\/"),
    "JSON's numbers": lambda key: "".join(f"\\u{ord(c):04X}" for c in key),
    "a URL": lambda key: quote(key, safe=""),
    "a URL within a URL": lambda key: quote(quote(key, safe=""), safe=""),
    "HTML's numbers": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "bytes": lambda key: repr(f"Bearer {key}".encode()),
    "its beginning": lambda key: f"{key[:15]}...",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_however_it_is_written(form):
    written = FORMS[form](SECRET)
    text = Redactor([SECRET])(f"the key {written} is wrong")
    assert text.startswith("the key ")
    assert text.endswith(" is wrong")
    assert "[hidden]" in text
    assert written[4:12] not in text


def test_a_short_key_is_hidden_where_keys_stand_and_answers_stay():
    redact = Redactor(["none"])
    answer = '{"liked": "none", "disliked": "B"}'
    assert redact(answer) == answer
    assert "none" not in redact('Bearer none; {"api_key": "none"}')


def test_addresses_without_their_secrets():
    url = "https://ann:p%40ss@host:8/v1?api-key=qwertyuiop&api-version=2&s=x"
    assert shown_url(url) == (
        "https://[hidden]@host:8/v1?api-key=[hidden]&api-version=2&s=[hidden]"
    )
    assert shown_url("http://localhost:8000/v1") == "http://localhost:8000/v1"
    redact = Redactor.of(url, environ={})
    echoed = f"GET {url} Basic {base64.b64encode(b'ann:p@ss').decode()} key qwertyuiop"
    for secret in ("p%40ss", "qwertyuiop", "YW5uOnBAc3M", "s=x"):
        assert secret not in redact(echoed), secret


@pytest.mark.parametrize(
    "url",
    [
        "ann:hunter22@host/v1",
        "htps://ann:hunter22@host/v1",
        "http://ann:hun/ter22@host:x/v1",
        "http://ann:hunter22@ho st/v1",
    ],
)
def test_a_wrong_address_is_refused_without_its_password(url):
    with pytest.raises(AugmentError, match="base_url") as caught:
        RequestSettings("tiny", url)
    assert "ter22" not in str(caught.value)


def test_logs_of_libraries_have_no_key(caplog):
    caplog.set_level(logging.DEBUG)
    before = logging.getLogRecordFactory()
    with Redactor([SECRET]).logs():
        logging.getLogger("some.library").info("sent %s", {"Authorization": SECRET})
        try:
            raise RuntimeError(f"with {SECRET}")
        except RuntimeError:
            logging.getLogger("other").exception("it broke")
    assert SECRET not in caplog.text
    assert "it broke" in caplog.text
    assert logging.getLogRecordFactory() is before


@pytest.fixture
def augment(dataset, candidates_file, capsys):
    def run(*words):
        words = [*BASE, "--candidates_file", candidates_file, "--model", "tiny", *words]
        status = main([str(word) for word in words])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def files_with(text):
    return [
        str(file)
        for file in Path().rglob("*")
        if file.is_file() and text.encode() in file.read_bytes()
    ]


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_server_that_echoes_everything_gives_nothing_away(
    augment, server, monkeypatch, caplog, status
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", f"{SECRET}\r\n")
    monkeypatch.setattr("recbole_pngnn.augment.replies._LONGEST_WAIT", 0.0)

    def script(body, times):
        echoed = f"{server.keys[-1]} {server.paths[-1]} {quote(SECRET, safe='')}"
        reply = {"error": {"message": f"{echoed} is wrong"}} if status != 200 else {**GOOD}
        return status, {"Location": echoed, "Retry-After": "1"}, {**reply, "echo": echoed}

    server.script = script
    url = server.url.replace("http://", "http://ann:opensesame1@") + "?api-key=abracadabra"
    found, printed = augment("--base_url", url, "--max_retries", 0)
    assert found == (0 if status == 200 else 2), printed
    # Basic takes the place of Bearer, as the address wants it; the query went with it.
    assert server.paths[0] == "/v1/chat/completions?api-key=abracadabra"
    basic = base64.b64encode(b"ann:opensesame1").decode()
    assert server.keys[0] == f"Basic {basic}"
    for secret in (SECRET, quote(SECRET, safe=""), "opensesame1", "abracadabra", basic):
        assert secret not in printed + caplog.text
        assert files_with(secret) == []
    assert files_with("[hidden]")


def test_a_key_with_a_line_end_is_sent_without_it(augment, server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f"{SECRET}\r")
    status, printed = augment("--base_url", server.url)
    assert status == 0, printed
    assert set(server.keys) == {f"Bearer {SECRET}"}
    assert files_with(SECRET) == []


def test_a_batch_file_that_echoes_the_key(augment, server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    augment("--base_url", server.url, "--export_batch", "in.jsonl")
    ids = [json.loads(line)["custom_id"] for line in Path("in.jsonl").read_text().splitlines()]
    failed = {"custom_id": ids[0], "error": {"message": f"Incorrect API key: {SECRET}"}}
    Path("out.jsonl").write_text(json.dumps(failed) + "\n")
    status, printed = augment("--base_url", server.url, "--import_batch", "out.jsonl")
    assert (status, "1 failed" in printed) == (0, True), printed
    assert files_with(SECRET) == ["out.jsonl"]


def test_a_redirect_is_not_followed(augment, server):
    server.script = lambda *_: (307, {"Location": "http://127.0.0.1:9/v1?token=zzzzzzzzzz"}, "")
    status, printed = augment("--base_url", server.url)
    assert status == 2
    assert "sends on to http://127.0.0.1:9/v1?token=[hidden] (307)" in printed
    assert len(server.requests) <= 6
