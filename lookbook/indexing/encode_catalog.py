"""Items through the encoder into the store, decoding on other threads while the model works."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from lookbook.catalog import Catalog, Item
from lookbook.encoding.encoder import Encoder
from lookbook.images.loading import ImageError, Picture, content_hash, read_bytes
from lookbook.images.transforms import thumbnail, thumbnail_descriptor
from lookbook.indexing.embedding_cache import EmbeddingCache, Encoded

SHARD = 128  # pictures encoded between two saves: what a kill can cost at most


@dataclass
class EncodedCatalog:
    """Usable items in catalogue order with the hash of each picture, and the others by reason."""

    items: list[Item] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)
    encoded: int = 0  # by this run; the others came from an earlier one or repeat a picture


@dataclass
class _Prepared:
    item: Item
    hash: str = ""
    pixels: np.ndarray | None = None  # None: in the store already
    thumbnail_descriptor: np.ndarray | None = None
    thumb: bytes = b""
    error: ImageError | None = None
    file: str | None = None  # of a picture that cannot be used, where it is one


def encode_catalogue(
    catalog: Catalog,
    encoder: Encoder,
    store: EmbeddingCache,
    *,
    batch_size: int,
    quiet: bool = False,
) -> EncodedCatalog:
    """Encode what `store` does not have yet. Bad pictures are listed, never raised."""
    kept = EncodedCatalog()
    bar = tqdm(total=catalog.total, unit=" pictures", disable=quiet, smoothing=0.05)
    with ThreadPoolExecutor(2) as pool, bar:
        for chunk in _prefetch(catalog, pool, encoder, store):
            fresh = [p for p in chunk if p.pixels is not None]
            if fresh:
                kept.encoded += _encode(fresh, encoder, store, batch_size)
            _keep(chunk, kept, store)
            bar.update(len(chunk))
    return kept


def _prefetch(
    items: Iterable[Item], pool: ThreadPoolExecutor, encoder: Encoder, store: EmbeddingCache
) -> Iterator[list[_Prepared]]:
    """Chunks of prepared items; the next chunk decodes while the caller works on this one."""
    waiting: list[Future] | None = None
    stream = iter(items)
    while True:
        chunk = [
            pool.submit(_prepare, item.image, item, encoder, store)
            for item in islice(stream, SHARD)
        ]
        if waiting:
            yield [future.result() for future in waiting]
        if not chunk:
            return
        waiting = chunk


def _prepare(picture: Picture, item: Item, encoder: Encoder, store: EmbeddingCache) -> _Prepared:
    """Hash, and unless it is encoded already: decode, letterbox, thumbnail."""
    file = Path(picture).name if isinstance(picture, (str, Path)) else None
    bare = Item(item.id, b"", item.title, item.attributes)  # do not hold on to the bytes
    try:
        if isinstance(picture, (Image.Image, np.ndarray)):
            pixels = np.asarray(picture)
            digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        else:
            picture = picture if isinstance(picture, bytes) else read_bytes(picture)
            digest = content_hash(picture)
        if digest in store:
            return _Prepared(bare, digest)
        image = encoder.preprocessing.open(picture)
        pixels = encoder.preprocessing.resize(image)
        return _Prepared(bare, digest, pixels, thumbnail_descriptor(image), thumbnail(image))
    except ImageError as error:
        return _Prepared(bare, error=error, file=file)


def _encode(
    prepared: list[_Prepared], encoder: Encoder, store: EmbeddingCache, batch_size: int
) -> int:
    """Encode and store what is new; returns how many pictures that were."""
    once = list({p.hash: p for p in prepared if p.hash not in store}.values())
    if not once:
        return 0
    vectors = [
        encoder.forward(np.stack([p.pixels for p in once[i : i + batch_size]]))
        for i in range(0, len(once), batch_size)
    ]
    store.add(
        [
            Encoded(p.hash, vector, p.thumbnail_descriptor, p.thumb)
            for p, vector in zip(once, np.concatenate(vectors), strict=True)
        ]
    )
    return len(once)


def _keep(chunk: list[_Prepared], kept: EncodedCatalog, store: EmbeddingCache) -> None:
    for prepared in chunk:
        if prepared.error is not None:
            kept.rejected.append(
                {
                    "id": prepared.item.id,
                    "reason": prepared.error.reason,
                    "sentence": str(prepared.error),
                }
                | ({"file": prepared.file} if prepared.file else {})
            )
        else:
            kept.items.append(prepared.item)
            kept.hashes.append(prepared.hash)
