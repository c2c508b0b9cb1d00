"""Masks from what was rated: RecBole's Sampler under the protocol."""

from __future__ import annotations

import numpy as np
from recbole.sampler.sampler import Sampler

from recbole_pngnn.protocol.user_items import UserItems


class RatedSampler(Sampler):
    """A Sampler whose used items are those that the user rated in earlier phases.

    RecBole's full ranking masks ``used_ids[phase]`` less the phase's own positive items. Here

    - ``used_ids["train"]``: rated or trained on (an augmented row is not sampled against);
    - ``used_ids["valid"]``: rated in training, and the liked items to be found;
    - ``used_ids["test"]``: rated in training or validation, and the liked items to be found.

    So a disliked training item is masked, a disliked test item stays in the ranking, and what was
    made up by augmentation masks nothing. Without ``like_threshold`` it is RecBole's Sampler.
    """

    def get_used_ids(self) -> dict[str, UserItems]:
        """Return for each phase a set of items a user, see the class."""
        if getattr(self.datasets[0], "like_threshold", None) is None:
            return super().get_used_ids()  # type: ignore[no-any-return]
        used: dict[str, UserItems] = {}
        earlier: list[np.ndarray] = []
        for phase, dataset in zip(self.phases, self.datasets, strict=True):
            shown = dataset.inter_feat
            own = np.stack([shown[self.uid_field].numpy(), shown[self.iid_field].numpy()], axis=1)
            rated = dataset.rated.numpy()
            pairs = [*earlier, own] + ([rated] if phase == "train" else [])
            used[phase] = UserItems(np.concatenate(pairs), self.user_num)
            earlier.append(rated)
        return used

    def _get_candidates_list(self) -> list[int]:
        if getattr(self.datasets[0], "like_threshold", None) is None:
            return super()._get_candidates_list()  # type: ignore[no-any-return]
        # RecBole counts the popularity of validation and test items too.
        return self.datasets[0].inter_feat[self.iid_field].tolist()  # type: ignore[no-any-return]
