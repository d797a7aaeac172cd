"""Metrics on rankings whose right answer can be counted on fingers."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.evaluation import figure, knn_accuracy, precision_at, recall_at

RANKED = np.array([["a", "b", "a", "c"], ["b", "b", "c", "a"]])
WANTED = np.array(["a", "a"])


def test_precision_is_the_share_of_right_ones_among_the_first():
    assert precision_at(2, RANKED, WANTED).tolist() == [0.5, 0.0]
    assert precision_at(4, RANKED, WANTED).tolist() == [0.5, 0.25]


def test_recall_asks_whether_the_right_one_came():
    assert recall_at(1, RANKED, WANTED).tolist() == [1, 0]
    assert recall_at(4, RANKED, WANTED).tolist() == [1, 1]


def test_neighbours_vote_and_a_tie_goes_to_the_nearest():
    assert knn_accuracy(3, RANKED, WANTED).tolist() == [1, 0]
    assert knn_accuracy(2, RANKED, WANTED).tolist() == [1, 0]  # a and b have a vote each


def test_too_short_a_ranking_is_refused():
    with pytest.raises(ValueError, match=r"at least 5 ranked results a query, found \(2, 4\)"):
        precision_at(5, RANKED, WANTED)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    draw = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        result = figure(draw.random(150) < 0.3, seed)
        covered += result.low <= 0.3 <= result.high
    assert 0.90 <= covered / 200 <= 0.99


def test_nothing_measured_is_no_figure():
    with pytest.raises(ValueError, match="found none"):
        figure(np.array([]))
