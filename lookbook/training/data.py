"""Training photos: small RGBA images (alpha is the foreground mask), with labels and titles."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import BinaryIO

import numpy as np
from PIL import Image

from lookbook.catalog import Item
from lookbook.images.foreground_mask import foreground_mask
from lookbook.images.loading import ImageError, load_rgb
from lookbook.images.transforms import letterbox
from lookbook.schema.columns import display_text
from lookbook.schema.missing import is_missing
from lookbook.training.descriptions import Description

COMBINED_LABEL = "combined"  # the values of TEXT_COLUMNS together
LABEL_COLUMNS = (
    *("articleType", "gender", "baseColour", "usage", "season", "label"),
    COMBINED_LABEL,
)
COLOUR_LABELS = ("baseColour", COMBINED_LABEL)  # unknown once a product is recoloured
TEXT_COLUMNS = ("articleType", "gender", "baseColour")  # attributes that users search by
MISSING = -1
DECODE_CHUNK = 1024  # items in memory while a catalogue is decoded


@dataclass
class PhotoDataset:
    """The photos of one source, decoded.

    `rgba_images` uint8 (n, size, size, 4); photos with the same of `keys` show one product;
    `class_ids` int64 (n, len(LABEL_COLUMNS)), MISSING where there is no label; `teacher` float32
    (n, t) or None.
    """

    rgba_images: np.ndarray
    keys: list[str]
    titles: list[str]
    attributes: list[dict]
    teacher: np.ndarray | None = None
    class_ids: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: np.ndarray) -> PhotoDataset:
        """Return the photos at `rows`, as a view where numpy allows it."""
        return PhotoDataset(
            self.rgba_images[rows],
            [self.keys[r] for r in rows],
            [self.titles[r] for r in rows],
            [self.attributes[r] for r in rows],
            None if self.teacher is None else self.teacher[rows],
            None if self.class_ids is None else self.class_ids[rows],
        )


def rgba_image(item: Item, size: int) -> np.ndarray:
    """Return uint8 (size, size, 4): letterboxed image and foreground mask. Raises ImageError."""
    picture = load_rgb(item.image, min_side_hint=size)
    scale = size / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    rgb = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    alpha = np.zeros((size, size), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    alpha[top : top + height, left : left + width] = foreground_mask(rgb)
    return np.dstack([np.asarray(letterbox(picture, size)), alpha])


def image_side(items: Iterable[Item], min_side: int = 80, max_side: int = 192) -> int:
    """Return the median longer side in px of the first images, within the given bounds."""
    longer_sides = []
    for item in islice(items, 20):
        with suppress(ImageError):
            longer_sides.append(max(load_rgb(item.image, min_side_hint=max_side).size))
    return int(min(max_side, max(min_side, median(longer_sides)))) if longer_sides else max_side


def decode_photos(
    items: Iterable[Item], size: int, workers: int
) -> Iterator[tuple[Item, np.ndarray]]:
    """Yield the items of a catalogue in order, each with its `rgba_image`, without invalid ones."""

    def decode(item: Item) -> tuple[Item, np.ndarray] | None:
        try:
            return item, rgba_image(item, size)
        except ImageError:
            return None

    remaining = iter(items)
    with ThreadPoolExecutor(workers) as pool:
        while chunk := list(islice(remaining, DECODE_CHUNK)):
            yield from filter(None, pool.map(decode, chunk))


def cached_photos(
    path: Path, items: Callable[[], Iterable[Item]], size: int, key: str, workers: int
) -> PhotoDataset:
    """Read photos of `size` px from `path` (.npy and .json), after decoding `items` there once.

    `key` is the attribute (or "id") that identifies the product. The images are memory-mapped.
    Raises ValueError when no image is valid.
    """
    arrays, texts = path.with_suffix(".npy"), path.with_suffix(".json")
    if not texts.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        used = _write_images(arrays, decode_photos(items(), size, workers), size)
        if not used:
            raise ValueError("expected at least one usable picture to train on, found none")
        keys = [str(i.id if key == "id" else i.attributes.get(key)) for i in used]
        rows = [[i.title for i in used], [dict(i.attributes) for i in used]]
        texts.write_text(json.dumps([keys, *rows]))  # last: only whole caches have it
    keys, titles, attributes = json.loads(texts.read_text())
    # "c": what is written to the array stays in memory
    return PhotoDataset(np.load(arrays, mmap_mode="c"), keys, titles, attributes)


def _write_images(file: Path, decoded: Iterable[tuple[Item, np.ndarray]], size: int) -> list[Item]:
    """Write images one by one as an array of all of them, as memory may not hold it; return items.

    Their number is known at the end only: numpy leaves space for it in the header.
    """
    items: list[Item] = []
    with file.open("wb") as out:
        for item, image in decoded:
            if not items:
                _write_header(out, 0, size)
            out.write(image.tobytes())
            items.append(item)
        out.seek(0)
        _write_header(out, len(items), size)
    return items


def _write_header(out: BinaryIO, count: int, size: int) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 4)}
    np.lib.format.write_array_header_1_0(out, header)


def label_of(attributes: Mapping[str, object], column: str) -> str:
    """Return a photo's label in one of LABEL_COLUMNS, "" if it is missing."""
    if column == COMBINED_LABEL:
        parts = [label_of(attributes, part) for part in TEXT_COLUMNS]
        return " ".join(parts) if all(parts) else ""
    value = attributes.get(column)
    return "" if is_missing(value) else display_text(value)


def description_of(photos: PhotoDataset, row: int) -> Description:
    """Return title and searchable attributes of a photo."""
    return description(photos.titles[row], photos.attributes[row])


def description(title: str, attributes: Mapping[str, object]) -> Description:
    """Return the title of a product and those of its attributes that users search by."""
    labels = (label_of(attributes, column) for column in TEXT_COLUMNS)
    return Description(title, " ".join(filter(None, labels)))


def label_classes(sources: Sequence[PhotoDataset], min_count: int = 5) -> dict[str, list[str]]:
    """Return for each label column the sorted classes of at least `min_count` photos."""
    classes = {}
    for column in LABEL_COLUMNS:
        labels = (label_of(row, column) for photos in sources for row in photos.attributes)
        counts = Counter(filter(None, labels))
        classes[column] = sorted(label for label, n in counts.items() if n >= min_count)
    return classes


def set_class_ids(photos: PhotoDataset, classes: dict[str, list[str]]) -> None:
    """Set `photos.class_ids` by `classes`; labels that are not among them are MISSING."""
    lookup = {column: {c: i for i, c in enumerate(names)} for column, names in classes.items()}
    photos.class_ids = np.array(
        [
            [lookup[column].get(label_of(row, column), MISSING) for column in LABEL_COLUMNS]
            for row in photos.attributes
        ],
        dtype=np.int64,
    ).reshape(len(photos), len(LABEL_COLUMNS))
