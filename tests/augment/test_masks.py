"""Suggested rows mask nothing: scores that do not change give metrics that do not change."""

from pathlib import Path

import pytest
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_trainer

import recbole_pngnn
from recbole_pngnn.augment import AugmentSettings, augment
from recbole_pngnn.data.prepare import prepare_ml_100k


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory):
    """Evaluate one EASE, trained without suggestions, with the masks of a dataset."""
    place = tmp_path_factory.mktemp("masks")
    name = prepare_ml_100k(place, seed=1).name
    options = {
        "data_path": str(place),
        "show_progress": False,
        "output_dir": str(place / "output"),
        "reg_weight": 500.0,
    }
    record = recbole_pngnn.run("EASE", name, config_dict=options)
    model = recbole_pngnn.load_data_and_model(record["checkpoint"])[1]
    settings = AugmentSettings(
        name,
        "random",
        data_path=place,
        work=place / "work",
        base_model="EASE",
        base_options=options,
        picks=3,
    )
    augment(settings)

    def run(dataset=name):
        config = Config("EASE", dataset, config_dict={**options, "protocol": "signed"})
        *_, test_data = data_preparation(config, create_dataset(config))
        trainer = get_trainer(config["MODEL_TYPE"], "EASE")(config, model)
        return trainer.evaluate(test_data, load_best_model=False)

    run.augmented = settings.folder
    return run


def test_random_picks_leave_recall_as_it_was(evaluate):
    assert evaluate(evaluate.augmented.name) == evaluate()


def test_masked_they_would_raise_it(evaluate):
    """The same rows called observed, as a mask that knows no ``source`` takes them."""
    masked = evaluate.augmented.with_name("masked")
    masked.mkdir()
    for file in evaluate.augmented.glob(f"{evaluate.augmented.name}.*"):
        text = file.read_text().replace("\trandom\t", "\tobserved\t")
        Path(masked / file.name.replace(evaluate.augmented.name, "masked", 1)).write_text(text)
    # Wrong picks leave the ranking and make room; right ones stay, since RecBole takes what is to
    # be found out of the mask.
    assert evaluate("masked")["recall@10"] > 1.03 * evaluate()["recall@10"]
