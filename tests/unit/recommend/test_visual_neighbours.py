"""Visual neighbours: those of a plain sort, whatever the blocks, and the same after an update."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.recommend import visual_neighbours
from lookbook.recommend.history import interactions_of
from lookbook.recommend.items import Items
from lookbook.recommend.model_store import Models
from lookbook.recommend.visual_neighbours import find_neighbours, renew_neighbours
from tests.tiny_index import random_vectors


def whole_vectors(count: int, seed: int = 0) -> np.ndarray:
    """Small whole numbers: products are exact in any order of summing, and many are equal."""
    return np.random.default_rng(seed).integers(-2, 3, (count, 6)).astype(np.float32)


def by_sorting(vectors: np.ndarray) -> np.ndarray:
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return np.argsort(-scores, axis=1, kind="stable")[:, : min(20, len(vectors) - 1)]


@pytest.fixture(params=[7, 32, 2048])
def block(request, monkeypatch):
    monkeypatch.setattr(visual_neighbours, "_BLOCK", request.param)


@pytest.mark.parametrize("count", [1, 2, 5, 20, 21, 22, 90])
def test_they_are_those_of_a_plain_sort(block, count):
    vectors = whole_vectors(count)
    np.testing.assert_array_equal(find_neighbours(vectors), by_sorting(vectors))


def test_of_equal_items_the_first_rows_are_kept(block):
    found = find_neighbours(np.ones((60, 4), np.float32))
    assert found[0].tolist() == list(range(1, 21))
    assert found[59].tolist() == list(range(20))


@pytest.mark.parametrize(
    ("added", "removed", "changed"), [(1, 0, 0), (0, 1, 0), (0, 0, 1), (4, 3, 2)]
)
def test_after_an_update_they_are_those_of_a_plain_sort(
    block, added, removed, changed, monkeypatch
):
    before = random_vectors(200, 6)  # without equal products: of these others may be kept
    rows = np.random.default_rng(1).permutation(200)[removed:]  # in another order
    vectors = before[rows]
    vectors[:changed] += 1
    vectors = np.concatenate([vectors, random_vectors(added, 6, seed=2)])
    rows = np.concatenate([rows, np.full(added, -1)])
    neighbours = find_neighbours(before)
    monkeypatch.setattr(visual_neighbours, "find_neighbours", None)  # nothing is computed anew
    monkeypatch.setattr(visual_neighbours, "_MAX_RENEWED", 0.9)
    found = renew_neighbours(vectors, before, neighbours, rows)
    np.testing.assert_array_equal(found, by_sorting(vectors))


@pytest.mark.parametrize("count", [2, 15, 21, 60])
def test_a_catalogue_that_has_become_another_is_computed_anew(count):
    before, vectors = random_vectors(12, 6), random_vectors(count, 6, seed=3)
    rows = np.full(count, -1)
    rows[:2] = 0, 1
    vectors[:2] = before[:2]
    found = renew_neighbours(vectors, before, find_neighbours(before), rows)
    np.testing.assert_array_equal(found, by_sorting(vectors))


def items_of(count: int, seed: int = 0) -> Items:
    return Items([f"i{n}" for n in range(count)], vectors=random_vectors(count, 8, seed))


def test_stored_models_give_theirs_to_the_catalogue_of_the_same_vectors(tmp_path):
    items = items_of(50)
    models = Models.fit(interactions_of([], items), items)
    folder = models.write(tmp_path, {})
    same, other = items_of(50), items_of(50, seed=1)
    for opened in (same, other):
        Models.open(folder, opened)
    assert "visual_neighbours" in vars(same)
    np.testing.assert_array_equal(same.visual_neighbours, items.visual_neighbours)
    assert "visual_neighbours" not in vars(other), "other pictures have other neighbours"
    later = items_of(51)
    later.reuse_visual_neighbours(same)
    np.testing.assert_array_equal(later.visual_neighbours, find_neighbours(later.vectors))
