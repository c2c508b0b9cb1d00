"""One rating a user and item: the rule of the protocol (``protocol/clean.py``) for whole files."""

import numpy as np
import pandas as pd

from recbole_pngnn.data.prepare.columns import ITEM, TIMESTAMP, USER


def latest_of_pairs(frame: pd.DataFrame, part: np.ndarray) -> pd.DataFrame:
    """Keep one row of each user and item, sorted by user and item.

    The row of the latest part stays, so that a rating of the test part is never trained on; within
    a part the latest by time, then by position. A row without a time counts as one of 1970, as it
    does in a run.

    Args:
        frame: Ratings in the order of their file.
        part: Number of the part that each row is known to belong to.

    Shapes:
        - part: ``(R,)``
    """
    time = frame[TIMESTAMP].to_numpy() if TIMESTAMP in frame else np.zeros(len(frame))
    order = np.lexsort((np.arange(len(frame)), np.nan_to_num(time), part))
    latest = frame.iloc[order].drop_duplicates([USER, ITEM], keep="last")
    return latest.sort_values([USER, ITEM], kind="stable", ignore_index=True)
