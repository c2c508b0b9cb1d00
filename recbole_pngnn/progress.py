"""The progress bar of a training."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm


class TrainingProgress:
    """One bar for a whole training, counted in batches, and the number of epochs that it had."""

    def __init__(self, trainer: Any, train_data: Any, show: bool) -> None:
        self.epochs = 0
        self._trainer, self._batches = trainer, len(train_data)
        self._bar = tqdm(
            total=self._batches * max(trainer.epochs - trainer.start_epoch, 0),
            desc=f"{trainer.config['model']} on {trainer.config['dataset']}",
            unit="batch",
            disable=not show,
            dynamic_ncols=True,
            mininterval=0.2 if sys.stderr.isatty() else 30,  # a log file gets a line now and then
        )

    def __enter__(self) -> None:
        trainer = self._trainer
        train_epoch, valid_epoch = trainer._train_epoch, trainer._valid_epoch

        def counted_epoch(
            train_data: Any,
            epoch_idx: int,
            loss_func: Callable[..., Any] | None = None,
            show_progress: bool = False,
        ) -> Any:
            loss_of = loss_func or trainer.model.calculate_loss

            def counted_loss(*args: Any, **kwargs: Any) -> Any:
                self._bar.update(1)
                return loss_of(*args, **kwargs)

            self._bar.set_description_str(
                f"{trainer.config['model']} epoch {epoch_idx + 1}/{trainer.epochs}"
            )
            loss = train_epoch(train_data, epoch_idx, loss_func=counted_loss)
            self.epochs += 1
            return loss

        def shown_valid_epoch(valid_data: Any, show_progress: bool = False) -> Any:
            score, result = valid_epoch(valid_data, show_progress=False)
            if math.isnan(score):  # never the best, so that no checkpoint would be written
                raise ValueError(
                    f"valid_metric {trainer.config['valid_metric']} cannot be measured: for no "
                    f"user of the validation part is it defined; choose another one, NDCG@10 for "
                    f"one, or a larger validation part"
                )
            best = max(score, trainer.best_valid_score)
            self._bar.set_postfix_str(
                f"{trainer.config['valid_metric']} {score:.4f}, best {best:.4f}"
            )
            return score, result

        trainer._train_epoch, trainer._valid_epoch = counted_epoch, shown_valid_epoch

    def __exit__(self, *_: Any) -> None:
        if self.epochs:  # early stopping: the bar ends where the training did
            self._bar.total = self._bar.n
        self._bar.close()
