"""Visual neighbours: those of a plain sort, whatever the blocks, and the same after an update."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookbook.index.manifest import MANIFEST, add_checksum
from lookbook.index.normalization import UnitRows
from lookbook.recommend import visual_neighbours
from lookbook.recommend.history import interactions_of
from lookbook.recommend.items import Items
from lookbook.recommend.model_store import Models
from lookbook.recommend.visual_neighbours import find_neighbours, renew_neighbours
from lookbook.search.index import Index
from tests.tiny_index import publish_tiny, random_vectors


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


def items_of(root, engine: str = "exact") -> Items:
    return Items.of_index(Index.open(root, engine=engine))


def test_stored_models_give_theirs_to_the_catalogue_of_the_same_vectors(tmp_path):
    publish_tiny(tmp_path / "index")
    publish_tiny(tmp_path / "other", seed=1)
    items = items_of(tmp_path / "index", "annoy")
    folder = Models.fit(interactions_of([], items), items).write(tmp_path / "models", {})
    same, other = items_of(tmp_path / "index", "exact"), items_of(tmp_path / "other")
    for opened in (same, other):
        Models.open(folder, opened)
    assert "visual_neighbours" in vars(same), "whatever engine holds the vectors"
    np.testing.assert_array_equal(same.visual_neighbours, items.visual_neighbours)
    assert "visual_neighbours" not in vars(other), "other pictures have other neighbours"
    vectors = np.append(same.vectors.array, random_vectors(1, 8, seed=2), axis=0)
    later = Items([*same.ids, "new"], vectors=UnitRows(vectors))
    later.reuse_visual_neighbours(same)
    expected = find_neighbours(np.asarray(later.vectors))
    np.testing.assert_array_equal(later.visual_neighbours, expected)


@pytest.mark.parametrize("vectors", ["digest of the rows", None])
def test_models_that_do_not_say_of_which_vectors_give_no_neighbours(tmp_path, vectors):
    publish_tiny(tmp_path / "index")
    items = items_of(tmp_path / "index")
    folder = Models.fit(interactions_of([], items), items).write(tmp_path / "models", {})
    manifest = json.loads((folder / MANIFEST).read_text()) | {"vectors": vectors}
    (folder / MANIFEST).write_text(json.dumps(add_checksum(manifest)))
    later, plain = items_of(tmp_path / "index"), items_of(tmp_path / "index")
    plain.vectors_key = None
    for opened in (later, plain):
        Models.open(folder, opened)
        assert "visual_neighbours" not in vars(opened)
