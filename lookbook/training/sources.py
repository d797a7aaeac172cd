"""The sources of a training: read, cached and split."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from lookbook.catalog import Item, open_catalog
from lookbook.catalog.cell_values import value_from_json
from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
from lookbook.evaluation.retrieval import decodable_items
from lookbook.evaluation.splits import PRODUCTS_HELD_OUT, held_out
from lookbook.schema.batches import batches
from lookbook.training.data import PhotoDataset, cached_photos, image_side

Pictures = Iterator[tuple[Item, Image.Image]]
MEMORY_SHARE = 0.8  # of the free main memory, for decoded photos; the rest is for the network


def read_sources(args: argparse.Namespace) -> tuple[list[PhotoDataset], PhotoDataset | None]:
    """Return the products' and the phone photos, with teacher vectors, cached in `--work`."""
    count = len(args.data) + bool(args.phone_photos)
    if len(args.teacher) not in (0, count):
        raise SystemExit(f"--teacher: expected {count}, one a source, found {len(args.teacher)}")

    def read(name: str, key: str) -> PhotoDataset:
        size = image_side(open_catalog(name), max_side=args.cache_side)
        path = args.work / "cache" / f"{fingerprint(name, key)}-{size}"
        return cached_photos(path, lambda: open_catalog(name), size, key, args.threads)

    sources = [read(name, "id") for name in args.data]
    if args.phone_photos:
        sources.append(read(args.phone_photos, "sender_id"))
    check_memory(sum(photos.rgba_images.nbytes for photos in sources), free_memory(), args)
    for photos, file in zip(sources, args.teacher, strict=False):
        vectors = np.load(file).astype(np.float32)
        if len(vectors) != len(photos):
            raise SystemExit(f"{file} has {len(vectors)} vectors, its source {len(photos)} photos")
        vectors -= vectors.mean(0)  # the mean over all images carries no information
        photos.teacher = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (sources[:-1], sources[-1]) if args.phone_photos else (sources, None)


def free_memory() -> float:
    """Return the bytes of main memory that programs can still take; inf if the system is silent."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    return float("inf")


def check_memory(needed: float, free: float, args: argparse.Namespace) -> None:
    """Raise SystemExit when decoded photos of `needed` bytes do not fit into `free` ones."""
    if needed > MEMORY_SHARE * free:
        raise SystemExit(
            f"the decoded photos take {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are "
            f"free; give fewer photos, or a --cache-side below {args.cache_side}"
        )


def fingerprint(name: str, key: str) -> str:
    """Return 8 hex digits of a source's path, its files' sizes and times, and `key`.

    The name alone is not enough: sources are often called `data` and written anew.
    """
    path = Path(name).absolute()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [file.stat() for file in files if file.is_file()]
    parts = [str(path), key, *(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats)]
    return hashlib.sha1("\n".join(parts).encode()).hexdigest()[:8]


def add_folder_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that fits a part of an encoder to pictures that it encodes."""
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="folder of the encoder")
    parser.add_argument("--output", type=Path, required=True, help="folder to write into")
    parser.add_argument("--work", type=Path, default=Path("training-work"), help="encoded pictures")


def work_file(work: Path, name: str, source: str, encoder: Encoder, *drawn: int) -> Path:
    """Return where what `encoder` made of the pictures `name` of a source is kept.

    `drawn` are the seed and counts by which pictures are made: with others there are others.
    """
    made = "-".join(map(str, (name, *drawn)))
    return work / f"{made}-{fingerprint(source, 'id')}-{encoder.revision}.npz"


def training_products(name: str) -> Iterator[Item]:
    """Yield the products of a catalogue that are not held out from training."""
    return (item for item in open_catalog(name) if not held_out(item.id, PRODUCTS_HELD_OUT))


def decoded(items: Iterable[Item]) -> Pictures:
    """Yield the items whose picture can be decoded, with it."""
    return ((item, picture) for item, picture, _ in decodable_items(items))


def encoded(
    path: Path, encoder: Encoder, pictures: Callable[[], Pictures]
) -> tuple[np.ndarray, list[dict[str, object]]]:
    """Return vectors (n, dim) and attributes of pictures, kept in the file `path`.

    `id` and `title` are among the attributes.
    """
    if not path.exists():
        attributes, vectors = [], []
        for batch in batches(pictures(), 64):
            attributes += [
                {"id": item.id, "title": item.title, **item.attributes} for item, _ in batch
            ]
            vectors.append(encoder.encode([picture for _, picture in batch]))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, vectors=np.concatenate(vectors), attributes=json.dumps(attributes))
    with np.load(path, allow_pickle=False) as file:
        read = json.loads(str(file["attributes"]))
        return file["vectors"], [{n: value_from_json(v) for n, v in row.items()} for row in read]


def split(photos: PhotoDataset, fraction: float, test: bool = False) -> PhotoDataset:
    """Return the photos whose product or photographer is in the training (or test) split."""
    rows = [r for r, key in enumerate(photos.keys) if held_out(key, fraction) == test]
    return photos.take(np.array(rows, np.int64))


def validation_sample(
    test_products: list[PhotoDataset], max_gallery: int = 1500, max_larger: int = 400
) -> tuple[PhotoDataset, PhotoDataset | None]:
    """Return a gallery of held-out products and larger photos of some, few enough for speed.

    Products that have a larger photo come first.
    """
    gallery, larger = test_products[0], test_products[1] if len(test_products) > 1 else None
    keys = set(larger.keys if larger else ())
    rows = sorted(range(len(gallery)), key=lambda row: gallery.keys[row] not in keys)
    gallery = gallery.take(np.array(rows[:max_gallery], np.int64))
    return gallery, larger.take(np.arange(min(max_larger, len(larger)))) if larger else None
