"""``recbole-pngnn augment`` as people type it, and what it writes."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import recbole_pngnn
from recbole_pngnn.cli import main
from tests.augment.conftest import GOOD, KEY, N_USERS

BASE = ["augment", "--dataset", "films", "--candidates", "4"]


@pytest.fixture
def augment(dataset, candidates_file, capsys):
    def run(*words, provider="base_topk", candidates=True):
        file = ["--candidates_file", candidates_file] if candidates else []
        words = [*BASE, "--provider", provider, *file, *words]
        status = main([str(word) for word in words])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def rows(folder, part="train"):
    frame = pd.read_csv(Path(folder) / f"{Path(folder).name}.{part}.inter", sep="\t", dtype=str)
    frame.columns = [column.split(":")[0] for column in frame.columns]
    return frame


def test_the_new_dataset(augment):
    status, out, err = augment()
    assert status == 0, err
    assert "6 users, edges: 6 liked, 6 disliked" in out
    old, new = Path("dataset/films"), Path("dataset/films-base_topk")
    for file in old.iterdir():
        copied = new / file.name.replace("films", new.name, 1)
        if ".train." in file.name:
            continue
        assert copied.read_bytes() == file.read_bytes(), file.name
    header, *lines = (new / f"{new.name}.train.inter").read_text().splitlines()
    old_header, *old_lines = (old / "films.train.inter").read_text().splitlines()
    assert header == f"{old_header}\tsource:token\tweight:float"
    assert lines[: len(old_lines)] == [f"{line}\tobserved\t1" for line in old_lines]
    edges = [line.split("\t") for line in lines[len(old_lines) :]]
    # The first candidate is liked (the best rating), the last disliked (the worst).
    assert edges[:2] == [["u0", "m7", "5", "base_topk", "1"], ["u0", "m10", "1", "base_topk", "1"]]
    assert len(edges) == 2 * N_USERS
    manifest = json.loads((new / "manifest.json").read_text())
    assert manifest["edges"] == {"liked": 6, "disliked": 6}
    assert manifest["candidates"] == {"file": "candidates.csv"}


def test_models_train_on_it_and_masks_do_not_change(augment):
    augment()
    options = {"data_path": "dataset", "epochs": 1, "topk": [2], "show_progress": False}
    records = {
        (model, name): recbole_pngnn.run(
            model, name, config_dict={**options, "valid_metric": "NDCG@2"}
        )
        for model in ("PNGNN", "Pop")
        for name in ("films", "films-base_topk")
    }
    n = {key: record["training_interactions"] for key, record in records.items()}
    assert n["PNGNN", "films-base_topk"] == n["PNGNN", "films"] + 12
    assert n["Pop", "films-base_topk"] == n["Pop", "films"] + 6  # the likes


@pytest.mark.parametrize("provider", ["random", "popular"])
def test_controls(augment, provider):
    assert augment(provider=provider)[0] == 0
    first = Path(f"dataset/films-{provider}/films-{provider}.train.inter").read_bytes()
    assert augment("--overwrite", provider=provider)[0] == 0
    assert Path(f"dataset/films-{provider}/films-{provider}.train.inter").read_bytes() == first


def test_the_popular_control_picks_by_training_degree(augment):
    augment(provider="popular")
    train = rows("dataset/films-popular")
    degree = train[train["source"] == "observed"]["item_id"].value_counts()
    for _, edges in train[train["source"] == "popular"].groupby("user_id"):
        liked, disliked = (edges[edges["rating"] == r]["item_id"].iloc[0] for r in ("5", "1"))
        assert degree.get(liked, 0) >= degree.get(disliked, 0)


def test_candidates_of_a_model_depend_on_training_alone(augment):
    words = ("--base_model", "EASE", "--base_options", "{show_progress: False}")
    assert augment(*words, candidates=False)[0] == 0
    file = Path("output/augment/films/candidates-EASE-4.csv")
    table, edges = file.read_bytes(), rows("dataset/films-base_topk").to_csv()
    origin = json.loads(file.with_suffix(".json").read_text())
    assert origin["model"] == "EASE"
    candidates = pd.read_csv(file, dtype=str)
    assert candidates.groupby("user_id").size().eq(4).all()
    train = set(map(tuple, rows("dataset/films")[["user_id", "item_id"]].to_numpy()))
    assert not train & set(map(tuple, candidates[["user_id", "item_id"]].to_numpy()))
    # Other validation and test parts: nothing changes, to the byte.
    for part in ("valid", "test"):
        other = Path(f"dataset/films/films.{part}.inter")
        header, *lines = other.read_text().splitlines()
        other.write_text("\n".join([header, *[f"{line}" for line in lines[:1]]]) + "\n")
    file.unlink()
    file.with_suffix(".json").unlink()
    assert augment(*words, "--overwrite", candidates=False)[0] == 0
    assert file.read_bytes() == table
    assert rows("dataset/films-base_topk").to_csv() == edges


OPENAI = ("--model", "tiny")


def test_openai_end_to_end(augment, server, caplog):
    words = (*OPENAI, "--base_url", server.url, "--price_in", 1000, "--price_out", 2000)
    status, out, err = augment(*words, provider="openai")
    assert status == 0, err
    assert "edges: 6 liked, 6 disliked" in out
    manifest = json.loads(Path("dataset/films-openai/manifest.json").read_text())
    assert manifest["answers"]["answered"] == 6
    assert manifest["answers"]["cost_of_this_run"] == pytest.approx(0.6 + 0.12)
    assert manifest["settings"]["request"]["model"] == "tiny"
    # The key is nowhere.
    for file in Path().rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file
    assert KEY not in out + err + caplog.text
    # Again: everything is in the journal.
    assert augment(*words, "--overwrite", provider="openai")[0] == 0
    assert len(server.requests) == 6


def test_votes_become_weights(augment, server):
    words = (*OPENAI, "--base_url", server.url, "--votes", 3)
    status, _, err = augment(*words, provider="openai")
    assert status == 0, err
    # Three orders a user: what stands at A and B differs, so not all are unanimous.
    assert len(server.requests) == 18
    edges = rows("dataset/films-openai")
    weights = edges[edges["source"] == "openai"]["weight"].astype(float)
    assert 0 < len(weights) < 12
    assert set(weights.round(4)) <= {0.6667, 1.0}


def test_a_dry_run_sends_nothing(augment, server):
    words = (*OPENAI, "--base_url", server.url, "--dry_run", "--price_in", 1, "--price_out", 1)
    status, out, err = augment(*words, provider="openai")
    assert status == 0, err
    assert server.requests == []
    assert "6 users, 6 questions, 0 answered in the journal" in out
    assert out.count("--- prompt") == 2
    assert "nothing was sent" in out
    assert not Path("dataset/films-openai").exists()


def test_batch_out_and_in(augment, server):
    words = (*OPENAI, "--base_url", server.url)
    status, out, err = augment(*words, "--export_batch", "batch/in.jsonl", provider="openai")
    assert status == 0, err
    lines = [json.loads(line) for line in Path("batch/in.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    assert {line["url"] for line in lines} == {"/v1/chat/completions"}
    assert {line["method"] for line in lines} == {"POST"}
    assert set(lines[0]) == {"custom_id", "method", "url", "body"}

    answers = [
        {
            "id": f"batch_{n}",
            "custom_id": line["custom_id"],
            "response": {"status_code": 200, "request_id": "r", "body": GOOD},
            "error": None,
        }
        for n, line in enumerate(lines)
    ]
    # In any order, in two parts, one of them the error file; one answer is missing.
    failed = {
        "custom_id": answers[0]["custom_id"],
        "response": {"status_code": 500, "body": {"error": "x"}},
    }
    Path("one.jsonl").write_text("\n".join(map(json.dumps, answers[:2:-1])) + "\n")
    Path("errors.jsonl").write_text(json.dumps(failed) + "\n")
    status, out, err = augment(
        *words, "--import_batch", "errors.jsonl", "one.jsonl", provider="openai"
    )
    assert status == 0, err
    assert "3 answers imported, 0 known before, 1 failed, 0 of other requests; 3 of 6" in out
    stranger = {**answers[0], "custom_id": "nobody's"}
    Path("two.jsonl").write_text("\n".join(map(json.dumps, [*answers[1:], stranger])) + "\n")
    status, out, _ = augment(*words, "--import_batch", "two.jsonl", provider="openai")
    assert "2 answers imported, 3 known before, 0 failed, 1 of other requests; 1 of 6" in out
    # What is open is asked online, and nothing else.
    assert augment(*words, provider="openai")[0] == 0
    assert len(server.requests) == 1


def test_batch_parts(augment, server, monkeypatch):
    from recbole_pngnn.augment import batch, command_run

    def small(*args, **options):
        return batch.export_batch(*args, **options, most_lines=4)

    monkeypatch.setattr(command_run, "export_batch", small)
    words = (*OPENAI, "--base_url", server.url, "--export_batch", "b.jsonl")
    assert augment(*words, provider="openai")[0] == 0
    assert [len(Path(name).read_text().splitlines()) for name in ("b.jsonl", "b-2.jsonl")] == [4, 2]


def test_users_that_are_chosen(augment):
    assert "2 users" in augment("--users", "u1,u3")[1]
    assert "3 users" in augment("--limit_users", 3, "--overwrite")[1]
    assert "3 users" in augment("--sparsest", 0.5, "--overwrite")[1]


@pytest.mark.parametrize(
    ("words", "provider", "message"),
    [
        (["--dataset", "nothing"], "base_topk", "there is no dataset nothing in dataset"),
        ([], "nobody", "there is no provider nobody; there are openai, text_similarity"),
        ([], "openai", "the provider openai needs a model; name one by --model"),
        (["--model", "m", "--base_url", "host"], "openai", "base_url must begin with http://"),
        (["--candidates", "1"], "base_topk", "n_candidates must lie between twice the picks (2)"),
        (["--users", "nobody"], "base_topk", "1 user(s) have no training rows in films, first: no"),
        (["--sparsest", "0"], "base_topk", "must lie in (0, 1], found 0"),
        (["--like_threshold", "9"], "base_topk", "9 leaves no liked training interactions"),
        (["--dry_run"], "base_topk", "are for the provider openai"),
        (["--candidates_file", "no.csv"], "base_topk", "cannot read the candidates no.csv"),
        (["--base_options", "3"], "base_topk", "--base_options must be a YAML mapping"),
        (["--model", "m", "--text_columns", "plot"], "openai", "has no column plot; found item_id"),
    ],
)
def test_what_cannot_be_done_is_a_line_and_status_2(augment, words, provider, message):
    status, _, err = augment(*words, provider=provider)
    assert status == 2
    assert message in err
    assert not [path for path in Path("dataset").iterdir() if path.name != "films"]


def test_an_output_that_exists_is_refused_before_anybody_is_asked(augment, server):
    words = (*OPENAI, "--base_url", server.url)
    assert augment(*words, provider="openai")[0] == 0
    n = len(server.requests)
    status, _, err = augment(*words, "--model", "other", provider="openai")
    assert (status, "exists; give --overwrite" in err) == (2, True)
    assert len(server.requests) == n


def test_a_dataset_without_texts(augment, server, candidates_file):
    Path("dataset/films/films.item").unlink()
    status, _, err = augment(*OPENAI, "--base_url", server.url, provider="openai")
    assert status == 2
    assert "without texts of the items there is nothing to ask about" in err
    # The controls need none; only what was trained on is known then.
    lines = candidates_file.read_text().splitlines()
    candidates_file.write_text("\n".join(line for line in lines if ",m12," not in line) + "\n")
    status, _, err = augment()
    assert status == 0, err


def test_an_augmented_dataset_is_not_augmented_again(augment, dataset):
    augment()
    status, _, err = augment("--dataset", "films-base_topk")
    assert (status, "holds interactions of base_topk already" in err) == (2, True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "u0,m1,0.5,5",
            "names what the user rated in training, 1 time(s), first: user u0, item m1",
        ),
        ("u9,m1,0.5,5", "names an unknown user"),
        ("u0,m99,0.5,5", "names an unknown item"),
        ("u0,m7,0.5,5", "names a candidate twice"),
    ],
)
def test_candidates_that_cannot_be(augment, candidates_file, line, message):
    candidates_file.write_text(candidates_file.read_text() + line + "\n")
    status, _, err = augment()
    assert status == 2
    assert message in err


def test_candidates_of_another_training_part(augment, candidates_file):
    candidates_file.with_suffix(".json").write_text('{"train_sha256": "other"}')
    assert "was made for another training part" in augment()[2]


def test_the_python_api_needs_no_torch(augment, server, tmp_path, candidates_file):
    script = f"""
