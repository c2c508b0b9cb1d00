"""Records: whole lines, torn lines, side files."""

import errno
import io
import json
import multiprocessing
import resource
from contextlib import redirect_stderr
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
    shown = io.StringIO()
    with redirect_stderr(shown):
        whole = read_lines(file)
    assert whole == RECORDS[: len(whole)]
    # As many as line ends, and one more where only its line end is missing.
    n_ends = data[:cut].count(b"\n")
    assert len(whole) - n_ends in (0, 1)
    is_torn = len(whole) == n_ends and not data[:cut].endswith(b"\n") and cut > 0
    assert (f"{file}, line {n_ends + 1}: the line is cut" in shown.getvalue()) == is_torn
    append_line(file, {"key": "next"})
    assert read_lines(file) == [*whole, {"key": "next"}]
    append_line(file, {"key": "after"})
    assert read_lines(file) == [*whole, {"key": "next"}, {"key": "after"}]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("<<<<<<< HEAD", "a mark that a merge left"),
        ("=======", "a mark that a merge left"),
        (">>>>>>> theirs", "a mark that a merge left"),
        ('{"key": "a", "te', "Unterminated string"),
        ('{"key": NaN}', "NaN is no number of JSON"),
        ('{"key": -Infinity}', "-Infinity is no number of JSON"),
        ("NaN", "NaN is no number of JSON"),
        ("[]", "a mapping of keys is needed, found b'[]'"),
        ("17", "a mapping of keys is needed"),
        ('"text"', "a mapping of keys is needed"),
        ("null", "a mapping of keys is needed"),
        ("key: a", "Expecting value"),
        ("[" * 100_000, "it is nested too deep"),
        ('{"key": ' + "9" * 5000 + "}", "is no record"),
        ("\xe9", "is no record"),
        ('{"key": 1} {"key": 2}', "Extra data"),
    ],
)
@pytest.mark.parametrize("place", ["middle", "end"])
def test_a_line_that_is_no_record_is_an_error_that_names_it(line, words, place):
    file = Path("runs.jsonl")
    lines = ['{"key": 1}', line, *['{"key": 2}'] * (place == "middle")]
    file.write_bytes(("\n".join(lines) + "\n").encode("latin-1"))
    with pytest.raises(ValueError, match=r"^runs\.jsonl, line 2 is no record: ") as error:
        read_lines(file)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    # Without its end the last line may be what a kill left: only the beginning of a record is.
    file.write_bytes(("\n".join(lines[:2])).encode("latin-1"))
    if line.startswith('{"key": "a'):
        assert read_lines(file) == [{"key": 1}]
    elif not line.startswith("{"):
        with pytest.raises(ValueError, match="line 2"):
            read_lines(file)


def test_line_ends_of_windows_empty_lines_and_a_byte_order_mark():
    Path("runs.jsonl").write_bytes(b'\xef\xbb\xbf{"key": 1}\r\n\r\n  \n{"key": 2}\r\n')
    records = read_lines(Path("runs.jsonl"))
    assert records == [{"key": 1}, {"key": 2}]
    assert [record.place for record in records] == ["runs.jsonl, line 1", "runs.jsonl, line 4"]


def test_zeros_that_a_crash_left(capsys):
    Path("runs.jsonl").write_bytes(b'{"key": 1}\n' + bytes(4096))
    assert read_lines(Path("runs.jsonl")) == [{"key": 1}]
    append_line(Path("runs.jsonl"), {"key": 2})
    assert read_lines(Path("runs.jsonl")) == [{"key": 1}, {"key": 2}]
    assert "runs.jsonl, line 2: the line is cut" in capsys.readouterr().err


def test_a_disk_that_is_full_leaves_the_file_as_it_was():
    file = Path("runs.jsonl")
    append_line(file, {"key": 1})
    before = file.read_bytes()
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def append_to_little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20,) * 2)
        with pytest.raises(OSError, match="File too large") as error:
            append_line(file, {"key": "x" * 100})
        theirs.send(error.value.errno)

    writer = context.Process(target=append_to_little_room)
    writer.start()
    writer.join()
    assert ours.poll()
    assert ours.recv() == errno.EFBIG
    assert file.read_bytes() == before


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


@pytest.mark.parametrize("content", [b"", b"PK", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_side_file_that_cannot_be_read(content):
    records = Results(Path("results"))
    run = records.add_run({"key": "1" * 64}, results_of())
    whole = (Path("results") / run["by_user_file"]).read_bytes()
    for data in (content, whole[: len(whole) // 2]):
        (Path("results") / run["by_user_file"]).write_bytes(data)
        with pytest.raises(ValueError, match=r"cannot be read \(.*\); bring them back") as error:
            records.by_user(run)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="is no side file"):
        records.by_user({**run, "by_user_file": "../other.npz"})
