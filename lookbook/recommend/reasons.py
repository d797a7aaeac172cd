"""Why an item is recommended, in one line of plain words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookbook.recommend.context import Context
from lookbook.recommend.data import History
from lookbook.recommend.items import ALIKE, Items
from lookbook.schema.column_names import SEASON_NAMES, USAGE_NAMES
from lookbook.schema.message import Message
from lookbook.schema.thesaurus import shop_thesaurus

# by what the visitor did with the item that decided
_BEFORE = {
    "view": Message("you looked at it before"),
    "like": Message("you liked it before"),
    "save": Message("you saved it before"),
    "buy": Message("you bought it before"),
}
_OTHER_COLOUR = {
    "view": Message("another colour of the {item} you looked at"),
    "like": Message("another colour of the {item} you liked"),
    "save": Message("another colour of the {item} you saved"),
    "buy": Message("another colour of the {item} you bought"),
}
_SIMILAR = {
    "view": Message("like the {item} you looked at"),
    "like": Message("like the {item} you liked"),
    "save": Message("like the {item} you saved"),
    "buy": Message("like the {item} you bought"),
}
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
    why = _by_history(items, history, row)
    if cold_start:
        why = _of_new_item(why)
    said, fitting = why or fallback, _by_context(items, row, context)
    return (
        Message("{one}; {other}", one=said, other=fitting) if said and fitting else said or fitting
    )


def _of_new_item(why: Message | None) -> Message:
    if why is None or why in _BEFORE.values():
        return Message("new here")
    if why.template in _SIMILAR.values():
        return Message("new, looks {reason}", reason=why)
    return Message("new, {reason}", reason=why)


def _by_history(items: Items, history: History, row: int) -> Message | None:
    position = _nearest_position(items, history, row) if len(history) else None
    if position is None:
        return None
    other, event_type = int(history.rows[position]), history.event_types[position]
    event_type = event_type if event_type in _BEFORE else "like"
    if other == row:
        return _BEFORE[event_type]
    same = items.product_groups[other] == items.product_groups[row]
    template = (_OTHER_COLOUR if same else _SIMILAR)[event_type]
    return Message(template, item=items.short_name(other))


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
        parts.append(Message("for {what}", what=shop_thesaurus().term(season.lower())))
    if context.occasion and usage.casefold() == context.occasion.casefold():
        parts.append(Message("for {what}", what=shop_thesaurus().term(usage.lower())))
    if len(parts) == 2:
        return Message("{one} and {other}", one=parts[0], other=parts[1])
    return parts[0] if parts else ""


def _value(items: Items, row: int, names: Sequence[str]) -> str:
    """An item's value in the first column of these names, "" where there is none."""
    column = items.find_column(*names)
    if column is None:
        return ""
    values, codes = items.columns[column]
    return str(values[codes[row]] or "")
