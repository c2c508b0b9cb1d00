"""Item-item ridge regression in closed form (EASE), cross-fitted where it enters a training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_pngnn.nn.item_item import ease_weights
from recbole_pngnn.nn.product import compressed, sparse_product
from recbole_pngnn.nn.softmax import UserTargets

# A dense matrix of items by items, and its inverse, in double precision: 2 * 8 bytes a pair.
MOST_ITEMS = 20_000
# Rows that are dense at a time.
USERS_AT_ONCE = 2048


def rating_strengths(ratings: Tensor, slope: float) -> Tensor:
    r"""What a rating counts for: :math:`e^{\rho (r - r_{max}) / (r_{max} - r_{min})}`.

    Args:
        ratings: The training's ratings r.
        slope: The slope rho; 0 lets all count 1.

    Shapes:
        - ratings, returns: ``(E,)``
    """
    ratings = ratings.to(torch.float32)
    spread = (ratings.max() - ratings.min()).clamp(min=1e-12)
    return torch.exp(slope * (ratings - ratings.max()) / spread)


class ItemRegression:
    r"""Predict a user's weights of items from the weights of the other items.

    .. math:: B = \arg\min_B \; \sum_u c_u \| x_u - x_u B \|^2 + \lambda \|B\|^2, \quad
              \operatorname{diag} B = 0
              \qquad\Rightarrow\qquad B_{ij} = -P_{ij} / P_{jj}, \;
              P = (X^\top C X + \lambda I)^{-1}

    (Steck, EASE, WWW 2019). :math:`x_{ui}` is 1 for liked, less for disliked items;
    :math:`c_u = |x_u|_0^{-2a}`, scaled to a mean of 1, lets a user with a long history count less
    an interaction.

    Args:
        users: User of each training interaction.
        items: Item of each training interaction.
        weights: Weight x of each.
        n_users: Number of users.
        n_items: Number of items.
        ridge: The penalty lambda.
        user_exponent: The power a; 0 for users that count by their interactions.

    Shapes:
        - users, items, weights: ``(E,)``

    Raises:
        ValueError: There are too many items for a dense matrix of them.
    """

    def __init__(
        self,
        users: Tensor,
        items: Tensor,
        weights: Tensor,
        n_users: int,
        n_items: int,
        ridge: float,
        user_exponent: float,
    ) -> None:
        if n_items > MOST_ITEMS:
            raise ValueError(
                f"the item-item regression inverts a dense matrix of {n_items} x {n_items} items "
                f"({16 * n_items**2 / 2**30:.0f} GiB); at most {MOST_ITEMS} items are taken: set "
                f"item_item_weight and item_item_train_weight to 0"
            )
        self.ridge = ridge
        self.n_users, self.n_items = n_users, n_items
        self._history = UserTargets(users, items, weights.to(torch.float32), n_users)
        counts = torch.bincount(users, minlength=n_users).clamp(min=1).to(torch.float32)
        scale = counts.pow(-2.0 * user_exponent)
        self._row_weights = scale / scale.mean()  # (n_users,)

    def fit(self) -> Tensor:
        """Solve for B on all users.

        Shapes:
            - returns: ``(n_items, n_items)``
        """
        return ease_weights(self._gram(self._everybody()), self.ridge).to(torch.float32)

    def predict(self, users: Tensor, solution: Tensor) -> Tensor:
        """Predict the weights of all items for a batch of users by a B.

        Shapes:
            - users: ``(B,)``; solution: ``(n_items, n_items)``; returns: ``(B, n_items)``
        """
        rows, items, weights = self._history.of(users)
        matrix = torch.sparse_coo_tensor(
            torch.stack([rows, items]), weights, (len(users), self.n_items), check_invariants=False
        )
        return sparse_product(compressed(matrix), solution)

    def cross_fitted(self, n_folds: int, generator: torch.Generator) -> Tensor:
        """Predict each user by a B that was fitted without that user.

        What B predicts for a user that it was fitted on is too good to be trusted by a model that
        is trained on the same interactions.

        Args:
            n_folds: Parts of the users, at least 2.
            generator: Shuffles the users, on the CPU.

        Shapes:
            - returns: ``(n_users, n_items)``
        """
        everybody = self._everybody()
        gram = self._gram(everybody)
        fold = torch.randperm(self.n_users, generator=generator).to(everybody.device) % n_folds
        predictions = torch.zeros(self.n_users, self.n_items, device=everybody.device)
        for part in range(n_folds):
            users = everybody[fold == part]
            solution = ease_weights(gram - self._gram(users), self.ridge)
            predictions[users] = self.predict(users, solution.to(torch.float32))
        return predictions

    def _everybody(self) -> Tensor:
        return torch.arange(self.n_users, device=self._row_weights.device)

    def _gram(self, users: Tensor) -> Tensor:
        """The part of ``X^T C X`` that some users make, in double precision."""
        gram = torch.zeros(self.n_items, self.n_items, dtype=torch.float64, device=users.device)
        for batch in users.split(USERS_AT_ONCE):
            rows, items, weights = self._history.of(batch)
            shape = (self.n_items, len(batch))
            indices = torch.stack([items, rows])
            weighted = weights * self._row_weights[batch][rows]
            columns = torch.sparse_coo_tensor(indices, weighted, shape, check_invariants=False)
            dense = torch.zeros(len(batch), self.n_items, device=users.device)
            dense.index_put_((rows, items), weights, accumulate=True)
            gram += sparse_product(compressed(columns), dense)
        return gram


def standardised(scores: Tensor) -> Tensor:
    """Bring each user's scores to mean 0 and deviation 1 over the items; item 0 is padding.

    Shapes:
        - scores, returns: ``(B, n_items)``; rows without variation become 0
    """
    items = scores[:, 1:]
    deviation = items.std(dim=1, correction=0, keepdim=True)
    centred = scores - items.mean(dim=1, keepdim=True)
    return torch.where(deviation > 0, centred / deviation.clamp(min=1e-12), 0.0)


class ItemItemTerm(nn.Module):
    r"""A term of the score by item-item regression beside one by embeddings.

    .. math:: \gamma \, \frac{(x_u B)_i - \operatorname{mean}_j (x_u B)_j}
              {\operatorname{std}_j (x_u B)_j}

    Embeddings are trained on what they then rank, and a regression that saw the user would add to
    that. So in training the term is cross-fitted, and it has a weight of its own there.

    Args:
        regression: The regression.
        weight: Gamma where items are ranked.
        train_weight: Gamma in the training's scores; 0 leaves it out there.
        n_folds: Parts of the users for the cross-fitting.
        seed: Shuffles the users into parts.
    """

    solution: Tensor

    def __init__(
        self,
        regression: ItemRegression,
        weight: float,
        train_weight: float = 0.0,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.regression = regression
        self.weight, self.train_weight = weight, train_weight
        self.n_folds, self.seed = n_folds, seed
        # It follows from the data, so a checkpoint need not hold it.
        self.register_buffer("solution", regression.fit(), persistent=False)
        self._cross_fitted: Tensor | None = None

    def forward(self, users: Tensor) -> Tensor:
        """Return the term where items are ranked.

        Shapes:
            - users: ``(B,)``; returns: ``(B, n_items)``
        """
        return self.weight * standardised(self.regression.predict(users, self.solution))

    def in_training(self, users: Tensor) -> Tensor | None:
        """Return the term in the training's scores, None where it has no weight there.

        Shapes:
            - users: ``(B,)``; returns: ``(B, n_items)``
        """
        if self.train_weight == 0.0:
            return None
        if self._cross_fitted is None:  # not before training: recommending needs none of it
            generator = torch.Generator().manual_seed(self.seed)
            predictions = self.regression.cross_fitted(self.n_folds, generator)
            self._cross_fitted = self.train_weight * standardised(predictions)
        return self._cross_fitted[users]
