"""Augmentation of views."""

from __future__ import annotations

import numpy as np
import torch

from lookbook.images.foreground_mask import foreground_mask
from lookbook.training import augmentation
from tests.shapes import COLOURS, draw_shape


def test_recolouring_keeps_the_shape_and_the_background():
    discs = [np.asarray(draw_shape(colour, 0, (64, 64))) for colour in ("red", "blue")]
    pixels = np.stack([np.dstack([disc, foreground_mask(disc)]) for disc in discs])
    rgba = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    recoloured = augmentation.recolour(rgba, torch.tensor([True, False]))
    torch.testing.assert_close(recoloured[1], rgba[1])
    inside = rgba[0, 3] > 0
    torch.testing.assert_close(recoloured[0, :, ~inside], rgba[0, :, ~inside])
    blue = torch.tensor(COLOURS["blue"]) / 255
    assert (recoloured[0, :3, inside] - blue[:, None]).abs().max() < 0.02, (
        "the colour of the other one"
    )


def test_a_single_image_takes_a_random_colour():
    rgba = torch.zeros(1, 4, 16, 16)
    rgba[:, 0], rgba[:, 3] = 0.8, 1.0
    torch.manual_seed(0)
    recoloured = augmentation.recolour(rgba, torch.tensor([True]))
    assert (recoloured[:, :3].mean((2, 3)) - rgba[:, :3].mean((2, 3))).abs().max() > 0.1
