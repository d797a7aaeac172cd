"""Queries adapted to their intent and kept in colour, on an index whose right answers are known.

Three axes are the heads of a model: the shop's items lie between its first (general) and its second
(detail) axis, and the third says the colour.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from lookbook.search import Index, Query, run
from lookbook.search.calibration import calibration, calibrations
from lookbook.search.intents import as_query, item_as_query, query_adapter, vectors_key
from lookbook.search.query import query_vector
from tests.tiny_index import publish_tiny

REVISION = "f00d"
ENCODER = {"id": "tiny", "revision": REVISION, "pooling": "avg", "precision": "float32"}
SCALES = {"photo": [1, 0, 1], "item": [0, 1, 1], "colourway": [1, 1, 0]}
# the sign of the third axis is the colour, for photos and items alike
COLOUR = {"weight": [[0, 0, 40], [0, 0, -40]], "bias": [0, 0]}


def write_model(folder, revision=REVISION, colours=True):
    folder.mkdir()
    settings = {"revision": revision, "head_dims": [1, 1, 1], "scales": SCALES}
    settings["match"] = {"shape": [0, 1, 0]}
    (folder / "query.json").write_text(json.dumps(settings))
    if colours:
        arrays = {f"colour.{side}_{p}": v for side in ("photo", "item") for p, v in COLOUR.items()}
        save_file(
            {name: np.array(value, np.float32) for name, value in arrays.items()},
            folder / "query.safetensors",
        )
    return folder


VECTORS = np.array(
    [
        [1.0, 0.0, 0.1],  # 0 red, general
        [0.0, 1.0, 0.1],  # 1 red, detail
        [0.9, 0.1, -0.1],  # 2 blue, next to 0
        [0.8, 0.2, 0.1],  # 3 red, further from 0
        [0.7, 0.3, -0.1],  # 4 blue; of one product with 5
        [0.7, 0.31, 0.1],  # 5 red
    ],
    np.float32,
)
ITEMS = {
    "id": list("012345"),
    "title": [f"Item {n}" for n in range(6)],
    "style_id": ["a", "b", "c", "d", "e", "e"],
    "colour": ["red", "red", "blue", "red", "blue", "red"],
}


def shop(root, **options):
    vectors = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    encoder = ENCODER | {"model": str(root / "model")}
    given = {"count": 6, "dim": 3, "vectors": vectors, "items": ITEMS, "thumbs": [b""] * 6}
    publish_tiny(root / "index", encoder=encoder, **(given | options))
    return Index.open(root / "index", engine="exact")


@pytest.fixture
def index(tmp_path):
    write_model(tmp_path / "model")
    return shop(tmp_path)


def test_each_part_of_a_query_is_scaled_as_its_origin_asks(index):
    photo = np.array([0.6, 0.8, 0.0], np.float32)
    np.testing.assert_allclose(query_vector(Query(pictures=(photo,)), index), [1, 0, 0])
    item = query_vector(Query(item="4"), index)
    assert item[0] == 0, "the first head does not count beside an item"
    recoloured = query_vector(Query(item="4", words="in navy"), index, Words())
    assert recoloured[0] > 0.5, "in another colour, it does"
    assert recoloured[2] == 0, "and the third does not"
    assert np.linalg.norm(recoloured) == pytest.approx(1)


class Words:
    """An encoder that knows every word and puts it on the third axis."""

    def knows(self, text):
        return True

    def unknown_words(self, text):
        return []

    def encode_text(self, texts):
        return np.array([[0, 0.1, 0]] * len(texts), np.float32)


def test_results_of_a_photo_keep_its_colour_after_the_first(index):
    photo = np.array([1.0, 0.0, -0.25], np.float32)
    ids = [hit.id for hit in run(Query(pictures=(photo,), fold=None), index).hits]
    cosines = index.generation.vectors.astype(np.float32) @ as_query(index, photo, "photo")
    by_cosine = [str(row) for row in np.argsort(-cosines)]
    assert ids[0] == by_cosine[0] == "2", "the nearest stays, whatever its colour"
    assert by_cosine[:4] == ["2", "0", "4", "3"]
    assert ids[:4] == ["2", "4", "0", "3"], "the other blue one comes before the red ones"


@pytest.mark.parametrize(("sign", "variant", "other"), [(1, "5", "4"), (-1, "4", "5")])
def test_of_each_product_the_variant_in_the_photos_colour_is_shown(index, sign, variant, other):
    photo = np.array([0.95, 0.0, 0.3 * sign], np.float32)
    hits = run(Query(pictures=(photo,)), index).hits
    assert variant in [hit.id for hit in hits]
    assert other not in [hit.id for hit in hits]
    shown = next(hit for hit in hits if hit.id == variant)
    assert [item.id for item in shown.colourways] == [other]


def test_a_score_is_the_cosine_of_the_adapted_query(index):
    photo = np.array([0.9, 0.4, 0.2], np.float32)
    vector = as_query(index, photo, "photo")
    for hit in run(Query(pictures=(photo,), fold=None), index).hits:
        stored = index.vector(hit.id)
        assert hit.score == pytest.approx(float(vector @ stored), abs=2e-3)


def test_more_results_begin_with_the_fewer(index):
    photo = np.array([0.9, 0.3, 0.1], np.float32)
    ids = [[h.id for h in run(Query(pictures=(photo,), count=n), index).hits] for n in (1, 3, 6)]
    assert ids[2][:1] == ids[0]
    assert ids[2][:3] == ids[1]
    assert len(ids[2]) == 5, "one for each product"


@pytest.mark.parametrize("revision", ["another", None])
def test_without_a_model_for_these_weights_queries_stay_as_they_are(tmp_path, revision):
    if revision:
        write_model(tmp_path / "model", revision)
    index = shop(tmp_path)
    assert query_adapter(index) is None
    photo = np.array([0.6, 0.8, 0.0], np.float32)
    np.testing.assert_allclose(query_vector(Query(pictures=(photo,)), index), photo)
    np.testing.assert_array_equal(item_as_query(index, "4", "item"), index.vector("4"))
    assert run(Query(item="0"), index).hits[0].id == "2"


def test_vectors_pooled_otherwise_are_not_adapted(tmp_path):
    write_model(tmp_path / "model")
    encoder = ENCODER | {"model": str(tmp_path / "model"), "pooling": "max"}
    given = {"count": 6, "dim": 3, "vectors": VECTORS, "items": ITEMS, "thumbs": [b""] * 6}
    publish_tiny(tmp_path / "index", encoder=encoder, **given)
    assert query_adapter(Index.open(tmp_path / "index", engine="exact")) is None


def test_scores_are_calibrated_for_each_intent(tmp_path):
    """The kinds lie along the second axis, which counts for items only."""
    write_model(tmp_path / "model", colours=False)
    draw = np.random.default_rng(0)
    kind = np.arange(240) % 2
    first = draw.normal(size=240)
    vectors = np.stack([first, 3.0 * (2 * kind - 1), 0.01 * first], 1).astype(np.float32)
    items = {
        "id": [str(n) for n in range(240)],
        "title": [""] * 240,
        "kind": [("hat", "shoe")[k] for k in kind],
    }
    stored = {"kind": "kind", "scores": [-1.0, 1.0], "shares": [0.0, 1.0], "pairs": 9}
    index = shop(
        tmp_path,
        count=240,
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        items=items,
        thumbs=[b""] * 240,
        extras={"calibration.json": stored},
    )
    fitted = calibrations(index)
    assert calibration(index).pairs == 9
    assert fitted["item"].of(0.9).probability > 0.95
    assert fitted["photo"].of(0.9).probability < 0.8


def test_the_key_of_the_vectors_changes_with_what_compares_items_and_not_with_the_engine(tmp_path):
    def key(engine="exact"):
        return vectors_key(Index.open(tmp_path / "index", engine=engine))

    folder = write_model(tmp_path / "model")
    shop(tmp_path)
    before = key()
    assert key("annoy") == before
    settings = json.loads((folder / "query.json").read_text())
    settings["scales"]["photo"] = [1, 1, 1]
    (folder / "query.json").write_text(json.dumps(settings))
    assert key() == before, "photos are no items"
    settings["scales"]["item"] = [1, 1, 1]
    (folder / "query.json").write_text(json.dumps(settings))
    assert key() != before
