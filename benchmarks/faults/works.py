"""What is interrupted: embed, update, publish, refresh, event writing; and how each is checked.

Every right answer follows from how the data are made: item n has picture n, whose vector the
encoder gives; people like items of one colour of a checkerboard.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

import lookbook.indexing.encode_catalog as encoding
from benchmarks.faults.children import Tell
from benchmarks.updates import SyntheticEncoder, write_picture, write_table
from lookbook.catalog import open_catalog
from lookbook.events import Event, EventStore
from lookbook.index import EngineOptions, GenerationContent, prune, publish, write_generation
from lookbook.indexing import BuildOptions, build
from lookbook.indexing.embedding_cache import EmbeddingCache
from lookbook.recommend.data import History
from lookbook.recommend.items import Items
from lookbook.recommend.model_store import open_published
from lookbook.retraining import refresh
from lookbook.search.index import Index

_ITEMS = 20
_OLD, _NEW = list(range(9)), list(range(2, 12))  # the shop before and after a change
_PLAIN = BuildOptions(draw_map=False)


class WrongAnswerError(AssertionError):
    """What was left behind gives another answer than it must."""


def must(holds: bool, message: str) -> None:
    """Raise WrongAnswerError where something does not hold."""
    if not holds:
        raise WrongAnswerError(message)


class Work(ABC):
    """One kind of work in a folder: prepared, done, checked after a fault, done again.

    `stops`: without space it ends with one sentence; else it goes on. `reads_without_space`: what
    is there can be checked on a disk that cannot be written to.
    """

    name: str
    stops = True
    reads_without_space = True

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Write what is there before."""

    @abstractmethod
    def do(self, folder: Path, acknowledge: Tell) -> None:
        """Do the work, acknowledging each thing that must not be lost from then on."""

    @abstractmethod
    def check(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """Raise WrongAnswerError unless what is there is whole, right, and holds what it must."""

    def finish(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """Do the work after the fault, and check it."""
        done: list[Any] = []
        self.do(folder, done.append)
        self.check(folder, [*acknowledged, *done])


class Publish(Work):
    """Write a generation whose every part bears its tag, and publish it."""

    def __init__(self, engine: str = "annoy") -> None:
        self.name, self.engine = f"publish {engine}", engine

    def prepare(self, folder: Path) -> None:
        """Publish one with the tag `old`."""
        self._publish(folder, "old")

    def do(self, folder: Path, acknowledge: Tell) -> None:
        """Publish one with the tag `new`."""
        self._publish(folder, "new")
        acknowledge("new")
        prune(folder)

    def _publish(self, folder: Path, tag: str) -> None:
        content = GenerationContent(
            vectors=tagged_vectors(tag),
            items={
                "id": [f"{tag}-{n}" for n in range(_ITEMS)],
                "title": [f"{tag} shirt {n}" for n in range(_ITEMS)],
            },
            thumbs=[f"{tag} thumbnail {n} ".encode() * 100 for n in range(_ITEMS)],
            encoder={"id": tag},
            projection=(np.zeros(256, np.float32), np.eye(256, 64, dtype=np.float32)),
            report={"rejected": [tag]},
        )
        options = EngineOptions(engine=self.engine, trees=4 if self.engine == "annoy" else None)
        publish(folder, write_generation(folder, content, options))

    def check(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """Everything bears one tag, the new one once it was acknowledged, and is found."""
        index = Index.open(folder, engine=self.engine)
        tag = index.manifest.encoder["id"]
        must(tag == "new" or "new" not in acknowledged, "a published generation is gone")
        for n, vector in enumerate(tagged_vectors(tag)):
            hit = index.search(vector, k=1)[0]
            must(hit.id == f"{tag}-{n}", f"item {n} of {tag} is answered by {hit.id}")
            must(hit.item.title == f"{tag} shirt {n}", f"{hit.id} is called {hit.item.title!r}")
            must(index.thumb(hit.id).startswith(f"{tag} thumbnail {n} ".encode()), "thumbnails")


def tagged_vectors(tag: str) -> np.ndarray:
    """Return float32 (20, 256): another draw for each tag."""
    draw = np.random.default_rng(len(tag) if tag == "old" else 99)
    return draw.normal(size=(_ITEMS, 256)).astype(np.float32)


class Embed(Work):
    """Index a folder of pictures, three at a time."""

    name, before = "embed", None

    def prepare(self, folder: Path) -> None:
        """Write the shop."""
        self._write_shop(folder, _NEW)

    def _write_shop(self, folder: Path, ids: list[int]) -> None:
        shutil.rmtree(folder / "shop", ignore_errors=True)
        (folder / "shop").mkdir(parents=True)
        for n in ids:
            write_picture(folder / "shop" / f"{n}.jpg", self._picture_of(n, ids))
        write_table(folder / "shop", ids, word="new" if ids == _NEW else "")

    def _picture_of(self, n: int, ids: list[int]) -> int:
        return n + 100 if ids == _NEW and n == 5 else n  # item 5 gets another picture

    def do(self, folder: Path, acknowledge: Tell) -> None:
        """Index the shop; acknowledge each picture that need not be encoded again."""
        add_shard = EmbeddingCache.add_shard

        def acknowledged(cache: EmbeddingCache, images: list[Any]) -> None:
            add_shard(cache, images)
            for image in images:
                acknowledge(image.hash)

        EmbeddingCache.add_shard = acknowledged  # type: ignore[method-assign]
        encoding.SHARD = 3
        try:
            catalog, encoder = open_catalog(str(folder / "shop")), SyntheticEncoder()
            build(catalog, encoder, folder / "index", _PLAIN, quiet=True)  # type: ignore[arg-type]
        finally:
            EmbeddingCache.add_shard = add_shard  # type: ignore[method-assign]
        acknowledge("published")

    def check(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """The index, if there must be one, has the items of before or after, each as encoded."""
        if not (folder / "index" / "CURRENT").exists():
            must(self.before is None and "published" not in acknowledged, "the index is gone")
            return
        index = Index.open(folder / "index")
        ids = sorted(int(id) for id in index.ids)
        must(ids == _NEW or (ids == self.before and "published" not in acknowledged), f"{ids}")
        for n in ids:
            word = " new" if ids == _NEW else ""
            must(index.item(str(n)).title == f"Shirt {n}{word}", index.item(str(n)).title)
            vector = vector_of(self._picture_of(n, ids))
            hits = {hit.id: hit.score for hit in index.search(vector, k=3, fold=False)}
            must(hits.get(str(n), 0) > 0.999, f"the picture of {n} finds {hits}")

    def finish(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """Index again: nothing that was acknowledged is encoded a second time."""
        again: list[Any] = []
        self.do(folder, again.append)
        self.check(folder, again)
        twice = set(again[:-1]) & set(acknowledged)
        must(not twice, f"{len(twice)} pictures were encoded again")


class Update(Embed):
    """Index a folder again in which pictures and titles have changed."""

    name, before = "update", _OLD

    def prepare(self, folder: Path) -> None:
        """Index the shop as it was, then change it."""
        self._write_shop(folder, _OLD)
        catalog, encoder = open_catalog(str(folder / "shop")), SyntheticEncoder()
        build(catalog, encoder, folder / "index", _PLAIN, quiet=True)  # type: ignore[arg-type]
        self._write_shop(folder, _NEW)


def vector_of(number: int) -> np.ndarray:
    """Return the vector of a picture, as an index must hold it."""
    if number not in _VECTORS:
        import tempfile

        encoder = SyntheticEncoder()
        with tempfile.TemporaryDirectory() as folder:
            write_picture(Path(folder) / "x.jpg", number)
            pixels = encoder.preprocessing.preprocess(Path(folder) / "x.jpg")
        _VECTORS[number] = encoder.forward(pixels[None])[0]
    return _VECTORS[number]


_VECTORS: dict[int, np.ndarray] = {}


class Events(Work):
    """Record events, one and several at a time."""

    name = "events"
    reads_without_space = False  # SQLite needs files of its own to read
    visitor = "A" * 22

    def prepare(self, folder: Path) -> None:
        """Make an empty store."""
        store = EventStore(f"sqlite:///{folder / 'events.sqlite'}")
        store.close()

    def do(self, folder: Path, acknowledge: Tell) -> None:
        """Record items 0 to 59, each acknowledged once its call has returned."""
        store = EventStore(f"sqlite:///{folder / 'events.sqlite'}")
        for n in range(0, 60, 3):
            store.record(self._event(n))
            acknowledge(n)
            store.update(self.visitor, lambda own, n=n: [self._event(n + 1), self._event(n + 2)])
            acknowledge(n + 2)
        store.close()

    def _event(self, n: int) -> Event:
        return Event(self.visitor, "like", f"i{n}", id=f"event-{n}")

    def check(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """All that was acknowledged is there, in its order, two of one transaction both or none."""
        store = EventStore(f"sqlite:///{folder / 'events.sqlite'}")
        found = [event.item for event in store.of_visitor(self.visitor)]
        must(found == [f"i{n}" for n in range(len(found))], f"events are missing between: {found}")
        must(len(found) > max(acknowledged, default=-1), f"{len(found)} events of {acknowledged}")
        must(len(found) % 3 != 2, "half of a transaction")
        store.close()

    def finish(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """Record all of them again: what is there already is not doubled."""
        store = EventStore(f"sqlite:///{folder / 'events.sqlite'}")
        store.record(self._event(n) for n in range(60))
        must(store.count() == 60, f"{store.count()} events, expected 60")
        store.close()


class Refresh(Work):
    """Train the recommenders on more events than the published ones were trained on."""

    name = "refresh"
    reads_without_space = False  # SQLite needs files of its own to read

    def prepare(self, folder: Path) -> None:
        """Publish an index and models, then record more events."""
        rows = np.arange(_ITEMS)
        noise = np.random.default_rng(0).normal(0, 0.1, (_ITEMS, 8))
        content = GenerationContent(
            vectors=(np.eye(8)[rows % 2] + noise).astype(np.float32),
            items={
                "id": [f"i{row}" for row in rows],
                "title": [f"piece {row}" for row in rows],
                "kind": ["shirt" if row % 2 == 0 else "shoe" for row in rows],
            },
            thumbs=[b"picture"] * _ITEMS,
            encoder={"id": "tiny"},
        )
        publish(folder, write_generation(folder, content, EngineOptions(engine="exact")))
        self._record(folder, 0)
        self._refresh(folder)
        self._record(folder, 10)

    def _refresh(self, folder: Path) -> str | None:
        with closing(self._store(folder)) as store:
            report = refresh(Index.open(folder), store, folder / "models")
        return report.generation if report.live else None

    def _store(self, folder: Path) -> EventStore:
        return EventStore(f"sqlite:///{folder / 'events.sqlite'}")

    def _record(self, folder: Path, day: int) -> None:
        store, start = self._store(folder), datetime(2026, 5, 1, 12, tzinfo=UTC)
        for person in range(20):
            mine = [row for row in range(_ITEMS) if row % 2 == person % 2]
            draw = np.random.default_rng(person + day)
            token = f"{person:02d}{day:02d}".ljust(22, "x")
            for place, row in enumerate(draw.permutation(mine)[:6]):
                when = start + timedelta(days=day + place // 3, minutes=person)
                store.record(Event(token, "like", f"i{row}", time=when))
        store.close()

    def do(self, folder: Path, acknowledge: Tell) -> None:
        """Refresh."""
        if generation := self._refresh(folder):
            acknowledge(generation)

    def check(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """All events are there; the models open and recommend items of the right colour."""
        with closing(self._store(folder)) as store:
            must(store.count() == 240, "events are lost")
        items = Items.of_index(Index.open(folder))
        models = open_published(folder / "models", items)
        if models is None:
            raise WrongAnswerError("the models are gone")
        must(models.generation in acknowledged or not acknowledged, "acknowledged models are gone")
        for colour in (0, 1):
            history = History.of_rows([colour, colour + 2, colour + 4])
            answer = models.hybrid.recommend(history, 3).items
            must([one.row % 2 for one in answer] == [colour] * 3, f"{colour}: {answer}")

    def finish(self, folder: Path, acknowledged: Sequence[Any]) -> None:
        """Refresh again."""
        done: list[Any] = []
        self.do(folder, done.append)
        self.check(folder, done)


WORKS: tuple[Work, ...] = (Embed(), Update(), Publish(), Refresh(), Events())


def prepare_all(folder: Path, works: Sequence[Work]) -> dict[Work, Path]:
    """Prepare each kind of work, and do each once so that all it imports is there before a fork.

    Returns the folders in the state before.
    """
    prepared = {}
    for work in works:
        before, after = folder / work.name / "before", folder / work.name / "after"
        before.mkdir(parents=True)
        work.prepare(before)
        shutil.copytree(before, after)
        work.finish(after, [])
        prepared[work] = before
    return prepared
