"""Values of options as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recbole.config import Config

from recbole_pngnn.literals import for_recbole, read_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_a_literal_is_its_value(value):
    assert read_value("any", repr(value)) == value


@given(st.dictionaries(st.text(), st.text()))
def test_no_text_is_evaluated_by_recbole(options):
    try:
        read = {key: read_value(key, text) for key, text in options.items()}
    except ValueError:
        return
    config = Config.__new__(Config)
    assert config._load_variable_config_dict(for_recbole(options)) == read


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("x", "true", True),
        ("x", "None", None),
        ("x", "~", None),
        ("x", "1e-3", 1e-3),
        ("x", "adam", "adam"),
        ("x", "max", "max"),
        ("x", "2**9", "2**9"),
        ("x", "1/0", "1/0"),
        ("x", "b'a'", "b'a'"),
        ("data_path", "2024", "2024"),
        ("data_path", "'a b'", "a b"),
        ("field_separator", r"\t", "\t"),
        ("field_separator", ",", ","),
        ("user_inter_num_interval", "[5,inf)", "[5,inf)"),
        ("gpu_id", "0,1", (0, 1)),
    ],
)
def test_words(key, text, value):
    assert read_value(key, text) == value
    assert type(read_value(key, text)) is type(value)


@pytest.mark.parametrize("text", ["[1,", "{a: 1}", "[NDCG]", "[" * 10_000, "{'a': f()}"])
def test_what_is_no_list_is_refused(text):
    with pytest.raises(ValueError, match=r"metrics is no (list|dict) that can be read"):
        read_value("metrics", text)
