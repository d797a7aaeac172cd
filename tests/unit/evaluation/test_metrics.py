"""Metrics of rankings counted by hand, and the coverage of bootstrap intervals."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.evaluation import bootstrap_mean, knn_accuracy, precision_at, recall_at
from lookbook.evaluation.metrics import Estimate, bootstrap_difference, bootstrap_means

RANKED = np.array([["a", "b", "a", "c"], ["b", "b", "c", "a"]])
RELEVANT = np.array(["a", "a"])


def test_precision_is_the_share_of_relevant_results_among_the_first_k():
    assert precision_at(2, RANKED, RELEVANT).tolist() == [0.5, 0.0]
    assert precision_at(4, RANKED, RELEVANT).tolist() == [0.5, 0.25]


def test_recall_is_one_if_the_relevant_result_is_among_the_first_k():
    assert recall_at(1, RANKED, RELEVANT).tolist() == [1, 0]
    assert recall_at(4, RANKED, RELEVANT).tolist() == [1, 1]


def test_knn_accuracy_takes_the_majority_and_the_nearest_wins_a_tie():
    assert knn_accuracy(3, RANKED, RELEVANT).tolist() == [1, 0]
    assert knn_accuracy(2, RANKED, RELEVANT).tolist() == [1, 0]  # a and b have a vote each


def test_a_ranking_shorter_than_k_raises():
    with pytest.raises(ValueError, match=r"at least 5 ranked results a query, found \(2, 4\)"):
        precision_at(5, RANKED, RELEVANT)


def test_the_interval_covers_the_true_mean_in_about_95_percent_of_samples():
    draw = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        result = bootstrap_mean(draw.random(150) < 0.3, seed)
        covered += result.low <= 0.3 <= result.high
    assert 0.90 <= covered / 200 <= 0.99


def test_no_query_raises():
    with pytest.raises(ValueError, match="found none"):
        bootstrap_mean(np.array([]))
    with pytest.raises(ValueError, match="found none"):
        bootstrap_means({"recall": np.array([])})


def test_means_of_several_measures_equal_the_mean_of_each_alone():
    draw = np.random.default_rng(0)
    values = {"one": draw.random(40), "other": draw.random(40) < 0.2}
    for name, estimate in bootstrap_means(values).items():
        alone = bootstrap_mean(values[name])
        assert estimate.n == alone.n
        assert estimate.value == pytest.approx(alone.value)
        assert (estimate.low, estimate.high) == pytest.approx((alone.low, alone.high))


def test_a_paired_difference_has_a_narrower_interval_than_an_unpaired_one():
    draw = np.random.default_rng(0)
    hard = draw.random(200)
    one, other = hard + 0.1, hard  # the difference is 0.1 for every query
    value, low, high = bootstrap_difference(one, other, paired=True)
    assert (value, low, high) == pytest.approx((0.1, 0.1, 0.1))
    value, low, high = bootstrap_difference(one, other, paired=False)
    assert low < value - 0.02 < value + 0.02 < high


def test_an_estimate_prints_in_any_number_format():
    estimate = Estimate(0.5, 0.25, 0.75, 4)
    assert str(estimate) == f"{estimate}" == "0.500 (0.250-0.750, n=4)"
    assert f"{estimate:.1f}" == "0.5 (0.2-0.8, n=4)"
    assert str(Estimate(0.0, 0.0, 0.0, 0)) == "nobody"


def test_one_query_has_an_interval_of_its_own_value():
    assert bootstrap_mean(np.array([0.7])) == Estimate(0.7, 0.7, 0.7, 1)
    one, other = np.array([0.9]), np.array([0.1, 0.5])
    value, low, high = bootstrap_difference(one, other, paired=False)
    assert value == pytest.approx(0.6)
    assert (low, high) == pytest.approx((0.4, 0.8))
    with pytest.raises(ValueError, match="found none"):
        bootstrap_difference(one, np.array([]), paired=False)


def test_the_interval_is_that_of_all_samples_where_there_are_few():
    """Of two values the mean of two draws is 0, 1/2 or 1: 95 % leave none of them out."""
    assert bootstrap_mean(np.array([0.0, 1.0])) == Estimate(0.5, 0.0, 1.0, 2)
