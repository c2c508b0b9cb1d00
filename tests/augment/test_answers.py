"""Raw answers to picks."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.augment.answers import (
    InvalidAnswerError,
    NoAnswerError,
    Picks,
    count_votes,
    read_completion,
    read_picks,
)
from tests.augment.conftest import completion

LABELS = {"A": "m1", "B": "m2", "C": "m3", "D": "m4"}
GOOD_TEXT = '{"liked": "A", "disliked": "B"}'


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


NAMES = {
    "A": ("Titanic", "Titanic (year: 1997; genres: Drama)"),
    "B": ("Godfather, The", "Godfather, The (year: 1972)"),
    "C": ("Alien (1979)", "Alien (1979) (genres: Horror)"),
    "D": ("Alien (cut)", "Alien (cut) (genres: Horror)"),
}


@pytest.mark.parametrize(
    ("content", "liked", "disliked"),
    [
        # JSON, wherever it stands.
        ('```json\n{"liked": "A", "disliked": "B", "why": {"A": {"x": [1]}}}\n```', "A", "B"),
        ('{"answer": {"liked": "A", "disliked": "B"}}', "A", "B"),
        ('[{"liked": "A", "disliked": "B"}]', "A", "B"),
        ('{"Liked": "A", "DISLIKE": "B"}', "A", "B"),
        ('{"liked": "A", "disliked": "B"} and again {"liked": "A.", "disliked": "(b)"}', "A", "B"),
        ('As {"liked": "LABEL", "disliked": "LABEL"}: {"liked": "A", "disliked": "B"}', "A", "B"),
        ('<think>{"liked": "B", "disliked": "A"}</think>{"liked": "A", "disliked": "B"}', "A", "B"),
        ('so B it is.</think> {"liked": "A", "disliked": "B"}', "A", "B"),
        (
            '<|channel|>analysis<|message|>{"liked": "B", "disliked": "A"}<|end|>'
            '<|channel|>final<|message|>{"liked": "A", "disliked": "B"}',
            "A",
            "B",
        ),
        # Labels as people write them, and titles in their place.
        ('{"liked": "(A)", "disliked": "[B]"}', "A", "B"),
        ('{"liked": "Candidate A", "disliked": "**b**"}', "A", "B"),
        ('{"liked": "\uff21", "disliked": "B)"}', "A", "B"),
        ('{"liked": "A. Titanic (year: 1997)", "disliked": "B - because of war"}', "A", "B"),
        ('{"liked": "titanic", "disliked": "The Godfather (1972)"}', "A", "B"),
        ('{"liked": "Alien (1979)", "disliked": "Alien (cut) (genres: Horror)"}', "C", "D"),
        ('{"liked": {"label": "A", "title": "Titanic"}, "disliked": {"name": "B"}}', "A", "B"),
        ('{"liked": "A", "disliked": "none"}', "A", ""),
        ('{"liked": "N/A", "disliked": ["null"]}', "", ""),
        ('{"liked": "", "disliked": [null, "B"]}', "", "B"),
        # Not quite JSON.
        ("{'liked': 'A', 'disliked': None}", "A", ""),
        ("{liked: A, disliked: B,}", "A", "B"),
        ("{\u201cliked\u201d: \u201cA\u201d, \u201cdisliked\u201d: \u201cB\u201d}", "A", "B"),
        ('{"liked": "A", "disliked": "B"', "A", "B"),
        ("**Liked:** A. Titanic\n**Disliked:** B", "A", "B"),
        ("Liked: A, disliked: The Godfather.", "A", "B"),
    ],
)
def test_what_a_reader_would_understand(content, liked, disliked):
    picks = read_picks(content, LABELS, names=NAMES)
    for found, label in ((picks.liked, liked), (picks.disliked, disliked)):
        assert list(found) == ([LABELS[label]] if label else [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"liked": "A", "disliked": "B"} or {"liked": "B", "disliked": "A"}', "two different ans"),
        ('{"liked": "A", "disliked": "B"} or {"liked": "Z", "disliked": "A"}', "two different ans"),
        ('{"liked": "A", "liked": "B", "disliked": "C"}', "two different answers"),
        ('{"liked": "A", "LIKED": "B", "disliked": "C"}', "two different answers"),
        ("liked: A\nliked: B\ndisliked: C", "two different answers"),
        ('<think>It may be {"liked": "A", "disliked": "B"}', "an unclosed <think>"),
        ('<|channel|>analysis<|message|>{"liked": "A", "disliked": "B"}', "an unclosed <think>"),
        ('{"liked": "A or B", "disliked": "C"}', "'A or B' is no candidate's label"),
        ('{"liked": "A. or B", "disliked": "C"}', "names two candidates"),
        ('{"liked": "A. The Godfather", "disliked": "C"}', "names two candidates"),
        ('{"liked": "Alien", "disliked": "B"}', "'Alien' names 2 candidates"),
        ('{"liked": {"label": "A", "title": "The Godfather"}, "disliked": "C"}', "is no candidate"),
        ('{"liked": "\\ud800", "disliked": "B"}', "is no candidate's label"),
        ('{"liked": "nothing", "disliked": "B"}', "a candidate's name and a word for nothing"),
        ('{"liked": true, "disliked": "B"}', "True is no candidate's label"),
        ("{" * 100_000, "no JSON object"),
        ('{"a":' * 50_000, "no JSON object"),
        ("x" * 500_000, "an answer of 500000 characters"),
    ],
)
def test_what_could_be_taken_otherwise(content, reason):
    names = {**NAMES, "D": ("Nothing",)} if "nothing" in content else NAMES
    with pytest.raises(InvalidAnswerError, match=reason):
        read_picks(content, LABELS, names=names)


def test_several_labels_in_one_text():
    picks = read_picks('{"liked": "A, C", "disliked": "B and D"}', LABELS, picks=2)
    assert (list(picks.liked), list(picks.disliked)) == (["m1", "m3"], ["m2", "m4"])


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "thinking", "thinking": "B?"}, {"type": "text", "text": GOOD_TEXT}],
        [GOOD_TEXT[:9], GOOD_TEXT[9:]],
        [{"type": "output_text", "text": {"value": GOOD_TEXT}}],
        json.loads(GOOD_TEXT),
        {"type": "text", "text": GOOD_TEXT},
    ],
)
def test_contents_that_are_no_text(content):
    text = read_completion("\ufeff" + json.dumps(completion(content)))
    assert read_picks(text, LABELS) == read_picks(GOOD_TEXT, LABELS)


def test_choices_that_differ_are_two_answers():
    body = completion(GOOD_TEXT)
    body["choices"] += completion('{"liked": "B", "disliked": "A"}')["choices"]
    with pytest.raises(InvalidAnswerError, match="two different answers"):
        read_picks(read_completion(json.dumps(body)), LABELS)


def test_a_page_is_no_answer_and_settles_nothing():
    for body in ("<html>", '{"error": {"message": "loading"}}', "[" * 100_000, "null"):
        with pytest.raises(NoAnswerError):
            read_completion(body)


JSONS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4) | st.sampled_from("ABC"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["liked", "disliked", "label", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSONS)
def test_no_json_is_more_than_invalid(value):
    try:
        text = read_completion(json.dumps(completion(value)))
        picks = read_picks(text, LABELS, names=NAMES)
    except InvalidAnswerError:
        return
    assert set(picks.liked) | set(picks.disliked) <= set(LABELS.values())
    assert not set(picks.liked) & set(picks.disliked)
