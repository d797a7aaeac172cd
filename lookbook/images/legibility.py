"""Tell photos that show something from blank, dark and blurred ones, before they are searched."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lookbook.images.loading import ImageError
from lookbook.schema.message import Message

# Of 4,200 photos (studio and phone) the lowest contrast is 23. Sharpness is judged at two sides: at
# the smaller one the edges of JPEG's blocks do not count, at the larger one a fine pattern does. Of
# 383 photos the lowest are 24 and 20. Phone photos blurred by 2 % of their longer side and stored
# as JPEG have medians of 27 and 11, by 5 % of 10 and 7, by 8 % of 8 and 6.
_SIDE, _SMALLER_SIDE = 128, 64  # px of the longer side of what is judged
_MIN_CONTRAST = 12  # levels of a channel between its darkest and lightest 1 %
_MIN_SHARPNESS, _MIN_SHARPNESS_SMALLER = 15, 12  # 99th percentile of the Laplacian of a channel
_DARK = 40  # median level of the lightest channel


def check_legible(image: Image.Image) -> None:
    """Raise ImageError with a sentence for a photo that shows nothing.

    `reason` is "blank" for an even surface, "dark" for an even dark one, "blurred" for a photo that
    is far out of focus.
    """
    channels = _channels(image, _SIDE)
    if not any(_contrast(channel) >= _MIN_CONTRAST for channel in channels):
        if np.median(channels.max(0)) < _DARK:  # of an even red two channels are dark
            raise ImageError(
                "dark", Message("This photo is too dark to see a garment: try with more light.")
            )
        message = Message("This photo shows one even surface and no garment.")
        raise ImageError("blank", message)
    smaller = _channels(image, _SMALLER_SIDE)
    if not (
        any(sharpness(channel) >= _MIN_SHARPNESS for channel in channels)
        or any(sharpness(channel) >= _MIN_SHARPNESS_SMALLER for channel in smaller)
    ):
        message = Message("This photo is too blurred to see a garment: hold still.")
        raise ImageError("blurred", message)


def _channels(image: Image.Image, side: int) -> np.ndarray:
    """Return float32 (3, h, w), a picture of at most `side` px."""
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(small, np.float32).transpose(2, 0, 1)


def _contrast(channel: np.ndarray) -> float:
    """Return the difference of the 99th and the first percentile of a channel (h, w)."""
    low, high = np.quantile(channel, (0.01, 0.99))
    return float(high - low)


def sharpness(channel: np.ndarray) -> float:
    """Return the 99th percentile of the absolute Laplacian of a channel (h, w), 0 to 1020."""
    padded = np.pad(channel, 1, mode="edge")
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return float(np.quantile(np.abs(4 * channel - neighbours), 0.99))
