"""Held-out splits by key."""

from __future__ import annotations

import numpy as np

from lookbook.evaluation.splits import held_out


def test_the_split_is_stable_and_has_its_share():
    assert [held_out(str(i), 0.5) for i in (1, 2, 3, 4, 5)] == [True, False, True, True, False]
    share = np.mean([held_out(str(i), 0.108) for i in range(20_000)])
    assert abs(share - 0.108) < 0.01


def test_a_smaller_fraction_is_part_of_a_larger_one():
    assert all(held_out(str(i), 0.3) for i in range(500) if held_out(str(i), 0.1))
