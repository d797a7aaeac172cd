"""The light background of a studio picture, and the shadow of the product on it."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image

from . import light

BACKGROUNDS = ((246, 245, 243), (246, 245, 243), (248, 248, 248), (243, 240, 235), (240, 242, 243))


def on_background(layer: np.ndarray, r: random.Random, stands: bool) -> Image.Image:
    """Composite a product with its shadow on a light background.

    `layer` (height, width, 4): premultiplied RGBA, 0 to 1; `stands`: upright, not lying flat.
    """
    height, width = layer.shape[:2]
    background = np.array(r.choice(BACKGROUNDS), np.float32) / 255
    alpha = np.ascontiguousarray(layer[:, :, 3])
    shadow = standing_shadow(alpha) if stands else lying_shadow(alpha)
    lit = (falloff(height, width) * (1 - shadow))[:, :, None] * background
    pixels = layer[:, :, :3] + lit * (1 - alpha)[:, :, None]
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8), "RGB")


def falloff(height: int, width: int) -> np.ndarray:
    """Brightness (height, width) that falls slightly with the distance from the lamp."""
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None]
    return 1.01 - 0.035 * (0.6 * x * x + y * y)


def lying_shadow(alpha: np.ndarray) -> np.ndarray:
    """The shadow of a product that lies flat: close and soft, to the lower right."""
    scale = alpha.shape[0] / 512
    near = light.shifted(light.blur(alpha, 4 * scale), round(3 * scale), round(2 * scale))
    far = light.shifted(light.blur(alpha, 13 * scale), round(10 * scale), round(7 * scale))
    return 0.20 * near + 0.15 * far


def standing_shadow(alpha: np.ndarray) -> np.ndarray:
    """The shadow of a product that stands: dark where it touches the floor, softer around."""
    height = len(alpha)
    scale = height / 512
    rows = np.flatnonzero(alpha.max(1) > 0.5)
    if not len(rows):
        return alpha
    low = int(rows[-1])
    contact = alpha[max(0, low - round(18 * scale)) : low].max(0)
    shadow = np.zeros_like(alpha)
    for reach, strength in ((5, 0.5), (14, 0.3)):
        top, bottom = (
            max(0, low - round(reach * scale)),
            min(height, low + round(reach * 0.7 * scale)),
        )
        flat = np.zeros_like(alpha)
        flat[top:bottom] = contact
        shadow += strength * light.blur(flat, reach * 0.8 * scale)
    return np.clip(0.5 * lying_shadow(alpha) + shadow, 0, 0.75)
