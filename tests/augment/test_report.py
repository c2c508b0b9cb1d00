"""The report on hand-made picks, whose figures can be counted on fingers."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn import plotting
from recbole_pngnn.augment.answers import Picks
from recbole_pngnn.augment.dataset import read_training_data
from recbole_pngnn.augment.edges import make_edges, write_dataset
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.prepared import read_candidates
from recbole_pngnn.augment.report import (
    DISLIKED,
    LIKED,
    Outcomes,
    Summary,
    Variant,
    _corrected,
    at_equal_number,
    make_report,
)
from recbole_pngnn.augment.report_view import report_csv, report_figure, report_table
from recbole_pngnn.cli import main

# u0 likes m7 and not m8 in validation, u1 likes m8; candidates of u0: m7 m8 m9 m10, of u1: m8 ...
PICKS = {
    "random": {"u0": Picks({"m9": 1.0}, {"m10": 1.0}), "u1": Picks({"m9": 1.0}, {"m8": 1.0})},
    "base_topk": {"u0": Picks({"m7": 1.0}, {"m8": 1.0}), "u1": Picks({"m8": 1.0}, {"m11": 1.0})},
    # Abstains for u1's dislike, and has two likes for u0: the heavier one is compared.
    "mine": {"u0": Picks({"m8": 0.5, "m7": 1.0}, {"m9": 1.0}), "u1": Picks({"m10": 1.0}, {})},
}


@pytest.fixture
def variants(atomic, dataset, candidates_file):
    """Write validation parts and the datasets of the three providers."""
    part = dataset / "films" / "films.valid.inter"
    header = part.read_text().splitlines()[0]
    part.write_text(f"{header}\nu0\tm7\t5\nu0\tm8\t2\nu1\tm8\t4\n")
    data = read_training_data("films", dataset)
    candidates = read_candidates(candidates_file, data, 4)

    def write(provider, folder=None, **manifest):
        edges = make_edges(data, PICKS[provider], provider)
        described = {
            "augmented_from": {"train_sha256": data.train_sha256},
            "provider": provider,
            "edges": {
                "liked": int((edges["rating"] == 5).sum()),
                "disliked": int((edges["rating"] != 5).sum()),
            },
            **manifest,
        }
        folder = dataset / (folder or f"films-{provider}")
        write_dataset(data, edges, candidates, described, folder)

    answers = {"abstained": 1, "invalid": 2, "failed": 3, "of_all_runs": {"cost": 0.25}}
    write("random")
    write("base_topk")
    write("mine", answers=answers)
    return write


def test_figures_by_hand(variants, dataset):
    report = make_report("films", dataset)
    assert (report.dataset, report.n_users) == ("films", 6)
    by_provider = {summary.provider: summary for summary in report.summaries}
    assert list(by_provider) == ["base_topk", "mine", "random"]  # the control last
    mine, base, control = (by_provider[name] for name in ("mine", "base_topk", "random"))
    assert mine.written == {"liked": 3, "disliked": 1}
    assert base.written == {"liked": 2, "disliked": 2}
    for summary in report.summaries:
        assert summary.compared == {LIKED: 2, DISLIKED: 1}
        assert summary.users == 2 / 6
    # Likes: base m7 m8, mine m7 m10, control m9 m9. Dislikes of u0 alone: m8, m9, m10.
    assert (base.valid[LIKED].liked, base.valid[LIKED].unrated) == (2, 0)
    assert (mine.valid[LIKED].liked, mine.valid[LIKED].unrated) == (1, 1)
    assert (control.valid[LIKED].liked, control.valid[LIKED].unrated) == (0, 2)
    assert (base.valid[DISLIKED].disliked, base.valid[DISLIKED].liked) == (1, 0)
    assert mine.valid[DISLIKED].unrated == 1
    # Two users won, none lost: 2 * (1/2)^2, of four tests the least: times 4. One won: 1.
    assert base.valid[LIKED].p_value == pytest.approx(1.0)
    assert mine.valid[LIKED].p_value == pytest.approx(1.0)
    assert control.valid[LIKED].p_value is None
    assert (base.top_share, mine.top_share, control.top_share) == (1.0, 0.5, 0.0)
    assert base.mean_rank == {LIKED: 1.0, DISLIKED: 2.0}
    assert (base.items, mine.items, control.items) == (2, 3, 2)
    # Twelve items, one of them without a rating.
    degrees = read_training_data("films", dataset).degrees
    order = sorted([0, *degrees.values()])
    m7 = (order.index(degrees["m7"]) + order.count(degrees["m7"]) / 2) / 12
    assert base.popularity[LIKED][0] == pytest.approx(m7)
    # m7, m8: Comedy and Drama; m9 twice: War.
    assert base.genres == {"Comedy": 0.5, "Drama": 0.5}
    assert control.genres == {"War": 1.0}
    liked = report.observed_genres
    assert control.genre_distance == pytest.approx(1 - liked["War"])
    assert (mine.abstained, mine.unanswered, mine.cost) == (1, 5, 0.25)
    assert (base.abstained, base.cost) == (None, None)


def test_p_values_are_corrected_for_their_number():
    found = [
        Outcomes(1, 0, 0, None),
        Outcomes(1, 0, 0, 0.01),
        Outcomes(1, 0, 0, 0.04),
        Outcomes(1, 0, 0, 0.03),
    ]
    base = Summary("a", {}, 1, {}, 1, 1, {}, None, {}, {}, None, None, None, None)
    summaries = [
        replace(base, provider="random", valid={LIKED: found[0], DISLIKED: found[0]}),
        replace(base, provider="a", valid={LIKED: found[1], DISLIKED: found[2]}),
        replace(base, provider="b", valid={LIKED: found[3]}),
    ]
    control, a, b = _corrected(summaries)
    assert control.valid == {LIKED: found[0], DISLIKED: found[0]}
    # By hand: .01 * 3, .03 * 2, and .04 * 1, which may not be less than the one before.
    assert a.valid[LIKED].p_value == pytest.approx(0.03)
    assert b.valid[LIKED].p_value == pytest.approx(0.06)
    assert a.valid[DISLIKED].p_value == pytest.approx(0.06)


def test_without_a_validation_part(variants, dataset):
    part = dataset / "films" / "films.valid.inter"
    part.write_text(part.read_text().splitlines()[0] + "\n")
    report = make_report("films", dataset)
    assert all(summary.valid is None for summary in report.summaries)
    assert "validation" not in report_table(report)
    plotting.render(report_figure(report), "svg")


def test_the_test_part_is_not_read(variants, dataset):
    before = report_csv(make_report("films", dataset))
    (dataset / "films" / "films.test.inter").unlink()
    assert report_csv(make_report("films", dataset)) == before


def test_the_command(variants, dataset, capsys):
    assert main(["augment", "report", "--dataset", "films"]) == 0
    out = capsys.readouterr().out
    folder = Path("output/augment/films/report")
    table = (folder / "report.md").read_text()
    assert "films: 6 users, validation part" in out
    assert "| edges compared, liked + disliked " in out
    assert out.split("\n\n")[1] in table
    assert "2 / 0 / 0" in table
    csv = pd.read_csv(folder / "report.csv").set_index("provider")
    assert csv.loc["mine", "cost"] == 0.25
    assert csv.loc["base_topk", "liked_liked_in_validation"] == 2
    figure = (folder / "report.svg").read_bytes()
    assert main(["augment", "report", "--dataset", "films"]) == 0
    assert (folder / "report.svg").read_bytes() == figure


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--variants", "films-random", "nowhere"], "was not made from films"),
        (["--variants", "films"], "was not made from films"),
        (["--variants", "films-random", "again"], "two datasets are of the provider random"),
    ],
)
def test_errors(variants, dataset, capsys, words, message):
    variants("random", "again")
    assert main(["augment", "report", "--dataset", "films", *words]) == 2
    assert message in capsys.readouterr().err


def test_without_matplotlib_there_are_tables(variants, dataset, capsys, monkeypatch):
    assert main(["augment", "report", "--dataset", "films", "--output", "with"]) == 0
    capsys.readouterr()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["augment", "report", "--dataset", "films", "--output", "without"]) == 0
    out = capsys.readouterr().out
    assert "distinct items" in out
    assert "no figure: plots need matplotlib" in out
    assert {file.name for file in Path("without").iterdir()} == {"report.md", "report.csv"}
    assert Path("without/report.csv").read_bytes() == Path("with/report.csv").read_bytes()
    text = Path("without/report.md").read_text()
    assert Path("with/report.md").read_text() == f"{text}\n![figure](report.svg)\n"


def test_names_that_tables_and_figures_take_otherwise(variants, dataset):
    for provider, name in zip(PICKS, ("$x^{", "a|b", "=1+1"), strict=True):
        file = dataset / f"films-{provider}" / "manifest.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "provider": name}))
    report = make_report("films", dataset)
    plotting.render(report_figure(report), "svg")
    assert r"a\|b" in report_table(report)
    assert "'=1+1" in report_csv(report)


def test_variants_of_another_threshold_are_refused(variants, dataset):
    variants("random", folder="films-other", settings={"like_threshold": 2.5})
    with pytest.raises(AugmentError, match=r"made for like_threshold 2.5, and this report is for"):
        make_report("films", dataset)


def test_nothing_to_compare(dataset):
    with pytest.raises(AugmentError, match=r"no dataset in .* was made from films"):
        make_report("films", dataset)


def test_a_dataset_of_an_older_version(variants, dataset):
    (dataset / "films-mine" / "candidates.csv").unlink()
    with pytest.raises(AugmentError, match=r"has no candidates.csv; make it again"):
        make_report("films", dataset)


def test_broken_manifests_beside_it_do_not_matter(variants, dataset):
    for number, text in enumerate(("{", "[]", json.dumps({"augmented_from": {}}))):
        folder = dataset / f"other-{number}"
        folder.mkdir()
        (folder / "manifest.json").write_text(text)
    assert len(make_report("films", dataset).summaries) == 3


@st.composite
def edge_tables(draw):
    frames = []
    for name in ("a", "b", "c"):
        pairs = draw(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=12))
        rows = [
            (f"u{u}", f"m{m}", draw(st.sampled_from([0.5, 1.0])), (LIKED, DISLIKED)[m % 2], m)
            for u, m in sorted(pairs)
        ]
        edges = pd.DataFrame(rows, columns=["user_id", "item_id", "weight", "sign", "rank"])
        frames.append(Variant(name, name, edges, {}))
    return frames


@given(edge_tables())
def test_equal_numbers(found):
    kept = at_equal_number(found)
    counts = [edges.groupby(["user_id", "sign"]).size().to_dict() for edges in kept.values()]
    assert counts[0] == counts[1] == counts[2]
    for variant in found:
        every = variant.edges.groupby(["user_id", "sign"])
        mine = kept[variant.provider].groupby(["user_id", "sign"])
        for key, rows in every:
            n = counts[0].get(key, 0)
            sizes = [v.edges.groupby(["user_id", "sign"]).size().get(key, 0) for v in found]
            assert n == min(sizes)
            if n:  # none that was left out is heavier
                least = mine.get_group(key)["weight"].min()
                out = rows[~rows["item_id"].isin(mine.get_group(key)["item_id"])]
                assert not np.any(out["weight"] > least)
