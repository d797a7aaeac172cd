"""The probability of results for items: on catalogues whose answer follows from their making."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from lookbook.index import Generation
from lookbook.indexing.enrichment import enrich
from lookbook.search import Index, Query, run
from lookbook.search import item_calibration as module
from lookbook.search.item_calibration import (
    MAX_ERROR,
    ItemCalibration,
    calibration_error,
    fit,
    item_calibration,
    kind_shares,
    served,
)
from lookbook.ui.services.search import has_calibrated_scores
from tests.tiny_index import random_vectors, write_tiny

COUNT = 200
FITTED = ItemCalibration(None, 1.0, 0.5, -1.0, 0.03, 0.1, 200)


def catalogue(tmp_path, mixed=0.0, enriched=True):
    """Items of four kinds around a centre each; `mixed` of them stand at another kind's."""
    draw = np.random.default_rng(0)
    kinds = np.arange(COUNT) % 4
    at = np.where(draw.random(COUNT) < mixed, draw.integers(0, 4, COUNT), kinds)
    vectors = (4 * np.eye(4, 8)[at] + 0.7 * random_vectors(COUNT, 8)).astype(np.float32)
    items = {
        "id": [str(n) for n in range(COUNT)],
        "title": [f"piece {n}" for n in range(COUNT)],
        "category": [f"kind {kind}" for kind in kinds],
    }
    extras = (lambda g: enrich(g, draw_map=False)) if enriched else (lambda g: {})
    path = write_tiny(
        tmp_path, vectors=vectors, items=items, thumbs=[b""] * COUNT, count=COUNT, enrich=extras
    )
    return Index(Generation.open(path), "exact")


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    return catalogue(tmp_path_factory.mktemp("clear"))


def said_and_true(index):
    said, true = [], []
    for row, id in enumerate(index.ids):
        for hit in run(Query(item=id), index).hits:
            said.append(hit.same_kind)
            true.append(index.column("category")[hit.row] == index.column("category")[row])
    return np.array(said, float), np.array(true, float)


def test_it_is_fitted_to_what_a_page_shows(clear):
    for id in clear.ids[:20]:
        shown, fitted_to = run(Query(item=id), clear).hits, served(clear, id)
        assert [hit.id for hit in shown] == [hit.id for hit in fitted_to]
        scores = pytest.approx([hit.score for hit in fitted_to], abs=1e-5)
        assert [hit.score for hit in shown] == scores


@pytest.mark.parametrize("mixed", [0.0, 0.4])
def test_what_is_said_of_a_page_and_of_its_error_is_so(tmp_path, monkeypatch, mixed):
    monkeypatch.setattr(module, "MAX_ERROR", 1.0)
    index = catalogue(tmp_path, mixed)
    said, true = said_and_true(index)
    assert said.mean() == pytest.approx(true.mean(), abs=0.03)
    error = item_calibration(index).error
    assert calibration_error(said, true) == pytest.approx(error, abs=0.05)
    assert (error < 0.05) == (not mixed)


def test_the_error_is_stored_with_the_index_and_read(clear):
    stored = clear.generation.read_json("calibration.json", dict)["items"]
    assert stored == asdict(item_calibration(clear))
    assert (stored["revision"], stored["queries"]) == (None, COUNT)


def test_an_index_of_before_is_fitted_when_it_is_opened(tmp_path, monkeypatch):
    assert item_calibration(catalogue(tmp_path / "b", enriched=False)) is None, "it has no curve"
    before = catalogue(tmp_path / "a")
    stored = before.generation.read_json("calibration.json", dict)
    del stored["items"]
    monkeypatch.setattr(before.generation, "read_json", lambda name, read: read(stored))
    expected = fit(before)
    assert expected is not None and item_calibration(before) == expected


def test_one_that_was_fitted_to_another_order_is_fitted_again(clear, monkeypatch):
    other = replace(FITTED, revision="f00d")
    monkeypatch.setattr(module, "_stored", lambda value: (True, other))
    clear.derived.clear()
    assert item_calibration(clear) == fit(clear) != other
    clear.derived.clear()


