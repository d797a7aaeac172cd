"""Items with several photos: the closest photo counts, and an item stays one result."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookbook.index import Generation, IndexCorrupt
from lookbook.index.generation import PHOTO_ITEMS
from lookbook.index.manifest import MANIFEST, add_checksum, file_record
from lookbook.search.facets import facets
from lookbook.search.index import Index
from lookbook.search.query import Query, run
from tests.tiny_index import COLOURS, random_vectors, write_tiny

ITEMS, PHOTOS = 40, 100
FURTHER = np.random.default_rng(1).integers(0, ITEMS, PHOTOS - ITEMS)
PHOTO_OF = np.concatenate([np.arange(ITEMS), FURTHER])


def write(root, vectors, further, engine="exact", **options):
    """Items of `COLOURS` in turn whose thumbnails hold the row of the photo."""
    thumbs = [f"photo {row}".encode() for row in range(len(vectors))]
    count = len(vectors) - len(further)
    named = {"vectors": vectors, "further_items": further, "thumbs": thumbs, "engine": engine}
    trees = {"trees": 4} if engine == "annoy" else {"trees": None}
    return write_tiny(root, count, **{**named, **trees, **options})


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Index:
    root = tmp_path_factory.mktemp("photos")
    return Index(Generation.open(write(root, random_vectors(PHOTOS, 8), FURTHER)), "exact")


@pytest.fixture
def three(tmp_path) -> Index:
    """Item 0 with the photos e0, e2, e3, item 1 with e1, item 2 with e0 and e1 in equal parts."""
    e = np.eye(4, dtype=np.float32)
    vectors = np.stack([e[0], e[1], e[0] + e[1], e[2], e[3]])
    return Index(Generation.open(write(tmp_path, vectors, np.array([0, 0]))), "exact")


def oracle(index: Index, query: np.ndarray) -> np.ndarray:
    """The best cosine of each item over its photos."""
    vectors = np.asarray(index.generation.photo_vectors, np.float64)
    cosines = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    best = np.full(len(index), -np.inf)
    np.maximum.at(best, PHOTO_OF, cosines)
    return best


def test_an_item_is_found_by_its_closest_photo_and_once(three):
    query = np.array([0.1, 0.5, 1, 0], np.float32)
    hits = three.search(query, k=5)
    assert [hit.id for hit in hits] == ["a-0", "a-1", "a-2"]
    assert hits[0].score == pytest.approx(1 / np.linalg.norm(query), abs=1e-3)
    assert [hit.row for hit in hits] == [0, 1, 2]
    assert len(three.search(query, k=5, fold=False)) == 3


def test_an_item_is_compared_by_its_first_photo_and_never_finds_itself(three):
    np.testing.assert_allclose(three.vector("a-0"), [1, 0, 0, 0])
    assert [hit.id for hit in three.similar("a-0")] == ["a-2", "a-1"]
    assert [hit.id for hit in three.similar("a-1")] == ["a-2", "a-0"]


@pytest.mark.parametrize("fold", [True, False])
def test_results_are_those_of_the_best_photo_of_each_item(shop, fold):
    for query in random_vectors(20, 8, seed=3):
        best = oracle(shop, query)
        hits = shop.search(query, k=12, fold=fold)
        assert [hit.row for hit in hits] == np.argsort(-best)[:12].tolist()
        np.testing.assert_allclose([h.score for h in hits], np.sort(best)[::-1][:12], atol=2e-3)


def test_approximate_search_finds_items_by_their_photos(tmp_path, monkeypatch):
    items, further = 1000, np.repeat(np.arange(1000), 2)
    vectors = random_vectors(3 * items, 16)
    index = Index(Generation.open(write(tmp_path, vectors, further, "annoy")), "annoy")
    monkeypatch.setattr(index, "_exactly", lambda *_: pytest.fail("exact search was taken"))
    for photo in range(0, 3 * items, 100):
        hits = index.search(vectors[photo], k=5)
        assert hits[0].row == (photo if photo < items else further[photo - items])
        assert hits[0].score == pytest.approx(1, abs=1e-3)
        assert len({hit.row for hit in hits}) == 5


def test_filters_and_exclusions_hold_for_all_photos_of_an_item(shop):
    query = random_vectors(1, 8, seed=4)[0]
    best = oracle(shop, query)
    reds = [row for row in np.argsort(-best).tolist() if COLOURS[row % 3] == "red"]
    hits = shop.search(query, k=ITEMS, where={"colour": "red"}, exclude=[f"a-{reds[0]}"])
    assert [hit.row for hit in hits] == reds[1:]


def test_groups_are_shown_by_the_best_photo_of_all_their_items(shop):
    query = random_vectors(1, 8, seed=5)[0]
    best, groups = oracle(shop, query), np.arange(ITEMS) // 4 * 4
    hits = shop.search_rows(query, ITEMS, groups=groups)
    expected = [int(best[g : g + 4].argmax()) + g for g in range(0, ITEMS, 4)]
    assert [hit.row for hit in hits] == sorted(expected, key=lambda row: -best[row])


def test_items_are_counted_not_photos(shop):
    manifest = shop.manifest
    assert (len(shop), manifest.count, manifest.photos) == (ITEMS, ITEMS, PHOTOS)
    assert sum(shop.values("colour").values()) == ITEMS
    [colours] = [facet for facet in facets(shop) if facet.column == "colour"]
    assert sum(value.count for value in colours.choices) == ITEMS
    assert run(Query(item="a-3", where=("colour=red",)), shop).total_searched == ITEMS // 3 + 1


def test_photos_of_an_item_come_in_their_order(shop):
    for row in range(ITEMS):
        rows = [row, *np.flatnonzero(row == FURTHER) + ITEMS]
        assert shop.photo_rows(f"a-{row}") == rows
        photos = [shop.generation.thumb(photo) for photo in rows]
        assert photos == [f"photo {photo}".encode() for photo in rows]
        assert shop.thumb(f"a-{row}") == f"photo {row}".encode()


def test_closest_photos_of_items(shop):
    query = random_vectors(1, 8, seed=6)[0]
    rows = [7, 2, 30]
    photos = shop.closest_photos(rows, query)
    assert PHOTO_OF[photos].tolist() == rows
    vectors = np.asarray(shop.generation.photo_vectors[photos], np.float64)
    cosines = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    np.testing.assert_allclose(cosines, oracle(shop, query)[rows], atol=2e-3)


def test_varied_results_are_chosen_by_the_photos_that_were_found(three):
    """By their first photos items 0 and 2 are alike; the query asks for item 0's other photo."""
    query = np.array([0, 0.2, 1, 0], np.float32)
    answer = run(Query(pictures=(query,), diversity=0.3, count=2), three)
    assert answer.hits[0].id == "a-0"


