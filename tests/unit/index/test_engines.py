"""Engines: each behind the contract, exact search against the plain formula, tuned."""

from __future__ import annotations

import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.index.engines import (
    METRICS,
    build_engine,
    contract,
    exact,
    names,
    register,
    serving_choices,
    tuning,
)
from lookbook.index.engines.annoy import AnnoyEngine
from lookbook.index.engines.exact import ExactEngine, exact_neighbours
from lookbook.index.engines.tuning import tune
from lookbook.index.errors import EngineUnavailable, IndexCorrupt
from tests.unit.index.engine_contract import EngineContract, FileContract


class TestExact(EngineContract):
    name = "exact"


class TestAnnoy(FileContract):
    name = "annoy"


class TestHnswlib(FileContract):
    name = "hnswlib"

    pytest.importorskip("hnswlib")


class TestFaiss(FileContract):
    name = "faiss"

    pytest.importorskip("faiss")


class TestMilvus(EngineContract):
    name = "milvus"

    pytest.importorskip("pymilvus")

    @pytest.fixture(autouse=True)
    def milvus(self, milvus_lite):
        """Milvus Lite in a file of this module."""


def test_vectors_in_a_file_of_annoy_are_used_only_where_they_are_those_of_the_index(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(90, 6)).astype(np.float32)
    AnnoyEngine.build(vectors, "angular", trees=2).save(tmp_path / "forest.ann")
    open_with = partial(AnnoyEngine.open, tmp_path / "forest.ann", metric="angular", effort=20)
    np.testing.assert_array_equal(open_with(vectors=vectors).float_vectors, vectors)
    assert open_with(vectors=vectors + 1).float_vectors is None


def test_every_engine_is_tested():
    tested = {c.name for c in globals().values() if isinstance(c, type) and hasattr(c, "name")}
    assert set(names()) == tested


def test_the_registry_names_its_engines():
    assert {"annoy", "exact", "hnswlib"} <= set(names())
    assert serving_choices() == ("auto", *names())
    with pytest.raises(ValueError, match="unknown engine 'magic': expected one of annoy, exact"):
        contract.get_engine("magic")


def test_an_engine_is_registered_by_its_class_alone(monkeypatch):
    monkeypatch.setattr(contract, "_ENGINES", dict(contract._ENGINES))

    @register
    class Backwards(ExactEngine):
        name = "backwards"
        file = "back.wards"

    assert "backwards" in names()
    assert contract.engines_of_files(["back.wards", "vectors.npy"]) == [Backwards]
    assert isinstance(build_engine("backwards", gallery(), "dot"), Backwards)
    with pytest.raises(ValueError, match="two engines are called 'annoy'"):
        register(type("Impostor", (ExactEngine,), {"name": "annoy"}))


def test_an_engine_whose_package_is_not_installed_says_what_to_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "hnswlib", None)
    monkeypatch.delitem(sys.modules, "hnswlib")
    monkeypatch.setattr(contract.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match="`pip install hnswlib`, or choose --engine exact"):
        build_engine("hnswlib", gallery(), "angular")


def plain_scores(vectors, query, metric):
    vectors, query = vectors.astype(np.float64), query.astype(np.float64)
    if metric == "euclidean":
        return -np.sqrt(((vectors - query) ** 2).sum(axis=1))
    products = vectors @ query
    if metric == "dot":
        return products
    return products / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(query))


