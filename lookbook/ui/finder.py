"""What the site does, without gradio: a query in, cards and a line of words out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lookbook.encoder import Encoder
from lookbook.images import Picture, open_picture
from lookbook.search import Hit, Index


@dataclass(frozen=True)
class Query:
    """What is being searched for: a picture's vector, or an item of the catalogue."""

    vector: np.ndarray | None = None
    item: str | None = None


@dataclass(frozen=True)
class View:
    """What the page shows: cards (picture file, caption), the id of each, and a line about them."""

    cards: list[tuple[str, str]]
    ids: list[str]
    line: str


class Finder:
    """Index and encoder behind the site; the encoder loads while the first page is read.

    `folder` takes the pictures that have been shown.
    """

    def __init__(self, index: Index, load_encoder: Callable[[], Encoder], folder: Path) -> None:
        self.index, self.folder = index, folder
        folder.mkdir(parents=True, exist_ok=True)
        pool = ThreadPoolExecutor(1)
        self._encoder: Future[Encoder] = pool.submit(load_encoder)
        self._encoder.add_done_callback(_complain)
        pool.submit(index.find_titles, "")  # makes the list of title words before someone types
        pool.shutdown(wait=False)

    @property
    def encoder(self) -> Encoder:
        """The encoder, once it is loaded; raises whatever its loading raised."""
        return self._encoder.result()

    def read(self, picture: Picture) -> Query:
        """A visitor's picture as a query; only its vector is kept.

        Give the bytes as they came: then it goes the very way of the catalogue's pictures.
        """
        return Query(vector=self.encoder.encode([picture])[0])

    def read_words(self, text: str) -> Query:
        """Words as a query; raises EncoderError when the encoder knows none of them."""
        return Query(vector=self.encoder.encode_text([text])[0])

    def picture(self, item: str) -> Image.Image:
        """The picture of an item."""
        return open_picture(self.index.thumb(item))

    def find(self, query: Query | None, count: int) -> View:
        """The `count` closest items; without a query a walk through the collection."""
        count = int(count)  # a slider's number may be anything between its steps
        if query is None:
            return self.welcome(count)
        started = time.perf_counter()
        if query.item is not None:
            hits = self.index.similar(query.item, k=count)
        else:
            hits = self.index.search(query.vector, k=count)
        took = (time.perf_counter() - started) * 1000
        return self._view(
            hits, f"{len(hits)} of {len(self.index):,} pieces, found in {took:.0f} ms"
        )

    def welcome(self, count: int) -> View:
        """Pieces from all over the catalogue, evenly spread."""
        count = int(count)
        rows = np.unique(
            np.linspace(0, len(self.index) - 1, min(count, len(self.index)), dtype=int)
        )
        items = [self.index.items[int(row)] for row in rows]
        cards = [(self.thumb(int(row)), item.title) for row, item in zip(rows, items, strict=True)]
        line = f"{len(self.index):,} pieces. Show a picture, or pick one of these."
        return View(cards, [item.id for item in items], line)

    def named(self, text: str, limit: int = 8) -> list[tuple[str, str]]:
        """(title, id) of items whose titles hold the words typed so far."""
        if not text.strip():
            return []
        items = self.index.find_titles(text, limit)
        return [(_distinct(item.title, item.id, items), item.id) for item in items]

    def thumb(self, row: int) -> str:
        """File of an item's picture, unpacked when it is first shown."""
        path = self.folder / f"{row}.webp"
        if not path.exists():
            partial = path.with_suffix(f".{time.monotonic_ns()}")
            partial.write_bytes(self.index.generation.thumb(row))
            partial.replace(path)
        return str(path)

    def _view(self, hits: Sequence[Hit], line: str) -> View:
        metric = self.index.manifest.metric
        cards = [
            (self.thumb(hit.row), f"{hit.item.title}\n{closeness(hit.score, metric)}")
            for hit in hits
        ]
        return View(cards, [hit.id for hit in hits], line)


def _complain(loading: Future[Encoder]) -> None:
    """Whoever starts the site learns at once that it cannot answer pictures."""
    if error := loading.exception():
        print(f"the encoder cannot be loaded: {error}", file=sys.stderr, flush=True)


def _distinct(title: str, id: str, items: Sequence) -> str:
    """A title, with its id where others on the list have the same."""
    same = sum(item.title == title for item in items)
    return title if same == 1 else f"{title} ({id})"


def closeness(score: float, metric: str) -> str:
    """A score in words: what kind of number it is depends on the metric of the index."""
    if metric == "euclidean":
        return f"distance {-score:.2f}"
    return f"{'similarity' if metric == 'angular' else 'score'} {score:.2f}"
