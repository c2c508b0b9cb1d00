"""Differences between rows, from hand-made results of users."""

import numpy as np
import pytest

from recbole_pngnn.benchmark.differences import differences_table, named, suggestions
from recbole_pngnn.benchmark.report.summary import Figure, RowSummary, Summary, Table
from recbole_pngnn.benchmark.suite import Dataset, Row
from recbole_pngnn.protocol.by_user import UserResults

N_USERS = 60


def summary_of(row, hits, n_expected=1):
    """A row with one run of lists of one item; ``hits`` of the users find theirs."""
    found = np.arange(N_USERS) < hits
    users = UserResults(
        users=np.array([f"u{n:02}" for n in range(N_USERS)]),
        n_rated=np.ones(N_USERS, int),
        n_liked=np.ones(N_USERS, int),
        hits=found[:, None],
        sign_auc=None,
    )
    figures = {"precision@1": Figure(float(found.mean()), None)}
    return RowSummary(row, [{}], [users], n_expected, figures, {}, None, {})


def table_of(*rows, pairs_of=suggestions, missing=()):
    table = Table(Dataset("d", (), (1,), {}), list(rows), list(missing), {}, None, N_USERS, 0)
    return differences_table(Summary(None, [table]), ["precision@1"], pairs_of)


def cells_of(text):
    rows = dict(line.split("|")[1:3] for line in text.splitlines()[2:])
    return {name.strip(): cell.strip() for name, cell in rows.items()}


def test_rows_are_compared_with_the_same_model_without():
    text = table_of(
        summary_of(Row("deep", "PNGNN", {"n_layers": 4}), 50),
        summary_of(Row("plain", "PNGNN"), 20),
        summary_of(Row("other", "LightGCN"), 40),
        summary_of(Row("much", "PNGNN", variant="p"), 50),
        summary_of(Row("little", "PNGNN", variant="q"), 21),
        summary_of(Row("worse", "LightGCN", variant="p"), 10),
        summary_of(Row("alone", "BPR", variant="p"), 30),  # nothing to compare it with
        summary_of(Row("half", "LightGCN", variant="q"), 0, n_expected=2),
    )
    assert cells_of(text) == {
        "much, less plain": "+.5000 ↑",
        "little, less plain": "+.0167",
        "worse, less other": "-.5000 ↓",
    }


@pytest.mark.parametrize(("hits", "mark"), [(26, ""), (27, "↑")])
def test_the_mark_is_that_of_the_corrected_test(hits, mark):
    # 6 users of 60 more: p = .013; 7 users more: p = .007; Holm takes the least of four by four.
    rows = [summary_of(Row("plain", "PNGNN"), 20)]
    rows += [summary_of(Row(f"v{n}", "PNGNN", variant=f"v{n}"), hits) for n in range(4)]
    text = table_of(*rows)
    assert text.count("↑") == (4 if mark else 0)


def test_without_such_rows_there_is_no_table():
    assert table_of(summary_of(Row("plain", "PNGNN"), 20)) == ""


def test_next_to_nothing_has_no_minus():
    rows = [summary_of(Row(name, "EASE"), 20) for name in "ab"]
    rows[0].figures["precision@1"] = Figure(1 / 3 - 1e-6, None)
    assert cells_of(table_of(*rows, pairs_of=named([("a", "b")]))) == {"a, less b": "+.0000"}


def test_rows_are_compared_by_their_names():
    rows = [
        summary_of(Row("a", "PNGNN"), 50),
        summary_of(Row("b", "EASE"), 20),
        summary_of(Row("half", "BPR"), 30, n_expected=2),
    ]
    names = [("a", "b"), ("b", "a"), ("a", "half"), ("a", "unmade")]
    text = table_of(*rows, pairs_of=named(names), missing=[Row("unmade", "SGL")])
    assert cells_of(text) == {"a, less b": "+.5000 ↑", "b, less a": "-.5000 ↓"}
    with pytest.raises(ValueError, match="d has no row 'c' to compare"):
        table_of(*rows, pairs_of=named([("a", "c")]))
