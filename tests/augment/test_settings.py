import pytest

from recbole_pngnn.augment import AugmentError, AugmentSettings, RequestSettings


def test_a_request_belongs_to_the_provider_that_asks():
    request = RequestSettings("tiny", picks=1)
    with pytest.raises(AugmentError, match="random asks nobody"):
        AugmentSettings("films", "random", request=request)
    with pytest.raises(AugmentError, match="needs a model"):
        AugmentSettings("films", "openai")
    settings = AugmentSettings("films", "openai", request=request, picks=2)
    assert settings.request.picks == 2
