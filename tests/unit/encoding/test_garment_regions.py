"""Split salient regions into garments, on masks whose parts are known."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.encoding.garment_regions import bounds, intersection_over_union, split_regions

TOP, TROUSERS = (16, 4, 48, 28), (20, 28, 44, 60)  # left, top, right, bottom


def mask_of(*boxes):
    mask = np.zeros((64, 64), bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return mask


def kinds_at(*boxes):
    """A classifier that sees each kind in as much of a box as that kind's own box covers."""

    def classify(box):
        inside = mask_of(box)
        shares = np.array([(mask_of(one) & inside).sum() for one in boxes]) / inside.sum()
        return shares / max(1.0, shares.sum())

    return classify


def test_apart_garments_are_regions_of_their_own():
    left, right = (4, 10, 28, 50), (36, 10, 60, 50)
    found = split_regions(mask_of(left, right), kinds_at(left, right))
    assert sorted(found) == [left, right]


def test_garments_that_touch_are_cut_where_the_kind_changes():
    found = split_regions(mask_of(TOP, TROUSERS), kinds_at(TOP, TROUSERS))
    assert len(found) == 2
    for box in (TOP, TROUSERS):
        assert max(intersection_over_union(box, one) for one in found) > 0.85


def test_one_garment_stays_whole():
    found = split_regions(mask_of((10, 6, 54, 58)), lambda box: np.array([0.9, 0.1]))
    assert found == [(10, 6, 54, 58)]


def test_specks_are_no_garments():
    assert split_regions(mask_of((10, 10, 40, 40), (55, 55, 58, 58)), lambda box: np.ones(1)) == [
        (10, 10, 40, 40)
    ]
    assert split_regions(np.zeros((64, 64), bool), lambda box: np.ones(1)) == []


def test_bounds_of_an_empty_mask_are_none():
    assert bounds(np.zeros((8, 8), bool)) is None


@pytest.mark.parametrize(
    ("other", "expected"),
    [((0, 0, 10, 10), 1.0), ((5, 0, 15, 10), 1 / 3), ((10, 0, 20, 10), 0.0), ((20, 20, 30, 30), 0)],
)
def test_intersection_over_union(other, expected):
    assert intersection_over_union((0, 0, 10, 10), other) == pytest.approx(expected)
