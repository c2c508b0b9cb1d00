"""Multinomial losses over the catalogue, grouped by user, with weak targets for dislikes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_pngnn.nn.alias import AliasTable
from recbole_pngnn.nn.exact import ExactBuffers
from recbole_pngnn.nn.memory import check_memory
from recbole_pngnn.nn.sampling import RatedPairs

# Bytes for the score of a user and an item, and what it becomes until the gradient is made of it.
LOSS_BYTES = 24


class UserTargets(nn.Module):
    """The rated items of each user with their target weights, looked up by batches of users.

    Args:
        users: User of each training interaction.
        items: Item of each training interaction.
        weights: Target weight of each: 1 for liked, less for disliked.
        n_users: Number of users.

    Shapes:
        - users, items, weights: ``(E,)``

    Raises:
        ValueError: A weight is negative.
    """

    _items: Tensor
    _weights: Tensor
    _counts: Tensor
    _starts: Tensor

    def __init__(self, users: Tensor, items: Tensor, weights: Tensor, n_users: int) -> None:
        super().__init__()
        if len(weights) and float(weights.min()) < 0:
            raise ValueError(
                f"target weights must not be negative, found {float(weights.min())}; a weight of 0 "
                f"makes an item as good as unobserved"
            )
        order = torch.sort(users, stable=True).indices
        counts = torch.bincount(users, minlength=n_users)
        # They follow from the data, so a checkpoint need not hold them.
        self.register_buffer("_items", items[order], persistent=False)
        self.register_buffer("_weights", weights[order], persistent=False)
        self.register_buffer("_counts", counts, persistent=False)
        self.register_buffer("_starts", counts.cumsum(0) - counts, persistent=False)

    def of(self, users: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the targets of a batch: row of the batch, item and weight of each.

        Shapes:
            - users: ``(B,)``; returns: three of ``(T,)``, rows in ascending order
        """
        counts = self._counts[users]
        rows = torch.arange(len(users), device=users.device).repeat_interleave(counts)
        before = counts.cumsum(0) - counts
        places = torch.arange(len(rows), device=users.device) - before[rows]
        places += self._starts[users][rows]
        return rows, self._items[places], self._weights[places]


def dual_softmax(
    scores: Tensor, rows: Tensor, items: Tensor, weights: Tensor, temperature: float
) -> Tensor:
    r"""Multinomial loss of users over the whole catalogue, liked > disliked > unobserved.

    .. math:: \frac{\sum_u \left[ W_u \ln \sum_j e^{s_{uj} / \tau}
              - \sum_i w_{ui} s_{ui} / \tau \right]}{\sum_u W_u}, \qquad W_u = \sum_i w_{ui}

    which is the cross-entropy of each target against all items, weighted; grouping by user costs
    one row of scores a user in place of one an interaction and changes nothing. Item 0, RecBole's
    padding, is not in the catalogue. A user without targets adds nothing.

    Args:
        scores: Score of every item for each user of the batch, cosines for instance.
        rows: Row of each target in ``scores``.
        items: Item of each target.
        weights: Weight w of each target.
        temperature: Tau, above 0.

    Shapes:
        - scores: ``(B, n_items)``; rows, items, weights: ``(T,)``
        - returns: scalar; 0 where all weights are
    """
    log_normaliser = torch.logsumexp(scores[:, 1:] / temperature, dim=1)  # (B,)
    return _weighted_mean(log_normaliser, scores[rows, items] / temperature, rows, weights)


