import json
import os

from recbole_pngnn.benchmark.augmentation import (
    figures_table,
    main,
    measure_client,
    measure_preparation,
)
from recbole_pngnn.data.prepare import prepare_ml_100k


def test_the_client_is_timed_with_every_request_answered(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    found = measure_client(1, tmp_path, n_requests=40, concurrency=4, latency=0.05)
    assert found["ideal_s"] == 0.5
    # No client is faster than the server: ten answers one after the other, four at once.
    assert found["seconds"][0] > 0.5
    assert found["median_to_ideal"] > 1
    records = (tmp_path / "client-0.jsonl").read_text().splitlines()[1:]
    assert len(records) == len((tmp_path / "journal-0.jsonl").read_text().splitlines()[1:]) == 40
    assert all(json.loads(record)["status"] == 200 for record in records)
    assert os.environ["OPENAI_API_KEY"] == "mine"


def test_preparation_of_all_users(tmp_path, monkeypatch):
    def texts(source, folder):
        return prepare_ml_100k(folder)

    monkeypatch.setattr("recbole_pngnn.benchmark.augmentation.prepare_ratings", texts)
    found = measure_preparation(None, tmp_path)
    assert (found["users"], found["batch_parts"]) == (943, 1)
    assert len((tmp_path / "batch.jsonl").read_text().splitlines()) == 943
    assert set(found["seconds"]) == {
        "candidates (one epoch of training with them) and dry run",
        "dry run alone",
        "export of a batch file",
    }


def test_made_up_ratings_have_no_texts(tmp_path, monkeypatch, capsys):
    def none(source, folder):
        return folder

    client = {
        "requests": 1,
        "concurrency": 1,
        "latency_s": 0.1,
        "median_to_ideal": 1.0,
        "journal_ms_per_record": 0.1,
    }
    monkeypatch.setattr("recbole_pngnn.benchmark.augmentation.prepare_ratings", none)
    monkeypatch.setattr(
        "recbole_pngnn.benchmark.augmentation.measure_client", lambda rounds, folder: client
    )
    assert main(["--output", str(tmp_path / "a" / "figures.json")]) == 0
    figures = json.loads((tmp_path / "a" / "figures.json").read_text())
    assert "texts" in figures["preparation"]["without"]
    assert figures_table(figures) == capsys.readouterr().out.strip()
