"""The types of the API's answers: gradio turns them into the JSON schemas that clients read.

Addresses are relative to the site, but for `product_page`, which is the shop's own.
"""

from __future__ import annotations

from typing import Any, TypedDict


class ItemRow(TypedDict):
    """One piece; `picture` is the address of its thumbnail, `attributes` are the catalogue's."""

    id: str
    title: str
    picture: str
    product_page: str
    sold_out: bool
    attributes: dict[str, Any]


class HitRow(ItemRow):
    """One result; `same_kind` is a probability, and `closeness` its label, where they are known.

    `score` is the cosine or whatever the index's metric gives, larger is closer; `colourways` are
    ids; `view` is the address of all results, "" for a search by picture.
    """

    score: float
    closeness: str
    same_kind: float | None
    colourways: list[str]
    view: str


class GarmentRow(TypedDict):
    """A garment in a photo; `box` is left, top, right and bottom as fractions of the photo.

    The photo is upright as its file says. `confidence` is the probability of its `kind`, 0 to 1.
    """

    box: list[float]
    kind: str
    confidence: float


class Answer(TypedDict):
    """Results and how the query was understood; `searched` pieces met the filters."""

    hits: list[HitRow]
    notes: list[str]
    unknown_words: list[str]
    searched: int
    view: str


class ItemDetails(ItemRow):
    """One piece with the ids of its other colours and the addresses of all its pictures."""

    colourways: list[str]
    pictures: list[str]


class ReasonedRow(ItemRow):
    """A piece that is recommended, and why."""

    reason: str


class OutfitRow(TypedDict):
    """An outfit around a piece, and why its pieces go together."""

    reason: str
    pieces: list[ItemRow]


class About(TypedDict):
    """What an index holds."""

    pieces: int
    photos: int
    source: str
    licence: str | None
    created: str
    encoder: str
    dim: int
    metric: str
    recall: float
    attributes: list[str]
