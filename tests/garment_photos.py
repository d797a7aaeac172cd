"""Photos of drawn garments whose position is known."""

from __future__ import annotations

import numpy as np
from PIL import Image

from house_collection.collection import products
from house_collection.product import draw_cutout


def striped_background(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """A striped, uneven background (width, height)."""
    w, h = size
    draw = np.random.default_rng(seed)
    rows = 150 + 14 * np.sin(np.arange(h) / 7)[:, None, None] + draw.normal(0, 4, (h, w, 3))
    return Image.fromarray(np.clip(rows * (1, 0.85, 0.7), 0, 255).astype(np.uint8))


def garment_photo(
    number: int,
    size: tuple[int, int],
    box: tuple[int, int, int, int],
    tint: tuple[float, float, float] = (1, 1, 1),
) -> Image.Image:
    """A drawn product inside `box` of a photo."""
    product = next(p for p in products(number + 1) if p.number == number)
    cutout = draw_cutout(product)
    cutout = cutout.crop(cutout.getchannel("A").getbbox())
    cutout = cutout.resize((box[2] - box[0], box[3] - box[1]))
    photo = Image.fromarray((np.asarray(striped_background(size)) * tint).astype(np.uint8))
    photo.paste(cutout, box[:2], cutout)
    return photo
