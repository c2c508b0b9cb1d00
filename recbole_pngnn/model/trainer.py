"""RecBole's Trainer with a learning rate that falls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recbole.trainer.trainer import Trainer

from recbole_pngnn.options import read_choice

DECAYS = ("none", "linear")


class PNGNNTrainer(Trainer):
    r"""Train as RecBole does, with ``learning_rate_decay``.

    ``linear``: epoch :math:`t = 0, 1, \ldots` of :math:`T` has the learning rate
    :math:`\eta (1 - t / T)`. It follows from the epoch alone, so a training that is resumed goes on
    with the rate that it would have had.

    Args:
        config: RecBole's Config.
        model: The model.

    Raises:
        ValueError: ``learning_rate_decay`` is missing or another word.
    """

    def __init__(self, config: Any, model: Any) -> None:
        super().__init__(config, model)
        self.decay = read_choice(config, "learning_rate_decay", DECAYS)

    def _train_epoch(
        self,
        train_data: Any,
        epoch_idx: int,
        loss_func: Callable[..., Any] | None = None,
        show_progress: bool = False,
    ) -> Any:
        if self.decay == "linear":
            for group in self.optimizer.param_groups:
                group["lr"] = self.learning_rate * (1.0 - epoch_idx / self.epochs)
        return super()._train_epoch(train_data, epoch_idx, loss_func, show_progress)
