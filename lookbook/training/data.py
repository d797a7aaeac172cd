"""Training pictures: small RGBA canvases (alpha is the cut-out), with labels and names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from lookbook.catalog import Item
from lookbook.images.foreground_mask import foreground_mask
from lookbook.images.loading import ImageError, load_rgb
from lookbook.images.transforms import letterbox
from lookbook.training.descriptions import Description

EXACTLY = "exactly"  # the label that DESCRIBED make together
HEADS = ("articleType", "gender", "baseColour", "usage", "season", "label", EXACTLY)
COLOURED = ("baseColour", EXACTLY)  # what is no longer known once the colour is another
DESCRIBED = ("articleType", "gender", "baseColour")  # attributes that people search by
MISSING = -1


@dataclass
class Photos:
    """One source of photographs, in memory.

    `canvases` uint8 (n, size, size, 4); `keys` name what is on the picture (photos with one key
    show one product); `labels` int64 (n, len(HEADS)), MISSING where the source does not say;
    `teacher` float32 (n, t) or None.
    """

    canvases: np.ndarray
    keys: list[str]
    names: list[str]
    attributes: list[dict]
    teacher: np.ndarray | None = None
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: np.ndarray) -> Photos:
        """The photos at `rows`, as a view where numpy allows."""
        return Photos(
            self.canvases[rows],
            [self.keys[r] for r in rows],
            [self.names[r] for r in rows],
            [self.attributes[r] for r in rows],
            None if self.teacher is None else self.teacher[rows],
            None if self.labels is None else self.labels[rows],
        )


def canvas(item: Item, size: int) -> np.ndarray:
    """uint8 (size, size, 4): the letterboxed picture and its cut-out; raises ImageError."""
    picture = load_rgb(item.image, min_side_hint=size)
    scale = size / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    rgb = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    alpha = np.zeros((size, size), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    alpha[top : top + height, left : left + width] = foreground_mask(rgb)
    return np.dstack([np.asarray(letterbox(picture, size)), alpha])


def canvas_side(items: Iterable[Item], least: int = 80, most: int = 192) -> int:
    """Pixels a side of a canvas on which the first pictures are no coarser than they are."""
    sides = []
    for item in islice(items, 20):
        with suppress(ImageError):
            sides.append(max(load_rgb(item.image, min_side_hint=most).size))
    return int(min(most, max(least, median(sides)))) if sides else most


def load_photos(items: Iterable[Item], size: int, key: str, workers: int = 2) -> Photos:
    """Decode a catalogue into canvases of `size`; `key` is the attribute (or "id") that names the
    product. Unusable pictures are left out.
    """

    def one(item: Item) -> tuple[Item, np.ndarray] | None:
        try:
            return item, canvas(item, size)
        except ImageError:
            return None

    with ThreadPoolExecutor(workers) as pool:
        made = [pair for pair in pool.map(one, items) if pair]
    if not made:
        raise ValueError("expected at least one usable picture to train on, found none")
    return Photos(
        canvases=np.stack([c for _, c in made]),
        keys=[str(i.id if key == "id" else i.attributes.get(key)) for i, _ in made],
        names=[i.title for i, _ in made],
        attributes=[dict(i.attributes) for i, _ in made],
    )


def told(attributes: dict, head: str) -> str:
    """What a photo's attributes say to a head; "" when they do not say."""
    if head == EXACTLY:
        parts = [told(attributes, part) for part in DESCRIBED]
        return " ".join(parts) if all(parts) else ""
    value = str(attributes.get(head) or "")
    return "" if value == "NA" else value


def described(photos: Photos, row: int) -> Description:
    """What is said of a photo."""
    attributes = (told(photos.attributes[row], column) for column in DESCRIBED)
    return Description(photos.names[row], " ".join(filter(None, attributes)))


def vocabulary(sources: Sequence[Photos], least: int = 5) -> dict[str, list[str]]:
    """For each head the classes that at least `least` training photos carry, sorted."""
    classes: dict[str, list[str]] = {}
    for head in HEADS:
        counts: dict[str, int] = {}
        for photos in sources:
            for row in photos.attributes:
                value = told(row, head)
                if value:
                    counts[value] = counts.get(value, 0) + 1
        classes[head] = sorted(value for value, n in counts.items() if n >= least)
    return classes


def number_labels(photos: Photos, classes: dict[str, list[str]]) -> None:
    """Fill `photos.labels` by `classes`; what is not among them is MISSING."""
    lookup = {head: {c: i for i, c in enumerate(values)} for head, values in classes.items()}
    photos.labels = np.array(
        [[lookup[h].get(told(row, h), MISSING) for h in HEADS] for row in photos.attributes],
        dtype=np.int64,
    ).reshape(len(photos), len(HEADS))


def cached(path: Path, make: Callable[[], Photos]) -> Photos:
    """Photos from `path` (.npy and .json), or made and written there; canvases memory-mapped."""
    import json

    arrays, texts = path.with_suffix(".npy"), path.with_suffix(".json")
    if not texts.exists():
        photos = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(arrays, photos.canvases)
        texts.write_text(json.dumps([photos.keys, photos.names, photos.attributes]))
    keys, names, attributes = json.loads(texts.read_text())
    return Photos(np.load(arrays, mmap_mode="r"), keys, names, attributes)
