"""The product without its ground, where the ground is plain."""

from __future__ import annotations

import numpy as np


def foreground_mask(rgb: np.ndarray, tolerance: int = 14) -> np.ndarray:
    """Alpha uint8 (h, w): 0 on the plain ground that touches the border, 255 on the product.

    A border that is not of one colour means that there is no plain ground: the whole picture stays.
    """
    from scipy import ndimage

    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]]).astype(np.int16)
    ground = np.median(border, axis=0)
    if (np.abs(border - ground).max(axis=1) > tolerance).mean() > 0.35:
        return np.full(rgb.shape[:2], 255, np.uint8)
    plain = np.abs(rgb.astype(np.int16) - ground).max(axis=2) <= tolerance
    regions, _ = ndimage.label(plain)
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    outside = np.isin(regions, np.unique(edge[edge > 0]))
    return np.where(outside, 0, 255).astype(np.uint8)
