"""EASE on both signs as a RecBole general recommender."""

from __future__ import annotations

from typing import Any

import torch
from recbole.data.interaction import Interaction
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.utils import InputType, ModelType
from torch import Tensor

from recbole_pngnn.model.labels import read_liked, read_strengths
from recbole_pngnn.nn.regression import ItemRegression
from recbole_pngnn.options import read_float


class SignedEASE(GeneralRecommender):
    r"""EASE (Steck, WWW 2019) that counts a disliked interaction for a part of a liked one.

    A linear auto-encoder in closed form on :math:`X_{ui} = 1` where liked, ``disliked_weight``
    where disliked: a user who rated a film chose it, whatever came of it. At 0 it is EASE on the
    likes, RecBole's own ``EASE`` under the protocol. With ``rating_slope`` and ``user_exponent`` it
    knows what PNGNN's item-item term knows, so that a comparison of the two is fair: the simple
    baseline that a sign-aware model has to beat.

    Args:
        config: RecBole's Config; the options are explained in ``properties/model/SignedEASE.yaml``.
        dataset: The training part, with the label of each interaction.

    Raises:
        ValueError: An option is missing or impossible, the dataset has no labels, or there are too
            many items for the memory.
    """

    item_weights: Tensor

    input_type = InputType.POINTWISE
    type = ModelType.TRADITIONAL

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        disliked_weight = read_float(config, "disliked_weight", minimum=0.0)
        ridge = read_float(config, "reg_weight", minimum=1e-9)
        slope = read_float(config, "rating_slope", minimum=0.0)
        user_exponent = read_float(config, "user_exponent", minimum=0.0, maximum=1.0)
        liked = read_liked(config, dataset, "SignedEASE")
        users, items = dataset.inter_feat[self.USER_ID], dataset.inter_feat[self.ITEM_ID]
        weights = torch.where(liked, 1.0, disliked_weight)
        weights = weights * read_strengths(config, dataset, slope)
        users, items, weights = (x.to(self.device) for x in (users, items, weights))
        self.placeholder = torch.nn.Parameter(torch.zeros(1))  # RecBole wants an optimiser
        remedy = "choose a model without a matrix of items by items, for example PNGNN"
        self._regression = ItemRegression(
            users, items, weights, self.n_users, self.n_items, ridge, user_exponent, remedy
        )
        # Not in a checkpoint: it is made again from the data that a checkpoint belongs to.
        self.register_buffer("item_weights", self._regression.fit(), persistent=False)

    @staticmethod
    def train_dataloader(config: Any) -> None:
        """RecBole's own will do: no batch is looked at."""

    def calculate_loss(self, interaction: Interaction) -> Tensor:
        """Return 0: all is done in closed form."""
        return self.placeholder.sum() * 0.0

    def _scores(self, users: Tensor) -> Tensor:
        return self._regression.predict(users, self.item_weights)  # (B, n_items)

    def predict(self, interaction: Interaction) -> Tensor:
        """Score user-item pairs.

        Shapes:
            - returns: ``(B,)``
        """
        pair = (interaction[self.USER_ID], interaction[self.ITEM_ID])
        return self._regression.pairs(*pair, self.item_weights)

    def full_sort_predict(self, interaction: Interaction) -> Tensor:
        """Score users against all items.

        Shapes:
            - returns: ``(B * n_items,)``, user by user
        """
        return self._scores(interaction[self.USER_ID]).view(-1)
