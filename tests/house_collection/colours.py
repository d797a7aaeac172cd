"""The colour of a drawn product."""

import numpy as np

from house_collection import draw_cutout


def mean_colour(product):
    """Mean colour of the product alone, where it is opaque."""
    pixels = np.asarray(draw_cutout(product, (96, 128)), np.float32) / 255
    return pixels[pixels[:, :, 3] > 0.9][:, :3].mean(0)
