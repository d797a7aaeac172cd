"""Why an item is recommended, in one line of plain words."""

from __future__ import annotations

import numpy as np

from lookbook.recommend.context import Context
from lookbook.recommend.data import History
from lookbook.recommend.items import Items

_DID = {"view": "looked at", "like": "liked", "save": "saved", "buy": "bought"}
_ALIKE = 0.6  # cosine from which "like the ..." is said
_EVERY_SEASON = ("", "none", "all", "all seasons")


def reason(
    items: Items,
    history: History,
    row: int,
    context: Context,
    otherwise: str = "",
    *,
    newcomer: bool = False,
) -> str:
    """Such as "like the blue shirt you saved; worn in summer".

    `otherwise` is what is true of an item that is like nothing in the history. Of a `newcomer`,
    which nobody took: "new, looks like the blue shirt you saved".
    """
    why = _because(items, history, row) or otherwise
    if newcomer:
        why = _of_newcomer(why)
    return "; ".join(part for part in (why, _fits(items, row, context)) if part)


def _of_newcomer(why: str) -> str:
    if why.startswith("like "):
        return f"new, looks {why}"
    return f"new, {why}" if why.startswith("another colour") else "new here"


def _because(items: Items, history: History, row: int) -> str:
    place = _nearest(items, history, row) if len(history) else None
    if place is None:
        return ""
    other = int(history.rows[place])
    did = _DID.get(history.kinds[place], "liked")
    if other == row:
        return f"you {did} it before"
    if items.product_groups[other] == items.product_groups[row]:
        return f"another colour of the {items.words(other)} you {did}"
    return f"like the {items.words(other)} you {did}"


def _nearest(items: Items, history: History, row: int) -> int | None:
    """The place in the history of what the item is most like, if it is like any of it."""
    same = history.rows == row
    if same.any():
        return int(np.flatnonzero(same)[-1])
    family = items.product_groups[history.rows] == items.product_groups[row]
    if family.any():
        return int(np.flatnonzero(family)[-1])
    if items.vectors is None:
        return None
    near = items.vectors[history.rows] @ items.vectors[row]
    return int(near.argmax()) if near.max() >= _ALIKE else None


def _fits(items: Items, row: int, context: Context) -> str:
    """What of the circumstances the item meets."""
    found = []
    season, usage = _value(items, row, "season"), _value(items, row, "usage", "occasion")
    if season.casefold() not in _EVERY_SEASON and context.weather in (None, season):
        found.append(f"worn in {season.lower()}")
    if context.occasion and usage.casefold() == context.occasion.casefold():
        found.append(f"for {context.occasion.lower()}")
    return " and ".join(found)


def _value(items: Items, row: int, *names: str) -> str:
    """An item's value in the column called so, "" where there is none."""
    column = items.named(*names)
    if column is None:
        return ""
    values, codes = items.columns[column]
    return str(values[codes[row]] or "")
