"""Composites: photos of two or three products at once, whose boxes are known as they are put there.

Products are cut out of studio photos and laid side by side, or as they are worn (one below the
other), on the backgrounds of `street_photos`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lookbook.evaluation.street_photos import (
    add_lens_blur_and_jpeg,
    draw_background,
    product_cutout,
)

SIZES = ((480, 640), (640, 480), (560, 560))  # width, height in px
_FILL = (0.72, 0.95)  # share of its cell that a product fills
_MAX_TURN = 8  # degrees

# from top to bottom
WORN = (
    ("top", "trousers"),
    ("top", "trousers", "shoes"),
    ("top", "skirt", "shoes"),
    ("dress", "shoes"),
)

PixelBox = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom exclusive


def compose(
    photos: Sequence[Image.Image], seed: int, stacked: bool = False
) -> tuple[Image.Image, list[PixelBox]]:
    """Compose studio photos into one RGB photo; also return the box of each product in it.

    `stacked` puts them one below the other (first at the top), else side by side. The seed decides
    everything.
    """
    draw = np.random.default_rng(seed)
    width, height = SIZES[0] if stacked else SIZES[int(draw.integers(1, 3))]
    frame = draw_background(draw, max(width, height)).crop((0, 0, width, height))
    cutouts = [product_cutout(photo) for photo in photos]
    boxes = []
    for cutout, cell in zip(cutouts, _cells(cutouts, (width, height), stacked), strict=True):
        product = _fit(cutout, cell, draw)
        x = int(cell[0] + draw.uniform(0.3, 0.7) * (cell[2] - cell[0] - product.width))
        y = int(cell[1] + draw.uniform(0.3, 0.7) * (cell[3] - cell[1] - product.height))
        frame.paste(product, (x, y), product)
        boxes.append((x, y, x + product.width, y + product.height))
    return add_lens_blur_and_jpeg(frame, draw), boxes


def _cells(
    cutouts: Sequence[Image.Image], size: tuple[int, int], stacked: bool
) -> list[tuple[float, float, float, float]]:
    """Divide a frame (width, height) among cut-outs by the square root of their proportions."""
    width, height = size
    ratios = [c.height / c.width if stacked else c.width / c.height for c in cutouts]
    ends = np.cumsum(np.sqrt(np.clip(ratios, 0.3, 3)))
    ends = ends / ends[-1] * (height if stacked else width)
    starts = [0.0, *ends[:-1]]
    if stacked:
        return [(0, start, width, end) for start, end in zip(starts, ends, strict=True)]
    return [(start, 0, end, height) for start, end in zip(starts, ends, strict=True)]


def _fit(
    cutout: Image.Image, cell: tuple[float, float, float, float], draw: np.random.Generator
) -> Image.Image:
    """Turn a cut-out by a few degrees and scale it into a cell."""
    turned = cutout.rotate(
        draw.uniform(-_MAX_TURN, _MAX_TURN), Image.Resampling.BICUBIC, expand=True
    )
    turned = turned.crop(turned.getchannel("A").point(lambda a: 255 * (a > 20)).getbbox())
    scale = draw.uniform(*_FILL) * min(
        (cell[2] - cell[0]) / turned.width, (cell[3] - cell[1]) / turned.height
    )
    size = max(8, round(turned.width * scale)), max(8, round(turned.height * scale))
    return turned.resize(size, Image.Resampling.LANCZOS)


@dataclass(frozen=True, eq=False)
class Composite:
    """A composite with the box (fractions), the id and the kind of each product in it."""

    image: Image.Image
    boxes: tuple[tuple[float, float, float, float], ...]
    ids: tuple[str, ...]
    kinds: tuple[str, ...]


def compose_outfits(
    photos: Mapping[str, Sequence[tuple[str, Image.Image]]], count: int, seed: int
) -> list[Composite]:
    """Compose `count` photos of two or three products of different kinds.

    `photos` are (id, studio photo) by kind. Every second one shows an outfit as worn (WORN), where
    there are photos of all its kinds; the others show any kinds side by side, those with more
    photos more often.
    """
    draw = np.random.default_rng(seed)
    worn = [kinds for kinds in WORN if all(photos.get(kind) for kind in kinds)]
    available = sorted(kind for kind in photos if photos[kind])
    shares = np.array([len(photos[kind]) for kind in available], float)
    composites = []
    for number in range(count):
        stacked = number % 2 == 0 and bool(worn)
        if stacked:
            kinds = worn[int(draw.integers(len(worn)))]
        else:
            few = int(draw.integers(2, 4))
            kinds = tuple(draw.choice(available, few, replace=False, p=shares / shares.sum()))
        chosen = [photos[kind][int(draw.integers(len(photos[kind])))] for kind in kinds]
        image, boxes = compose([photo for _, photo in chosen], int(draw.integers(2**31)), stacked)
        composites.append(
            Composite(
                image,
                tuple(
                    (a / image.width, b / image.height, c / image.width, d / image.height)
                    for a, b, c, d in boxes
                ),
                tuple(id for id, _ in chosen),
                tuple(str(kind) for kind in kinds),
            )
        )
    return composites
