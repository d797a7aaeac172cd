"""Shading: height fields, and how a lamp at the upper left shades them.

Heights are in pixels, so that a slope of 1 is 45 degrees at any picture size.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

Field = np.ndarray | np.float32
LAMP = np.array([-0.42, -0.55, 0.72], np.float32)
LAMP /= np.linalg.norm(LAMP)


def resize(field: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resample a float32 field (rows, columns) to another size, bicubic."""
    return np.array(Image.fromarray(field, "F").resize((width, height), Image.Resampling.BICUBIC))


def blur(field: np.ndarray, radius: float) -> np.ndarray:
    """Blur by about `radius` pixels: two box means in each direction on a downsampled copy."""
    if radius < 0.4:
        return field
    height, width = field.shape
    shrink = max(1, int(radius / 1.7))
    small_size = (max(2, -(-width // shrink)), max(2, -(-height // shrink)))
    small = np.asarray(
        Image.fromarray(np.ascontiguousarray(field), "F").resize(small_size, Image.Resampling.BOX)
    )
    reach = max(1, round(radius / shrink * 0.9))
    for _ in range(2):
        small = box_mean(box_mean(small, reach).T, reach).T
    return resize(np.ascontiguousarray(small), width, height) if shrink > 1 else small


def box_mean(field: np.ndarray, reach: int) -> np.ndarray:
    """Mean of each row and its `reach` neighbours above and below, edges repeated."""
    above = np.broadcast_to(field[:1], (reach + 1, field.shape[1]))
    below = np.broadcast_to(field[-1:], (reach, field.shape[1]))
    total = np.concatenate([above, field, below])
    np.cumsum(total, axis=0, out=total)
    return (total[2 * reach + 1 :] - total[: -2 * reach - 1]) * np.float32(1 / (2 * reach + 1))


def shifted(field: np.ndarray, down: int, right: int) -> np.ndarray:
    """Shift a field down and to the right, and fill with zeros."""
    moved = np.zeros_like(field)
    moved[down:, right:] = field[: max(0, len(field) - down), : max(0, field.shape[1] - right)]
    return moved


def rounded(mask: np.ndarray, roll: float) -> np.ndarray:
    """Rise from 0 at the edge of a mask to 1 about `roll` pixels inside, smoothly."""
    inside = np.clip(blur(mask, roll) * 2 - 1, 0, 1)
    return inside * inside * (3 - 2 * inside)


def value_noise(shape: tuple[int, ...], cell: tuple[float, float], seed: int) -> np.ndarray:
    """Smooth random noise of a shape (rows, columns), about -1 to 1; `cell` is (y, x) pixels."""
    height, width = shape
    rows, columns = max(3, int(height / cell[0]) + 3), max(3, int(width / cell[1]) + 3)
    grid = np.random.default_rng(seed).uniform(-1, 1, (rows, columns)).astype(np.float32)
    big = resize(grid, int(columns * cell[1]) + 1, int(rows * cell[0]) + 1)
    top, left = int(cell[0]), int(cell[1])
    field = big[top : top + height, left : left + width]
    return field if field.shape == (height, width) else resize(grid, width, height)


def slopes(relief: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (dy, dx) of a height field, each of its shape."""
    dy, dx = np.empty_like(relief), np.empty_like(relief)
    dy[1:-1] = (relief[2:] - relief[:-2]) / 2
    dx[:, 1:-1] = (relief[:, 2:] - relief[:, :-2]) / 2
    dy[0], dy[-1], dx[:, 0], dx[:, -1] = dy[1], dy[-2], dx[:, 1], dx[:, -2]
    return dy, dx


def diffuse(dy: np.ndarray, dx: np.ndarray) -> np.ndarray:
    """Diffuse reflection by Lambert's law, 1 on a flat surface."""
    length = np.sqrt(1 + dx * dx + dy * dy)
    lit = (-LAMP[0] * dx - LAMP[1] * dy + LAMP[2]) / length
    return np.maximum(lit, 0) / LAMP[2]


def specular(dy: Field, dx: Field, sharpness: float) -> np.ndarray:
    """Specular highlight (Blinn 1977) for a viewer straight above, 0 to 1."""
    half = LAMP + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    cosine = (-half[0] * dx - half[1] * dy + half[2]) / np.sqrt(1 + dx * dx + dy * dy)
    return np.clip(cosine, 0, 1) ** sharpness
