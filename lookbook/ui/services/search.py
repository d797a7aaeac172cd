"""What the site does, without gradio: a query in, cards and a line of words out."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lookbook.encoding import attribution
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.localization import BoundingBox, find_garment
from lookbook.images.loading import Picture, load_rgb
from lookbook.search.calibration import calibration
from lookbook.search.facets import price_column
from lookbook.search.index import Hit, Index, IndexItem
from lookbook.search.lexical_index import lexical_index
from lookbook.search.prefix_index import find_titles, prefix_index
from lookbook.search.product_groups import product_groups
from lookbook.search.query import Answer, Query, run
from lookbook.ui.components import markup
from lookbook.ui.components.gallery import Card
from lookbook.ui.services.gpu import on_gpu
from lookbook.ui.services.lazy import Lazy

_NO_SCORE = ("like", "more", "less")


@dataclass(frozen=True)
class View:
    """What the page shows: cards, the hits behind them, and a line about them."""

    cards: list[Card]
    hits: list[Hit]
    line: str
    whole: bool  # nothing more would come if more were asked for


class SearchService:
    """Index and encoder behind the site; see `warm` for when the encoder loads.

    `folder` takes the pictures that have been shown.
    """

    def __init__(self, index: Index, load_encoder: Callable[[], Encoder], folder: Path) -> None:
        self.index, self.folder = index, folder
        self.price = price_column(index)
        self._encode = on_gpu(lambda picture: self.encoder.encode([picture])[0])
        self._focus = on_gpu(lambda picture: find_garment(self.encoder, picture))
        self._why = on_gpu(lambda mine, theirs: attribution.attribution_maps(self.encoder, mine, theirs))
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder = Lazy(load_encoder, "the encoder cannot be loaded")

    def warm(self) -> None:
        """Make ready what the first search would have to wait for; comes back at once."""
        self._encoder.start()
        for derive in (prefix_index, product_groups, lexical_index, calibration):
            derive(self.index)

    @property
    def encoder(self) -> Encoder:
        """The encoder, once it is loaded; raises whatever its loading raised."""
        return self._encoder.result()

    def read(self, picture: Picture) -> np.ndarray:
        """A visitor's picture as a vector (dim,); only that is kept.

        Give the bytes as they came: then it goes the very way of the catalogue's pictures.
        """
        return self._encode(picture)

    def garment(self, picture: Image.Image) -> BoundingBox:
        """Where the garment is in a photo, in pixels."""
        return self._focus(picture)

    def why(self, mine: Image.Image, theirs: Image.Image) -> tuple[np.ndarray, np.ndarray]:
        """Which regions made two pictures match: (h, w) of each, 0 to 1."""
        return self._why(mine, theirs)

    def picture(self, item: str) -> Image.Image:
        """The picture of an item."""
        return load_rgb(self.index.thumb(item))

    def find(self, query: Query, liked: Collection[str] = ()) -> View:
        """The answer to a query; without any wish at all a walk through the collection."""
        if query.empty and not query.where:
            return self.welcome(query.count, liked)
        answer = run(query, self.index, self.encoder if query.words.strip() else None)
        acts = None if answer.ranked else _NO_SCORE
        # what a closeness is worth was learnt between pictures, and says nothing beside words
        scored = answer.ranked and not query.words.strip()
        cards = [self.card(hit, liked, acts, scored) for hit in answer.hits]
        return View(cards, answer.hits, _line(answer), len(answer.hits) < query.count)

    def welcome(self, count: int, liked: Collection[str] = ()) -> View:
        """Pieces from all over the catalogue, evenly spread."""
        rows = np.unique(
            np.linspace(0, len(self.index) - 1, min(count, len(self.index)), dtype=int)
        )
        items = self.index.items
        hits = [Hit(self.index.ids[row], 0.0, items[int(row)], int(row)) for row in rows]
        cards = [self.card(hit, liked, _NO_SCORE, scored=False) for hit in hits]
        line = f"{len(self.index):,} pieces. Show a picture, or pick one of these."
        return View(cards, hits, line, len(hits) == len(self.index))

    def card(
        self,
        hit: Hit,
        liked: Collection[str] = (),
        acts: tuple[str, ...] | None = None,
        scored: bool = True,
        note: str = "",
    ) -> Card:
        """A hit as a card; `scored`: with the word and bar of its score."""
        word, share, explained = self.chance(hit.score) if scored else ("", None, "")
        return Card(
            id=hit.id,
            title=hit.item.title or hit.id,
            file=self.thumb(hit.row),
            price=self.priced(hit.item),
            word=word,
            share=share,
            explained=explained,
            note=note,
            colours=tuple(self.colour_of(item) for item in hit.colourways),
            liked=hit.id in liked,
            **({} if acts is None else {"acts": acts}),
        )

    def of(self, id: str, score: float = 0.0) -> Hit:
        """An item as if it had been found; raises UnknownItem."""
        return Hit(id, score, self.index.item(id), self.index.row_of(id))

    def colour_of(self, item: IndexItem) -> tuple[str, str]:
        """(id, colour or else title) of an item."""
        for name, value in item.attributes.items():
            if "colo" in name.casefold() and isinstance(value, str) and value:
                return item.id, value
        return item.id, item.title

    def chance(self, score: float) -> tuple[str, float | None, str]:
        """(word, share, explanation) of a score, by the calibration of the index if it has one."""
        curve = calibration(self.index)
        if curve is None:
            return closeness(score, self.index.manifest.metric), None, ""
        chance = curve.of(score)
        return chance.label, chance.probability, f"{chance.probability:.0%}: {curve}"

    def priced(self, item: IndexItem) -> str:
        """The price of an item as text, "" where there is none."""
        value = item.attributes.get(self.price) if self.price else None
        if not isinstance(value, (int, float)) or value != value:
            return ""
        return markup.attribute(value) if float(value).is_integer() else f"{value:.2f}"

    def named(self, text: str, limit: int = 8) -> list[tuple[str, str]]:
        """(title, id) of items whose titles hold the words typed so far."""
        if not text.strip():
            return []
        items = find_titles(self.index, text, limit)
        return [(_distinct(item.title, item.id, items), item.id) for item in items]

    def thumb(self, row: int) -> str:
        """File of an item's picture, unpacked when it is first shown."""
        path = self.folder / f"{row}.webp"
        if not path.exists():
            partial = path.with_suffix(f".{time.monotonic_ns()}")
            partial.write_bytes(self.index.generation.thumb(row))
            partial.replace(path)
        return str(path)

    def thumb_of(self, id: str) -> tuple[str, str]:
        """(file, title) of an item; raises UnknownItem."""
        return self.thumb(self.index.row_of(id)), self.index.item(id).title


def _line(answer: Answer) -> str:
    """The quiet line: how many, among how many, how fast, and what was not understood."""
    unknown = ", ".join(f"“{word}”" for word in answer.unknown_words)
    note = f" Not understood: {unknown}." if unknown else ""
    if not answer.total_searched:
        return f"No piece meets all of these filters.{note}"
    if not answer.hits:
        return f"Nothing in {answer.total_searched:,} pieces fits.{note}"
    found = f"{len(answer.hits)} of {answer.total_searched:,} pieces"
    if not answer.ranked:
        return f"{found} that meet the filters.{note}"
    return f"{found}, found in {answer.seconds * 1000:.0f} ms.{note}"


def _distinct(title: str, id: str, items: Sequence) -> str:
    """A title, with its id where others on the list have the same."""
    same = sum(item.title == title for item in items)
    return title if same == 1 else f"{title} ({id})"


def closeness(score: float, metric: str) -> str:
    """A score in words: what kind of number it is depends on the metric of the index."""
    if metric == "euclidean":
        return f"distance {-score:.2f}"
    return f"{'similarity' if metric == 'angular' else 'score'} {score:.2f}"
