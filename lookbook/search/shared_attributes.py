"""Which attributes two items have in common."""

from __future__ import annotations

from lookbook.schema.missing import is_missing
from lookbook.search.index import IndexItem


def shared_attributes(item_a: IndexItem, item_b: IndexItem) -> list[tuple[str, object]]:
    """Return (column, value) of attributes equal in both, case ignored, in catalogue order.

    Missing values do not count (see `schema.missing`).
    """
    return [
        (column, value)
        for column, value in item_a.attributes.items()
        if not is_missing(value) and _equal(value, item_b, column)
    ]


def _equal(value: object, item: IndexItem, column: str) -> bool:
    return str(item.attributes.get(column)).casefold() == str(value).casefold()
