"""Files of other people: byte order marks, other encodings, lines that cannot be read."""

import json
from pathlib import Path

import pytest

from recbole_pngnn.augment.journal import Journal
from recbole_pngnn.augment.prompts import TEMPLATES
from recbole_pngnn.cli import main
from tests.augment.conftest import GOOD, completion

OPENAI = ("--provider", "openai", "--model", "tiny")


@pytest.fixture
def augment(dataset, candidates_file, capsys):
    def run(*words, candidates=True):
        base = ["augment", "--dataset", "films", "--candidates", "4"]
        words = [*base, *(["--candidates_file", candidates_file] if candidates else []), *words]
        status = main([str(word) for word in words])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def mark(file, encoding="utf-8-sig"):
    """Write a file anew as Windows' editors do."""
    text = Path(file).read_text(encoding="utf-8").replace("\n", "\r\n")
    Path(file).write_bytes(text.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_with_a_byte_order_mark(augment, server, candidates_file, encoding):
    words = (*OPENAI, "--base_url", server.url, "--template", "mine.txt")
    Path("mine.txt").write_bytes((TEMPLATES / "history-v1.txt").read_bytes())
    origin = candidates_file.with_suffix(".json")
    origin.write_text("{}")
    assert augment(*words, "--export_batch", "plain.jsonl")[0] == 0
    for file in (candidates_file, origin, "mine.txt"):
        mark(file, encoding)
    for file in ("films.train.inter", "films.item", "films.yaml"):
        mark(f"dataset/films/{file}")
    words = (*words, "--work", "other")  # the digest of the training file is another
    status, _, err = augment(*words, "--export_batch", "marked.jsonl")
    assert status == 0, err
    requests = Path("marked.jsonl").read_text()
    assert requests == Path("plain.jsonl").read_text()

    ids = [json.loads(line)["custom_id"] for line in requests.splitlines()]
    lines = [{"custom_id": i, "response": {"status_code": 200, "body": GOOD}} for i in ids]
    Path("answers.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    mark("answers.jsonl", encoding)
    status, out, err = augment(*words, "--import_batch", "answers.jsonl")
    assert (status, "6 answers imported" in out) == (0, True), err
    status, _, err = augment(*words)
    assert status == 0, err
    header, *rows = Path("dataset/films-openai/films-openai.train.inter").read_text().splitlines()
    assert header.startswith("user_id:token\t")
    assert [row.split("\t")[0] for row in rows[-12:]] == [f"u{n // 2}" for n in range(12)]
    assert server.requests == []


@pytest.mark.parametrize(
    "file", ["mine.txt", "candidates.csv", "answers.jsonl", "films.train.inter", "films.item"]
)
def test_what_cannot_be_decoded_is_named(augment, server, file, candidates_file):
    path = next(iter([*Path("dataset").rglob(file), *Path().glob(file)]), Path(file))
    text = path.read_bytes() if path.exists() else b"[system]\n"
    path.write_bytes(text + b"Caf\xe9\n")
    words = {
        "mine.txt": ("--template", "mine.txt"),
        "answers.jsonl": ("--import_batch", "answers.jsonl"),
    }.get(file, ())
    status, _, err = augment(*OPENAI, "--base_url", server.url, *words)
    assert status == 2
    assert f"{path}, line {text.count(10) + 1}: the byte 0xe9 is not utf-8; save the file" in err


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("films.yaml", "text_columns: [a", "films.yaml is no YAML"),
        ("films.train.inter", "u0\tm12\tgood\n", "films.train.inter, line 38: the rating 'good'"),
        ("candidates.json", "{", "candidates.json, which says where"),
        ("candidates.json", "[]", "must be a JSON object"),
        ("candidates.csv", "u0,m12,1,first\n", "candidates.csv, line 26: the rank 'first' is no n"),
    ],
)
def test_what_cannot_be_read_is_named(augment, server, file, text, message, candidates_file):
    path = next(Path("dataset").rglob(file), Path(file))
    before = path.read_text() if path.suffix in (".inter", ".csv") else ""
    path.write_text(before + text)
    status, _, err = augment(*OPENAI, "--base_url", server.url)
    assert status == 2
    assert message in err


def test_lines_of_a_batch_that_cannot_be_read_take_nothing_away(augment, server):
    words = (*OPENAI, "--base_url", server.url)
    augment(*words, "--export_batch", "in.jsonl")
    ids = [json.loads(line)["custom_id"] for line in Path("in.jsonl").read_text().splitlines()]
    good = [
        json.dumps({"custom_id": i, "response": {"status_code": 200, "body": GOOD}}) for i in ids
    ]
    bad = ["{", "[" * 100_000, '{"custom_id": "x", "response": {"status_code": 1e999}}']
    Path("out.jsonl").write_text("\n".join([*good[:2], *bad, *good[2:4]]) + "\n")
    status, _, err = augment(*words, "--import_batch", "out.jsonl")
    assert status == 2
    assert "3 line(s) are none of the Batch API's output" in err
    assert "first: out.jsonl, line 3" in err
    assert "4 answers, 0 known before" in err
    assert augment(*words)[0] == 0
    assert len(server.requests) == 2


