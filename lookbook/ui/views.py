"""What the pages show, as plain data: the services make it, the components turn it into HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lookbook.search.index import IndexItem

CARD_ACTIONS = ("like", "more", "less", "why")


@dataclass(frozen=True)
class Card:
    """One card of a gallery.

    `file` is the picture's path; `probability` (0 to 1) fills the bar, `label` names it and
    `explanation` is its tooltip; `note` is a line below; `colours` lists the other colourways as
    (id, colour or title); `product_page` is the item's address in the shop; `compared` whether it
    stands beside others; `actions` are the small buttons: `CARD_ACTIONS` or "compare";
    `regular_price` is the price before a reduction; `detail` the path of the larger picture, "" for
    none.
    """

    id: str
    title: str
    file: str
    price: str = ""
    label: str = ""
    probability: float | None = None
    explanation: str = ""
    note: str = ""
    colours: tuple[tuple[str, str], ...] = ()
    product_page: str = ""
    sold_out: bool = False
    liked: bool = False
    compared: bool = False
    actions: tuple[str, ...] = CARD_ACTIONS
    regular_price: str = ""
    detail: str = ""


@dataclass(frozen=True)
class PhotoView:
    """A photo: the paths of its thumbnail and of its detail, "" where it has none."""

    file: str
    detail: str = ""


@dataclass(frozen=True)
class ItemView:
    """The item that is searched from with all its photos; the other fields as in `Card`."""

    item: IndexItem
    photos: tuple[PhotoView, ...]
    price: str = ""
    liked: bool = False
    colours: tuple[tuple[str, str], ...] = ()
    product_page: str = ""
    sold_out: bool = False
    regular_price: str = ""


@dataclass(frozen=True)
class OutfitView:
    """One outfit: why its items go together, and a card for each."""

    reason: str
    cards: Sequence[Card]
