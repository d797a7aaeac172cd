"""Simulated street photos: a studio photo as a webcam would see the product.

The queries of the `street` task. A seed decides everything, so that all runs measure on the same
pictures.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter

from lookbook.images.foreground_mask import foreground_mask
from lookbook.images.transforms import letterbox

SIZE = 256  # px of each side


def simulate_street_photo(photo: Image.Image, seed: int) -> Image.Image:
    """Simulate a street photo of the product of a studio photo -> RGB (SIZE, SIZE).

    The product is cut out, put on another background, rotated, moved off the centre and tilted; the
    photo gets uneven light, a colour cast, blur, noise and JPEG artefacts.
    """
    draw = np.random.default_rng(seed)
    frame = draw_background(draw)
    product = product_cutout(photo)
    side = int(SIZE * draw.uniform(0.6, 0.95))
    product.thumbnail((side, side), Image.Resampling.LANCZOS)
    product = product.rotate(draw.uniform(-22, 22), Image.Resampling.BICUBIC, expand=True)
    product = _tilted(product, draw)
    x, y = (
        int(margin / 2 + abs(margin) / 2 * draw.uniform(-0.8, 0.8))
        for margin in (SIZE - product.width, SIZE - product.height)
    )
    frame.paste(product, (x, y), product)
    return letterbox(add_lens_blur_and_jpeg(frame, draw), SIZE)


def product_cutout(photo: Image.Image) -> Image.Image:
    """Return the product of a studio photo alone: RGBA, cropped to it."""
    mask = Image.fromarray(foreground_mask(np.asarray(photo.convert("RGB"))))
    cutout = photo.convert("RGB")
    cutout.putalpha(mask.filter(ImageFilter.GaussianBlur(0.7)))
    return cutout.crop(mask.getbbox() or (0, 0, *photo.size))


def _tilted(product: Image.Image, draw: np.random.Generator) -> Image.Image:
    """The product seen at an angle: each corner moves inwards by up to 8 %."""
    w, h = product.size
    corners = np.array([(0, 0), (0, h), (w, h), (w, 0)], float)
    moved = corners - np.sign(corners - [w / 2, h / 2]) * draw.uniform(0, 0.08, (4, 2)) * [w, h]
    # Pillow takes the eight coefficients of the map from output to input coordinates
    rows: list[list[float]] = []
    values: list[float] = []
    for (x, y), (u, v) in zip(corners, moved, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -x * u, -x * v], [0, 0, 0, u, v, 1, -y * u, -y * v]]
        values += [x, y]
    data = np.linalg.solve(np.array(rows), np.array(values)).tolist()
    return product.transform((w, h), Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC)


def draw_background(draw: np.random.Generator, size: int = SIZE) -> Image.Image:
    """Draw a wall or floor, RGB (size, size): a colour, uneven light, a grain, some boards."""
    colour = draw.uniform(30, 225, 3)
    field = np.zeros((size, size, 3))
    for cells, strength in ((3, 30), (12, 14), (64, 8)):
        noise = draw.normal(0, strength, (cells, cells, 1)).repeat(3, 2) + draw.normal(
            0, strength / 4, (cells, cells, 3)
        )
        enlarged = _image(noise + 128).resize((size, size), Image.Resampling.BICUBIC)
        field += np.asarray(enlarged, float) - 128
    if draw.random() < 0.4:
        boards = np.arange(size) % int(draw.integers(24, 64)) < 2
        field[:, boards] -= 40
    return _image(colour + field).rotate(90 * int(draw.integers(4)))


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def add_lens_blur_and_jpeg(frame: Image.Image, draw: np.random.Generator) -> Image.Image:
    """Return an RGB photo of `frame` (any size): blur, uneven light, a colour cast, noise, JPEG."""
    pixels = np.asarray(frame.filter(ImageFilter.GaussianBlur(draw.uniform(0, 1.6))), float)
    across, down = (np.linspace(-1, 1, side) for side in frame.size)
    light = 1 + draw.uniform(-0.25, 0.25) * down[:, None] + draw.uniform(-0.25, 0.25) * across
    pixels = pixels * light[..., None] * draw.uniform(0.5, 1.05) * draw.uniform(0.88, 1.12, 3)
    pixels = pixels + draw.normal(0, draw.uniform(0, 10), pixels.shape)
    out = io.BytesIO()
    _image(pixels).save(out, "JPEG", quality=int(draw.integers(35, 81)))
    return Image.open(out).convert("RGB")
