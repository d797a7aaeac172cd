"""Simulated street photos."""

from __future__ import annotations

import numpy as np

from lookbook.evaluation.street_photos import simulate_street_photo
from tests.shapes import draw_shape


def test_a_street_photo_is_determined_by_its_seed():
    photo = draw_shape("red", 0, (200, 260))
    one, same, other = (np.asarray(simulate_street_photo(photo, seed)) for seed in (5, 5, 6))
    assert one.shape == (256, 256, 3)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    redness = one[..., 0].astype(int) - one[..., 1]
    assert redness[100:156, 100:156].mean() > redness[:20].mean() + 20, "the product is there"
