"""Which attributes two items have in common."""

from __future__ import annotations

from lookbook.search.index import IndexItem


def shared_attributes(item_a: IndexItem, item_b: IndexItem) -> list[tuple[str, object]]:
    """Return (column, value) of attributes equal in both, case ignored, in catalogue order.

    Missing values and "NA" do not count.
    """
    return [
        (column, value)
        for column, value in item_a.attributes.items()
        if value is not None and str(value).upper() != "NA" and _equal(value, item_b, column)
    ]


def _equal(value: object, item: IndexItem, column: str) -> bool:
    return str(item.attributes.get(column)).casefold() == str(value).casefold()
