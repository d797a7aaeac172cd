"""Why an item is recommended, in one line of plain words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookbook.recommend.context import Context
from lookbook.recommend.data import History
from lookbook.recommend.items import ALIKE, Items
from lookbook.schema.column_names import SEASON_NAMES, USAGE_NAMES

_VERBS = {"view": "looked at", "like": "liked", "save": "saved", "buy": "bought"}
_EVERY_SEASON = ("", "none", "all", "all seasons")


def reason(
    items: Items,
    history: History,
    row: int,
    context: Context,
    fallback: str = "",
    *,
    cold_start: bool = False,
) -> str:
    """Return a reason such as "like the blue shirt you saved; for summer".

    `fallback` is used for an item that is like nothing in the history. With `cold_start`, for an
    item without interactions: "new, looks like the blue shirt you saved".
    """
    why = _by_history(items, history, row) or fallback
    if cold_start:
        why = _of_new_item(why)
    return "; ".join(part for part in (why, _by_context(items, row, context)) if part)


def _of_new_item(why: str) -> str:
    if why.startswith("like "):
        return f"new, looks {why}"
    return f"new, {why}" if why.startswith("another colour") else "new here"


def _by_history(items: Items, history: History, row: int) -> str:
    position = _nearest_position(items, history, row) if len(history) else None
    if position is None:
        return ""
    other = int(history.rows[position])
    verb = _VERBS.get(history.event_types[position], "liked")
    if other == row:
        return f"you {verb} it before"
    if items.product_groups[other] == items.product_groups[row]:
        return f"another colour of the {items.short_name(other)} you {verb}"
    return f"like the {items.short_name(other)} you {verb}"


def _nearest_position(items: Items, history: History, row: int) -> int | None:
    """Return where in the history the most similar item stands; None if none is similar enough."""
    same = history.rows == row
    if same.any():
        return int(np.flatnonzero(same)[-1])
    same_product = items.product_groups[history.rows] == items.product_groups[row]
    if same_product.any():
        return int(np.flatnonzero(same_product)[-1])
    if items.vectors is None:
        return None
    cosines = items.vectors[history.rows] @ items.vectors[row]
    return int(cosines.argmax()) if cosines.max() >= ALIKE else None


def _by_context(items: Items, row: int, context: Context) -> str:
    """What of the context the item fits."""
    parts = []
    season, usage = (_value(items, row, names) for names in (SEASON_NAMES, USAGE_NAMES))
    if season.casefold() not in _EVERY_SEASON and context.effective_season in (None, season):
        parts.append(f"for {season.lower()}")
    if context.occasion and usage.casefold() == context.occasion.casefold():
        parts.append(f"for {context.occasion.lower()}")
    return " and ".join(parts)


def _value(items: Items, row: int, names: Sequence[str]) -> str:
    """An item's value in the first column of these names, "" where there is none."""
    column = items.find_column(*names)
    if column is None:
        return ""
    values, codes = items.columns[column]
    return str(values[codes[row]] or "")