def test_an_index_of_one_photo_each_stores_no_table_of_photos(tmp_path):
    generation = Generation.open(write(tmp_path, random_vectors(9, 8), np.zeros(0, np.int64)))
    assert PHOTO_ITEMS not in generation.manifest.files
    np.testing.assert_array_equal(generation.photo_items, np.arange(9))
    assert generation.manifest.photos == 9


@pytest.mark.parametrize("further", [[3], [-1]])
def test_photos_of_no_item_are_not_written(tmp_path, further):
    with pytest.raises(ValueError, match="further photos of items 0 to 2"):
        write(tmp_path, random_vectors(4, 8), np.array(further))


@pytest.mark.parametrize(
    ("photos", "message"), [([0, 9], "which of the 7 items"), ([0], "int64|which"), (None, "which")]
)
def test_a_damaged_table_of_photos_is_refused(tmp_path, photos, message):
    folder = write(tmp_path, random_vectors(9, 8), np.array([0, 0]))
    manifest = json.loads((folder / MANIFEST).read_text())
    if photos is None:
        del manifest["files"][PHOTO_ITEMS]
    else:
        np.save(folder / PHOTO_ITEMS, np.array(photos))
        manifest["files"][PHOTO_ITEMS] = file_record(folder / PHOTO_ITEMS)
    (folder / MANIFEST).write_text(json.dumps(add_checksum(manifest)))
    with pytest.raises(IndexCorrupt, match=message):
        Generation.open(folder)


def test_a_manifest_with_fewer_photos_than_items_is_refused(tmp_path):
    folder = write(tmp_path, random_vectors(9, 8), np.zeros(0, np.int64))
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(add_checksum(manifest | {"photos": 8})))
    with pytest.raises(IndexCorrupt, match="9"):
        Generation.open(folder)