def test_half_a_character_is_kept_and_crashes_nothing(augment, server):
    half = completion('{"liked": "\ud83c", "disliked": "B"}', refusal=None)
    server.script = lambda *_: (200, {}, half)
    words = (*OPENAI, "--base_url", server.url)
    for _ in range(2):
        status, _, err = augment(*words, "--export_batch", "in.jsonl")
        assert status == 0
        status, _, err = augment(*words)
        assert (status, "no candidate's label" in err) == (2, True)
    assert len(server.requests) == 12
    # From a file, where it may stand unescaped once it was read.
    line = Path("output/augment/films/journal.jsonl").read_text().splitlines()[1]
    answer = {"status_code": 200, "body": half}
    answer = {"custom_id": json.loads(line)["key"], "response": answer}
    Path("out.jsonl").write_text(json.dumps(answer) + "\n")
    assert augment(*words, "--import_batch", "out.jsonl")[0] == 0
    with Journal(Path("output/augment/films/journal.jsonl"), {}) as journal:
        assert journal.n_unreadable == 0
        assert len(journal) == 13


@pytest.mark.parametrize(
    "record",
    [{"status": 200}, {"status": 200, "body": None}, {"status": "200", "body": 3}, {"body": []}],
)
def test_records_of_a_journal_that_say_nothing(augment, server, record):
    words = (*OPENAI, "--base_url", server.url)
    augment(*words, "--export_batch", "in.jsonl")
    key = json.loads(Path("in.jsonl").read_text().splitlines()[0])["custom_id"]
    with Path("output/augment/films/journal.jsonl").open("a") as file:
        file.write(json.dumps({"key": key, **record}) + "\n" + "[" * 100_000 + "\n")
    status, _, err = augment(*words)
    assert status == 0, err
    assert len(server.requests) == 6


def test_candidates_are_of_one_threshold(augment):
    words = ("--provider", "base_topk", "--base_model", "EASE", "--base_options")
    words = (*words, "{show_progress: False}", "--overwrite")
    file = Path("output/augment/films/candidates-EASE-4.csv")
    assert augment(*words, "--like_threshold", 2.5, candidates=False)[0] == 0
    first = file.read_bytes()
    assert augment(*words, candidates=False)[0] == 0  # at 3.5: made again
    assert json.loads(file.with_suffix(".json").read_text())["like_threshold"] == 3.5
    assert file.read_bytes() != first
    made = file.stat().st_mtime_ns
    assert augment(*words, candidates=False)[0] == 0
    assert file.stat().st_mtime_ns == made
    # What 0.1.0 wrote does not say for which, and is made again.
    origin = json.loads(file.with_suffix(".json").read_text())
    origin.pop("like_threshold")
    file.with_suffix(".json").write_text(json.dumps(origin))
    assert augment(*words, candidates=False)[0] == 0
    assert file.stat().st_mtime_ns > made
    # Named by hand, they are refused with both thresholds.
    words = ("--provider", "popular", "--candidates_file", file, "--like_threshold", 2.5)
    status, _, err = augment(*words)
    assert (status, "was made for like_threshold 3.5, and this run's is 2.5" in err) == (2, True)
    # Nothing was left where the command was given.
    assert {path.name for path in Path().iterdir()} <= {"dataset", "output", "candidates.csv"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--base_model", "Nobody"], "the base recommender Nobody cannot be trained on films"),
        (["--base_options", "{learning_rate: fast}"], "check --base_model and --base_options"),
        (["--base_options", "{embedding_size: -3}"], "check --base_model and --base_options"),
        (["--base_options", "{a: [1"], "must be a YAML mapping such as {epochs: 30}"),
        (["--base_options", "{like_threshold: 2, model: Pop}"], "must not set like_threshold, mo"),
        (["--base_options", "{data_path: elsewhere}"], "must not set data_path"),
        (["--checkpoint", "candidates.csv"], "candidates.csv is not a checkpoint"),
        (["--min_weight", "nan"], "min_weight must lie in [0, 1], found nan"),
    ],
)
def test_a_mistake_about_the_base_recommender_is_one_line(augment, words, message):
    status, _, err = augment("--provider", "popular", *words, candidates=False)
    assert (status, err.count("\n"), message in err) == (2, 1, True), err


def test_ids_with_quotes_and_the_ends_of_a_scale(atomic, augment):
    rows = [('say "hi"', f"m{n}", 3.50000001 if n % 2 else 0.5) for n in range(4)]
    atomic("odd", [*rows, ("u", "m9", 2), ("u", "m8", 2)])
    Path("c.csv").write_text('user_id,item_id,rank\n"say ""hi""",m8,1\n"say ""hi""",m9,2\n')
    words = ("--dataset", "odd", "--provider", "base_topk", "--candidates_file", "c.csv")
    status, _, err = augment(*words, "--users", 'say "hi"')
    assert status == 0, err
    lines = Path("dataset/odd-base_topk/odd-base_topk.train.inter").read_text().splitlines()
    assert lines[-2:] == [
        '"say ""hi"""\tm8\t3.50000001\tbase_topk\t1',
        '"say ""hi"""\tm9\t0.5\tbase_topk\t1',
    ]


def test_users_however_many(augment):
    """More ids than a file name may have characters, and a file with a byte order mark."""
    status, _, err = augment("--provider", "popular", "--users", ",".join(["u1", "u3"] * 300))
    assert status == 0, err
    Path("users.txt").write_bytes("u1\r\nu3\r\n".encode("utf-8-sig"))
    status, out, err = augment("--provider", "popular", "--users", "users.txt", "--overwrite")
    assert (status, "2 users" in out) == (0, True), err
