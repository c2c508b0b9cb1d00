"""Which option of a model is read in which mode: one table, beside the models that read them.

An option that is given and not read would be believed to act. :mod:`recbole_pngnn.plugin.unread`
refuses it by this table; a test holds the table against the YAML files of the models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Options = Mapping[str, Any]


class Need(NamedTuple):
    """What another option has to be.

    Attributes:
        option: The other option.
        wanted: What it has to be, as a user would write it.
        is_met: Whether a value of it is that.
    """

    option: str
    wanted: str
    is_met: Callable[[Any], bool]

    def found(self, options: Options) -> str:
        """Say what it is instead."""
        value = options.get(self.option)
        return f"{self.option} {'~' if value is None else value}"


def _is(option: str, word: str) -> Need:
    return Need(option, f"{option}: {word}", lambda value: value == word)


def _above_zero(option: str) -> Need:
    # What is no number is another check's.
    return Need(
        option, f"{option} above 0", lambda value: not isinstance(value, (int, float)) or value > 0
    )


_ALWAYS: tuple[tuple[Need, ...], ...] = ((),)
_NEVER: tuple[tuple[Need, ...], ...] = ()

_BPR = _is("loss", "dual_bpr")
_SOFTMAX = _is("loss", "dual_softmax")
_SAMPLED = Need("softmax_samples", "softmax_samples: a number", lambda value: value is not None)
_BOTH_SIGNS = _is("train_interactions", "rated")
_SIGN = _is("negative_graph", "sign")
_ITEM_ITEM = _above_zero("item_item_weight")
_ITEM_ITEM_IN_TRAINING = _above_zero("item_item_train_weight")

# Of each option the ways to have it read: any of them, with all its needs.
Table = dict[str, tuple[tuple[Need, ...], ...]]

# Options of RecBole's and of overall.yaml that no model of this plugin reads.
_UNREAD_BY_ALL: Table = {
    "train_neg_sample_args": _NEVER,  # the models draw unobserved items by themselves, or none
    "fast_graph": _NEVER,  # it is for LightGCN, NGCF and SGL
}
_PNGNN: Table = _UNREAD_BY_ALL | {
    "loss": _ALWAYS,
    "reading": _ALWAYS,
    "negative_graph": ((_is("reading", "fused"),),),
    "embedding_size": _ALWAYS,
    "n_layers": _ALWAYS,
    "feedback_coefficient": ((_BPR,),),
    "n_samples": ((_BPR,),),
    "sampling_exponent": ((_BPR,), (_SAMPLED,)),
    "attention_dropout": ((_is("reading", "fused"), _is("negative_graph", "attention")),),
    "reg_weight": ((_BPR,),),
    "reg_target": ((_BPR,),),
    "weight_field": _ALWAYS,
    "disinterest_threshold": ((_is("reading", "disinterest"),),),
    "temperature": ((_SOFTMAX,),),
    "disliked_weight": ((_SOFTMAX, _BOTH_SIGNS),),
    "rating_slope": ((_SOFTMAX,),),
    "user_exponent": ((_SOFTMAX,),),
    "softmax_samples": ((_SOFTMAX,),),
    "item_item_weight": ((_SOFTMAX,),),
    "item_item_train_weight": ((_SOFTMAX,),),
    "item_item_folds": ((_SOFTMAX, _ITEM_ITEM_IN_TRAINING),),
    "item_item_ridge": ((_SOFTMAX, _ITEM_ITEM), (_SOFTMAX, _ITEM_ITEM_IN_TRAINING)),
    "item_item_user_exponent": ((_SOFTMAX, _ITEM_ITEM), (_SOFTMAX, _ITEM_ITEM_IN_TRAINING)),
    "sign_weight": ((_SOFTMAX, _SIGN),),
    "sign_embedding_size": ((_SOFTMAX, _SIGN),),
    "train_interactions": _ALWAYS,
    "train_batch_size": _ALWAYS,
    "learning_rate": _ALWAYS,
    "learning_rate_decay": _ALWAYS,
    "epochs": _ALWAYS,
}
# An MLP stands in place of the negative graph, so there is one reading and no sign.
_SIREN: Table = _PNGNN | {
    "n_mlp_layers": _ALWAYS,
    "mlp_dropout": _ALWAYS,
    "negative_graph": _NEVER,
    "reading": _NEVER,
    "disinterest_threshold": _NEVER,
    "sign_weight": _NEVER,
    "sign_embedding_size": _NEVER,
}
# Fitted at once: of RecBole's training only what a suite sets for all of its rows is let pass.
_SIGNED_EASE: Table = _UNREAD_BY_ALL | {
    "reg_weight": _ALWAYS,
    "disliked_weight": ((_BOTH_SIGNS,),),
    "rating_slope": _ALWAYS,
    "user_exponent": _ALWAYS,
    "train_interactions": _ALWAYS,
    "learner": _NEVER,
    "learning_rate": _NEVER,
    "weight_decay": _NEVER,
    "clip_grad_norm": _NEVER,
}
# Options of which ~ is a choice, and not a default or nothing at all.
EMPTY_IS_A_CHOICE = frozenset({"disliked_weight"})
TABLES: dict[str, Table] = {"PNGNN": _PNGNN, "SiReN": _SIREN, "SignedEASE": _SIGNED_EASE}


def missing(table: Table, option: str, options: Options) -> list[list[Need]] | None:
    """Return what an option lacks to be read.

    Args:
        table: A model's.
        option: Any option; one that the table does not have is not its matter.
        options: All options of the run.

    Returns:
        None where it is read; else of each way the needs that are not met, and an empty list where
        there is no way.
    """
    ways = table.get(option, _ALWAYS)
    lacking = [[need for need in way if not need.is_met(options.get(need.option))] for way in ways]
    return None if any(not needs for needs in lacking) else lacking
