"""RecBole's Dataset under the protocol: what was liked is learnt, what was rated is masked."""

from __future__ import annotations

from typing import Any

import torch
from recbole.data.dataset.dataset import Dataset
from recbole.utils import FeatureSource, FeatureType

from recbole_pngnn.options import read_choice
from recbole_pngnn.protocol.clean import clean_interactions
from recbole_pngnn.protocol.threshold import (
    OBSERVED,
    SOURCE_FIELD,
    TRAIN_INTERACTIONS,
    LikeThreshold,
    read_like_threshold,
)

PHASES = ("training", "validation", "test")


class SignedDataset(Dataset):
    """A Dataset that labels interactions as liked or disliked and remembers what was rated.

    Without ``like_threshold`` it is RecBole's Dataset. With it:

    - rows without a user, an item or a rating are dropped, of duplicates the last stays;
    - ``LABEL_FIELD`` is 1 where the rating exceeds the threshold, made before normalisation;
    - the parts of :meth:`build` keep liked rows alone; the training part keeps both signs where
      ``train_interactions`` is ``rated``.

    Attributes:
        rated: User and item of each observed row of a part, ``(n, 2)``. Augmented rows (``source``
            other than ``observed``) are not among them, and therefore never masked.
        disliked: User and item of each observed disliked row of a part, ``(n, 2)``.

    Raises:
        ValueError: The data leave nothing to learn or to measure.
    """

    like_threshold: LikeThreshold | None
    rated: torch.Tensor
    disliked: torch.Tensor
    # RecBole's: frames while it reads, its own Interaction afterwards.
    inter_feat: Any
    file_size_list: list[int]

    def _data_processing(self) -> None:
        self.like_threshold = read_like_threshold(self.config)
        if self.like_threshold is not None:
            pre_split = self.benchmark_filename_list is not None
            self.inter_feat, sizes = clean_interactions(
                self.inter_feat,
                self.like_threshold,
                self.uid_field,
                self.iid_field,
                self.time_field,
                self.file_size_list if pre_split else None,
                self.logger,
            )
            if sizes is not None:
                self.file_size_list = sizes
        super()._data_processing()

    def _set_label_by_threshold(self) -> None:
        if self.like_threshold is None:
            super()._set_label_by_threshold()
            return
        self.set_field_property(self.label_field, FeatureType.FLOAT, FeatureSource.INTERACTION, 1)
        ratings = self.inter_feat[self.like_threshold.field]
        self.inter_feat[self.label_field] = (ratings > self.like_threshold.value).astype(float)

    def _normalize(self) -> None:
        super()._normalize()
        if self.like_threshold is not None:
            # Labels of one value would have become ones, whichever they were.
            liked = self.inter_feat[self.label_field] > 0
            self.inter_feat[self.label_field] = liked.astype(float)

    def build(self) -> list[SignedDataset]:
        """Split into training, validation and test parts, see the class.

        Returns:
            Three datasets; the second is empty where there is no validation part.
        """
        parts: list[SignedDataset] = super().build()
        if self.like_threshold is None:
            return parts
        if len(parts) == 2:  # benchmark_filename: [train, test]
            parts.insert(1, self.copy(parts[0].inter_feat[[]]))
        if len(parts) != 3:
            raise ValueError(
                f"benchmark_filename must name two parts (train, test) or three (train, valid, "
                f"test), found {self.benchmark_filename_list}"
            )
        both_signs = read_choice(self.config, "train_interactions", TRAIN_INTERACTIONS) == "rated"
        for phase, part in zip(PHASES, parts, strict=True):
            part._keep_what_counts(phase, both_signs and phase == "training")
        return parts

    def _keep_what_counts(self, phase: str, both_signs: bool) -> None:
        """Remember a part's rated and disliked pairs, then drop rows that it must not show."""
        rows = self.inter_feat
        liked = rows[self.label_field] > 0
        observed = torch.ones_like(liked)
        if SOURCE_FIELD in rows:
            observed = rows[SOURCE_FIELD] == self.field2token_id[SOURCE_FIELD].get(OBSERVED, -1)
        if phase != "training" and not bool(observed.all()):
            raise ValueError(
                f"the {phase} part holds {int((~observed).sum())} augmented interaction(s); only "
                f"observed ones measure anything, so augmented data must come pre-split "
                f"(benchmark_filename: [train, valid, test]) with them in the training file alone"
            )
        pairs = torch.stack([rows[self.uid_field], rows[self.iid_field]], dim=1)  # (n, 2)
        self.rated, self.disliked = pairs[observed], pairs[observed & ~liked]
        if not bool(liked.any()) and (phase == "training" or len(rows)):
            raise ValueError(
                f"the {phase} part has no liked interaction among its {len(rows)}: lower "
                f"like_threshold or choose another split"
            )
        if not both_signs:
            self.inter_feat = rows[liked.nonzero().view(-1)]
