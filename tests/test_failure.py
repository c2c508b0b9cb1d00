"""What the command says of a failure gives no secret away, whoever raised it."""

import sys
from pathlib import Path

import pytest

from recbole_pngnn import cli
from recbole_pngnn.benchmark.data import Data
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


def test_the_traceback_that_is_asked_for_has_no_key(with_secrets, monkeypatch, capsys):
    """``augment`` clears ``sys.argv`` before anybody could raise an error."""

    def failing(options):
        sys.argv = sys.argv[:1]
        raise KeyError(f"header {KEY} of {options.base_url}")

    monkeypatch.setenv("RECBOLE_PNGNN_TRACEBACK", "1")
    monkeypatch.setattr("recbole_pngnn.augment.command_run.run_command", failing)
    words = ["augment", "--dataset=films", "--provider=openai", "--model=tiny", sys.argv[2]]
    for arguments in (words, None):
        sys.argv = ["recbole-pngnn", *words]
        assert cli.main(arguments) == 1
        errors = capsys.readouterr().err
        assert "in failing" in errors
        for secret in (KEY, "opensesame", "hushhush"):
            assert secret not in errors
            assert not any(secret in kept.read_text() for kept in Path("output").rglob("*.log"))


def test_addresses_of_files_are_shown_without_their_secrets():
    text = "row 1: --base_url=https://me:opensesame@127.0.0.1/v1?key=hushhush (sends data)"
    shown = "row 1: --base_url=https://[hidden]@127.0.0.1/v1?key=[hidden] (sends data)"
    assert told(ValueError(text))[0] == shown
    line, _ = told(KeyError("x" * 280 + text))  # which is cut within the password
    assert "opense" not in line


def test_a_benchmark_says_what_it_makes_without_secrets():
    said = []
    data = Data(Path("logs"), None, said.append)
    with pytest.raises(ValueError, match="cannot make films-openai") as caught:
        data._run("films-openai", ["augment", "--base_url", "ftp://me:opensesame@h/v1"])
    assert said == ["making films-openai: recbole-pngnn augment --base_url ftp://[hidden]@h/v1"]
    shown = str(caught.value) + Path("logs/films-openai-augment.log").read_text()
    assert "opensesame" not in shown