def gallery(count=200, dim=12, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(dtype)


@given(
    metric=st.sampled_from(METRICS),
    count=st.integers(1, 60),
    k=st.integers(1, 70),
    seed=st.integers(0, 1000),
    prepared=st.booleans(),
    share=st.floats(0.02, 1),
)
def test_exact_search_ranks_like_the_plain_formula(metric, count, k, seed, prepared, share):
    vectors, queries = gallery(count, 5, seed, np.float16), gallery(3, 5, seed + 1)
    rows = np.flatnonzero(np.random.default_rng(seed).random(count) < share)
    engine = ExactEngine(vectors, metric, prepared_bytes=1 << 20 if prepared else 0)
    neighbours, scores = engine.search(queries, k, rows)
    assert neighbours.shape == (3, min(k, len(rows)))
    assert (neighbours.dtype, scores.dtype) == (np.int64, np.float32)
    assert np.isin(neighbours, rows).all()
    for query, near, score in zip(queries, neighbours, scores, strict=True):
        expected = plain_scores(vectors, query, metric)
        assert len(set(near)) == len(near)
        np.testing.assert_allclose(score, expected[near], atol=2e-5)
        np.testing.assert_allclose(score, np.sort(expected[rows])[::-1][: len(near)], atol=2e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_do_not_change_the_answer(metric, monkeypatch, tmp_path):
    np.save(tmp_path / "v.npy", gallery(500, 7, dtype=np.float16))
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    queries = gallery(4, 7, seed=9)
    whole = exact_neighbours(np.array(mapped), queries, 20, metric)
    monkeypatch.setattr(exact, "_BLOCK_FLOATS", 7 * 13)
    for one, other in zip(whole, exact_neighbours(mapped, queries, 20, metric), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_equal_scores_come_in_row_order():
    rows, _ = exact_neighbours(np.ones((6, 3), np.float32), np.ones((1, 3), np.float32), 6, "dot")
    assert rows.tolist() == [[0, 1, 2, 3, 4, 5]]


def test_a_row_is_at_no_distance_from_itself_far_from_the_origin():
    vectors = gallery(50, 8) + 100
    rows, scores = exact_neighbours(vectors, vectors[7:8], 1, "euclidean")
    assert (rows[0, 0], scores[0, 0]) == (7, 0)


def test_unknown_metric_and_wrong_query_are_refused():
    with pytest.raises(ValueError, match="'cosine': expected one of angular, euclidean, dot"):
        ExactEngine(gallery(), "cosine")
    with pytest.raises(ValueError, match=r"shape \(q, 12\), found \(1, 5\)"):
        exact_neighbours(gallery(), np.ones((1, 5)), 3, "dot")


def built(path, vectors, metric="angular", trees=6, seed=0, search_k=10_000):
    AnnoyEngine.build(vectors, metric, trees=trees, seed=seed).save(path)
    return AnnoyEngine.open(path, vectors, metric, search_k)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("count", [1, 2, 13, 14, 15, 300])
def test_a_forest_searched_whole_agrees_with_exact_search(metric, count, tmp_path):
    vectors, queries = gallery(count), gallery(5, seed=1)
    rows, scores = built(tmp_path / "f.ann", vectors, metric).search(queries, 10)
    expected_rows, expected = exact_neighbours(vectors, queries, 10, metric)
    assert (rows == expected_rows).all()
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_forest_search_among_rows(tmp_path):
    vectors, queries = gallery(), gallery(1, seed=1)
    odd = np.arange(1, 200, 2)
    rows, _ = built(tmp_path / "f.ann", vectors).search(queries, 200, odd)
    assert rows.tolist() == ExactEngine(vectors, "angular").search(queries, 100, odd)[0].tolist()


def test_same_seed_same_forest_and_every_parameter_counts(tmp_path):
    def forest(**options):
        built(tmp_path / "f.ann", gallery(), **options)
        return (tmp_path / "f.ann").read_bytes()

    first = forest()
    assert forest() == first
    assert forest(seed=1) != first
    assert len(forest(trees=7)) > len(first)


@pytest.mark.parametrize(
    "wrong", [{"dim": 11}, {"dim": 24}, {"dim": 4}, {"metric": "dot"}, {"count": 199}, {"count": 9}]
)
def test_a_forest_of_another_shape_is_refused(wrong, tmp_path):
    built(tmp_path / "f.ann", gallery())
    claims = {"dim": 12, "metric": "angular", "count": 200} | wrong
    shape = np.empty((claims["count"], claims["dim"]))
    with pytest.raises(IndexCorrupt, match=r"f\.ann"):
        AnnoyEngine.open(tmp_path / "f.ann", shape, claims["metric"], 9)


def test_euclidean_and_dot_forests_are_told_apart(tmp_path):
    """Their nodes have the same size, but keep the links in other places."""
    for metric, other in (("euclidean", "dot"), ("dot", "euclidean")):
        built(tmp_path / "f.ann", gallery(), metric)
        with pytest.raises(IndexCorrupt):
            AnnoyEngine.open(tmp_path / "f.ann", gallery(), other, 9)


@pytest.mark.parametrize("metric", ["angular", "euclidean"])
def test_tuned_search_k_reaches_the_recall_on_fresh_queries(metric, tmp_path):
    vectors = gallery(3000, 16)
    tuned = tune("annoy", vectors, metric, trees=8, recall=0.95, k=10, sample=100)["item"]
    assert tuned.reached
    assert tuned.recall >= 0.95
    engine = built(tmp_path / "f.ann", vectors, metric, 8, search_k=tuned.effort)
    queries = gallery(200, 16, seed=5)
    rows = engine.search(queries, 10)[0]
    true = exact_neighbours(vectors, queries, 10, metric)[0]
    hits = sum(len(set(a) & set(b)) for a, b in zip(rows, true, strict=True))
    assert hits / true.size > 0.92


def test_queries_between_clusters_need_more_effort_than_rows_and_get_it():
    rng = np.random.default_rng(0)
    centres, noise = rng.normal(size=(40, 1, 32)), rng.normal(size=(40, 50, 32))
    vectors = (centres + 0.1 * noise).reshape(-1, 32).astype(np.float32)
    texts = rng.normal(size=(80, 32)).astype(np.float32)
    tuned = tune("annoy", vectors, "angular", queries={"text": texts}, trees=8, recall=0.95)
    assert list(tuned) == ["item", "photo", "text"]
    assert min(one.recall for one in tuned.values()) >= 0.95
    assert tuned["text"].effort > 4 * tuned["item"].effort


def test_first_efforts_are_kept_for_the_kinds_for_which_they_are_still_enough():
    vectors = gallery(1000, 16)
    first = {"item": 5000, "photo": 1}
    tuned = tune("annoy", vectors, "angular", trees=5, recall=0.9, sample=60, first=first)
    assert tuned["item"].effort == 5000
    assert tuned["photo"].effort > 1


@pytest.mark.parametrize("length", [1, 7])
def test_rows_with_noise_have_a_best_cosine_of_a_half_and_keep_their_norm(length):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500, 64)) + 3 * rng.normal(size=(5, 1, 64)).repeat(100, 1).reshape(
        500, 64
    )
    vectors = (length * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    queries = tuning.noisy_rows(vectors[:50], vectors[50:], seed=1)
    cosines = queries @ vectors[50:].T / length**2
    assert np.allclose(cosines.max(axis=1), 0.5, atol=0.02)
    assert np.allclose(np.linalg.norm(queries, axis=1), length, rtol=1e-4)
    assert np.array_equal(queries, tuning.noisy_rows(vectors[:50], vectors[50:], seed=1))


def test_more_recall_costs_more():
    vectors = gallery(2000, 16)
    low = tune("annoy", vectors, "angular", trees=5, recall=0.5, sample=60)["item"]
    high = tune("annoy", vectors, "angular", trees=5, recall=0.99, sample=60)["item"]
    assert low.effort < high.effort


def test_queries_are_held_out_of_the_forest_they_are_asked_of():
    """A row finds itself at once; among random directions, its true neighbour takes a long walk."""
    vectors = gallery(2000, 64)
    assert (
        tune("annoy", vectors, "angular", trees=5, recall=0.95, k=1, sample=60)["item"].effort > 500
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 49])
def test_small_catalogues_are_tuned_too(count):
    tuned = tune("annoy", gallery(count), "angular", trees=3)["item"]
    assert tuned.reached
    assert tuned.recall >= 0.99
    assert tuned.effort >= 1


def test_tuning_gives_up_where_exact_search_is_certainly_better(monkeypatch):
    monkeypatch.setattr(tuning, "_GIVE_UP", 0)  # whatever Annoy takes is now too long
    tuned = tune("annoy", gallery(2000, 64), "angular", trees=5, recall=0.99, k=10, sample=20)[
        "item"
    ]
    assert not tuned.reached
    assert tuned.recall < 0.99
    assert tuned.effort == 10


def test_impossible_recall_is_refused():
    with pytest.raises(ValueError, match=r"found 1\.5"):
        tune("annoy", gallery(), "angular", recall=1.5)
