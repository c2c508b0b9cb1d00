"""Records: whole lines, torn lines, side files."""

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.benchmark.records import Results, append_line, pack, read_lines, unpack
from recbole_pngnn.protocol.by_user import UserResults


def results_of(n_users=5, seed=0, width=20, with_auc=True):
    generator = np.random.default_rng(seed)
    auc = generator.random(n_users)
    auc[0] = np.nan
    return UserResults(
        users=np.array([f"u{n}" for n in generator.permutation(n_users)]),
        n_rated=generator.integers(1, 2000, n_users),
        n_liked=generator.integers(width, 500, n_users),
        hits=generator.random((n_users, width)) < 0.3,
        sign_auc=auc if with_auc else None,
    )


RECORDS = [{"key": "a", "text": "±\n"}, {"key": "b"}, {"key": "c", "test": {"ndcg@10": 0.25}}]


@given(cut=st.integers(min_value=0))
def test_a_line_torn_anywhere_costs_no_other(tmp_path_factory, cut):
    file = tmp_path_factory.mktemp("records") / "runs.jsonl"
    for record in RECORDS:
        append_line(file, record)
    data = file.read_bytes()
    cut %= len(data) + 1
    file.write_bytes(data[:cut])
    whole = read_lines(file)
    assert whole == RECORDS[: len(whole)]
    # As many as line ends, and one more where only its line end is missing.
    assert len(whole) - data[:cut].count(b"\n") in (0, 1)
    append_line(file, {"key": "next"})
    assert read_lines(file) == [*whole, {"key": "next"}]
    append_line(file, {"key": "after"})
    assert read_lines(file) == [*whole, {"key": "next"}, {"key": "after"}]


def test_no_file_is_no_record():
    assert read_lines(Path("missing.jsonl")) == []


def test_what_json_cannot_hold_is_not_begun():
    append_line(Path("runs.jsonl"), {"key": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_line(Path("runs.jsonl"), {"key": float("nan")})
    assert read_lines(Path("runs.jsonl")) == [{"key": 1}]


def _append_many(name):
    for number in range(50):
        append_line(Path("runs.jsonl"), {"who": name, "number": number, "long": "x" * 5000})


def test_writers_at_the_same_time():
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append_many, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    records = read_lines(Path("runs.jsonl"))
    for name in "ab":
        assert [r["number"] for r in records if r["who"] == name] == list(range(50))


@pytest.mark.parametrize("width", [1, 7, 20])
@pytest.mark.parametrize("with_auc", [True, False])
def test_what_each_user_got_comes_back(width, with_auc):
    results = results_of(width=width, with_auc=with_auc)
    back = unpack(*pack(results))
    assert back.users.tolist() == results.users.tolist()
    for name in ("n_rated", "n_liked", "hits"):
        np.testing.assert_array_equal(getattr(back, name), getattr(results, name))
    if with_auc:
        np.testing.assert_allclose(back.sign_auc, results.sign_auc, rtol=1e-7)
    else:
        assert back.sign_auc is None
    for metric in (f"precision@{width}", f"recall@{width}", f"ndcg@{width}"):
        np.testing.assert_array_equal(back.metric(metric), results.metric(metric))


def test_users_are_kept_once_whatever_their_order():
    results, records = results_of(), Results(Path("results"))
    order = np.array([4, 2, 0, 1, 3])
    turned = UserResults(
        results.users[order],
        results.n_rated[order],
        results.n_liked[order],
        results.hits[order],
        results.sign_auc[order],
    )
    first = records.add_run({"key": "1" * 64}, results)
    second = records.add_run({"key": "2" * 64}, turned)
    assert first["users_file"] == second["users_file"]
    assert records.runs() == [first, second]
    one, two = records.by_user(first), records.by_user(second)
    assert one.users.tolist() == sorted(results.users)
    np.testing.assert_array_equal(one.hits, two.hits)
    assert one.mean("ndcg@10") == pytest.approx(results.mean("ndcg@10"), rel=1e-12)
    # The same run is the same bytes, so a commit of it changes nothing.
    data = (Path("results") / first["by_user_file"]).read_bytes()
    records.add_run({"key": "1" * 64}, results)
    assert (Path("results") / first["by_user_file"]).read_bytes() == data


def test_a_side_file_that_is_missing():
    records = Results(Path("results"))
    run = records.add_run({"key": "1" * 64}, results_of())
    (Path("results") / run["by_user_file"]).unlink()
    with pytest.raises(ValueError, match=r"1111\.npz is missing, which .*runs\.jsonl names"):
        records.by_user(run)
    assert json.loads(Path("results/runs.jsonl").read_text())["key"] == "1" * 64
