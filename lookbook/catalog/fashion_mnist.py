"""Fashion-MNIST in its own files, as Debian's package dataset-fashion-mnist installs them."""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from lookbook.catalog.files import choose_split, fingerprint
from lookbook.catalog.items import Row, Source
from lookbook.schema.columns import CatalogError, Columns, Field, find_roles

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
NAMES = ("fashion-mnist", "fashion_mnist")
_PREFIXES = {"train": "train", "test": "t10k"}
_ARTICLE_TYPES = (
    *("T-shirt", "Trousers", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def is_fashion_mnist(folder: Path) -> bool:
    """Whether a folder holds the files of MNIST's format."""
    return any(folder.glob("*-images-idx3-ubyte.gz"))


def fashion_mnist_source(folder: Path, name: str, split: str | None, columns: Columns) -> Source:
    """Read the 28 x 28 pictures, dark garments on white as a catalogue has them.

    The files hold white garments on black, so they are inverted. Raises CatalogError.
    """
    splits = [s for s, p in _PREFIXES.items() if (folder / f"{p}-images-idx3-ubyte.gz").is_file()]
    split = choose_split(splits, split, name)
    if split is None:
        raise CatalogError(f"{name}: expected a split, found none")
    files = [f"{_PREFIXES[split]}-{part}-ubyte.gz" for part in ("images-idx3", "labels-idx1")]
    with _idx(folder / files[0], 3) as (_, shape):
        total = shape[0]
    fields = (Field("image", "image"), Field("articleType", "text"))
    return Source(
        "fashion-mnist",
        name,
        fields,
        find_roles(fields, columns, name),
        lambda: _rows(folder / files[0], folder / files[1], split),
        split=split,
        identity={"fingerprint": fingerprint(folder, files)},
        total=total,
        licence="MIT",
    )


def _rows(pictures: Path, labels: Path, split: str) -> Iterator[Row]:
    with _idx(pictures, 3) as (raster, shape), _idx(labels, 1) as (classes, _):
        for number in range(shape[0]):
            pixels = np.frombuffer(_read(raster, shape[1] * shape[2], pictures), np.uint8)
            label = _read(classes, 1, labels)[0]
            if label >= len(_ARTICLE_TYPES):
                raise CatalogError(f"{labels.name}: expected classes 0 to 9, found {label}")
            yield Row(
                f"{split}-{number:05d}",
                {"articleType": _ARTICLE_TYPES[label]},
                functools.partial(_png, 255 - pixels.reshape(shape[1:])),
            )


@contextlib.contextmanager
def _idx(path: Path, dimensions: int) -> Iterator[tuple[gzip.GzipFile, tuple[int, ...]]]:
    """An IDX file of unsigned bytes, opened after its header, and its shape.

    The format is described at http://yann.lecun.com/exdb/mnist/ (archived).
    """
    try:
        file = gzip.GzipFile(path)
    except OSError as error:
        raise CatalogError(f"{path.name}: cannot be read: {error.strerror}") from None
    with file:
        magic = _read(file, 4, path)
        if magic != bytes([0, 0, 8, dimensions]):
            expected = bytes([0, 0, 8, dimensions]).hex()
            raise CatalogError(
                f"{path.name}: expected to begin with {expected}, found {magic.hex()}"
            )
        yield file, struct.unpack(f">{dimensions}I", _read(file, 4 * dimensions, path))


def _read(file: gzip.GzipFile, count: int, path: Path) -> bytes:
    try:
        data = file.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise CatalogError(f"{path.name}: damaged: {error}") from None
    if len(data) != count:
        raise CatalogError(f"{path.name}: cut short: expected {count} bytes, found {len(data)}")
    return data


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
