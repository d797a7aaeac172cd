"""Resize decoded RGB images: letterbox, thumbnail and thumbnail descriptor."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from lookbook.images.loading import WHITE

_DESCRIPTOR_SIDE = 16
DESCRIPTOR_SIZE = _DESCRIPTOR_SIDE**2 * 3  # entries of a thumbnail descriptor


def letterbox(
    image: Image.Image, size: int, background: tuple[int, int, int] = WHITE
) -> Image.Image:
    """Scale an RGB image, aspect ratio kept, and centre it on a `size` x `size` background."""
    scale = size / max(image.size)
    width, height = (min(size, max(1, round(side * scale))) for side in image.size)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    square = Image.new("RGB", (size, size), background)
    square.paste(image, ((size - width) // 2, (size - height) // 2))
    return square


def thumbnail(image: Image.Image, height: int = 320, quality: int = 80) -> bytes:
    """Return WebP bytes of an RGB image at most `height` px tall and `4 * height` px wide."""
    small = image.copy()
    small.thumbnail((4 * height, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=quality)
    return out.getvalue()


def thumbnail_descriptor(image: Image.Image) -> np.ndarray:
    """Return uint8 (768,): a 16 x 16 letterboxed copy, nearly equal for near-duplicates."""
    return np.asarray(letterbox(image, _DESCRIPTOR_SIDE)).reshape(-1)
