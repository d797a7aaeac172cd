"""The map: neighbours stay neighbours, and it is the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.indexing import projection_2d
from lookbook.indexing.projection_2d import project_2d
from tests.tiny_index import random_vectors


def clusters(count, kinds=4, dim=12):
    labels = np.arange(count) % kinds
    return 6 * np.eye(kinds, dim)[labels] + random_vectors(count, dim), labels


def purity(places, labels):
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return (labels[apart.argsort(axis=1)[:, :5]] == labels[:, None]).mean()


@pytest.mark.parametrize("landmarks", [1000, 60])
def test_what_is_near_stays_near(landmarks, monkeypatch):
    monkeypatch.setattr(projection_2d, "_LANDMARKS", landmarks)
    vectors, labels = clusters(160)
    places = project_2d(vectors, seed=1)
    assert (places.shape, places.dtype) == ((160, 2), np.float32)
    assert np.abs(places).max() == pytest.approx(1)
    assert purity(places, labels) > 0.95
    np.testing.assert_array_equal(places, project_2d(vectors, seed=1))


@pytest.mark.parametrize("count", [1, 2, 3, 29])
def test_a_few_items_are_laid_out_by_their_main_directions(count):
    line = np.outer(np.linspace(0, 1, count), [1, 2, 3]).astype(np.float32)
    places = project_2d(line)
    assert np.isfinite(places).all()
    assert (np.diff(places[:, 0]) > 0).all() or (np.diff(places[:, 0]) < 0).all()
    assert np.abs(places[:, 1]).max() < 1e-3


def test_one_picture_many_times_is_one_place():
    places = project_2d(np.ones((10, 4), np.float32))
    assert np.abs(places - places[0]).max() < 1e-6
