"""The encoder: one LightGCN a sign, and the attention that fuses the two."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_pngnn.nn.graph import propagate


class Dropout(nn.Module):
    """Zero a share of the entries in training and scale the others up, as ``nn.Dropout`` does.

    Several times faster on a CPU: torch's draws its mask with bernoulli.

    Args:
        share: Share of the entries, in ``[0, 1)``.

    Shapes:
        - any; returns: the same
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Drop entries, see the class."""
        if not self.training or self.share == 0:
            return x
        return x * torch.rand_like(x).ge_(self.share).mul_(1.0 / (1.0 - self.share))


class SignAttention(nn.Module):
    r"""Weigh the positive against the negative embedding of each node (PN-GNN, Eq. 5-6).

    .. math:: w_x = q^\top \tanh(W x + b), \quad
              (\alpha_z, \alpha_v) = \mathrm{softmax}(w_z, w_v), \quad
              Z = \alpha_z z + \alpha_v v

    The paper cites SiReN for it (Seo et al., arXiv 2108.08735), which drops out the tanh while
    training.

    Args:
        embedding_size: Width D.
        dropout: Share of the tanh's entries that is dropped in training.

    Shapes:
        - z, v: ``(N, D)``
        - returns: ``(N, D)``
    """

    def __init__(self, embedding_size: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.project = nn.Linear(embedding_size, embedding_size)
        self.query = nn.Linear(embedding_size, 1, bias=False)
        self.dropout = Dropout(dropout)

    def forward(self, z: Tensor, v: Tensor) -> Tensor:
        """Fuse the two embeddings of each node, see the class."""
        weights = torch.softmax(torch.cat([self._logit(z), self._logit(v)], dim=1), dim=1)  # (N, 2)
        return weights[:, :1] * z + weights[:, 1:] * v

    def _logit(self, x: Tensor) -> Tensor:
        hidden = self.dropout(torch.tanh(self.project(x)))
        return self.query(hidden)  # type: ignore[no-any-return]  # (N, 1)


class ConstantMatrix(nn.Module):
    """A sparse matrix that moves and copies with its module and stays out of checkpoints.

    torch can neither deep-copy nor save a CSR tensor, so its parts are the buffers.

    Args:
        matrix: ``(N, M)`` sparse, CSR or coalesced COO.
    """

    rows: Tensor
    columns: Tensor
    values: Tensor

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.compressed = matrix.layout == torch.sparse_csr
        if self.compressed:
            parts = (matrix.crow_indices(), matrix.col_indices(), matrix.values())
        else:
            parts = (matrix.indices()[0], matrix.indices()[1], matrix.values())
        for name, part in zip(("rows", "columns", "values"), parts, strict=True):
            self.register_buffer(name, part, persistent=False)
        self.shape = matrix.shape

    def forward(self) -> Tensor:
        """Return the matrix, on the device of the module."""
        if self.compressed:
            return torch.sparse_csr_tensor(
                self.rows, self.columns, self.values, self.shape, check_invariants=False
            )
        return torch.sparse_coo_tensor(
            torch.stack([self.rows, self.columns]),
            self.values,
            self.shape,
            is_coalesced=True,
            check_invariants=False,
        )


class PositiveEncoder(nn.Module):
    """Embed users and items on the positive graph alone: a LightGCN.

    Args:
        positive_adjacency: Normalised graph of liked interactions.
        embedding_size: Width D.
        n_layers: Number of layers K.

    Shapes:
        - positive_adjacency: ``(N, N)`` sparse
        - returns: z and, in the place of v, zeros, ``(N, D)`` each, users first
    """

    negative_ego: nn.Parameter | None

    def __init__(
        self, positive_adjacency: Tensor, embedding_size: int = 64, n_layers: int = 4
    ) -> None:
        super().__init__()
        self.n_layers = n_layers
        # The graph follows from the data, so a checkpoint need not hold it.
        self.positive_adjacency = ConstantMatrix(positive_adjacency)
        self.positive_ego = nn.Parameter(torch.empty(len(positive_adjacency), embedding_size))
        nn.init.xavier_normal_(self.positive_ego)
        self.register_parameter("negative_ego", None)

    def forward(self) -> tuple[Tensor, Tensor]:
        """Return z and v, see the class."""
        z = propagate(self.positive_ego, self.positive_adjacency(), self.n_layers)
        return z, self.disinterest(z)

    def disinterest(self, z: Tensor) -> Tensor:
        """Return v, ``(N, D)``."""
        return torch.zeros_like(z)


class PNEncoder(PositiveEncoder):
    """Embed users and items on a positive and on a negative graph (PN-GNN, section 2.2.2).

    Args:
        n_users: Number of users.
        n_items: Number of items.
        positive_adjacency: Normalised graph of liked interactions.
        negative_adjacency: Normalised graph of disliked interactions.
        embedding_size: Width D.
        n_layers: Number of layers K on each graph.

    Shapes:
        - adjacencies: ``(N, N)`` sparse, ``N = n_users + n_items``
        - returns: z and v, ``(N, D)`` each, users first
    """

    negative_ego: nn.Parameter

    def __init__(
        self,
        n_users: int,
        n_items: int,
        positive_adjacency: Tensor,
        negative_adjacency: Tensor,
        embedding_size: int = 64,
        n_layers: int = 4,
    ) -> None:
        n_nodes = n_users + n_items
        for name, matrix in (("positive", positive_adjacency), ("negative", negative_adjacency)):
            if tuple(matrix.shape) != (n_nodes, n_nodes):
                raise ValueError(
                    f"the {name} adjacency has shape {tuple(matrix.shape)}, expected "
                    f"{(n_nodes, n_nodes)} for {n_users} users and {n_items} items"
                )
        super().__init__(positive_adjacency, embedding_size, n_layers)
        self.negative_adjacency = ConstantMatrix(negative_adjacency)
        self.negative_ego = nn.Parameter(torch.empty(n_nodes, embedding_size))
        nn.init.xavier_normal_(self.negative_ego)

    def disinterest(self, z: Tensor) -> Tensor:
        """Return v, ``(N, D)``."""
        return propagate(self.negative_ego, self.negative_adjacency(), self.n_layers)


class SirenEncoder(PositiveEncoder):
    r"""Embed by propagation on the positive graph and by an MLP beside it (SiReN, section IV-B).

    .. math:: v^{(l+1)} = \mathrm{dropout}(\mathrm{ReLU}(W_l v^{(l)} + b_l)), \qquad v = v^{(L)}

    A disliked item says nothing about its user's other items, SiReN argues, so nothing is passed
    along disliked edges: they reach v through the loss alone.

    Args:
        positive_adjacency, embedding_size, n_layers: See :class:`PositiveEncoder`.
        n_mlp_layers: Layers L of the MLP.
        dropout: Share of the entries of each layer that is dropped in training.

    Shapes:
        - returns: z and v, ``(N, D)`` each, users first
    """

    negative_ego: nn.Parameter

    def __init__(
        self,
        positive_adjacency: Tensor,
        embedding_size: int = 64,
        n_layers: int = 4,
        n_mlp_layers: int = 2,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(positive_adjacency, embedding_size, n_layers)
        self.negative_ego = nn.Parameter(torch.empty_like(self.positive_ego))
        nn.init.xavier_normal_(self.negative_ego)
        layers: list[nn.Module] = []
        for _ in range(n_mlp_layers):
            linear = nn.Linear(embedding_size, embedding_size)
            nn.init.xavier_normal_(linear.weight)
            layers += [linear, nn.ReLU(), Dropout(dropout)]
        self.mlp = nn.Sequential(*layers)

    def disinterest(self, z: Tensor) -> Tensor:
        """Return v, ``(N, D)``."""
        return self.mlp(self.negative_ego)  # type: ignore[no-any-return]
