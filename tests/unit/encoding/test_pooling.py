"""Feature maps as rows of features, and back to their places."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from lookbook.encoding.pooling import argmax_map, average_pool, max_pool_stages


def test_a_mark_in_one_place_drowns_in_averages_and_stays_in_details():
    earlier, last = torch.zeros(1, 3, 8, 8), torch.zeros(1, 2, 4, 4)
    earlier[0, 1, 5, 6], last[0, 0, 2, 3] = 7, 16
    assert average_pool([earlier, last]).tolist() == [[1, 0]]
    assert max_pool_stages([earlier, last]).tolist() == [[16, 0, 0, 7, 0]]


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(1, 9), st.integers(0, 2**32 - 1)
)
def test_the_mean_over_any_grid_is_the_largest_value(shape, side, seed):
    places = np.random.default_rng(seed).normal(size=(*shape, 5)).astype(np.float32)
    found = argmax_map(places, (side, side))
    np.testing.assert_allclose(found.mean((0, 1)), places.max((0, 1)), rtol=1e-5)
    assert (np.count_nonzero(found, axis=(0, 1)) == 1).all()


def test_a_largest_value_lies_where_it_was():
    places = np.zeros((8, 8, 1), np.float32)
    places[5, 2] = 3
    assert np.argwhere(argmax_map(places, (4, 4))[..., 0]).tolist() == [[2, 1]]
