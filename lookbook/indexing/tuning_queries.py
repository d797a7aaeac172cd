"""Queries of each kind that an engine is tuned on, made of the catalogue's own rows.

Photos that people will take are not known when an index is built. They are simulated: the stored
pictures of rows that tuning leaves out of the engine, as a webcam would see the products
(`simulate_street_photo`), encoded and adapted as a visitor's photo is.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from lookbook.catalog import Item
from lookbook.encoding.encoder import Encoder
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.loading import ImageError
from lookbook.index import Projection, project
from lookbook.index.normalization import unit_vectors

PHOTOS = 100  # simulating and encoding one takes about 50 ms


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
        photos = [
            simulate_street_photo(Image.open(io.BytesIO(picture)).convert("RGB"), seed + number)
            for number, picture in enumerate(pictures)
        ]
        vectors = encoder.encode(photos)
    except (ImageError, OSError, ValueError):
        return None
    if not len(vectors):
        return None
    return project(encoder.as_query(vectors, "photo") if _adapts(encoder) else vectors, projection)


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
