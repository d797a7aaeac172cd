"""Separate products from plain backgrounds."""

import numpy as np

from lookbook.images.foreground_mask import foreground_mask
from tests.shapes import COLOURS, draw_shape


def test_mask_of_a_disc_on_a_plain_background_is_the_disc():
    picture = np.asarray(draw_shape("blue", 1, (100, 100)))
    disc = (picture == COLOURS["blue"]).all(axis=2)
    assert ((foreground_mask(picture) > 0) == disc).mean() > 0.99


def test_an_enclosed_area_of_background_colour_stays_foreground():
    picture = np.full((40, 40, 3), 255, np.uint8)
    picture[10:30, 10:30] = 0
    picture[15:25, 15:25] = 255
    assert foreground_mask(picture)[20, 20] == 255
    assert foreground_mask(picture)[2, 2] == 0


def test_without_a_plain_background_all_is_foreground():
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    assert (foreground_mask(noise) == 255).all()
