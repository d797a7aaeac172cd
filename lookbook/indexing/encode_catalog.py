"""Encode the items of a catalogue into the cache, decoding on other threads meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from lookbook.catalog import Catalog, Item
from lookbook.encoding.encoder import Encoder
from lookbook.images.loading import ImageError, Picture, content_hash, read_bytes
from lookbook.images.transforms import thumbnail, thumbnail_descriptor
from lookbook.indexing.embedding_cache import EmbeddingCache, EncodedImage

SHARD = 128  # pictures encoded between two writes: the most that an interruption can cost


@dataclass
class EncodedCatalog:
    """Usable items in catalogue order with the hash of each picture, and the rejected ones."""

    items: list[Item] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)  # id, reason, sentence, file
    newly_encoded: int = 0  # the others were in the cache, or repeat a picture


@dataclass
class _Prepared:
    item: Item
    hash: str = ""
    pixels: np.ndarray | None = None  # None: in the cache already
    thumbnail_descriptor: np.ndarray | None = None
    thumbnail: bytes = b""
    error: ImageError | None = None
    file: str | None = None  # name of a rejected picture, where it is a file


def encode_catalog(
    catalog: Catalog,
    encoder: Encoder,
    cache: EmbeddingCache,
    *,
    batch_size: int,
    quiet: bool = False,
) -> EncodedCatalog:
    """Encode what `cache` does not have yet. Unusable pictures are listed, never raised."""
    encoded = EncodedCatalog()
    bar = tqdm(total=catalog.total, unit=" pictures", disable=quiet or None, smoothing=0.05)
    with ThreadPoolExecutor(2) as pool, bar:
        for chunk in _prefetch(catalog, pool, encoder, cache):
            missing = [p for p in chunk if p.pixels is not None]
            if missing:
                encoded.newly_encoded += _encode(missing, encoder, cache, batch_size)
            _append(chunk, encoded)
            bar.update(len(chunk))
    return encoded


def _prefetch(
    items: Iterable[Item], pool: ThreadPoolExecutor, encoder: Encoder, cache: EmbeddingCache
) -> Iterator[list[_Prepared]]:
    """Yield chunks of prepared items; the next chunk is read and decoded while the caller uses one.

    A thread of its own reads ahead, so that a slow source does not hold back what it gave before.
    """
    stream = iter(items)

    def read_chunk() -> list[Future]:
        return [
            pool.submit(_prepare, item.image, item, encoder, cache)
            for item in islice(stream, SHARD)
        ]

    with ThreadPoolExecutor(1) as reader:
        upcoming = reader.submit(read_chunk)
        while chunk := upcoming.result():
            upcoming = reader.submit(read_chunk)
            yield [future.result() for future in chunk]


def _prepare(picture: Picture, item: Item, encoder: Encoder, cache: EmbeddingCache) -> _Prepared:
    """Hash a picture; unless it is in the cache, decode, letterbox and make its thumbnail."""
    file = Path(picture).name if isinstance(picture, (str, Path)) else None
    item = Item(item.id, b"", item.title, item.attributes)  # lets go of the picture's bytes
    try:
        if isinstance(picture, (Image.Image, np.ndarray)):
            pixels = np.asarray(picture)
            digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        else:
            picture = picture if isinstance(picture, bytes) else read_bytes(picture)
            digest = content_hash(picture)
        if digest in cache:
            return _Prepared(item, digest)
        image = encoder.preprocessing.open(picture)
        pixels = encoder.preprocessing.resize(image)
        return _Prepared(item, digest, pixels, thumbnail_descriptor(image), thumbnail(image))
    except ImageError as error:
        return _Prepared(item, error=error, file=file)


def _encode(
    prepared: list[_Prepared], encoder: Encoder, cache: EmbeddingCache, batch_size: int
) -> int:
    """Encode what the cache lacks and add it; return how many pictures that were."""
    distinct = list({p.hash: p for p in prepared if p.hash not in cache}.values())
    if not distinct:
        return 0
    batches = [distinct[i : i + batch_size] for i in range(0, len(distinct), batch_size)]
    vectors = [encoder.forward(np.stack([_present(p.pixels) for p in batch])) for batch in batches]
    cache.add_shard(
        [
            EncodedImage(p.hash, vector, _present(p.thumbnail_descriptor), p.thumbnail)
            for p, vector in zip(distinct, np.concatenate(vectors), strict=True)
        ]
    )
    return len(distinct)


def _present(array: np.ndarray | None) -> np.ndarray:
    assert array is not None, "what the cache lacks has been prepared"
    return array


def _append(chunk: list[_Prepared], encoded: EncodedCatalog) -> None:
    for prepared in chunk:
        if prepared.error is None:
            encoded.items.append(prepared.item)
            encoded.hashes.append(prepared.hash)
            continue
        rejection = {
            "id": prepared.item.id,
            "reason": prepared.error.reason,
            "sentence": str(prepared.error),
        }
        encoded.rejected.append(rejection | ({"file": prepared.file} if prepared.file else {}))
