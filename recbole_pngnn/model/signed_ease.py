"""EASE on both signs as a RecBole general recommender."""

from __future__ import annotations

from typing import Any

import torch
from recbole.data.interaction import Interaction
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.utils import InputType, ModelType
from scipy import sparse
from torch import Tensor

from recbole_pngnn.nn.item_item import ease_weights
from recbole_pngnn.nn.softmax import UserTargets
from recbole_pngnn.options import read_float


class SignedEASE(GeneralRecommender):
    r"""EASE (Steck, WWW 2019) that counts a disliked interaction for a part of a liked one.

    A linear auto-encoder in closed form on :math:`X_{ui} = 1` where liked, ``disliked_weight``
    where disliked: a user who rated a film chose it, whatever came of it. At 0 it is EASE on the
    likes, RecBole's own ``EASE`` under the protocol; the simple baseline that a sign-aware model
    has to beat.

    Args:
        config: RecBole's Config; the options are explained in ``properties/model/SignedEASE.yaml``.
        dataset: The training part, with the label of each interaction.

    Raises:
        ValueError: An option is missing or impossible, or the dataset has no labels.
    """

    input_type = InputType.POINTWISE
    type = ModelType.TRADITIONAL

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        disliked_weight = read_float(config, "disliked_weight", minimum=0.0)
        reg_weight = read_float(config, "reg_weight", minimum=1e-9)
        label = config["LABEL_FIELD"]
        if label not in dataset.inter_feat:
            raise ValueError(
                "SignedEASE needs to know which interactions were liked, and the dataset has no "
                "labels; set like_threshold, for example like_threshold: {rating: 3.5}"
            )
        users, items = dataset.inter_feat[self.USER_ID], dataset.inter_feat[self.ITEM_ID]
        weights = torch.where(dataset.inter_feat[label] > 0, 1.0, disliked_weight)
        self.placeholder = torch.nn.Parameter(torch.zeros(1))  # RecBole wants an optimiser
        self._history = UserTargets(
            users.to(self.device), items.to(self.device), weights.to(self.device), self.n_users
        )
        interactions = sparse.csr_matrix(
            (weights.numpy(), (users.numpy(), items.numpy())), (self.n_users, self.n_items)
        )
        gram = torch.from_numpy((interactions.T @ interactions).toarray())
        # Not in a checkpoint: it is made again from the data that a checkpoint belongs to.
        self.register_buffer(
            "item_weights", ease_weights(gram, reg_weight).to(self.device), persistent=False
        )

    @staticmethod
    def train_dataloader(config: Any) -> None:
        """RecBole's own will do: no batch is looked at."""

    def calculate_loss(self, interaction: Interaction) -> Tensor:
        """Return 0: all is done in closed form."""
        return self.placeholder.sum() * 0.0

    def _scores(self, users: Tensor) -> Tensor:
        rows, items, weights = self._history.of(users)
        history = torch.zeros(len(users), self.n_items, device=users.device)
        history.index_put_((rows, items), weights, accumulate=True)
        return history @ self.item_weights  # (B, n_items)

    def predict(self, interaction: Interaction) -> Tensor:
        """Score user-item pairs.

        Shapes:
            - returns: ``(B,)``
        """
        users, place = interaction[self.USER_ID].unique(return_inverse=True)
        return self._scores(users)[place, interaction[self.ITEM_ID]]

    def full_sort_predict(self, interaction: Interaction) -> Tensor:
        """Score users against all items.

        Shapes:
            - returns: ``(B * n_items,)``, user by user
        """
        return self._scores(interaction[self.USER_ID]).view(-1)
