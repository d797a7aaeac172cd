"""Separate the product from a plain studio background."""

from __future__ import annotations

import numpy as np

_MAX_UNEVEN_BORDER = 0.35  # share of border pixels that may differ from the background colour


def foreground_mask(rgb: np.ndarray, tolerance: int = 14) -> np.ndarray:
    """Return alpha uint8 (h, w) of an RGB image (h, w, 3): 0 on the plain background, else 255.

    The background is what has the colour of the border, within `tolerance` a channel, and is
    connected to it. If the border has no single colour, the whole image counts as foreground.
    """
    from scipy import ndimage

    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]]).astype(np.int16)
    background = np.median(border, axis=0)
    if (np.abs(border - background).max(axis=1) > tolerance).mean() > _MAX_UNEVEN_BORDER:
        return np.full(rgb.shape[:2], 255, np.uint8)
    matching = np.abs(rgb.astype(np.int16) - background).max(axis=2) <= tolerance
    regions, _ = ndimage.label(matching)
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    outside = np.isin(regions, np.unique(edge[edge > 0]))
    return np.where(outside, 0, 255).astype(np.uint8)
