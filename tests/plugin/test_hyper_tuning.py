"""RecBole's own search over a model of the plugin."""

from recbole.quick_start import objective_function
from recbole.trainer import HyperTuning


def test_recboles_search_trains_a_model_of_ours(atomic, tmp_path):
    parts = [], [], [], []
    for user in range(9):
        for item in range(12):
            parts[(user + item) % 4].append((f"u{user}", f"i{item}", 5 if user * item % 3 else 1))
    folder = atomic("tiny", *parts[:3])
    file = tmp_path / "fixed.yaml"
    file.write_text(
        f"model: PNGNN\ndataset: tiny\ndata_path: {folder}\nepochs: 1\ntopk: [3]\n"
        "valid_metric: NDCG@3\nshow_progress: False\nstate: WARNING\n"
    )
    search = HyperTuning(
        objective_function,
        params_dict={"choice": {"n_layers": [1, 2]}},
        fixed_config_file_list=[str(file)],
    )
    search.run()
    assert set(search.params2result) == {"n_layers:1", "n_layers:2"}
    assert all("signauc" in r["test_result"] for r in search.params2result.values())
