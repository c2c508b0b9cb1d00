"""Which ratings train, which validate, which test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from recbole_pngnn.data.prepare.columns import FOLD, USER
from recbole_pngnn.data.prepare.errors import PrepareError, listing
from recbole_pngnn.data.prepare.parts import TEST, TRAIN, split_per_user

DEFAULT_RATIOS = (0.8, 0.1, 0.1)
_TOLERANCE = 1e-6


class Split(Protocol):
    """A way to split ratings into train, valid and test."""

    @property
    def label(self) -> str:
        """What it adds to the name of the dataset."""

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says about it."""

    def known(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the part of each row that the source itself tells, before the split."""

    def assign(self, frame: pd.DataFrame) -> np.ndarray:
        """Return TRAIN, VALID or TEST for each row of ratings sorted by user and item."""


@dataclass(frozen=True)
class RandomSplit:
    """Split each user's ratings at random.

    Attributes:
        ratios: Shares of train, valid and test; they sum to 1, train and test are positive.
        seed: Seed of the numpy generator.
    """

    ratios: Sequence[float] = DEFAULT_RATIOS
    seed: int = 0

    def __post_init__(self) -> None:
        _check_ratios(self.ratios)
        _check_seed(self.seed)

    @property
    def label(self) -> str:
        """What it adds to the name of the dataset, e.g. ``split-80-0-20-seed1``."""
        return f"split-{'-'.join(map(_percent, self.ratios))}-seed{self.seed}"

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says about it."""
        return {"method": "random", "ratios": list(self.ratios), "seed": self.seed}

    def known(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the part of each row that the source itself tells: one part for all."""
        return np.full(len(frame), TRAIN)

    def assign(self, frame: pd.DataFrame) -> np.ndarray:
        """Return TRAIN, VALID or TEST for each row of ratings sorted by user and item."""
        return split_per_user(frame[USER].cat.codes.to_numpy(), self.ratios, self.seed)


@dataclass(frozen=True)
class FoldSplit:
    """Test on one published fold, train on the others.

    Attributes:
        fold: Fold to test on.
        valid_ratio: Share of each user's training ratings that is cut off for validation.
        seed: Seed of that cut.
    """

    fold: int
    valid_ratio: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.valid_ratio < 1:
            raise PrepareError(f"valid_ratio is {self.valid_ratio}, expected 0 <= ratio < 1")
        _check_seed(self.seed)

    @property
    def label(self) -> str:
        """What it adds to the name of the dataset, e.g. ``fold1`` or ``fold1-valid10-seed0``."""
        if not self.valid_ratio:
            return f"fold{self.fold}"
        return f"fold{self.fold}-valid{_percent(self.valid_ratio)}-seed{self.seed}"

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says about it; a seed only where one was used."""
        seed = self.seed if self.valid_ratio else None
        return {
            "method": "fold",
            "fold": self.fold,
            "valid_ratio": self.valid_ratio,
            "seed": seed,
        }

    def known(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the part of each row that the source itself tells: TEST for the fold, or TRAIN.

        Raises:
            PrepareError: The source has no such fold, or no other.
        """
        folds = np.unique(frame[FOLD])
        if self.fold not in folds or len(folds) < 2:
            raise PrepareError(
                f"cannot test on fold {self.fold} and train on others; folds found: "
                f"{listing(map(str, folds))}"
            )
        return np.where(frame[FOLD] == self.fold, TEST, TRAIN)

    def assign(self, frame: pd.DataFrame) -> np.ndarray:
        """Return TRAIN, VALID or TEST for each row of ratings sorted by user and item.

        Raises:
            PrepareError: The source has no such fold, or no other.
        """
        parts = self.known(frame)
        train = parts == TRAIN
        ratios = (1 - self.valid_ratio, self.valid_ratio, 0.0)
        users = frame[USER].cat.codes.to_numpy()
        parts[train] = split_per_user(users[train], ratios, self.seed)
        return parts


def parse_ratios(text: str) -> list[float]:
    """Read ratios written as ``0.8,0.1,0.1``.

    Args:
        text: Numbers separated by commas.

    Raises:
        PrepareError: Not numbers.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise PrepareError(f"split {text!r} is not three numbers such as 0.8,0.1,0.1") from error


def _check_ratios(ratios: Sequence[float]) -> None:
    found = ",".join(f"{ratio:g}" for ratio in ratios)
    if len(ratios) != 3:
        raise PrepareError(f"split {found} has {len(ratios)} numbers, expected train,valid,test")
    if not all(math.isfinite(ratio) and ratio >= 0 for ratio in ratios):
        raise PrepareError(
            f"split {found} holds a number that is negative or not finite; give shares such as "
            "0.8,0.1,0.1"
        )
    if abs(sum(ratios) - 1) > _TOLERANCE:
        raise PrepareError(f"split {found} sums to {sum(ratios):g}, expected 1")
    if not (ratios[TRAIN] > 0 and ratios[TEST] > 0):
        raise PrepareError(f"split {found} leaves train or test empty; both must be above 0")


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise PrepareError(f"seed is {seed}, expected 0 or more")


def _percent(ratio: float) -> str:
    return f"{round(ratio * 100, 4):g}"