def sampled_dual_softmax(
    target_scores: Tensor,
    sampled_scores: Tensor,
    log_expected: Tensor,
    excluded: Tensor,
    rows: Tensor,
    weights: Tensor,
    temperature: float,
) -> Tensor:
    r"""Estimate :func:`dual_softmax` from a sample of the catalogue that the batch shares.

    .. math:: \hat Z_u = \sum_{i \in T_u} e^{s_{ui} / \tau}
              + \sum_{j \in S \setminus T_u} e^{s_{uj} / \tau - \ln(|S|\, q_j)}

    The log-Q correction (Bengio and Senecal 2008; Yi et al., RecSys 2019) makes the second sum an
    unbiased estimate of the items that are no targets of the user; the targets, which matter most,
    are summed exactly. With a sample of any size :math:`E[\hat Z_u] = Z_u`.

    Args:
        target_scores: Score of each target.
        sampled_scores: Scores of the sampled items for each user of the batch.
        log_expected: :math:`\ln(|S|\, q_j)` of each sampled item, q being its probability in one
            draw.
        excluded: Whether a sampled item is a target of the user.
        rows: Row of each target in ``sampled_scores``.
        weights: Weight w of each target.
        temperature: Tau, above 0.

    Shapes:
        - target_scores, rows, weights: ``(T,)``; sampled_scores, excluded: ``(B, S)``;
          log_expected: ``(S,)``
        - returns: scalar; 0 where all weights are
    """
    targets = target_scores / temperature  # (T,)
    others = sampled_scores / temperature - log_expected
    others = others.masked_fill(excluded, -torch.inf)  # (B, S)
    with torch.no_grad():  # the largest exponent of each user, so that nothing overflows
        largest = others.amax(dim=1).scatter_reduce(0, rows, targets, "amax")
        largest = largest.nan_to_num(neginf=0.0)
    total = (others - largest[:, None]).exp().sum(dim=1)
    total = total.index_add(0, rows, (targets - largest[rows]).exp())
    # A user without targets whose sample is empty too has no terms at all, and no weight.
    log_normaliser = total.clamp(min=torch.finfo(total.dtype).tiny).log() + largest
    return _weighted_mean(log_normaliser, targets, rows, weights)


def _weighted_mean(
    log_normaliser: Tensor, target_logits: Tensor, rows: Tensor, weights: Tensor
) -> Tensor:
    weights = weights.to(log_normaliser.dtype)
    user_weights = torch.zeros_like(log_normaliser).index_add_(0, rows, weights)  # (B,)
    loss = (user_weights * log_normaliser).sum() - (weights * target_logits).sum()
    return loss / weights.sum().clamp(min=torch.finfo(loss.dtype).tiny)


