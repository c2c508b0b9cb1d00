"""A threshold and the scale of the ratings, in words."""

from pathlib import Path

import pytest
import yaml

from recbole_pngnn import scale


def test_the_default_is_that_of_the_protocol():
    overall = Path(scale.__file__).parents[1] / "properties" / "overall.yaml"
    assert yaml.safe_load(overall.read_text())["like_threshold"] == {
        "rating": scale.DEFAULT_THRESHOLD
    }


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0.0%"),
        (1e-6, "less than 0.1%"),
        (0.5537, "55.4%"),
        (0.99996, "more than 99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_span_threshold_and_share(share, shown):
    text = scale.describe_scale(0.0, 10.0, 3.5, share)
    assert text == f"ratings span [0, 10]; {shown} are liked, above like_threshold 3.5"


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_what_fits_is_no_warning(share):
    assert scale.scale_warning(1, 5, 3.5, share) is None


@pytest.mark.parametrize(("low", "high"), [(0, 10), (1, 10), (2, 10), (0, 100)])
def test_a_threshold_of_five_stars_on_a_longer_scale(low, high):
    assert "like_threshold 3.5 calls 60.0% of the ratings liked" in scale.scale_warning(
        low, high, 3.5, 0.6
    )
    assert scale.scale_warning(low, high, low + 0.6 * (high - low), 0.6) is None


@pytest.mark.parametrize(("low", "high"), [(1, 5), (0.5, 5), (3, 5), (1, 7)])
def test_scales_that_the_default_fits(low, high):
    assert scale.scale_warning(low, high, 3.5, 0.6) is None


@pytest.mark.parametrize(("share", "shown"), [(0.049, "4.9%"), (0.951, "95.1%"), (1.0, "100.0%")])
def test_few_or_many_likes_are_a_warning_with_what_to_type(share, shown):
    text = scale.scale_warning(0, 100, 3.5, share, "score")
    assert text == (
        f"like_threshold 3.5 calls {shown} of the ratings liked; where that does not fit the scale "
        "of [0, 100], run with another, e.g. --like_threshold=\"{'score': 62.5}\""
    )


@pytest.mark.parametrize(("rating", "share"), [(1, 0.0), (5, 1.0)])
def test_a_single_rating_has_no_threshold(rating, share):
    text = scale.scale_warning(rating, rating, 3.5, share)
    assert text.startswith(f"every rating is {rating}: no like_threshold tells liked from disliked")
