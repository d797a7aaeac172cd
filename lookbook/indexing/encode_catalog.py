"""Encode the items of a catalogue into the cache, decoding on other threads meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image
from tqdm import tqdm

from lookbook.catalog import Catalog, Item, Rejection
from lookbook.encoding.encoder import Encoder
from lookbook.images.loading import ImageError, Picture, content_hash, load_rgb, read_bytes
from lookbook.images.transforms import (
    THUMBNAIL_HEIGHT,
    detail,
    thumbnail,
    thumbnail_descriptor,
)
from lookbook.indexing.embedding_cache import EncodedImage

SHARD = 128  # pictures encoded between two writes: the most that an interruption can cost


class EmbeddingStore(Protocol):
    """Where embeddings are kept by content hash: `EmbeddingCache`, or a part of a catalogue."""

    def __contains__(self, content_hash: str) -> bool:
        """Whether a picture needs no encoding."""

    def add_shard(self, images: list[EncodedImage]) -> None:
        """Keep the images that are new."""


@dataclass(frozen=True)
class PictureOptions:
    """The two sizes that a photo is stored in, both as WebP or AVIF of `quality` (1 to 100).

    Beside its thumbnail, a larger photo gets a detail of at most `detail_size` px on each side; 0
    for none. `quality` None is that of `lookbook.images.transforms.QUALITIES`.
    """

    detail_size: int = 1024
    quality: int | None = None
    file_format: str = "webp"


@dataclass
class EncodedCatalog:
    """Usable items in catalogue order, the content hashes of their photos, what was rejected.

    An entry of `rejected` has id, reason, sentence, maybe file, and `kept` where it is a photo of
    an item that has others.
    """

    items: list[Item] = field(default_factory=list)
    photos: list[list[str]] = field(default_factory=list)  # of each item, its first one first
    rejected: list[dict[str, Any]] = field(default_factory=list)
    newly_encoded: int = 0  # the others were in the cache, or repeat a picture

    @property
    def hashes(self) -> list[str]:
        """Content hash of each photo: the first ones in the order of items, then the others."""
        further = [digest for photos in self.photos for digest in photos[1:]]
        return [photos[0] for photos in self.photos] + further

    @property
    def further_items(self) -> np.ndarray:
        """Return int64 (photos - items,): which item each of the further photos is of."""
        counts = [len(photos) - 1 for photos in self.photos]
        return np.repeat(np.arange(len(counts)), counts)


@dataclass
class _Photo:
    hash: str
    pixels: np.ndarray | None = None  # None: in the cache already
    thumbnail_descriptor: np.ndarray | None = None
    thumbnail: bytes = b""
    detail: bytes = b""


@dataclass
class _Prepared:
    """An item and its different photos that can be used; what is wrong with the others."""

    item: Item
    photos: dict[str, _Photo] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)


def encode_catalog(
    catalog: Catalog,
    encoder: Encoder,
    cache: EmbeddingStore,
    *,
    batch_size: int,
    quiet: bool = False,
    parallel: int = 1,
    pictures: PictureOptions = PictureOptions(),
) -> EncodedCatalog:
    """Encode what `cache` does not have yet. Unusable pictures are listed, never raised.

    The further photos of `parallel` items are fetched at once.
    """
    encoded = EncodedCatalog()
    prepare = partial(_prepare, encoder=encoder, cache=cache, options=pictures)
    bar = tqdm(total=catalog.total, unit=" items", disable=quiet or None, smoothing=0.05)
    with ThreadPoolExecutor(max(2, parallel)) as pool, bar:
        for chunk in _prefetch(catalog, pool, prepare):
            photos = (photo for prepared in chunk for photo in prepared.photos.values())
            missing = [photo for photo in photos if photo.pixels is not None]
            for start in range(0, len(missing), SHARD):
                shard = missing[start : start + SHARD]
                encoded.newly_encoded += _encode(shard, encoder, cache, batch_size)
            _append(chunk, encoded)
            bar.update(len(chunk))
    return encoded


def _prefetch(
    items: Iterable[Item], pool: ThreadPoolExecutor, prepare: Callable[[Item], _Prepared]
) -> Iterator[list[_Prepared]]:
    """Yield chunks of prepared items; the next chunk is read and decoded while the caller uses one.

    A thread of its own reads ahead, so that a slow source does not hold back what it gave before.
    """
    stream = iter(items)

    def read_chunk() -> list[Future]:
        return [pool.submit(prepare, item) for item in islice(stream, SHARD)]

    with ThreadPoolExecutor(1) as reader:
        upcoming = reader.submit(read_chunk)
        while chunk := upcoming.result():
            upcoming = reader.submit(read_chunk)
            yield [future.result() for future in chunk]


def _prepare(
    item: Item, encoder: Encoder, cache: EmbeddingStore, options: PictureOptions
) -> _Prepared:
    """Prepare the photos of an item; one that repeats another of them counts once."""
    prepared = _Prepared(Item(item.id, b"", item.title, item.attributes))  # without the picture
    prepared.problems += [record(rejection) for rejection in item.unusable]
    for fetch in (lambda: item.image, *item.photos):
        picture: Picture | None = None
        try:
            picture = fetch()
            photo = _prepare_photo(picture, encoder, cache, options)
            prepared.photos.setdefault(photo.hash, photo)
        except ImageError as error:
            problem = {"id": item.id, "reason": error.reason, "sentence": str(error)}
            if isinstance(picture, (str, Path)):
                problem["file"] = Path(picture).name
            prepared.problems.append(problem)
    return prepared


def _prepare_photo(
    picture: Picture, encoder: Encoder, cache: EmbeddingStore, options: PictureOptions
) -> _Photo:
    """Hash a picture; unless it is in the cache, decode, letterbox and make what is shown of it."""
    if isinstance(picture, (Image.Image, np.ndarray)):
        pixels = np.asarray(picture)
        digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    else:
        picture = picture if isinstance(picture, bytes) else read_bytes(picture)
        digest = content_hash(picture)
    if digest in cache:
        return _Photo(digest)
    image, larger = _decoded(picture, encoder, options.detail_size)
    size, form = options.detail_size, (options.quality, options.file_format)
    return _Photo(
        digest,
        encoder.preprocessing.resize(image),
        thumbnail_descriptor(image),
        thumbnail(image, THUMBNAIL_HEIGHT, *form),
        detail(larger, size, *form) if size else b"",
    )


def _decoded(
    picture: Picture, encoder: Encoder, detail_size: int
) -> tuple[Image.Image, Image.Image]:
    """Decode a picture as the encoder reads it, and large enough for its detail."""
    side = encoder.preprocessing.decode_side
    larger = load_rgb(picture, min_side_hint=max(side, detail_size))
    # what is smaller than both was not reduced, nor would it be for the encoder
    is_one = detail_size <= side or min(larger.size) < min(detail_size, 2 * side)
    return larger if is_one else encoder.preprocessing.open(picture), larger


def _encode(photos: list[_Photo], encoder: Encoder, cache: EmbeddingStore, batch_size: int) -> int:
    """Encode what the cache lacks and add it; return how many pictures that were."""
    distinct = list({p.hash: p for p in photos if p.hash not in cache}.values())
    if not distinct:
        return 0
    batches = [distinct[i : i + batch_size] for i in range(0, len(distinct), batch_size)]
    vectors = [encoder.forward(np.stack([_present(p.pixels) for p in batch])) for batch in batches]
    cache.add_shard(
        [
            EncodedImage(p.hash, vector, _present(p.thumbnail_descriptor), p.thumbnail, p.detail)
            for p, vector in zip(distinct, np.concatenate(vectors), strict=True)
        ]
    )
    return len(distinct)


def _present(array: np.ndarray | None) -> np.ndarray:
    assert array is not None, "what the cache lacks has been prepared"
    return array


def _append(chunk: list[_Prepared], encoded: EncodedCatalog) -> None:
    for prepared in chunk:
        if prepared.photos:
            encoded.items.append(prepared.item)
            encoded.photos.append(list(prepared.photos))
            encoded.rejected += [problem | {"kept": True} for problem in prepared.problems]
        else:
            encoded.rejected.append(prepared.problems[0])


def record(rejection: Rejection) -> dict[str, Any]:
    """Return a rejection as an entry of `EncodedCatalog.rejected`."""
    return {name: value for name, value in vars(rejection).items() if value is not None}
