"""Measure the efforts of an index anew, or build another engine for it, without encoding again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lookbook.catalog import Item
from lookbook.encoding.encoder import Encoder
from lookbook.index import EngineOptions, Generation, prune, publish
from lookbook.index.writing import rewrite_engine
from lookbook.indexing.pipeline import exclusive_lock
from lookbook.indexing.reuse import EMBEDDINGS, query_files
from lookbook.indexing.tuning_queries import queries_by_kind


def retune(
    root: Path, encoder: Encoder, engine: str | None = None, recall: float | None = None
) -> Path:
    """Publish the index at `root` with efforts measured for each kind of query; return its folder.

    `engine` and `recall`: those of the index where they are not given. Items, vectors and pictures
    stay as they are. `encoder` is the one that the index was built with. Raises ValueError where
    there is no engine to tune, and as `Generation.open` does.
    """
    with exclusive_lock(root):
        generation = Generation.open(root)
        m = generation.manifest
        name = engine or m.built
        if name is None or name == "exact":
            raise ValueError(
                f"{root} has exact search only, which has no effort: give --engine annoy or another"
            )
        queries = queries_by_kind(
            encoder,
            _embeddings(generation),
            lambda rows: _items(generation, rows),
            lambda rows: [generation.thumb(row) for row in rows],
            generation.projection,
            m.seed,
        )
        options = EngineOptions(
            metric=m.metric,
            engine=name,
            trees=m.trees if name == m.built else None,
            recall=recall or m.recall_target,
            seed=m.seed,
        )
        folder = rewrite_engine(root, generation, queries, options, query_files(queries))
        publish(root, folder)
        prune(root)
        return folder


def _embeddings(generation: Generation) -> np.ndarray:
    """Return the encoder's own vectors (photos, raw_dim); raises ValueError where none are kept."""
    m = generation.manifest
    if generation.projection is None:
        return generation.photo_vectors
    stored = generation.read_array(EMBEDDINGS, (m.photos, m.raw_dim), np.float16)
    if stored is None:
        raise ValueError(
            "this index holds projected vectors only, which cannot be asked as items are: run "
            "embed.py again"
        )
    return stored


def _items(generation: Generation, rows: Sequence[int]) -> list[Item]:
    """Return the items whose first photos are among `rows`, without pictures."""
    first = [row for row in rows if row < generation.manifest.count]
    records = generation.items.take(first).to_pylist()
    return [
        Item(id=r.pop("id"), title=r.pop("title"), image=b"", attributes=r)
        for r in ({k: v for k, v in one.items() if k != "group"} for one in records)
    ]
