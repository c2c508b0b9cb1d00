"""Where logs go."""

import logging
from pathlib import Path

import recbole_pngnn

OPTIONS = {"epochs": 1, "show_progress": False, "state": "WARNING"}


def test_each_run_of_a_process_has_its_own_log():
    records = [
        recbole_pngnn.run("BPR", "ml-100k", config_dict={**OPTIONS, "state": "INFO", "seed": seed})
        for seed in (1, 2)
    ]
    logs = [Path(record["log"]) for record in records]
    assert logs[0] != logs[1]
    for record, log in zip(records, logs, strict=True):
        text = log.read_text()
        assert text.count("test result:") == 1
        assert str(record["test_result"]["ndcg@10"]) in text
        assert f"seed = {record['seed']}" in text
        assert "\x1b" not in text  # colours are for screens


def test_handlers_of_others_stay():
    mine = logging.NullHandler()
    logging.getLogger().addHandler(mine)
    try:
        recbole_pngnn.run("Pop", "ml-100k", config_dict=OPTIONS)
        assert mine in logging.getLogger().handlers
    finally:
        logging.getLogger().removeHandler(mine)


def test_recboles_own_protocol_keeps_recboles_places():
    from recbole.quick_start import run_recbole

    run_recbole("BPR", "ml-100k", config_dict=OPTIONS)
    assert {path.name for path in Path.cwd().iterdir()} == {"log", "log_tensorboard", "saved"}
