"""Prompts: what is shown, in which order, and what is not."""

import json
from pathlib import Path

import pytest

from recbole_pngnn.augment.dataset import read_training_data
from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.prompts import (
    PromptMaker,
    anonymised,
    candidate_labels,
    item_texts,
    read_template,
    shuffled,
)

COLUMNS = ("movie_title", "release_year", "genre")


@pytest.fixture
def maker(data):
    return PromptMaker(data, read_template("history-v1"), COLUMNS)


def test_the_exact_prompt(maker):
    prompt = maker.prompt("u0", ["m7", "m8", "m9"])
    assert sorted(prompt.labels.values()) == ["m7", "m8", "m9"]
    shown = "\n".join(
        f"{label}. {text}"
        for label, text in (
            (
                label,
                {
                    "m7": "Film 7 (year: 1996; genres: Comedy)",
                    "m8": "Film 8 (year: 1997; genres: Drama)",
                    "m9": "Film 9 (year: 1998; genres: War)",
                }[item],
            )
            for label, item in prompt.labels.items()
        )
    )
    system, user = prompt.messages
    assert system["role"] == "system"
    liked, rest = user["content"].split("\n\nDisliked, with ratings:\n")
    assert liked.startswith("Liked, with ratings:\n- Film ")
    assert "- Film 1 (year: 1990; genres: Comedy): 5" in liked
    disliked, rest = rest.split("\n\nCandidates:\n")
    assert disliked.startswith("- Film 6 (year: 1995; genres: War): 1\n")
    candidates, question = rest.split("\n\n")
    assert candidates == shown
    assert question.startswith("Which candidate will this person like most, and which")
    assert "one of A, B, C." in question


def test_no_user_id_is_shown(maker):
    for prompt in (maker.prompt(f"u{n}", ["m1", "m2"]) for n in range(6)):
        assert prompt.user not in json.dumps(prompt.messages)


def test_the_order_of_candidates_depends_on_seed_user_and_vote_alone():
    items = [f"m{n}" for n in range(10)]
    assert shuffled(items, 0, "u", 0) == shuffled(items[::-1], 0, "u", 0)
    orders = {tuple(shuffled(items, *where)) for where in ((0, "u", 0), (1, "u", 0), (0, "v", 0))}
    orders.add(tuple(shuffled(items, 0, "u", 1)))
    assert len(orders) == 4
    # Every place is likely for the first item: position says nothing of the recommender's order.
    places = [shuffled(items, 0, f"user {n}", 0).index("m0") for n in range(2000)]
    for place in range(10):
        assert 140 < places.count(place) < 260


def test_the_history_is_capped_and_holds_both_kinds(data):
    maker = PromptMaker(data, read_template("history-v1"), COLUMNS, history_size=4)
    text = maker.prompt("u0", ["m7", "m8"]).messages[1]["content"]
    liked, disliked = text.split("Disliked, with ratings:")
    disliked = disliked.split("Candidates:")[0]
    assert (liked.count("\n- "), disliked.count("\n- ")) == (2, 2)
    assert "): 1" in disliked  # the rating farthest from the threshold comes first
    assert PromptMaker(data, read_template("history-v1"), COLUMNS, history_size=4).prompt(
        "u0", ["m7", "m8"]
    ) == maker.prompt("u0", ["m7", "m8"])


def test_labels():
    assert candidate_labels(3) == ["A", "B", "C"]
    for n in (1, 27):
        with pytest.raises(AugmentError, match=f"2 to 26 candidates, found {n}"):
            candidate_labels(n)


def test_anonymous_titles_keep_the_rest(data):
    items = anonymised(data.items, "movie_title")
    texts = item_texts(items, COLUMNS)
    assert len(set(texts.values())) == len(texts)
    assert not any("Film" in text for text in texts.values())
    assert texts["m1"].endswith("(year: 1990; genres: Comedy)")


def test_a_template_of_ones_own(tmp_path, data):
    own = tmp_path / "own.txt"
    text = (
        "[system]\nBe brief. Costs $$1.\n[user]\n$liked|$disliked|$candidates|$answer_format\n"
        "[one]\nOne of $labels.\n[several]\n$picks of $labels.\n"
    )
    own.write_text(text)
    template = read_template(str(own))
    assert template.name == "own"
    prompt = PromptMaker(data, template, COLUMNS).prompt("u0", ["m7", "m8"])
    assert prompt.messages[1]["content"].endswith("|One of A, B.")
    for broken, message in (
        (text.replace("[one]", "[uno]"), "must have the sections system, user, one, several"),
        (text.replace("$candidates", ""), r"section user: missing or unknown places: \$candidates"),
        (text.replace("$labels.\n[s", "$name.\n[s"), r"section one: .*\$labels, \$name"),
        (text.replace("$$1", "$1"), r"section system: a \$ that is no place"),
    ):
        own.write_text(broken)
        with pytest.raises(AugmentError, match=message):
            read_template(str(own))
    with pytest.raises(AugmentError, match="there is no template other: give a file, or one of h"):
        read_template("other")


def test_validation_and_test_do_not_reach_a_prompt(dataset, data):
    def prompts():
        found = read_training_data("films", dataset, text_columns=COLUMNS)
        maker = PromptMaker(found, read_template("history-v1"), COLUMNS)
        return [maker.prompt(user, ["m1", "m2", "m3"]).messages for user in found.users]

    before = prompts()
    for part in ("valid", "test"):
        file = Path(dataset) / "films" / f"films.{part}.inter"
        header, *lines = file.read_text().splitlines()
        file.write_text("\n".join([header, *lines[::-1]]) + "\n")
    assert prompts() == before
