"""A score's worth, on catalogues whose answer follows from how they were made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.search.calibration import Calibration, fit, kind_column
from lookbook.search.index import Index
from lookbook.search.query import Query, run
from tests.tiny_index import publish_tiny, random_vectors


def on_a_circle(count=600, seed=0):
    """Unit vectors by angle; the kind changes every quarter, so it follows from the angle."""
    angles = np.sort(np.random.default_rng(seed).uniform(0, 2 * np.pi, count))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return vectors, [f"quarter {int(2 * a / np.pi)}" for a in angles]


def test_shares_are_those_counted_over_all_pairs():
    vectors, kinds = on_a_circle()
    calibration = fit(vectors, "angular", kinds=kinds, kind="quarter")
    cosine = vectors @ vectors.T
    same = np.array(kinds)[:, None] == np.array(kinds)
    for low, high in ((0.99, 0.998), (0.9, 0.95), (0.5, 0.6)):
        band = (cosine > low) & (cosine < high)
        got = calibration.of((low + high) / 2).probability
        assert got == pytest.approx(same[band].mean(), abs=0.08)


@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_closer_is_never_worth_less(one, other):
    vectors, kinds = on_a_circle(100)
    calibration = fit(vectors, "angular", kinds=kinds, kind="quarter")
    low, high = sorted((one, other))
    assert 0 <= calibration.of(low).probability <= calibration.of(high).probability <= 1


def test_an_encoder_that_knows_the_kinds_gets_high_words_and_chance_gets_low_ones():
    centres = 5 * np.eye(4)
    kinds = [n % 4 for n in range(400)]
    vectors = (centres[kinds] + 0.2 * random_vectors(400, 4)).astype(np.float32)
    good = fit(vectors, "angular", kinds=kinds, kind="type")
    assert good.of(0.99).label == "very close"
    assert good.of(0.1).label == "loosely alike"
    chance = fit(random_vectors(400, 4), "angular", kinds=kinds, kind="type")
    assert 0.15 < chance.of(0.9).probability < 0.35
    assert chance.of(0.9).label == "loosely alike"


@pytest.mark.parametrize("metric", ["angular", "euclidean", "dot"])
def test_without_kinds_the_share_is_the_rank_among_random_pairs(metric):
    vectors = random_vectors(300, 5)
    calibration = fit(vectors, metric)
    assert calibration.kind is None
    assert "no kinds" in str(calibration)
    scores = vectors.astype(np.float64) @ vectors.T
    norms = np.linalg.norm(vectors, axis=1)
    if metric == "angular":
        scores /= norms[:, None] * norms
    if metric == "euclidean":
        scores = -np.sqrt(np.maximum(norms[:, None] ** 2 + norms**2 - 2 * scores, 0))
    scores = scores[~np.eye(300, dtype=bool)]
    for share in (0.1, 0.5, 0.9, 0.99):
        got = calibration.of(float(np.quantile(scores, share)))
        assert got.probability == pytest.approx(share, abs=0.02)
    words = [calibration.of(float(np.quantile(scores, s))).label for s in (0.5, 0.97, 0.993, 1)]
    assert words == ["loosely alike", "similar", "close", "very close"]


def test_near_duplicates_do_not_count():
    """Every item twice: its copy is of its kind for certain, the others only by chance."""
    vectors = np.repeat(random_vectors(200, 4), 2, axis=0)
    kinds = np.repeat(np.arange(200) % 5, 2).tolist()
    copies = np.repeat(np.arange(0, 400, 2), 2)
    assert fit(vectors, "angular", kinds=kinds, kind="k").of(1.0).probability > 0.6
    assert (
        fit(vectors, "angular", kinds=kinds, kind="k", duplicate_groups=copies).of(1.0).probability
        < 0.5
    )


def test_one_picture_teaches_nothing():
    assert fit(random_vectors(1, 4), "angular", kinds=["a"], kind="k") is None
    assert fit(random_vectors(3, 4), "angular", duplicate_groups=np.zeros(3)) is None
    two = fit(random_vectors(2, 4), "angular", kinds=["a", "b"], kind="k")
    assert (two.kind, two.of(0).probability) == ("k", 0)


def test_what_was_stored_is_what_is_read():
    vectors, kinds = on_a_circle(100)
    calibration = fit(vectors, "angular", kinds=kinds, kind="quarter")
    assert Calibration.from_json(calibration.to_json()) == calibration


GOOD = {"kind": "k", "scores": [0.0, 1.0], "shares": [0.5, 1.0], "pairs": 9}


@pytest.mark.parametrize(
    "change",
    [
        {"scores": [1.0, 0.0]},
        {"shares": [1.0, 0.5]},
        {"shares": [0.5, 1.5]},
        {"scores": [0.0]},
        {"scores": [], "shares": []},
        {"scores": [0.0, float("inf")]},
        {"scores": ["a", "b"]},
        {"kind": 3},
        {"pairs": "9"},
        {"scores": [0.0, 10**400]},
        {"shares": [0.5, {}]},
        {"scores": [0.0, None]},
    ],
)
def test_anything_else_is_refused(change):
    assert Calibration.from_json(GOOD).of(0.5).probability == 0.75
    with pytest.raises(ValueError):
        Calibration.from_json(GOOD | change)


WITHOUT_KIND = {name: value for name, value in GOOD.items() if name != "kind"}


@pytest.mark.parametrize(
    "value", [None, [], {"kind": None}, "x", WITHOUT_KIND, WITHOUT_KIND | {"items": None}]
)
def test_something_else_altogether_is_refused(value):
    with pytest.raises(ValueError, match="expected kind, scores"):
        Calibration.from_json(value)


def test_the_finest_kind_is_found_by_its_name():
    assert kind_column(["gender", "masterCategory", "articleType"]) == "articleType"
    assert kind_column(["product_code", "Product_Type_Name"]) == "Product_Type_Name"
    assert kind_column(["colour", "price"]) is None


def test_items_of_no_told_kind_say_nothing_and_one_kind_for_all_is_none():
    vectors = random_vectors(400, 8)
    half = ["shirt" if v[0] > 0 else "shoe" for v in vectors]
    some = [kind if i % 4 == 0 else None for i, kind in enumerate(half)]
    learnt = fit(vectors, "angular", kinds=some, kind="kind")
    assert learnt.kind == "kind"
    assert learnt.of(-0.9).probability < 0.5, "two unknown kinds are not one kind"
    assert fit(vectors, "angular", kinds=["shirt"] * 400, kind="kind").kind is None


def test_a_photo_that_nothing_is_like_gets_a_sentence_and_one_of_the_kind_does_not(tmp_path):
    """Four kinds around four axes; the fifth axis is of none of them."""
    kinds = np.arange(200) % 4
    vectors = (6 * np.eye(4, 8)[kinds] + random_vectors(200, 8)).astype(np.float32)
    names = [f"kind {kind}" for kind in kinds]
    items = {"id": [f"i{n}" for n in range(200)], "title": ["x"] * 200, "articleType": names}
    curve = fit(vectors, "angular", kinds=names, kind="articleType")
    pictures = {"vectors": vectors, "items": items, "thumbs": [b""] * 200}

    def notes(query, curve=curve, root="a"):
        publish_tiny(
            tmp_path / root,
            count=200,
            encoder={"id": "a", "model": str(tmp_path)},
            enrich=lambda generation: {"calibration.json": curve.to_json()},
            **pictures,
        )
        return [str(note) for note in run(query, Index.open(tmp_path / root, "exact")).notes]

    known, unknown = np.eye(8, dtype=np.float32)[[1, 4]]
    nothing = "nothing here is really like this photo: these are the closest"
    assert notes(Query((unknown,))) == [nothing]
    assert notes(Query((known,)), root="b") == []
    assert notes(Query((unknown,), item="i1"), root="c") == []  # the item is like something
    ranks = Calibration(None, curve.scores, curve.shares, curve.pairs)
    assert notes(Query((unknown,)), ranks, root="d") == []  # a rank among pairs is no kind