class CatalogueSampler(ExactBuffers):
    r"""Draw items for a batch of users to share, and tell how probable they were.

    .. math:: q_j \propto (1 + d_j)^\alpha

    so that every item but the padding item 0 can be drawn, also one that nobody rated: the loss is
    over the whole catalogue.

    Args:
        users: User of each training interaction.
        items: Item of each training interaction.
        n_users: Number of users.
        n_items: Number of items, the padding item counted.
        exponent: The power alpha of the degree.
        n_samples: Items to draw, with replacement.

    Shapes:
        - users, items: ``(E,)``
    """

    probabilities: Tensor

    def __init__(
        self,
        users: Tensor,
        items: Tensor,
        n_users: int,
        n_items: int,
        exponent: float,
        n_samples: int,
    ) -> None:
        super().__init__()
        degrees = torch.bincount(items, minlength=n_items).to(torch.float64)
        probabilities = (1.0 + degrees).pow(exponent)
        probabilities[0] = 0.0
        probabilities /= probabilities.sum()
        self.register_buffer("probabilities", probabilities, persistent=False)
        self._table = AliasTable(self.probabilities)
        self.n_samples = n_samples
        self._rated = RatedPairs(users, items, n_users, n_items)

    def draw(self, users: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
        """Draw the sample of a batch.

        Args:
            users: The batch's users.
            dtype: Type of the logarithms.

        Shapes:
            - users: ``(B,)``
            - returns: items ``(S,)``, their ``log_expected`` ``(S,)`` and ``excluded`` ``(B, S)``
              of :func:`sampled_dual_softmax`
        """
        items = self._table.draw((self.n_samples,))
        log_expected = (self.n_samples * self.probabilities[items]).log().to(dtype)
        return items, log_expected, self._rated.contains(users[:, None], items[None, :])


class UserSoftmax(nn.Module):
    """The loss of a batch of users: :func:`dual_softmax`, or its sampled form.

    Args:
        users: User of each training interaction.
        items: Item of each training interaction.
        liked: Whether it was liked.
        weights: Weight of each interaction, None for 1.
        n_users: Number of users.
        n_items: Number of items, the padding item counted.
        temperature: Tau.
        disliked_weight: Target weight of a disliked item where a liked one has 1; None leaves
            disliked items out of the catalogue of those who dislike them.
        user_exponent: The power p of a user's weight in the loss, ``W_u ** p``: 1 where all
            interactions count alike, 0 where all users do.
        n_samples: Items to draw for a batch, None for the whole catalogue.
        sampling_exponent: See :class:`CatalogueSampler`.

    Shapes:
        - users, items, liked, weights: ``(E,)``
    """

    def __init__(
        self,
        users: Tensor,
        items: Tensor,
        liked: Tensor,
        weights: Tensor | None,
        n_users: int,
        n_items: int,
        temperature: float,
        disliked_weight: float | None = 0.3,
        user_exponent: float = 1.0,
        n_samples: int | None = None,
        sampling_exponent: float = 0.75,
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.sampler = (
            None
            if n_samples is None
            else CatalogueSampler(users, items, n_users, n_items, sampling_exponent, n_samples)
        )
        if weights is None:
            weights = torch.ones_like(liked, dtype=torch.float32)
        self.left_out = None
        if disliked_weight is None:
            self.left_out = UserTargets(users[~liked], items[~liked], weights[~liked], n_users)
            users, items, weights = users[liked], items[liked], weights[liked]
        else:
            weights = weights * torch.where(liked, 1.0, disliked_weight)
        totals = torch.zeros(n_users, dtype=weights.dtype, device=users.device)
        totals.index_add_(0, users, weights)
        # The loss is linear in the weights, so a factor of the user's goes into them.
        factors = totals.clamp(min=torch.finfo(totals.dtype).tiny).pow(user_exponent - 1.0)
        self.targets = UserTargets(users, items, weights * factors[users], n_users)
        self._largest_batch = 0

    def _check_memory(self, n_users: int, n_items: int, device: torch.device) -> None:
        """Refuse a batch whose scores do not fit, the first time that it is so large."""
        if n_users <= self._largest_batch:
            return
        what = f"the loss of {n_users} users over {n_items} items at a time"
        remedy = "set a smaller train_batch_size, or softmax_samples"
        if self.sampler is not None:
            n_items = self.sampler.n_samples
            what = f"the loss of {n_users} users over {n_items} drawn items at a time"
            remedy = "set a smaller train_batch_size or softmax_samples"
        check_memory(what, LOSS_BYTES * n_users * n_items, device, remedy)
        self._largest_batch = n_users

    def loss(
        self,
        users: Tensor,
        user_rows: Tensor,
        item_table: Tensor,
        offsets: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss of a batch of users.

        Args:
            users: The batch's users.
            user_rows: Their embeddings, of length 1 for cosine scores.
            item_table: Embeddings of all items, likewise.
            offsets: What is added to the scores over the temperature, without a gradient.

        Shapes:
            - users: ``(B,)``; user_rows: ``(B, D)``; item_table: ``(n_items, D)``; offsets:
              ``(B, n_items)``
            - returns: scalar
        """
        self._check_memory(len(users), len(item_table), user_rows.device)
        rows, items, weights = self.targets.of(users)
        if self.sampler is not None:
            sampled, log_expected, excluded = self.sampler.draw(users, user_rows.dtype)
            target_scores = (user_rows[rows] * item_table[items]).sum(dim=1)
            sampled_scores = user_rows @ item_table[sampled].T  # (B, S)
            if offsets is not None:
                target_scores = target_scores + self.temperature * offsets[rows, items]
                sampled_scores = sampled_scores + self.temperature * offsets[:, sampled]
            return sampled_dual_softmax(
                target_scores,
                sampled_scores,
                log_expected,
                excluded,
                rows,
                weights,
                self.temperature,
            )
        scores = user_rows @ item_table.T  # (B, n_items)
        if offsets is not None:
            scores = torch.add(scores, offsets, alpha=self.temperature)
        if self.left_out is not None:
            out_rows, out_items, _ = self.left_out.of(users)
            scores = scores.index_put((out_rows, out_items), scores.new_tensor(-torch.inf))
        return dual_softmax(scores, rows, items, weights, self.temperature)
