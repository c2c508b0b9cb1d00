"""PNGNN as a RecBole general recommender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from recbole.data.dataloader import UserDataLoader
from recbole.data.interaction import Interaction
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.utils import InputType
from torch import Tensor
from torch.nn import functional as F

from recbole_pngnn.model.labels import read_liked, read_strengths
from recbole_pngnn.model.trainer import PNGNNTrainer
from recbole_pngnn.nn.graph import bipartite_adjacency
from recbole_pngnn.nn.kept import Kept
from recbole_pngnn.nn.layers import PNEncoder, PositiveEncoder, SignAttention
from recbole_pngnn.nn.losses import (
    disinterest_dual_bpr,
    fused_dual_bpr,
    partitioned_dual_bpr,
    squared_norms,
)
from recbole_pngnn.nn.memory import check_memory
from recbole_pngnn.nn.regression import ItemItemTerm, ItemRegression
from recbole_pngnn.nn.sampling import DegreeSampler
from recbole_pngnn.nn.scores import pair_scores
from recbole_pngnn.nn.sign import SignScore
from recbole_pngnn.nn.softmax import UserSoftmax
from recbole_pngnn.options import (
    read_choice,
    read_float,
    read_int,
    read_optional_float,
    read_optional_int,
    read_optional_str,
)

LOSSES = ("dual_bpr", "dual_softmax")
READINGS = ("fused", "partitioned", "disinterest")
NEGATIVE_GRAPHS = ("attention", "sum", "sign", "none")
REG_TARGETS = ("fused", "ego")
# Bytes for the score of a user and an item, all terms and what they are made of at a time.
SCORE_BYTES = 24
SMALLER_SCORES = "set a smaller eval_batch_size, which counts users times items"


class PNGNN(GeneralRecommender):
    r"""Positive-negative graph neural network (Li, Kang and Tang, "LLM-PNGNN").

    Liked and disliked interactions form two bipartite graphs with a LightGCN each; the Dual-BPR
    loss keeps liked > disliked > unobserved. The paper leaves open which scores its loss uses
    (Eq. 10 would leave the attention of Eq. 5-6 without a gradient), so ``reading`` names three:

    - ``fused`` (default): attention fuses z and v; one score trains and ranks (SiReN).
    - ``partitioned``: Eq. 10 to the letter; z ranks, there is no attention.
    - ``disinterest``: z and v are two scores on all triples (PANE-GNN); z ranks, and items whose
      disinterest exceeds ``disinterest_threshold`` go last.

    ``loss`` is the paper's ``dual_bpr`` or, with ``fused``, ``dual_softmax``: cosine scores over a
    temperature, and for each user the multinomial over the whole catalogue, liked items with target
    weight 1 and disliked ones with ``disliked_weight``. ``negative_graph`` is what becomes of the
    negative graph in the reading ``fused``: the paper's ``attention``, a ``sum``, a score of its
    own for the ``sign``, or ``none``.

    For ``dual_bpr`` unobserved items are drawn inside :meth:`calculate_loss`, so a batch holds
    ``train_batch_size`` observed interactions; for ``dual_softmax`` it holds as many users. The
    dataset must keep both signs (``train_interactions: rated``) and label them
    (``like_threshold``).

    Args:
        config: RecBole's Config; the options are explained in ``properties/model/PNGNN.yaml``.
        dataset: The training part, with the label of each interaction.

    Raises:
        ValueError: An option is missing or impossible, or the dataset has no labels.
    """

    input_type = InputType.PAIRWISE
    trainer = PNGNNTrainer

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.LABEL = config["LABEL_FIELD"]
        self.loss = read_choice(config, "loss", LOSSES)
        self.reading = read_choice(config, "reading", READINGS)
        if self.loss == "dual_softmax" and self.reading != "fused":
            raise ValueError(
                f"loss dual_softmax has one score, that of reading fused; found reading "
                f"{self.reading}: set reading: fused, or loss: dual_bpr"
            )
        self.negative_graph = self._read_negative_graph(config)
        self.feedback_coefficient = read_float(config, "feedback_coefficient", minimum=1.0)
        self.n_samples = read_int(config, "n_samples", minimum=1)
        self.reg_weight = read_float(config, "reg_weight", minimum=0.0)
        self.reg_target = read_choice(config, "reg_target", REG_TARGETS)
        self.disinterest_threshold = read_optional_float(config, "disinterest_threshold")
        embedding_size = read_int(config, "embedding_size", minimum=1)
        attention_dropout = read_float(config, "attention_dropout", minimum=0.0, maximum=0.99)

        liked = read_liked(config, dataset, type(self).__name__)
        users = dataset.inter_feat[self.USER_ID]
        items = dataset.inter_feat[self.ITEM_ID]
        if bool(liked.all()):
            self.logger.warning(
                "PNGNN trains on liked interactions alone: its negative graph is empty. Check "
                "like_threshold and train_interactions (rated keeps both signs)."
            )
        self.weight_field = read_optional_str(config, "weight_field")
        weights = self._weights(dataset.inter_feat)
        positive, negative = (
            bipartite_adjacency(
                users[rows],
                items[rows],
                self.n_users,
                self.n_items,
                edge_weight=None if weights is None else weights[rows],
            )
            for rows in (liked, ~liked)
        )
        self.encoder = self.make_encoder(config, positive, negative)
        fused = self.reading == "fused" and self.negative_graph == "attention"
        self.attention = SignAttention(embedding_size, attention_dropout) if fused else None
        exponent = read_float(config, "sampling_exponent")
        disliked_weight = read_optional_float(config, "disliked_weight", minimum=0.0)
        slope = read_float(config, "rating_slope", minimum=0.0)
        softmax: dict[str, Any] = {
            "temperature": read_float(config, "temperature", minimum=1e-3),
            "disliked_weight": disliked_weight,
            "user_exponent": read_float(config, "user_exponent", minimum=0.0, maximum=1.0),
            "n_samples": read_optional_int(config, "softmax_samples", minimum=1),
        }
        users, items, liked = (x.to(self.device) for x in (users, items, liked))
        if self.loss == "dual_softmax":
            strengths = read_strengths(config, dataset, slope).to(self.device)
            weights = strengths if weights is None else weights.to(self.device) * strengths
        shape = (self.n_users, self.n_items)
        if self.loss == "dual_bpr":
            withheld = getattr(dataset, "withheld", None)  # rated, and taken out by a filter
            self.sampler = DegreeSampler(users, items, *shape, exponent, also_rated=withheld)
        else:
            self.softmax = UserSoftmax(
                users, items, liked, weights, *shape, sampling_exponent=exponent, **softmax
            )
        self.item_item = self._item_item(config, users, items, liked, weights)
        self.sign_weight = read_float(config, "sign_weight", minimum=0.0)
        sign_size = read_int(config, "sign_embedding_size", minimum=1)
        self.sign = (
            SignScore(negative, users, items, liked, self.n_users, sign_size)
            if self.negative_graph == "sign"
            else None
        )
        self._evaluated: Kept[tuple[Tensor, Tensor]] = Kept()
        self._most_scores = 0

    def _read_negative_graph(self, config: Any) -> str:
        choice = read_choice(config, "negative_graph", NEGATIVE_GRAPHS)
        if choice != "attention" and self.reading != "fused":
            raise ValueError(
                f"negative_graph {choice} is for reading fused; found reading {self.reading}: set "
                f"negative_graph: attention, or reading: fused"
            )
        if choice == "sign" and self.loss != "dual_softmax":
            raise ValueError(
                f"negative_graph sign is for loss dual_softmax; found loss {self.loss}: set "
                f"negative_graph: attention, or loss: dual_softmax"
            )
        return choice

    def make_encoder(self, config: Any, positive: Tensor, negative: Tensor) -> PositiveEncoder:
        """Make the encoder of the two normalised graphs, ``(N, N)`` each."""
        embedding_size = read_int(config, "embedding_size", minimum=1)
        n_layers = read_int(config, "n_layers", minimum=0)
        if self.negative_graph in ("sign", "none"):
            return PositiveEncoder(positive, embedding_size, n_layers)
        return PNEncoder(self.n_users, self.n_items, positive, negative, embedding_size, n_layers)

    @staticmethod
    def train_dataloader(config: Any) -> type | None:
        """Return the class of the training's dataloader, None for RecBole's choice."""
        return UserDataLoader if config["loss"] == "dual_softmax" else None

    def _item_item(
        self, config: Any, users: Tensor, items: Tensor, liked: Tensor, weights: Tensor | None
    ) -> ItemItemTerm | None:
        weight = read_float(config, "item_item_weight", minimum=0.0)
        train_weight = read_float(config, "item_item_train_weight", minimum=0.0)
        ridge = read_float(config, "item_item_ridge", minimum=1e-6)
        user_exponent = read_float(config, "item_item_user_exponent", minimum=0.0)
        n_folds = read_int(config, "item_item_folds", minimum=2)
        if not weight and not train_weight:
            return None
        if self.loss != "dual_softmax":
            raise ValueError(
                f"item_item_weight and item_item_train_weight are for loss dual_softmax; found "
                f"loss {self.loss}: set both to 0, or loss: dual_softmax"
            )
        signed = torch.where(liked, 1.0, read_optional_float(config, "disliked_weight") or 0.0)
        regression = ItemRegression(
            users,
            items,
            signed if weights is None else signed * weights,
            self.n_users,
            self.n_items,
            ridge,
            user_exponent,
        )
        return ItemItemTerm(regression, weight, train_weight, n_folds, config["seed"])

    def forward(self) -> tuple[Tensor, Tensor]:
        """Embed all users and items.

        Shapes:
            - returns: the embeddings that rank, of length 1 for ``dual_softmax``, and those of
              disinterest, ``(N, D)`` each; with a score of signs the latter are narrower
        """
        z, v = self.encoder()
        if self.sign is not None:
            v = self.sign.disinterest_embeddings()
        if self.attention is not None:
            ranking = self.attention(z, v)
        else:
            ranking = z + v if self.negative_graph == "sum" else z
        return (F.normalize(ranking, dim=1) if self.loss == "dual_softmax" else ranking), v

    def calculate_loss(self, interaction: Interaction) -> Tensor:
        """Return the loss of a batch.

        ``dual_bpr``: the sum over a batch of observed interactions. ``dual_softmax``: the mean over
        the target weights of a batch of users.
        """
        if self.loss == "dual_softmax":
            batch, (ranking, v) = interaction[self.USER_ID], self.forward()
            offsets = None if self.item_item is None else self.item_item.in_training(batch)
            loss = self.softmax.loss(batch, ranking[batch], ranking[self.n_users :], offsets)
            return loss if self.sign is None else loss + self.sign.loss(ranking, v, batch)
        users, observed = interaction[self.USER_ID], interaction[self.ITEM_ID]
        liked = interaction[self.LABEL] > 0
        sampled = self.sampler.draw(users, self.n_samples)  # (B, S)
        items = torch.cat([observed[:, None], sampled], dim=1)  # (B, 1 + S)
        ranking, v = self.forward()
        loss = self._ranking_loss(ranking, v, users, items, liked, self._weights(interaction))
        return loss + self.reg_weight * self._penalty(ranking, v, users, items, liked)

    def _weights(self, interactions: Interaction) -> Tensor | None:
        """Weight of each interaction, None where all are 1."""
        if self.weight_field is None:
            return None
        if self.weight_field not in interactions:
            raise ValueError(
                f"weight_field {self.weight_field} is no column that was loaded; name it in "
                f"load_col, or set weight_field: ~ for weights of 1"
            )
        weights: Tensor = interactions[self.weight_field]
        return weights

    def _ranking_loss(
        self,
        ranking: Tensor,
        v: Tensor,
        users: Tensor,
        items: Tensor,
        liked: Tensor,
        weights: Tensor | None,
    ) -> Tensor:
        b = self.feedback_coefficient
        if self.reading == "fused":
            scores = self._scores(ranking, users, items)
            return fused_dual_bpr(scores[:, 0], scores[:, 1:], liked, b, weights)
        scores_z, scores_v = self._scores(ranking, users, items), self._scores(v, users, items)
        if self.reading == "partitioned":
            scores = torch.where(liked[:, None], scores_z, scores_v)
            return partitioned_dual_bpr(scores[:, 0], scores[:, 1:], liked, b, weights)
        return disinterest_dual_bpr(
            scores_z[:, 0], scores_z[:, 1:], scores_v[:, 0], scores_v[:, 1:], liked, b, weights
        )

    def _scores(self, embeddings: Tensor, users: Tensor, items: Tensor) -> Tensor:
        return pair_scores(embeddings[users], embeddings[self.n_users :], items)

    def _penalty(
        self, ranking: Tensor, v: Tensor, users: Tensor, items: Tensor, liked: Tensor
    ) -> Tensor:
        """L2 penalty of what the batch's triples use, as often as they use it."""
        every, encoder = torch.ones_like(liked), self.encoder
        parts = [(ranking, encoder.positive_ego, every)]
        if encoder.negative_ego is not None:
            if self.reading == "partitioned":  # liked triples use z, disliked ones v
                parts = [(ranking, encoder.positive_ego, liked)]
                parts += [(v, encoder.negative_ego, ~liked)]
            elif self.reading == "disinterest" or self.reg_target == "ego":
                parts += [(v, encoder.negative_ego, every)]
        total = ranking.new_zeros(())
        for embeddings, ego, rows in parts:
            used_users = torch.bincount(users[rows], minlength=self.n_users)
            used_items = torch.bincount(items[rows].view(-1), minlength=self.n_items)
            target = ego if self.reg_target == "ego" else embeddings
            total = total + squared_norms(target, torch.cat([used_users, used_items]))
        return total

    def train(self, mode: bool = True) -> PNGNN:
        """Switch between training and evaluation, dropping the embeddings kept for evaluation."""
        self._evaluated.forget()
        return super().train(mode)  # type: ignore[no-any-return]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> PNGNN:
        self._evaluated.forget()  # on the device that is left
        return super()._apply(fn, recurse)  # type: ignore[no-any-return]

    @torch.no_grad()
    def _embeddings(self) -> tuple[Tensor, Tensor]:
        """All embeddings without gradient, in evaluation computed once for the same parameters."""
        return self.forward() if self.training else self._evaluated.get(self, self.forward)

    def predict(self, interaction: Interaction) -> Tensor:
        """Score user-item pairs.

        Shapes:
            - returns: ``(B,)``
        """
        users, items = interaction[self.USER_ID], interaction[self.ITEM_ID] + self.n_users
        ranking, v = self._embeddings()
        scores = (ranking[users] * ranking[items]).sum(dim=1)
        if self.loss == "dual_softmax":
            return self._add_terms(
                scores / self.softmax.temperature,
                lambda term: term.pairs(users, interaction[self.ITEM_ID]),
                lambda sign: sign.pairs(ranking, v, users, interaction[self.ITEM_ID]),
            )
        return self._demote(scores, lambda: (v[users] * v[items]).sum(dim=1))

    def full_sort_predict(self, interaction: Interaction) -> Tensor:
        """Score users against all items.

        Shapes:
            - returns: ``(B * n_items,)``, user by user
        """
        users = interaction[self.USER_ID]
        self._check_scores(len(users))
        ranking, v = self._embeddings()
        scores = ranking[users] @ ranking[self.n_users :].T  # (B, n_items)
        if self.loss == "dual_softmax":
            return self._add_terms(
                scores.div_(self.softmax.temperature),
                lambda term: term(users),
                lambda sign: sign(ranking, v, users),
            ).view(-1)
        return self._demote(scores, lambda: v[users] @ v[self.n_users :].T).view(-1)

    def _check_scores(self, n_rows: int) -> None:
        """Refuse a batch of users whose scores do not fit, the first time that it is so large."""
        if n_rows > self._most_scores:
            what = f"scoring {n_rows} users against {self.n_items} items at a time"
            n_bytes = SCORE_BYTES * n_rows * self.n_items
            check_memory(what, n_bytes, self.encoder.positive_ego.device, SMALLER_SCORES)
            self._most_scores = n_rows

    @torch.no_grad()
    def _add_terms(
        self,
        scores: Tensor,
        item_item: Callable[[ItemItemTerm], Tensor],
        sign: Callable[[SignScore], Tensor],
    ) -> Tensor:
        r"""Add to cosines over the temperature, in their memory, the terms beside them.

        .. math:: s_{ui} / \tau + \text{item-item term} + \kappa\, \sigma(\ell_{ui})
        """
        if self.item_item is not None:
            scores += item_item(self.item_item)
        if self.sign is not None:
            scores += sign(self.sign).sigmoid_().mul_(self.sign_weight)
        return scores

    def _demote(self, scores: Tensor, disinterest: Any) -> Tensor:
        """Put items of much disinterest last, in the order that they had among themselves."""
        if self.reading != "disinterest" or self.disinterest_threshold is None:
            return scores
        # Squashed into (-1, 1) and (-3, -1), so that a pair's score depends on the pair alone.
        return F.softsign(scores) - 2.0 * (disinterest() > self.disinterest_threshold)