import sys
from pathlib import Path
from recbole_pngnn.augment import *
asked = RequestSettings("tiny", {server.url!r})
client = ClientSettings(prices=Prices(1e6, 0))
file = Path({str(candidates_file)!r})
settings = AugmentSettings(
    "films", "openai", candidates_file=file, n_candidates=4, request=asked, client=client)
with open_questions(settings) as questions:
    found = questions.estimate()
    assert (found.n_questions, found.n_open) == (6, 6), found
    assert found.cost == found.input_tokens > 0
    assert export_batch(questions, Path("batch.jsonl")) == [Path("batch.jsonl")]
manifest = augment(settings)
assert manifest["answers"]["of_all_runs"] == {{
    "input_tokens": 600, "output_tokens": 60, "cost": 600.0}}, manifest
with open_questions(settings) as questions:
    assert questions.estimate().n_open == 0
assert "torch" not in sys.modules and "recbole.config" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, timeout=120)


def test_ml_100k_stands_for_its_default_split(capsys):
    words = ["augment", "--dataset", "ml-100k", "--provider", "popular", "--base_model", "Pop"]
    assert main([*words, "--base_options", "{show_progress: False}"]) == 0
    name = "ml-100k-split-80-10-10-seed0"
    assert f"{name}-popular: written" in capsys.readouterr().out
    made = Path("dataset") / name / f"{name}.train.inter"
    before = made.stat().st_mtime_ns
    assert main([*words, "--overwrite"]) == 0
    assert made.stat().st_mtime_ns == before


def test_text_columns_in_the_datasets_own_options(augment, server):
    options = Path("dataset/films/films.yaml")
    text = options.read_text()
    words = (*OPENAI, "--base_url", server.url, "--dry_run")
    options.write_text(f"{text}text_columns: [genre, movie_title]\n")
    assert "Comedy (title: Film 1)" in augment(*words, provider="openai")[1]
    # The command line is above them, and models train on such a dataset.
    assert "- Film 1:" in augment(*words, "--text_columns=movie_title", provider="openai")[1]
    recbole_pngnn.run("Pop", "films", config_dict={"topk": [2], "valid_metric": "NDCG@2"})
    for wrong in ("genre", "[]"):
        options.write_text(f"{text}text_columns: {wrong}\n")
        status, _, err = augment(*words, provider="openai")
        assert (status, "text_columns must be a list of columns" in err) == (2, True)
    options.write_text(f"{text}text_columns: [plot]\n")
    assert "films.item has no column plot" in augment(*words, provider="openai")[2]
