"""The options of the protocol that name columns follow RecBole's names of them."""

from __future__ import annotations

from typing import Any

# RecBole's option, and the name that properties/overall.yaml uses in load_col.
_FIELDS = {
    "USER_ID_FIELD": "user_id",
    "ITEM_ID_FIELD": "item_id",
    "RATING_FIELD": "rating",
    "TIME_FIELD": "timestamp",
    "weight_field": "weight",
}


def follow_field_names(config: Any, default: dict[str, Any]) -> None:
    """Where columns have names of their own, load those in place of the protocol's default ones.

    ``like_threshold`` moves to ``RATING_FIELD``, and ``load_col`` names the columns of users,
    items, ratings and times, unless these options are given. ``unload_col`` takes columns out of
    the default ``load_col``, which RecBole refuses to read beside it.

    Args:
        config: RecBole's Config, changed in place.
        default: The options of ``properties/overall.yaml``.
    """
    given = config.external_config_dict
    rating = config["RATING_FIELD"]
    if config["like_threshold"] == default["like_threshold"] and "like_threshold" not in given:
        ((field, value),) = default["like_threshold"].items()
        if rating and rating != field:
            config["like_threshold"] = {rating: value}
    if "load_col" in given or config["load_col"] != default["load_col"]:
        return
    names = {own: config[option] for option, own in _FIELDS.items() if config[option]}
    if isinstance(config["like_threshold"], dict):
        names["rating"] = next(iter(config["like_threshold"]), names["rating"])
    columns = [names.get(column, column) for column in default["load_col"]["inter"]]
    unloaded = config["unload_col"]
    if isinstance(unloaded, dict):
        columns = [column for column in columns if column not in (unloaded.get("inter") or [])]
        config["unload_col"] = None
    if columns != default["load_col"]["inter"]:
        config["load_col"] = {**default["load_col"], "inter": columns}
