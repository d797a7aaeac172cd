"""Queries of each kind that an engine is tuned on, made of the catalogue's own rows.

Photos that people will take are not known when an index is built. They are simulated: the stored
pictures of rows that tuning leaves out of the engine, as a webcam would see the products
(`simulate_street_photo`), encoded and adapted as a visitor's photo is.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from lookbook.catalog import Item
from lookbook.encoding.cpu import available_cores
from lookbook.encoding.encoder import Encoder
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.loading import ImageError
from lookbook.index import Projection, project
from lookbook.index.engines.tuning import held_out_rows
from lookbook.index.normalization import unit_vectors

# Simulating and encoding one takes as long as two of the catalogue's own photos do, so a small
# catalogue, of which exact search is fast as well, makes fewer.
PHOTOS, MIN_PHOTOS, ROWS_PER_PHOTO = 100, 24, 40


def queries_by_kind(
    encoder: Encoder,
    vectors: np.ndarray,
    items: Callable[[Sequence[int]], Sequence[Item]],
    pictures: Callable[[Sequence[int]], Iterable[bytes]],
    projection: Projection | None,
    seed: int = 0,
    kept: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Return the queries that an engine is tuned on, by kind, in the space of the index, (q, dim).

    `vectors` (photos, raw_dim) are the encoder's own; `items` and `pictures` give the items and the
    stored pictures of rows, items only of those that are the first photo of one. `kept` are photo
    and text queries of an earlier run; new ones are made of the rows that tuning leaves out of the
    engine.
    """
    rows = held_out_rows(len(vectors), seed)
    if not len(rows):
        return {}
    held_out = np.asarray(vectors[rows], np.float32)
    queries: dict[str, np.ndarray | None] = {**(kept or {})}
    if not kept:
        count = min(PHOTOS, max(MIN_PHOTOS, len(vectors) // ROWS_PER_PHOTO))
        seen = np.sort(np.random.default_rng(seed).permutation(rows)[:count])
        queries["photo"] = photo_queries(encoder, pictures(seen.tolist()), projection, seed)
        length = float(np.median(np.linalg.norm(held_out, axis=1)))
        texts = texts_of(items(rows.tolist()))
        queries["text"] = text_queries(encoder, texts, projection, length)
    queries["item"] = item_queries(encoder, held_out, projection)
    return {
        kind: one.astype(np.float16).astype(np.float32)
        for kind, one in queries.items()
        if one is not None
    }


def item_queries(encoder: Encoder, rows: np.ndarray, projection: Projection | None) -> np.ndarray:
    """Return encoded rows (n, raw_dim) as item queries in the space of the index, (n, dim).

    Projected rows have no heads to scale, so these are searched as they are stored.
    """
    if projection is None and _adapts(encoder):
        return encoder.as_query(rows, "item")
    return project(rows, projection)


def photo_queries(
    encoder: Encoder, pictures: Iterable[bytes], projection: Projection | None, seed: int = 0
) -> np.ndarray | None:
    """Return simulated photos of pictures as queries in the space of the index, (n, dim).

    None where there is no picture, one cannot be read, or the encoder has no preprocessing of
    photos: `tune` adds noise to rows then.
    """
    if not isinstance(encoder, Encoder):
        return None
    try:
        with ThreadPoolExecutor(available_cores()) as threads:
            photos = list(threads.map(_street_photo, pictures, itertools.count(seed)))
        vectors = encoder.encode(photos)
    except (ImageError, OSError, ValueError):
        return None
    if not len(vectors):
        return None
    return project(encoder.as_query(vectors, "photo") if _adapts(encoder) else vectors, projection)


def _street_photo(picture: bytes, seed: int) -> Image.Image:
    return simulate_street_photo(Image.open(io.BytesIO(picture)).convert("RGB"), seed)


def text_queries(
    encoder: Encoder, texts: Sequence[str], projection: Projection | None, length: float = 1.0
) -> np.ndarray | None:
    """Return texts as queries in the space of the index, (n, dim); None for none that is known.

    `length`: the norm that they are given where vectors keep theirs.
    """
    if not isinstance(encoder, Encoder):
        return None
    known = [text for text in dict.fromkeys(texts) if encoder.knows(text)]
    if not known:
        return None
    vectors = project(encoder.as_query(encoder.encode_text(known), "text"), projection)
    return np.asarray(length * unit_vectors(vectors), np.float32)


def texts_of(items: Sequence[Item]) -> list[str]:
    """Return what people may type for items: the title of one, for the next an attribute's value.

    Values are taken in turn from the columns whose values are text.
    """
    texts = []
    for number, item in enumerate(items):
        values = [value for value in item.attributes.values() if isinstance(value, str)]
        texts.append(values[number // 2 % len(values)] if number % 2 and values else item.title)
    return texts


def _adapts(encoder: Encoder) -> bool:
    return isinstance(encoder, Encoder) and encoder.normalize
