"""Heatmaps of why two images match."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lookbook.encoding.attribution import attribution_maps, overlay
from lookbook.encoding.encoder import Encoder
from tests.garment_photos import garment_photo, striped_background


@pytest.fixture(scope="module")
def encoder():
    return Encoder.load(device="cpu")


def test_heat_is_higher_on_the_garment_that_both_show(encoder):
    """The same garment left in one photo and right in another, on two backgrounds."""
    shares = []
    for number in (0, 4, 8, 12):
        left = garment_photo(number, (480, 320), (30, 60, 210, 260))
        right = garment_photo(number, (480, 320), (270, 60, 450, 260), tint=(0.4, 0.8, 1))
        for heatmap, side in zip(attribution_maps(encoder, left, right), (0, 1), strict=True):
            assert heatmap.min() >= 0 and heatmap.max() == pytest.approx(1)
            halves = np.array_split(heatmap, 2, axis=1)
            shares.append(halves[side].mean() / halves[1 - side].mean())
    assert min(shares) > 1, "more on the garment than on the background, in every photo"
    assert np.median(shares) > 1.5


def test_a_heatmap_has_the_shape_of_its_image(encoder):
    tall, wide = attribution_maps(
        encoder, striped_background((100, 200)), striped_background((300, 100))
    )
    assert tall.shape[0] > tall.shape[1]
    assert wide.shape[0] < wide.shape[1]


def test_overlay_dims_cold_regions_and_highlights_hot_ones():
    picture = Image.new("RGB", (40, 20), (10, 200, 30))
    tinted = np.asarray(overlay(picture, np.array([[0.0, 1.0]])), int)
    assert tinted.shape == (20, 40, 3)
    assert np.ptp(tinted[10, 2]) < 5
    assert tinted[10, 37, 1] - tinted[10, 37, 2] > 90
