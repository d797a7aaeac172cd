"""Exact and approximate search, against answers worked out the slow and plain way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.index.engines import annoy
from lookbook.index.engines.annoy import (
    METRICS,
    AnnoyEngine,
    ExactEngine,
    IndexCorrupt,
    exact_neighbours,
    tune_search_k,
)


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
    found, scores = engine.search(queries, k, rows)
    assert found.shape == (3, min(k, len(rows)))
    assert (found.dtype, scores.dtype) == (np.int64, np.float32)
    assert np.isin(found, rows).all()
    for query, near, score in zip(queries, found, scores, strict=True):
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
    monkeypatch.setattr(annoy, "_BLOCK_FLOATS", 7 * 13)
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
    AnnoyEngine.build(vectors, path, metric, trees, seed)
    return AnnoyEngine.open(path, vectors.shape[1], metric, len(vectors), search_k)


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
    claims = {"dim": 12, "metric": "angular", "count": 200, "search_k": 9} | wrong
    with pytest.raises(IndexCorrupt, match=r"f\.ann"):
        AnnoyEngine.open(tmp_path / "f.ann", **claims)


def test_euclidean_and_dot_forests_are_told_apart(tmp_path):
    """Their nodes have the same size, but keep the links in other places."""
    for metric, other in (("euclidean", "dot"), ("dot", "euclidean")):
        built(tmp_path / "f.ann", gallery(), metric)
        with pytest.raises(IndexCorrupt):
            AnnoyEngine.open(tmp_path / "f.ann", 12, other, 200, 9)


_DAMAGE = """
import sys
import numpy as np
from lookbook.index.engines.annoy import AnnoyEngine, IndexCorrupt
path, metric = sys.argv[1:]
good = np.fromfile(path, np.uint8)
rng = np.random.default_rng(0)
refused = 0
for turn in range(300):
    bad = good.copy()
    if turn % 3 == 0:
        bad = bad[: rng.integers(len(bad))]
    elif turn % 3 == 1:
        at = rng.integers(0, len(bad), 20)
        bad[at] = rng.integers(0, 256, 20)
    else:
        words = bad.view(np.int32)
        words[rng.integers(0, len(words), 5)] = rng.integers(-9, 400, 5)
    bad.tofile(path + ".bad")
    try:
        engine = AnnoyEngine.open(path + ".bad", 12, metric, 200, 5000)
        engine.search(rng.normal(size=(3, 12)).astype(np.float32), 20)
    except IndexCorrupt:
        refused += 1
print(refused)
"""


@pytest.mark.parametrize("metric", METRICS)
def test_damaged_forests_never_crash(metric, tmp_path):
    """Cut, overwritten or with links changed: refused, or (a coordinate changed) searched."""
    built(tmp_path / "f.ann", gallery(), metric)
    run = subprocess.run(
        [sys.executable, "-c", _DAMAGE, str(tmp_path / "f.ann"), metric],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 150


@pytest.mark.parametrize("metric", ["angular", "euclidean"])
def test_tuned_search_k_reaches_the_recall_on_fresh_queries(metric, tmp_path):
    vectors = gallery(3000, 16)
    tuning = tune_search_k(vectors, metric, trees=8, recall=0.95, k=10, sample=100)
    assert tuning.reached
    assert tuning.recall >= 0.95
    engine = built(tmp_path / "f.ann", vectors, metric, 8, search_k=tuning.search_k)
    queries = gallery(200, 16, seed=5)
    found = engine.search(queries, 10)[0]
    true = exact_neighbours(vectors, queries, 10, metric)[0]
    hits = sum(len(set(a) & set(b)) for a, b in zip(found, true, strict=True))
    assert hits / true.size > 0.92


def test_more_recall_costs_more():
    vectors = gallery(2000, 16)
    low = tune_search_k(vectors, "angular", trees=5, recall=0.5, sample=60)
    high = tune_search_k(vectors, "angular", trees=5, recall=0.99, sample=60)
    assert low.search_k < high.search_k


def test_queries_are_held_out_of_the_forest_they_are_asked_of():
    """A row finds itself at once; among random directions, its true neighbour takes a long walk."""
    vectors = gallery(2000, 64)
    assert tune_search_k(vectors, "angular", trees=5, recall=0.95, k=1, sample=60).search_k > 500


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 49])
def test_small_catalogues_are_tuned_too(count):
    tuning = tune_search_k(gallery(count), "angular", trees=3)
    assert tuning.reached
    assert tuning.recall >= 0.99
    assert tuning.search_k >= 1


def test_tuning_gives_up_where_exact_search_is_certainly_better(monkeypatch):
    monkeypatch.setattr(annoy, "_GIVE_UP", 0)  # whatever Annoy takes is now too long
    tuning = tune_search_k(gallery(2000, 64), "angular", trees=5, recall=0.99, k=10, sample=20)
    assert not tuning.reached
    assert tuning.recall < 0.99
    assert tuning.search_k == 10


def test_impossible_recall_is_refused():
    with pytest.raises(ValueError, match=r"found 1\.5"):
        tune_search_k(gallery(), "angular", recall=1.5)
