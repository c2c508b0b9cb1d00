"""RecBole's Dataset under the protocol: what was liked is learnt, what was rated is masked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.data.dataset.dataset import Dataset
from recbole.utils import FeatureSource, FeatureType

from recbole_pngnn.options import read_choice
from recbole_pngnn.protocol.atomic_check import AtomicFile
from recbole_pngnn.protocol.clean import clean_interactions
from recbole_pngnn.protocol.data_options import (
    FILTERS,
    check_data_options,
    check_kept_values,
    check_time,
    needs_time,
)
from recbole_pngnn.protocol.folders import check_dataset
from recbole_pngnn.protocol.threshold import (
    OBSERVED,
    SOURCE_FIELD,
    TRAIN_INTERACTIONS,
    LikeThreshold,
    read_like_threshold,
)
from recbole_pngnn.protocol.withheld import PairsAsRead
from recbole_pngnn.scale import describe_scale

PHASES = ("training", "validation", "test")

# Whether what is loaded is trained on and never measured.
_no_test: ContextVar[bool] = ContextVar("no_test", default=False)


@contextmanager
def without_test_part() -> Iterator[None]:
    """Inside, a test part may be empty, which a run that measures must refuse."""
    token = _no_test.set(True)
    try:
        yield
    finally:
        _no_test.reset(token)


class SignedDataset(Dataset):
    """A Dataset that labels interactions as liked or disliked and remembers what was rated.

    Without ``like_threshold`` it is RecBole's Dataset. With it:

    - rows without a user, an item or a rating are dropped, of duplicates the last stays;
    - ``LABEL_FIELD`` is 1 where the rating exceeds the threshold, made before normalisation;
    - RecBole's filters (``val_interval`` and others) choose what is trained on and measured, not
      what is masked: pairs that they take out, of users and items that stay, count as rated in
      training;
    - a user who rated every item in training is masked and not trained on: there is nothing to
      compare with, and nothing to recommend;
    - the parts of :meth:`build` keep liked rows alone; the training part keeps both signs where
      ``train_interactions`` is ``rated``.

    Attributes:
        rated: User and item of each observed row of a part, ``(n, 2)``. Augmented rows (``source``
            other than ``observed``) are not among them, and therefore never masked.
        withheld: User and item of each pair that a filter took out, ``(k, 2)``. They are rated in
            the training part, and never sampled as unobserved.
        scale: What the ratings span, and how many are liked, in words.
        disliked: User and item of each observed disliked row of a part, ``(n, 2)``.

    Raises:
        ValueError: The data leave nothing to learn or to measure.
    """

    like_threshold: LikeThreshold | None
    rated: torch.Tensor
    disliked: torch.Tensor
    withheld: torch.Tensor
    scale: str
    # RecBole's: frames while it reads, its own Interaction afterwards.
    inter_feat: Any
    file_size_list: list[int]

    def _from_scratch(self) -> None:
        self.like_threshold = read_like_threshold(self.config)
        if self.like_threshold is not None:
            for sentence in check_data_options(self.config):
                self.logger.warning(sentence)
        super()._from_scratch()

    def _load_data(self, token: str, dataset_path: str) -> None:
        if self.like_threshold is not None:
            check_dataset(Path(dataset_path), token, self.benchmark_filename_list)
        super()._load_data(token, dataset_path)

    def _load_feat(self, filepath: str, source: Any) -> Any:
        """Read an atomic file; what is wrong with it is said with the line."""
        if self.like_threshold is None or self._loads_nothing(source):
            return super()._load_feat(filepath, source)
        encoding = self.config["encoding"]
        file = AtomicFile(
            Path(filepath),
            self.config["field_separator"],
            encoding or "utf-8",  # unset, RecBole reads the header by the machine's own
            *self._needed(source),
        )
        self.config["encoding"] = file.check()
        if self.config["encoding"] == "utf-8-sig":
            self.logger.info(f"{filepath} begins with a byte order mark, which is no part of it")
        try:
            frame = super()._load_feat(filepath, source)
            for field in (self.uid_field, self.iid_field):
                is_id = frame is not None and self.field2type.get(field) == FeatureType.TOKEN
                if is_id and field in frame and frame[field].isna().any():
                    frame[field] = file.read_ids(field, self.config["encoding"])
        except (ValueError, pd.errors.ParserError) as error:
            raise file.explain(error, self.config["encoding"]) from error
        finally:
            self.config["encoding"] = encoding
        if frame is not None:
            self._check_unique(frame, filepath, source)
        interactions = source == FeatureSource.INTERACTION
        if interactions and not len(frame) and self.benchmark_filename_list is None:
            raise ValueError(f"{filepath} has a header and no interaction below it")
        return frame

    def _check_unique(self, frame: pd.DataFrame, filepath: str, source: Any) -> None:
        """Refuse features with an id twice: RecBole would shift those of all ids behind it."""
        ids = {FeatureSource.USER: self.uid_field, FeatureSource.ITEM: self.iid_field}
        if source not in ids:
            return
        names = frame[ids[source]].dropna()
        twice = names[names.duplicated()]
        if len(twice):
            raise ValueError(
                f"{filepath}: {ids[source]} {twice.iloc[0]} is there in "
                f"{(names == twice.iloc[0]).sum()} rows; keep one of them"
            )

    def _loads_nothing(self, source: Any) -> bool:
        columns, _ = self._get_load_and_unload_col(source)
        return columns is not None and not columns

    def _needed(self, source: Any) -> tuple[dict[str, str], dict[str, str]]:
        """Type of each column that has to be in a file, and the option that names it."""
        assert self.like_threshold is not None
        users, items = {self.uid_field: "token"}, {self.iid_field: "token"}
        roles = {self.uid_field: "USER_ID_FIELD", self.iid_field: "ITEM_ID_FIELD"}
        if source == FeatureSource.USER:
            return users, roles
        if source == FeatureSource.ITEM:
            return items, roles
        if source != FeatureSource.INTERACTION:
            return {}, {}
        field = self.like_threshold.field
        rating = "RATING_FIELD" if field == self.config["RATING_FIELD"] else "like_threshold"
        return {**users, **items, field: "float"}, {**roles, field: rating}

    def _data_processing(self) -> None:
        as_read = None
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
            self.scale = _scale(self.inter_feat, self.like_threshold)
            self._check_columns(pre_split)
            as_read = PairsAsRead(self.inter_feat, self.uid_field, self.iid_field)
            n_read = len(self.inter_feat)
        super()._data_processing()
        if as_read is not None:
            if len(self.inter_feat) < n_read:
                self.logger.warning(
                    f"filters took out {n_read - len(self.inter_feat)} of {n_read} interactions "
                    f"({self._filters()}); they are masked, and neither trained on nor measured"
                )
            self.withheld = as_read.missing_from(
                self.inter_feat[self.uid_field].to_numpy(),
                self.inter_feat[self.iid_field].to_numpy(),
                self.field2token_id[self.uid_field],
                self.field2token_id[self.iid_field],
            )

    def _check_columns(self, pre_split: bool) -> None:
        if pre_split:
            return
        numbers = (FeatureType.FLOAT, FeatureType.FLOAT_SEQ)
        is_float = {name: kind in numbers for name, kind in self.field2type.items()}
        check_kept_values(self.config, is_float)
        time = self.time_field
        columns = list(self.inter_feat)
        check_time(self.config["eval_args"], time, columns, is_float.get(time, False))
        missing = int(self.inter_feat[time].isna().sum()) if time in columns else 0
        if missing and needs_time(self.config["eval_args"]):
            self.logger.warning(
                f"{missing} interaction(s) have no {time}, and are split as if it were the mean"
            )

    def _filter_by_inter_num(self) -> None:
        super()._filter_by_inter_num()
        if self.like_threshold is not None and self.inter_feat.empty:
            raise ValueError(f"the filters leave no interaction: {self._filters()}; widen them")

    def _filters(self) -> str:
        """Return the filters that can have taken interactions out, in words."""
        filters = [f"{key} {self.config[key]}" for key in FILTERS[:-2] if self.config[key]]
        filters = [text for text in filters if not text.endswith(" [0,inf)")]
        if self.config["rm_dup_inter"] is not None:
            filters.append(f"rm_dup_inter {self.config['rm_dup_inter']}")
        features = {"user": self.user_feat, "item": self.item_feat}
        loaded = [
            f"{self.dataset_name}.{name}" for name, rows in features.items() if rows is not None
        ]
        if self.config["filter_inter_by_user_or_item"] and loaded:
            filters.append(
                f"filter_inter_by_user_or_item, by which what {' or '.join(loaded)} does not list "
                f"is left out"
            )
        return ", ".join(filters)

    def _drop_unused_col(self) -> None:
        for suffix in self.config["unused_col"] or {} if self.like_threshold is not None else {}:
            if getattr(self, f"{suffix}_feat", None) is None:
                raise ValueError(
                    f"unused_col names columns of {self.dataset_name}.{suffix}, and none of them "
                    f"is loaded; name them in load_col, or take them out of unused_col"
                )
        super()._drop_unused_col()

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
        if "withheld" not in vars(self):
            raise ValueError(
                f"the saved dataset of {self.dataset_name} is of an earlier version, which did not "
                f"keep what a filter takes out; remove it (dataset_save_path, or "
                f"{self.dataset_name}-*Dataset.pth in {self.config['checkpoint_dir']}), and it is "
                f"made anew"
            )
        parts[0].rated = torch.cat([parts[0].rated, self.withheld])
        parts[0]._leave_out_full_users()
        return parts

    def _leave_out_full_users(self) -> None:
        """Take users out of the training who rated, or are trained on, every item there is."""
        rows = self.inter_feat
        own = torch.stack([rows[self.uid_field], rows[self.iid_field]], dim=1)
        pairs = torch.cat([own, self.rated])
        codes = np.unique(pairs[:, 0].numpy() * np.int64(self.item_num) + pairs[:, 1].numpy())
        n_items = np.bincount(codes // self.item_num, minlength=self.user_num)
        full = torch.from_numpy(n_items >= self.item_num - 1)
        if not bool(full.any()):
            return
        users = full.nonzero().view(-1).numpy()
        names = ", ".join(self.id2token(self.uid_field, users[:5]).tolist())
        more = ", ..." if len(users) > 5 else ""
        text = (
            f"{len(users)} user(s) rated all {self.item_num - 1} items in training "
            f"({self.uid_field} {names}{more}), so nothing is left to compare with or to recommend"
        )
        stay = ~full[rows[self.uid_field]]
        if not bool((stay & (rows[self.label_field] > 0)).any()):
            raise ValueError(
                f"{text}, and without them nothing liked is left to train on; load more items"
            )
        self.logger.warning(f"{text}: they are not trained on")
        self.inter_feat = rows[stay.nonzero().view(-1)]

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
        may_be_empty = phase == "validation" or (phase == "test" and _no_test.get())
        if not may_be_empty and not len(rows):
            raise ValueError(f"the {phase} part is empty: {self._split_in_words()}")
        if not bool(liked.any()) and (phase == "training" or len(rows)):
            raise ValueError(
                f"the {phase} part has no liked interaction among its {len(rows)}: lower "
                f"like_threshold or choose another split"
            )
        if not both_signs:
            self.inter_feat = rows[liked.nonzero().view(-1)]

    def _split_in_words(self) -> str:
        if self.benchmark_filename_list is not None:
            return (
                f"no interaction of its file ({self.dataset_name}.{{part}}.inter, parts "
                f"{', '.join(self.benchmark_filename_list)}) can be used"
            )
        return (
            f"there are too few interactions for eval_args: split "
            f"{self.config['eval_args']['split']}; give it a larger share"
        )


def _scale(interactions: pd.DataFrame, threshold: LikeThreshold) -> str:
    ratings = interactions[threshold.field]
    if SOURCE_FIELD in interactions:
        ratings = ratings[interactions[SOURCE_FIELD] == OBSERVED]
    share = float((ratings > threshold.value).mean())
    return describe_scale(ratings.min(), ratings.max(), threshold.value, share)
