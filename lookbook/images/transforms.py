"""Resize decoded RGB images: letterbox, thumbnail, detail and thumbnail descriptor."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from lookbook.images.loading import WHITE

THUMBNAIL_HEIGHT = 320  # px
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


def thumbnail(image: Image.Image, height: int = THUMBNAIL_HEIGHT, quality: int = 80) -> bytes:
    """Return WebP bytes of an RGB image at most `height` px tall and `4 * height` px wide."""
    return _webp(image, (4 * height, height), quality=quality)


def detail(image: Image.Image, size: int, quality: int = 80) -> bytes:
    """Return WebP bytes of an RGB image at most `size` px on each side.

    Returns b"" where that would show no more than its thumbnail does.
    """
    scale = min(1.0, size / max(image.size))
    if scale * image.height <= THUMBNAIL_HEIGHT and scale * image.width <= 4 * THUMBNAIL_HEIGHT:
        return b""
    return _webp(image, (size, size), quality=quality, method=1)  # a quarter of method 4's time


def _webp(image: Image.Image, size: tuple[int, int], **options: int) -> bytes:
    small = image.copy()
    small.thumbnail(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    out = io.BytesIO()
    small.save(out, "WEBP", **options)
    return out.getvalue()


def thumbnail_descriptor(image: Image.Image) -> np.ndarray:
    """Return uint8 (768,): a 16 x 16 letterboxed copy, nearly equal for near-duplicates."""
    return np.asarray(letterbox(image, _DESCRIPTOR_SIDE)).reshape(-1)
