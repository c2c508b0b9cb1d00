"""Item-item ridge regression in closed form (EASE), cross-fitted where it enters a training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_pngnn.nn.item_item import ease_weights_
from recbole_pngnn.nn.memory import ENTRIES_AT_ONCE, check_memory, gibibytes
from recbole_pngnn.nn.product import add_product_, compressed, sparse_product
from recbole_pngnn.nn.scores import picked_scores
from recbole_pngnn.nn.softmax import UserTargets

# An inverse of more takes longer than a training.
MOST_ITEMS = 20_000
# Rows that are dense at a time.
USERS_AT_ONCE = 2048
# Bytes a pair of items: the matrix in double precision, which becomes its own inverse, and the
# solution in single precision. Cross-fitting keeps the whole matrix and that solution beside them.
FIT_BYTES = 8 + 4
CROSS_FIT_BYTES = 8 + 8 + 4


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


class ItemRegression(nn.Module):
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
        remedy: What to do where there are too many items, for the message.

    Shapes:
        - users, items, weights: ``(E,)``

    Raises:
        ValueError: There are too many items for a dense matrix of them, or too little memory for
            what is asked for.
    """

    _row_weights: Tensor

    def __init__(
        self,
        users: Tensor,
        items: Tensor,
        weights: Tensor,
        n_users: int,
        n_items: int,
        ridge: float,
        user_exponent: float,
        remedy: str = "set item_item_weight and item_item_train_weight to 0",
    ) -> None:
        super().__init__()
        self.remedy = remedy
        if n_items > MOST_ITEMS:
            raise ValueError(
                f"the item-item regression inverts a dense matrix of {n_items} x {n_items} items "
                f"({gibibytes(FIT_BYTES * n_items**2)}); at most {MOST_ITEMS} items are taken: "
                f"{remedy}"
            )
        self.ridge = ridge
        self.n_users, self.n_items = n_users, n_items
        self._history = UserTargets(users, items, weights.to(torch.float32), n_users)
        counts = torch.bincount(users, minlength=n_users).clamp(min=1).to(torch.float32)
        scale = counts.pow(-2.0 * user_exponent)
        self.register_buffer("_row_weights", scale / scale.mean(), persistent=False)  # (n_users,)

    def fit(self) -> Tensor:
        """Solve for B on all users.

        Shapes:
            - returns: ``(n_items, n_items)``

        Raises:
            ValueError: There is too little memory.
        """
        self._check_memory("the item-item regression", FIT_BYTES, 0, self.remedy)
        return ease_weights_(self._gram(self._everybody()), self.ridge).to(torch.float32)

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

        Raises:
            ValueError: There is too little memory.
        """
        what, remedy = "the cross-fitted item-item regression", "set item_item_train_weight to 0"
        self._check_memory(what, CROSS_FIT_BYTES, self.n_users, remedy)
        everybody = self._everybody()
        gram = self._gram(everybody)
        fold = torch.randperm(self.n_users, generator=generator).to(everybody.device) % n_folds
        predictions = torch.zeros(self.n_users, self.n_items, device=everybody.device)
        for part in range(n_folds):
            users = everybody[fold == part]
            others = self._gram(users)
            torch.sub(gram, others, out=others)
            solution = ease_weights_(others, self.ridge).to(torch.float32)
            del others
            for batch in users.split(self._users_at_once()):
                predictions[batch] = self.predict(batch, solution)
            del solution
        return predictions

    def pairs(self, users: Tensor, items: Tensor, solution: Tensor) -> Tensor:
        """Predict the weights of user-item pairs, without a table of all users' items.

        Shapes:
            - users, items: ``(P,)``; solution: ``(n_items, n_items)``; returns: ``(P,)``
        """
        return picked_scores(lambda some: self.predict(some, solution), users, items, self.n_items)

    def _users_at_once(self) -> int:
        return max(2, ENTRIES_AT_ONCE // self.n_items)

    def _check_memory(self, what: str, bytes_a_pair: int, n_predicted: int, remedy: str) -> None:
        """Count what is held at a time, the dense rows of a batch of users too."""
        n_rows = n_predicted + min(self.n_users, USERS_AT_ONCE)
        n_bytes = bytes_a_pair * self.n_items**2 + 4 * n_rows * self.n_items
        what += f" of {self.n_items} items" + (f" and {n_predicted} users" if n_predicted else "")
        check_memory(what, n_bytes, self._row_weights.device, remedy)

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
            add_product_(gram, compressed(columns), dense, self._users_at_once())
        return gram


def standardised(scores: Tensor) -> Tensor:
    """Bring each user's scores to mean 0 and deviation 1 over the items; item 0 is padding.

    Shapes:
        - scores, returns: ``(B, n_items)``; rows without variation become 0
    """
    return standardised_(scores.clone())


def standardised_(scores: Tensor) -> Tensor:
    """See :func:`standardised`; in the memory of the scores."""
    items = scores[:, 1:]
    deviation = items.std(dim=1, correction=0, keepdim=True)
    scores.sub_(items.mean(dim=1, keepdim=True)).div_(deviation.clamp(min=1e-12))
    return scores.masked_fill_(~(deviation > 0), 0.0)


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
    _cross_fitted: Tensor | None

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
        self.register_buffer("_cross_fitted", None, persistent=False)

    def forward(self, users: Tensor) -> Tensor:
        """Return the term where items are ranked.

        Shapes:
            - users: ``(B,)``; returns: ``(B, n_items)``
        """
        return standardised_(self.regression.predict(users, self.solution)).mul_(self.weight)

    def pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """Return the term of user-item pairs, without a table of all users' items.

        Shapes:
            - users, items: ``(P,)``; returns: ``(P,)``
        """
        return picked_scores(self, users, items, self.regression.n_items)

    def in_training(self, users: Tensor) -> Tensor | None:
        """Return the term in the training's scores, None where it has no weight there.

        Shapes:
            - users: ``(B,)``; returns: ``(B, n_items)``
        """
        if self.train_weight == 0.0:
            return None
        if self._cross_fitted is None:  # not before training: recommending needs none of it
            generator = torch.Generator().manual_seed(self.seed)
            term = self.regression.cross_fitted(self.n_folds, generator)
            for rows in term.split(max(2, ENTRIES_AT_ONCE // term.shape[1])):
                standardised_(rows).mul_(self.train_weight)
            self._cross_fitted = term
        return self._cross_fitted[users]
