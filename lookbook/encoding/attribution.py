"""Why two pictures match: the places that their vectors owe their closeness to."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lookbook.encoding.encoder import Encoder
from lookbook.encoding.localization import unletterbox
from lookbook.images.loading import Picture, load_rgb
from lookbook.schema.missing import is_missing
from lookbook.search.index import IndexItem

_SIZE = 160  # px: finer than the encoder's own square; of 112 to 256 the least heat on the ground
_GLOW = (255, 92, 38)


def attribution_maps(
    encoder: Encoder, picture_a: Picture, picture_b: Picture
) -> tuple[np.ndarray, np.ndarray]:
    """float32 (h, w) for each picture, 0 to 1, in its own frame: where the match comes from.

    Averaged features and a projection are linear, so the cosine of two pictures is a sum over
    their places: that of a place is its own feature, projected, times the other's vector (Stylianou
    et al. 2019, "Visualizing deep similarity networks"). A largest value is all of one place, and
    what tells kinds is linear nearby (`category_head`). Shown is what a place gives beyond the
    border of its picture, which is mostly ground and gives a little everywhere. Other poolings are
    explained as if they averaged. Raises ImageError.
    """
    images = load_rgb(picture_a), load_rgb(picture_b)
    places = [encoder.projected_map(image, _SIZE) for image in images]
    means = [_unit(p.reshape(-1, p.shape[2]).mean(axis=0)) for p in places]
    shares = [places[0] @ means[1], places[1] @ means[0]]
    return tuple(
        _warm(unletterbox(share, image.size)) for share, image in zip(shares, images, strict=True)
    )


def shared(item_a: IndexItem, item_b: IndexItem) -> list[tuple[str, object]]:
    """(column, value) of the attributes that both have, in the order of the catalogue."""
    return [
        (column, value)
        for column, value in item_a.attributes.items()
        if not is_missing(value) and _same(value, item_b, column)
    ]


def overlay(picture: Picture, heatmap: np.ndarray) -> Image.Image:
    """Tint the upright picture by `heatmap` (h, w): dimmed and grey at 0, warm at 1.

    Raises ImageError.
    """
    image = load_rgb(picture)
    grown = Image.fromarray(np.asarray(heatmap, np.float32)).resize(
        image.size, Image.Resampling.BICUBIC
    )
    strength = np.clip(np.asarray(grown), 0, 1)[:, :, None]
    pixels = np.asarray(image, np.float32)
    dim = 120 + 0.45 * pixels.mean(axis=2, keepdims=True)
    warm = 0.85 * pixels + 0.15 * np.array(_GLOW, np.float32)
    mixed = np.clip((1 - strength) * dim + strength * warm, 0, 255)
    return Image.fromarray(mixed.astype(np.uint8))


def _same(value: object, item: IndexItem, column: str) -> bool:
    return str(item.attributes.get(column)).casefold() == str(value).casefold()


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _warm(share: np.ndarray) -> np.ndarray:
    edge = np.concatenate([share[0], share[-1], share[:, 0], share[:, -1]])
    beyond = np.clip(share - np.median(edge), 0, None)
    share = beyond if beyond.any() else share - share.min()
    return (share / max(float(share.max()), 1e-12)).astype(np.float32)
