"""SiReN as a RecBole general recommender."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from recbole_pngnn.model.pngnn import PNGNN
from recbole_pngnn.nn.layers import SirenEncoder
from recbole_pngnn.options import read_float, read_int


class SiReN(PNGNN):
    """SiReN (Seo, Jeong, Lim and Shin, IEEE TNNLS 2024, arXiv 2108.08735), which PNGNN stands on.

    PNGNN's reading ``fused`` in all but one thing: what stands beside the positive graph is an MLP
    and no propagation. Its loss is the sign-aware BPR on the fused embeddings, with degree-based
    sampling, which PNGNN took over.

    Args:
        config: RecBole's Config; the options are explained in ``properties/model/SiReN.yaml``.
        dataset: The training part, with the label of each interaction.

    Raises:
        ValueError: An option is missing or impossible, or the dataset has no labels.
    """

    def make_encoder(self, config: Any, positive: Tensor, negative: Tensor) -> SirenEncoder:
        """Make the encoder; the negative graph is not used, see the class."""
        return SirenEncoder(
            positive,
            read_int(config, "embedding_size", minimum=1),
            read_int(config, "n_layers", minimum=0),
            read_int(config, "n_mlp_layers", minimum=1),
            read_float(config, "mlp_dropout", minimum=0.0, maximum=0.99),
        )