@pytest.mark.parametrize("revision", [None, "f00d"])
def test_an_update_keeps_it_while_results_come_in_the_same_order(clear, revision):
    """`clear` orders by cosine alone, whose key is None."""
    curve = clear.generation.read_json("calibration.json", dict)
    before = asdict(replace(FITTED, revision=revision))
    kept = {"calibration.json": curve | {"items": before}, "evaluation.json": {}}
    now = enrich(clear.generation, draw_map=False, kept=kept)["calibration.json"]
    assert now == curve | {"items": before if revision is None else asdict(fit(clear))}


@pytest.mark.parametrize("items", [{}, {"items": {"error": 0.1}}], ids=["none", "other numbers"])
def test_an_update_of_another_version_fits_it(clear, items):
    curve = clear.generation.read_json("calibration.json", dict)
    del curve["items"]
    kept = {"calibration.json": curve | items, "evaluation.json": {}}
    now = enrich(clear.generation, draw_map=False, kept=kept)["calibration.json"]
    assert now == curve | {"items": asdict(fit(clear))}


def test_where_nothing_can_be_said_that_stays_said(clear):
    """With no probabilities in the file nothing is fitted at each update again."""
    curve = clear.generation.read_json("calibration.json", dict) | {"items": None}
    kept = {"calibration.json": curve, "evaluation.json": {}}
    assert enrich(clear.generation, draw_map=False, kept=kept)["calibration.json"] == curve


def test_where_the_error_is_large_nothing_is_said(clear, monkeypatch):
    bad = replace(FITTED, error=MAX_ERROR + 0.01)
    monkeypatch.setattr(module, "item_calibration", lambda index: bad)
    assert {hit.same_kind for hit in run(Query(item="0"), clear).hits} == {None}
    monkeypatch.setattr(module, "item_calibration", lambda index: replace(bad, error=MAX_ERROR))
    assert None not in {hit.same_kind for hit in run(Query(item="0"), clear).hits}


@pytest.mark.parametrize(
    "query",
    [
        Query(item="0", positive=("1",)),
        Query(item="0", negative=("1",)),
        Query(positive=("1",)),
        Query(item="0", diversity=0.5),
        Query(item="0", pictures=(np.ones(8, np.float32),)),
        Query(pictures=(np.ones(8, np.float32), np.zeros(8, np.float32) + 2)),
    ],
)
def test_nothing_is_said_of_queries_that_it_was_not_fitted_to(clear, query):
    answer = run(query, clear)
    assert answer.hits and {hit.same_kind for hit in answer.hits} == {None}
    assert has_calibrated_scores(query, answer) is not bool(query.moved_by)


def test_closer_is_never_worth_less(clear):
    fitted = item_calibration(clear)
    assert fitted.score >= 0 and fitted.kind_share >= 0


def test_few_items_give_none(tmp_path):
    path = write_tiny(tmp_path, count=10, enrich=enrich)
    assert item_calibration(Index(Generation.open(path))) is None


def test_nearer_pieces_count_more():
    shares = kind_shares(np.array([0.9, 0.85]), np.array([1, 2]), np.array([1, 2, 3]), 20.0)
    assert shares == pytest.approx([np.e / (1 + np.e), 1 / (1 + np.e), 0])


@pytest.mark.parametrize(
    "change",
    [
        *({"score": "x"}, {"error": float("nan")}, {"brier": 10**400}, {"score": float("inf")}),
        *({"queries": 1.5}, {"more": 1}),
    ],
)
def test_a_damaged_file_is_refused(clear, change, monkeypatch):
    with pytest.raises(ValueError, match="expected"):
        ItemCalibration.from_json(asdict(FITTED) | change)
    with pytest.raises(ValueError, match="expected"):
        ItemCalibration.from_json([])


def test_what_is_written_is_read():
    assert ItemCalibration.from_json(asdict(FITTED)) == FITTED
    assert ItemCalibration.from_json(None) is None
    with pytest.raises(ValueError, match="expected a revision"):
        ItemCalibration.from_json(asdict(FITTED) | {"revision": 1})


def test_shares_that_are_predicted_and_observed_by_hand():
    said, true = np.array([0.25, 0.25, 0.95, 0.95]), np.array([0, 1, 1, 1.0])
    assert calibration_error(said, true) == pytest.approx((2 * 0.25 + 2 * 0.05) / 4)
