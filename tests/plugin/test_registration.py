"""What RecBole finds after the plugin registered."""

import pytest
import recbole.data.utils
import recbole.quick_start
from recbole.utils import get_model

import recbole_pngnn
from recbole_pngnn.model.pngnn import PNGNN
from recbole_pngnn.plugin import registration


def test_recbole_finds_the_model_once():
    from recbole.model.general_recommender import pngnn

    assert get_model("PNGNN") is PNGNN is pngnn.PNGNN


def test_every_module_of_recbole_sees_the_replacement():
    assert recbole.quick_start.quick_start.get_model is get_model
    assert (
        recbole.quick_start.load_data_and_model
        is recbole.quick_start.quick_start.load_data_and_model
    )


def test_registering_twice_changes_nothing():
    before = recbole.data.utils.Sampler, get_model
    registration.register()
    assert (recbole.data.utils.Sampler, recbole.quick_start.quick_start.get_model) == before


def test_a_model_that_is_there_and_cannot_be_imported_says_why():
    with pytest.raises(ModuleNotFoundError, match="No module named 'lightgbm'"):
        get_model("LightGBM")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("PNGN", "did you mean PNGNN"), ("lightgcn", "did you mean LightGCN"), ("Nothing?", "'$")],
)
def test_an_unknown_name(name, hint):
    with pytest.raises(ValueError, match=f"there is no model named .*{hint}"):
        get_model(name)


def test_names_of_the_package():
    assert callable(recbole_pngnn.run)
    assert callable(recbole_pngnn.recommend)
    assert callable(recbole_pngnn.load_data_and_model)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = recbole_pngnn.nothing
