"""A score of its own for the sign: would this user like that item, having rated it?"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_pngnn.nn.graph import propagate_without_ego
from recbole_pngnn.nn.layers import ConstantMatrix
from recbole_pngnn.nn.softmax import UserTargets


class SignScore(nn.Module):
    r"""Tell liked from disliked among what was rated, by the negative graph and an interest score.

    .. math:: \ell_{ui} = b + b_u + b_i + \alpha \cos(z_u, z_i) - \beta \cos(v_u, v_i), \qquad
              v = \tfrac12 (\hat A_n + \hat A_n^2) E_n

    :math:`\sigma(\ell)` is the probability of a like. v is what came along disliked edges and
    nothing else: an ego embedding of the user's would learn the training's signs by heart. No
    gradient reaches z from here, so that the interest score stays what it is.

    Args:
        negative_adjacency: Normalised graph of disliked interactions.
        users: User of each training interaction.
        items: Item of each training interaction.
        liked: Whether it was liked.
        n_users: Number of users.
        embedding_size: Width of :math:`E_n`.

    Shapes:
        - negative_adjacency: ``(N, N)`` sparse, users first; users, items, liked: ``(E,)``
    """

    def __init__(
        self,
        negative_adjacency: Tensor,
        users: Tensor,
        items: Tensor,
        liked: Tensor,
        n_users: int,
        embedding_size: int = 16,
    ) -> None:
        super().__init__()
        n_nodes = len(negative_adjacency)
        self.n_users = n_users
        self.negative_adjacency = ConstantMatrix(negative_adjacency)
        self.negative_ego = nn.Parameter(torch.empty(n_nodes, embedding_size))
        nn.init.xavier_normal_(self.negative_ego)
        self.bias = nn.Parameter(torch.zeros(()))
        self.node_bias = nn.Parameter(torch.zeros(n_nodes))
        self.interest = nn.Parameter(torch.tensor(3.0))
        self.disinterest = nn.Parameter(torch.tensor(3.0))
        self._signs = UserTargets(users, items, liked.to(torch.float32), n_users)

    def forward(self, interest: Tensor, disinterest: Tensor, users: Tensor) -> Tensor:
        """Return the logits of a batch of users for all items.

        Args:
            interest: Embeddings z of length 1.
            disinterest: What :meth:`disinterest_embeddings` returned.
            users: The batch's users.

        Shapes:
            - interest: ``(N, D)``; disinterest: ``(N, D')``; users: ``(B,)``; returns:
              ``(B, n_items)``
        """
        z, v = interest.detach(), disinterest
        items = slice(self.n_users, None)
        logits = self.interest * (z[users] @ z[items].T)
        logits = logits - self.disinterest * (v[users] @ v[items].T)
        return logits + (self.bias + self.node_bias[users][:, None] + self.node_bias[items])

    def pairs(self, interest: Tensor, disinterest: Tensor, users: Tensor, items: Tensor) -> Tensor:
        """Return the logits of user-item pairs.

        Shapes:
            - interest: ``(N, D)``; disinterest: ``(N, D')``; users, items, returns: ``(P,)``
        """
        ends, z, v = (users, items + self.n_users), interest.detach(), disinterest
        logits = self.interest * _products(z, *ends) - self.disinterest * _products(v, *ends)
        for end in ends:
            logits = logits + self.node_bias.index_select(0, end)
        return logits + self.bias

    def disinterest_embeddings(self) -> Tensor:
        """Return v at length 1, ``(N, D')``; 0 where a node has no disliked edge."""
        v = propagate_without_ego(self.negative_ego, self.negative_adjacency(), 2)
        return F.normalize(v, dim=1)

    def loss(self, interest: Tensor, disinterest: Tensor, users: Tensor) -> Tensor:
        """Return the mean cross-entropy of the signs that a batch of users gave.

        Shapes:
            - interest: ``(N, D)``; disinterest: ``(N, D')``; users: ``(B,)``; returns: scalar; 0
              where nothing was rated
        """
        rows, items, signs = self._signs.of(users)
        # Of the pairs alone: a gradient of all items would be mostly zeros.
        logits = self.pairs(interest, disinterest, users[rows], items)
        terms = F.binary_cross_entropy_with_logits(logits, signs.to(logits.dtype), reduction="sum")
        return terms / max(len(signs), 1)


def _products(x: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Inner products of pairs of rows; index_select has a faster gradient than indexing."""
    return (x.index_select(0, left) * x.index_select(0, right)).sum(dim=1)
