"""A studio photo as a webcam would see the product: the query of the `street` task.

Drawn from a seed, so that everyone measures on the same pictures.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter

from lookbook.images.foreground_mask import foreground_mask
from lookbook.images.transforms import letterbox

SIZE = 256  # px of the frame


def simulate_street_photo(
    photo: Image.Image, seed: int, ground: Image.Image | None = None
) -> Image.Image:
    """RGB (SIZE, SIZE): cut out, put on another ground, tilted, off centre, small, dark, tinted,
    blurred, noisy and through JPEG. `ground`: a photograph to stand on; None draws one.
    """
    draw = np.random.default_rng(seed)
    frame = _ground(draw) if ground is None else _crop(ground, draw)
    product = _cut(photo)
    side = int(SIZE * draw.uniform(0.6, 0.95))
    product.thumbnail((side, side), Image.Resampling.LANCZOS)
    product = product.rotate(draw.uniform(-22, 22), Image.Resampling.BICUBIC, expand=True)
    product = _bent(product, draw)
    room = [SIZE - side for side in product.size]
    at = tuple(int(r / 2 + abs(r) / 2 * draw.uniform(-0.8, 0.8)) for r in room)
    frame.paste(product, at, product)
    return _lens_blur_and_jpeg(frame, draw)


def _cut(photo: Image.Image) -> Image.Image:
    mask = Image.fromarray(foreground_mask(np.asarray(photo.convert("RGB"))))
    cut = photo.convert("RGB")
    cut.putalpha(mask.filter(ImageFilter.GaussianBlur(0.7)))
    return cut.crop(mask.getbbox() or (0, 0, *photo.size))


def _bent(product: Image.Image, draw: np.random.Generator) -> Image.Image:
    """A camera held at an angle: each corner moves inwards by up to 8 %."""
    w, h = product.size
    corners = np.array([(0, 0), (0, h), (w, h), (w, 0)], float)
    moved = corners - np.sign(corners - [w / 2, h / 2]) * draw.uniform(0, 0.08, (4, 2)) * [w, h]
    rows, right = [], []
    for (x, y), (u, v) in zip(corners, moved, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -x * u, -x * v], [0, 0, 0, u, v, 1, -y * u, -y * v]]
        right += [x, y]
    data = np.linalg.solve(np.array(rows), np.array(right))
    return product.transform((w, h), Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC)


def _ground(draw: np.random.Generator) -> Image.Image:
    """A wall or floor: one colour with uneven light, cloth-like grain and sometimes boards."""
    colour = draw.uniform(30, 225, 3)
    field = np.zeros((SIZE, SIZE, 3))
    for cells, strength in ((3, 30), (12, 14), (64, 8)):
        noise = draw.normal(0, strength, (cells, cells, 1)).repeat(3, 2) + draw.normal(
            0, strength / 4, (cells, cells, 3)
        )
        grown = Image.fromarray(np.uint8(np.clip(noise + 128, 0, 255)))
        field += np.asarray(grown.resize((SIZE, SIZE), Image.Resampling.BICUBIC), float) - 128
    if draw.random() < 0.4:
        boards = np.arange(SIZE) % int(draw.integers(24, 64)) < 2
        field[:, boards] -= 40
    picture = Image.fromarray(np.uint8(np.clip(colour + field, 0, 255)))
    return picture.rotate(90 * int(draw.integers(4)))


def _crop(photo: Image.Image, draw: np.random.Generator) -> Image.Image:
    side = int(min(photo.size) * draw.uniform(0.3, 0.6))
    left, top = (int(draw.integers(0, extent - side + 1)) for extent in photo.size)
    return photo.convert("RGB").crop((left, top, left + side, top + side)).resize((SIZE, SIZE))


def _lens_blur_and_jpeg(frame: Image.Image, draw: np.random.Generator) -> Image.Image:
    pixels = np.asarray(frame.filter(ImageFilter.GaussianBlur(draw.uniform(0, 1.6))), float)
    line = np.linspace(-1, 1, SIZE)
    light = 1 + draw.uniform(-0.25, 0.25) * line[:, None] + draw.uniform(-0.25, 0.25) * line[None]
    pixels = pixels * light[..., None] * draw.uniform(0.5, 1.05) * draw.uniform(0.88, 1.12, 3)
    pixels = pixels + draw.normal(0, draw.uniform(0, 10), pixels.shape)
    out = io.BytesIO()
    Image.fromarray(np.uint8(np.clip(pixels, 0, 255))).save(
        out, "JPEG", quality=int(draw.integers(35, 81))
    )
    return letterbox(Image.open(out).convert("RGB"), SIZE)
