"""Explain why two images match: which positions contribute to their cosine."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lookbook.encoding.encoder import Encoder
from lookbook.encoding.localization import unletterbox
from lookbook.images.loading import Picture, load_rgb

_SIZE = 160  # px; of 112 to 256 the size with the least attribution on the background
_HIGHLIGHT = (255, 92, 38)


def attribution_maps(
    encoder: Encoder, picture_a: Picture, picture_b: Picture
) -> tuple[np.ndarray, np.ndarray]:
    """Return a heatmap for each image, float32 (h, w) in 0..1 over the upright image.

    Average pooling and a projection are linear, so the cosine of two images is a sum over
    positions: the projected feature of a position times the other image's vector (Stylianou et al.
    2019, "Visualizing deep similarity networks"). A maximum is attributed to one position, and the
    category head is linearized (`category_head`). Contributions are shown relative to those of the
    border, which is mostly background and contributes a little everywhere. Other poolings are
    explained as if they were averages. Raises ImageError.
    """
    images = load_rgb(picture_a), load_rgb(picture_b)
    map_a, map_b = (encoder.projected_map(image, _SIZE) for image in images)
    share_a, share_b = map_a @ _mean_vector(map_b), map_b @ _mean_vector(map_a)
    return (
        _above_border(unletterbox(share_a, images[0].size)),
        _above_border(unletterbox(share_b, images[1].size)),
    )


def overlay(picture: Picture, heatmap: np.ndarray) -> Image.Image:
    """Tint the upright image by `heatmap` (h, w): dimmed and grey at 0, highlighted at 1.

    Raises ImageError.
    """
    image = load_rgb(picture)
    resized = Image.fromarray(np.asarray(heatmap, np.float32)).resize(
        image.size, Image.Resampling.BICUBIC
    )
    strength = np.clip(np.asarray(resized), 0, 1)[:, :, None]
    pixels = np.asarray(image, np.float32)
    dimmed = 120 + 0.45 * pixels.mean(axis=2, keepdims=True)
    highlighted = 0.85 * pixels + 0.15 * np.array(_HIGHLIGHT, np.float32)
    mixed = np.clip((1 - strength) * dimmed + strength * highlighted, 0, 255)
    return Image.fromarray(mixed.astype(np.uint8))


def _mean_vector(positions: np.ndarray) -> np.ndarray:
    """Return the mean over positions (h, w, dim) at norm 1."""
    vector = positions.reshape(-1, positions.shape[2]).mean(axis=0)
    unit: np.ndarray = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit


def _above_border(contributions: np.ndarray) -> np.ndarray:
    """Subtract the border's median from (h, w), clip at 0 and scale the maximum to 1."""
    c = contributions
    border = np.concatenate([c[0], c[-1], c[:, 0], c[:, -1]])
    above: np.ndarray = np.clip(c - np.median(border), 0, None)
    heat = above if above.any() else c - c.min()
    return (heat / max(float(heat.max()), 1e-12)).astype(np.float32)
