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


def test_bars_are_white_and_leave_the_middle_as_it_was():
    torch.manual_seed(0)
    images = torch.full((40, 3, 50, 50), 0.3)
    barred = augmentation.letterbox_bars(images, 1.0)
    white = (barred == 1).all(1)
    assert (images == 0.3).all() and ((barred == 1) | (barred == images)).all()
    at_sides = white[:, 25, 0]
    assert 0 < int(at_sides.sum()) < 40, "some have theirs above and below"
    for mask, at_side in zip(white, at_sides, strict=True):
        line = mask[25] if at_side else mask[:, 25]
        width = int(line.sum()) // 2
        assert 4 <= width < 10 and line[:width].all() and line[-width:].all()
    torch.testing.assert_close(augmentation.letterbox_bars(images, 0.0), images)
