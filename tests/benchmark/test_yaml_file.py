"""A suite's mistakes as people make them: one line each, with the file and the line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.benchmark.suite import read_suite
from recbole_pngnn.benchmark.yaml_file import read_yaml
from recbole_pngnn.cli import main

GOOD = "datasets:\n  d: {splits: [d1]}\nrows:\n  - {model: Pop}\n"


def said(text, capsys):
    Path("s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["benchmark", "s.yaml", "--list"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: s.yaml"), error
    assert error.count("\n") == 1, error
    return error


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a mapping of keys; found nothing"),
        ("# nothing yet\n", "must be a mapping of keys; found nothing"),
        ("- a\n- b\n", "must be a mapping of keys; found ['a', 'b']"),
        ("just words\n", "must be a mapping of keys"),
        (GOOD + "rows: []\n", "the key rows is there twice (lines 3 and 5)"),
        (
            GOOD.replace("{model: Pop}", "{model: Pop, options: {a: 1, a: 2}}"),
            "the key a is there twice (lines 4 and 4)",
        ),
        (GOOD.replace("  - {model", "\t- {model"), "indent by spaces, not by tabs (line 4)"),
        (GOOD + "title: 'no end\n", "is no YAML: found unexpected end of stream (line 6)"),
        (GOOD + "options: {x: !!python/object/apply:os.getcwd []}", "is refused: a file of op"),
        (GOOD + "options: {x: !!python/name:os.system }", "(line 5)"),
        (GOOD + "options: {x: !!binary aGk=}", "the tag !!binary is refused"),
        (GOOD + "options: {x: 2024-05-01}", "2024-05-01 is a date in YAML; put it in quotes"),
        (GOOD + "options: {x: .nan}", ".nan is not a finite number (line 5)"),
        (GOOD + "options:\n  x: [1, -.inf]", "-.inf is not a finite number (line 6)"),
        (GOOD + "options: {x: 1.0e+999}", "1.0e+999 is not a finite number"),
        (GOOD + "options: &a {x: *a}", "an alias refers to what it is part of (line 5)"),
        (GOOD + "options: {[1]: 2}", "a list or a mapping cannot be a key"),
        (GOOD + "options: {no: 2}", "the key no is a boolean or nothing in YAML; put it in quo"),
        (GOOD + "title: d\xe9j\xe0 vu\n", None),
        (GOOD.encode() + "title: déjà vu\n".encode("latin-1"), "not in UTF-8: byte 0xe9 (line 5)"),
        (GOOD.encode("utf-16"), "is not in UTF-8"),
        (GOOD + "title: a\x07b\n", "the character '\\x07' is not allowed (line 5)"),
        (GOOD + 'title: "a\\x07b"\n', "without control characters"),
        (GOOD + 'title: "a\\ud800b"\n', "without control characters"),
        (GOOD + "---\n" + GOOD, "is no YAML"),
        (GOOD + "options: " + "[" * 5000, "nested too deep"),
        (GOOD + "trails: 3\n", "unknown key 'trails'; did you mean trials?"),
        (
            GOOD + "trials: many\n",
            "trials must be a whole number of at least 0; found 'many' (line",
        ),
        (GOOD + "trials: true\n", "trials must be a whole number"),
        (GOOD + "seeds: [4294967296]\n", "seeds must be whole numbers from 0 to 4294967295"),
        (GOOD + "seeds: 1.5\n", "seeds must be whole numbers"),
        (GOOD + "topk: [0, 5]\n", "topk must be whole numbers from 1 to 10000; found [0, 5] (line"),
        (GOOD + "metrics: [SignAUC]\nmain_metric: signauc\n", "one of lists among them"),
        (GOOD + "metrics: [NDCG, ndcg]\n", "metrics must be different ones"),
        (GOOD + "title: [a]\n", "title must be a text; found ['a'] (line 5)"),
        (GOOD + "trials: 10001\n", "trials must be a whole number of at most 10000"),
        (GOOD + "topk: 5\n", "valid_metric: 'ndcg@10' is not one of precision@5"),
        (GOOD.replace("{splits: [d1]}", ""), "d must be a mapping of keys; found nothing (line 2)"),
        (GOOD.replace("{model: Pop}", "Pop"), "rows: 1 must be a mapping of keys; found 'Pop' (l"),
        (GOOD + "run_timeout: 0\n", "run_timeout must be a number of seconds above 0"),
        (GOOD.replace("Pop", "''"), "rows: 1: model must be a text of one line"),
        (GOOD.replace("d: {", "a/b: {"), "part of file names; found 'a/b' (line 2)"),
        (GOOD.replace("[d1]", "[{dataset: d1, prepare: [csv, [x]]}]"), "must be a list of words"),
        (
            GOOD.replace("{model: Pop}", "{model: Pop, variant: ../../x}"),
            "variant must be the name of a folder",
        ),
        (
            GOOD.replace("{model: Pop}", "{model: Pop, variant: v, answers: '{0.x}.jsonl'}"),
            "answers may have {dataset} in it",
        ),
        (
            GOOD.replace("{model: Pop}", "{model: Pop, options: {like_threshold: 2}}"),
            "like_threshold decides what is measured, and rows of a table are measured alike",
        ),
    ],
)
def test_what_is_said_of_a_mistake(text, words, capsys):
    if words is None:
        Path("s.yaml").write_text(text, encoding="utf-8")
        assert read_suite(Path("s.yaml")).title == "déjà vu"
        return
    assert words in said(text, capsys)


def test_aliases_do_not_unfold_without_a_bound(capsys):
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    text = GOOD + "options:\n" + "".join(f"  {line}\n" for line in lines)
    assert "aliases make more than 100,000 values" in said(text, capsys)


def test_a_byte_order_mark_and_line_ends_of_windows():
    Path("s.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert [row.name for row in read_suite(Path("s.yaml")).rows] == ["Pop"]


def test_a_merge_may_override_a_key():
    Path("s.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    found = read_yaml(Path("s.yaml"))
    assert found == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}
    assert (found.at("b"), found["b"].at("y")) == (" (line 2)", " (line 2)")


@given(st.binary(max_size=60))
def test_no_bytes_are_a_traceback(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("yaml") / "s.yaml"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=r"^[^\n]*s\.yaml[^\n]*$"):
        read_suite(file)  # no suite is as short
