"""Backgrounds of street shots: boards, linen, wall, grass, desk, carpet, tiles.

Each scene is a function (random state, height, width) -> float32 (height, width, 3), 0 to 1.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from . import light

Scene = Callable[[random.Random, int, int], np.ndarray]


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(y, x) of the pixels as float32."""
    y, x = np.mgrid[0:height, 0:width]
    return y.astype(np.float32), x.astype(np.float32)


def noise(r: random.Random, height: int, width: int, cell: tuple[float, float]) -> np.ndarray:
    """Smooth noise (height, width) with cells of (y, x) pixels."""
    return light.value_noise((height, width), cell, r.getrandbits(32))


def tinted(base: tuple[float, float, float], factor: np.ndarray) -> np.ndarray:
    """A colour times a field (rows, columns): (rows, columns, 3)."""
    return np.array(base, np.float32) * factor[:, :, None]


def boards(r: random.Random, height: int, width: int) -> np.ndarray:
    """Wooden floor boards with grain, upright or across."""
    upright = r.random() < 0.6
    rows, columns = (width, height) if upright else (height, width)
    y, x = grid(rows, columns)
    plank = r.uniform(50, 90)
    lane = np.floor((y + r.uniform(0, 90)) / plank)
    tone = 0.13 * np.sin(lane * 12.9898 + r.uniform(0, 6))
    grain = 0.07 * noise(r, rows, columns, (2.5, 60)) + 0.07 * noise(r, rows, columns, (7, 160))
    gap = 1 - 0.5 * ((y + 0.5) % plank < 1.6)
    joint = 1 - 0.4 * (((x + lane * 217) % 340) < 1.6)
    wood = r.choice(
        ((0.62, 0.45, 0.30), (0.50, 0.34, 0.22), (0.72, 0.60, 0.46), (0.40, 0.29, 0.22))
    )
    floor = tinted(wood, (1 + tone + grain) * gap * joint)
    return floor.swapaxes(0, 1) if upright else floor


def linen(r: random.Random, height: int, width: int) -> np.ndarray:
    """A rumpled bed cover."""
    relief = 34 * noise(r, height, width, (150, 110)) + 12 * noise(r, height, width, (90, 42))
    relief += 3 * noise(r, height, width, (40, 24))
    dy, dx = light.slopes(relief.astype(np.float32))
    tone = r.choice(((0.86, 0.85, 0.83), (0.62, 0.67, 0.74), (0.80, 0.72, 0.64), (0.5, 0.53, 0.5)))
    cover = tinted(tone, 0.35 + 0.65 * light.diffuse(dy * 0.6, dx * 0.6))
    if r.random() < 0.4:
        y, x = grid(height, width)
        stripe = ((x + 0.3 * y + 0.5 * relief) % 70) < 22
        cover *= np.where(stripe, 0.78, 1.0)[:, :, None]
    return cover


def wall(r: random.Random, height: int, width: int) -> np.ndarray:
    """A painted wall, with skirting and floor below."""
    tone = r.choice(
        ((0.80, 0.78, 0.73), (0.72, 0.76, 0.76), (0.82, 0.74, 0.66), (0.66, 0.68, 0.66))
    )
    scene = tinted(
        tone,
        1 + 0.025 * noise(r, height, width, (5, 5)) + 0.05 * noise(r, height, width, (200, 200)),
    )
    if r.random() < 0.6:
        line = int(height * r.uniform(0.78, 0.9))
        scene[line:] = boards(r, height, width)[line:] * 0.9
        scene[line - 26 : line] = 0.88
        scene[line - 27] = scene[line - 1] = 0.55
    return scene


def grass(r: random.Random, height: int, width: int) -> np.ndarray:
    """A lawn."""
    blades = noise(r, height, width, (9, 2.2)) + 0.7 * noise(r, height, width, (5, 1.6))
    patches = noise(r, height, width, (70, 90))
    green = tinted((0.36, 0.46, 0.20), 0.9 + 0.35 * blades + 0.15 * patches)
    return green + 0.1 * np.clip(blades - 0.6, 0, 1)[:, :, None] * np.array(
        [1, 0.95, 0.4], np.float32
    )


def desk(r: random.Random, height: int, width: int) -> np.ndarray:
    """A table top with things at its edge."""
    scene = tinted(
        r.choice(((0.75, 0.62, 0.47), (0.9, 0.89, 0.87), (0.32, 0.25, 0.2))),
        1 + 0.05 * noise(r, height, width, (4, 140)),
    )
    y, x = grid(height, width)
    for _ in range(r.randint(1, 3)):
        cx, cy = r.choice((r.uniform(-30, 60), width - r.uniform(-30, 60))), r.uniform(0, height)
        tone = np.array([r.uniform(0.1, 0.9) for _ in range(3)], np.float32)
        if r.random() < 0.5:
            near = np.hypot(x - cx, y - cy)
            scene = np.where(
                (near < 52)[:, :, None], tone * np.where(near < 42, 0.6, 1.0)[:, :, None], scene
            )
        else:
            inside = (np.abs(x - cx) < 90) & (np.abs(y - cy) < 62)
            scene = np.where(inside[:, :, None], tone, scene)
    return scene


def carpet(r: random.Random, height: int, width: int) -> np.ndarray:
    """A rug with a woven border."""
    tone = r.choice(((0.55, 0.5, 0.46), (0.42, 0.20, 0.18), (0.30, 0.36, 0.44), (0.74, 0.70, 0.62)))
    pile = 0.14 * noise(r, height, width, (2.2, 2.2)) + 0.08 * noise(r, height, width, (60, 60))
    scene = tinted(tone, 1 + pile)
    y, x = grid(height, width)
    edge = r.uniform(0.06, 0.14) * width
    border = ((x > edge) & (x < edge + 16)) | ((x < width - edge) & (x > width - edge - 16))
    return np.where(
        border[:, :, None] & (np.sin(y / 6) > -0.6)[:, :, None], scene * 0.6 + 0.15, scene
    )


def tiles(r: random.Random, height: int, width: int) -> np.ndarray:
    """Kitchen tiles with joints."""
    y, x = grid(height, width)
    side = r.uniform(70, 130)
    tone = r.choice(((0.82, 0.80, 0.76), (0.50, 0.48, 0.47), (0.66, 0.52, 0.42)))
    joint = np.minimum((x + 31) % side, (y + 17) % side) < 3
    speck = 0.05 * noise(r, height, width, (3, 3)) + 0.06 * noise(r, height, width, (50, 50))
    return tinted(tone, np.where(joint, 0.7, 1.0) * (1 + speck))


SCENES: tuple[Scene, ...] = (boards, boards, linen, linen, wall, wall, grass, desk, carpet, tiles)
