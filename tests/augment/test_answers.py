"""Raw answers to picks."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.augment.answers import (
    InvalidAnswerError,
    Picks,
    count_votes,
    read_completion,
    read_picks,
)
from tests.augment.conftest import completion

LABELS = {"A": "m1", "B": "m2", "C": "m3", "D": "m4"}


@pytest.mark.parametrize(
    ("content", "liked", "disliked"),
    [
        ('{"liked": "C", "disliked": "A"}', ["m3"], ["m1"]),
        ('{"liked": null, "disliked": "A"}', [], ["m1"]),
        ('{"liked": null, "disliked": null}', [], []),
        ('```json\n{"liked": "B",\n "disliked": "D"}\n```', ["m2"], ["m4"]),
        ('First {"note": 1}; so: {"liked": "b.", "disliked": " d "}', ["m2"], ["m4"]),
        ('{"liked": ["C"], "disliked": []}', ["m3"], []),
    ],
)
def test_answers_that_count(content, liked, disliked):
    picks = read_picks(content, LABELS)
    assert (list(picks.liked), list(picks.disliked)) == (liked, disliked)
    assert set(picks.liked.values()) <= {1.0}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("C and A", "no JSON object: 'C and A'"),
        ('["C", "A"]', "no JSON object"),
        ('{"liked": "C"}', "no key disliked"),
        ('{"liked": "E", "disliked": "A"}', "'E' is no candidate's label"),
        ('{"liked": "m1", "disliked": "A"}', "'m1' is no candidate's label"),
        ('{"liked": 3, "disliked": "A"}', "3 is no candidate's label"),
        ('{"liked": "A", "disliked": "A"}', "a label occurs twice"),
        ('{"liked": ["A", "B"], "disliked": null}', "2 liked picks, asked for at most 1"),
        ('{"liked": {"x": 1}, "disliked": "A"}', "is no candidate's label"),
    ],
)
def test_answers_that_do_not(content, reason):
    with pytest.raises(InvalidAnswerError, match=reason):
        read_picks(content, LABELS)


def test_several_picks():
    picks = read_picks('{"liked": ["A", "C"], "disliked": ["B"]}', LABELS, picks=2)
    assert (list(picks.liked), list(picks.disliked)) == (["m1", "m3"], ["m2"])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<html>Gateway</html>", "the body is no JSON: '<html>Gateway"),
        ("[1]", "no choice"),
        (json.dumps({"choices": []}), "no choice"),
        (json.dumps(completion('{"liked"', reason="length")), "finish_reason length"),
        (json.dumps(completion("", reason="content_filter")), "finish_reason content_filter"),
        (json.dumps(completion(None, refusal="I cannot")), "refusal"),
        (json.dumps(completion("  ")), "no content"),
        (json.dumps({"choices": [{"message": None}]}), "no content"),
    ],
)
def test_completions_without_an_answer(body, reason):
    with pytest.raises(InvalidAnswerError, match=reason):
        read_completion(body)


@given(st.text(max_size=60))
def test_no_text_is_more_than_invalid(text):
    try:
        picks = read_picks(text, LABELS)
    except InvalidAnswerError:
        return
    assert set(picks.liked) | set(picks.disliked) <= set(LABELS.values())


def vote(liked=(), disliked=()):
    return Picks(dict.fromkeys(liked, 1.0), dict.fromkeys(disliked, 1.0))


def test_the_majority_of_votes_with_its_share():
    votes = [vote(["a"], ["x"]), vote(["a"], ["y"]), vote(["b"], ["x"]), vote(["a"])]
    found = count_votes(votes)
    assert found.liked == {"a": 0.75}
    assert found.disliked == {}  # two of four are no majority
    assert count_votes([vote(), vote(), vote(["a"])]) == Picks({}, {})
    assert count_votes([vote(["a", "b"]), vote(["b", "a"])], picks=2).liked == {"a": 1, "b": 1}
