"""Exposure by group, on lists whose shares can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.evaluation.exposure_audit import POPULARITY, exposure_by_group, leakage, table
from lookbook.evaluation.recommendation_metrics import LeakageError
from lookbook.recommend import Items
from tests.tiny_interactions import interactions

IDS = [f"i{n}" for n in range(10)]
ITEMS = Items.of_columns(IDS, {"gender": ["Women"] * 6 + ["Men"] * 4})
TRAIN = interactions(("a", 0, 1), ("a", 1, 1), ("b", 1, 2), ("c", 2, 2), items=10)
RANKED = np.array([[3, 4, 6], [3, 7, -1]])
RELEVANT = [{3, 8}, {7}]


def test_shares_exposure_and_recall_are_those_counted_by_hand():
    women, men = exposure_by_group(RANKED, RELEVANT, TRAIN, ITEMS)["gender"]
    assert (women.name, women.items, women.share) == ("Women", 6, 0.6)
    assert women.bought == pytest.approx(1 / 3) and men.bought == pytest.approx(2 / 3)
    assert women.shown.value == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert women.exposure == pytest.approx(women.shown.value / 0.6)
    assert women.recall.value == 1 and women.recall.n == 1, "item 3 of the first person"
    assert men.recall.value == 0.5 and men.recall.n == 2, "not 8, but 7"


def test_items_are_grouped_by_how_often_they_were_bought():
    groups = exposure_by_group(RANKED, RELEVANT, TRAIN, ITEMS)[POPULARITY]
    assert {g.name: g.items for g in groups}["never bought"] == 7
    assert sum(g.items for g in groups) == 10
    assert sum(g.shown.value for g in groups) == pytest.approx(1)
    assert "| popularity | never bought | 0.700 |" in table({POPULARITY: groups})


def test_what_both_parts_share_is_measured_and_a_test_part_that_is_not_later_is_refused():
    test = interactions(("a", 0, 3), ("a", 0, 4), ("a", 2, 3), ("b", 5, 3), ("b", 6, 3), items=10)
    products = np.array([0, 1, 1, 3, 4, 5, 6, 7, 8, 9])  # 1 and 2 are one product
    found = leakage(TRAIN, test, products)
    assert (found.repeats, found.other_colours) == (1 / 4, 1 / 4)
    assert found.repeated_rows == pytest.approx(1 / 5)
    with pytest.raises(LeakageError):
        leakage(test, TRAIN, products)
