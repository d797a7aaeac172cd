"""Write the collection as an imagefolder: JPEG files and metadata.csv, as the Hub has it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from .collection import products
from .product import Product

QUALITY = 90
BATCH = 128
T = TypeVar("T")


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Split into lists of at most `size` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def jpeg(product: Product) -> bytes:
    """Draw a product and encode it as JPEG."""
    buffer = io.BytesIO()
    product.draw().save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def pictures(items: Iterable[Product], workers: int) -> Iterator[tuple[Product, bytes]]:
    """Draw products in order, in `workers` processes; one batch is in memory at a time."""
    if workers <= 1:
        yield from ((product, jpeg(product)) for product in items)
        return
    with get_context("spawn").Pool(workers) as pool:
        for batch in batches(items, BATCH):
            yield from zip(batch, pool.imap(jpeg, batch, chunksize=4), strict=True)


def write_imagefolder(
    output: str | os.PathLike, count: int, seed: int = 0, workers: int | None = None
) -> int:
    """Write the first `count` products of a seed to the folder `output`; returns the count.

    `workers`: processes that draw, one for each core without it; the bytes do not depend on it.
    """
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if count >= BATCH else 1
    written = 0
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        for product, data in pictures(products(count, seed), workers):
            name, row = f"{product.id}.jpg", product.row()
            if not written:
                rows.writerow(["file_name", *row])
            (folder / name).write_bytes(data)
            rows.writerow([name, *row.values()])
            written += 1
    return written
