"""Metrics of recommendation lists counted by hand, and the check against leakage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.evaluation.recommendation_metrics import (
    LeakageError,
    accuracy_metrics,
    assert_no_leakage,
    diversity_metrics,
    gini,
)
from tests.tiny_interactions import NONE, TEST, TRAIN, interactions


def test_each_metric_is_what_is_counted_by_hand():
    """For a, 0, 2 and 7 are relevant, at ranks 1 and 3; for b, 5 is, and is not recommended."""
    ranked = np.array([[0, 9, 2, *NONE[:9]], [4, *NONE[:11]]])
    estimates = accuracy_metrics(ranked, ["a", "b"], [{0, 2, 7}, {5}], TRAIN, TEST)
    value = {name: f.value for name, f in estimates.items()}
    assert all(f.n == 2 for f in estimates.values())
    assert value["precision@12"] == pytest.approx((2 / 12 + 0) / 2)
    assert value["recall@12"] == pytest.approx((2 / 3 + 0) / 2)
    assert value["f1@12"] == pytest.approx(2 * (1 / 6) * (2 / 3) / (1 / 6 + 2 / 3) / 2)
    assert value["hit@12"] == 0.5
    assert value["map@12"] == pytest.approx((1 + 2 / 3) / 3 / 2)
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    assert value["ndcg@12"] == pytest.approx((1 + 1 / 2) / ideal / 2)
    assert value["accuracy@12"] == pytest.approx((1 - 2 / 20 + 1 - 2 / 20) / 2)


@given(st.lists(st.integers(0, 19), min_size=12, max_size=12, unique=True), st.data())
def test_metrics_lie_between_0_and_1_and_a_perfect_ranking_has_1(ranked, data):
    relevant = data.draw(st.sets(st.integers(0, 19), min_size=1, max_size=12))
    test = interactions(*(("a", row, 3) for row in relevant))
    table = accuracy_metrics(np.array([ranked]), ["a"], [relevant], TRAIN, test)
    assert all(0 <= f.value <= 1 for f in table.values())
    best = [*relevant, *(row for row in range(20) if row not in relevant)][:12]
    perfect = accuracy_metrics(np.array([best]), ["a"], [relevant], TRAIN, test)
    assert perfect["ndcg@12"].value == pytest.approx(1)
    assert perfect["map@12"].value == pytest.approx(1)
    assert perfect["recall@12"].value == 1


def test_diversity_of_identical_lists_and_of_disjoint_lists():
    vectors = np.eye(20, dtype=np.float32)
    identical = np.tile([3, *NONE[:11]], (4, 1))
    disjoint = np.arange(16).reshape(4, 4)
    same, different = (diversity_metrics(rows, TRAIN, vectors) for rows in (identical, disjoint))
    assert same["coverage"].value == 1 / 20
    assert different["coverage"].value == 16 / 20
    for estimates in (same, different):
        for name in ("coverage", "gini"):
            assert estimates[name].low <= estimates[name].value <= estimates[name].high
    assert same["coverage"].low == pytest.approx(same["coverage"].high), "every list is the same"
    assert different["coverage"].low < different["coverage"].high
    assert same["gini"].value == pytest.approx(19 / 20)
    assert different["gini"].value == pytest.approx(4 / 20)
    assert different["intra_list_diversity"].value == pytest.approx(1)
    assert same["novelty"].value == pytest.approx(2)  # no user of three: (0 + 1) / (3 + 1)
    assert diversity_metrics(np.array([[1, 1]]), TRAIN, None)["novelty"].value < 2


def test_gini():
    assert gini(np.array([5, 5, 5, 5])) == 0
    assert gini(np.array([0, 0, 0, 8])) == 0.75
    assert gini(np.zeros(4)) == 0


def test_a_test_part_that_is_not_later_raises():
    with pytest.raises(LeakageError, match="begins on day 2, but the train part has day 2"):
        assert_no_leakage(TRAIN, interactions(("a", 3, 2)))
    with pytest.raises(LeakageError, match="split by time"):
        accuracy_metrics(np.array([NONE]), ["a"], [{0}], TRAIN, TRAIN)


def test_a_relevant_item_outside_the_test_part_raises():
    with pytest.raises(LeakageError, match="item 1 of 'a' is not in the test part"):
        accuracy_metrics(np.array([NONE]), ["a"], [{1}], TRAIN, TEST)
    with pytest.raises(ValueError, match="no right answer"):
        accuracy_metrics(np.array([NONE]), ["a"], [set()], TRAIN, TEST)
