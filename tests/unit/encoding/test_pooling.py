"""Pooling of feature maps, and the positions of maxima."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from lookbook.encoding.pooling import argmax_map, average_pool, max_pool_stages


def test_a_mark_at_one_position_vanishes_in_averages_and_stays_in_maxima():
    earlier, last = torch.zeros(1, 3, 8, 8), torch.zeros(1, 2, 4, 4)
    earlier[0, 1, 5, 6], last[0, 0, 2, 3] = 7, 16
    assert average_pool([earlier, last]).tolist() == [[1, 0]]
    assert max_pool_stages([earlier, last]).tolist() == [[16, 0, 0, 7, 0]]


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(1, 9), st.integers(0, 2**32 - 1)
)
def test_the_mean_of_the_argmax_map_is_the_maximum(shape, side, seed):
    positions = np.random.default_rng(seed).normal(size=(*shape, 5)).astype(np.float32)
    result = argmax_map(positions, (side, side))
    np.testing.assert_allclose(result.mean((0, 1)), positions.max((0, 1)), rtol=1e-5)
    assert (np.count_nonzero(result, axis=(0, 1)) == 1).all()


def test_a_maximum_keeps_its_position():
    positions = np.zeros((8, 8, 1), np.float32)
    positions[5, 2] = 3
    assert np.argwhere(argmax_map(positions, (4, 4))[..., 0]).tolist() == [[2, 1]]
