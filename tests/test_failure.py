"""What the command says of a failure gives no secret away, whoever raised it."""

import sys
from pathlib import Path

import pytest

from recbole_pngnn import cli
from recbole_pngnn.failure import told

KEY = "sk-made-up-0123456789"


@pytest.fixture
def with_secrets(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    words = [
        "recbole-pngnn",
        "augment",
        "--base_url=http://me:opensesame@127.0.0.1/v1?key=hushhush",
    ]
    monkeypatch.setattr(sys, "argv", words)


def test_neither_the_line_nor_the_traceback_has_a_key(with_secrets):
    text = f"header {KEY} of http://me:opensesame@127.0.0.1/v1?key=hushhush"
    try:
        raise KeyError(text)  # which nobody foresaw
    except KeyError as error:
        line, status = told(error)
    assert status == 1
    (kept,) = Path("output/log").glob("error-*.log")
    for shown in (line, kept.read_text(), told(ValueError(text))[0]):
        assert "[hidden]" in shown
        for secret in (KEY, "opensesame", "hushhush"):
            assert secret not in shown
    assert "KeyError" in kept.read_text()


def test_words_that_nobody_knows_are_shown_without_their_secrets(with_secrets, capsys):
    word = "http://me:opensesame@127.0.0.1/v1?key=hushhush"
    sys.argv = ["recbole-pngnn", "recommend", "--checkpoint=c.pth", word]
    with pytest.raises(SystemExit):
        cli.main()
    errors = capsys.readouterr().err
    assert "127.0.0.1" in errors
    assert "opensesame" not in errors
    assert "hushhush" not in errors
