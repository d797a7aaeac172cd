"""A few queries leave the other cores to the encoder; many use all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from lookbook.index.blas_threads import threads_for
from lookbook.index.engines import exact
from lookbook.index.engines.exact import ExactEngine


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    """Set by a thread that ends: one that lives would keep all others from setting another."""
    before = max(blas_threads())
    with ThreadPoolExecutor(1) as ends:
        ends.submit(threadpool_limits, 2, "blas")
    assert blas_threads() == {2}
    yield
    with ThreadPoolExecutor(1) as ends:
        ends.submit(threadpool_limits, before, "blas")


@pytest.mark.parametrize(("queries", "threads"), [(1, 1), (8, 1), (9, 2), (200, 2)])
def test_few_queries_are_searched_on_one_thread(monkeypatch, queries, threads):
    vectors = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
    engine, seen, top = ExactEngine(vectors, "angular"), [], exact._top
    monkeypatch.setattr(exact, "_top", lambda *a: seen.append(blas_threads()) or top(*a))
    rows, _ = engine.search(vectors[:queries], 1)
    assert rows[:, 0].tolist() == list(range(queries))
    assert seen == [{threads}]
    assert blas_threads() == {2}


def test_a_search_that_ends_after_the_one_that_it_began_in_gives_the_pool_back():
    with ThreadPoolExecutor(1) as other:
        second = threads_for(1)
        with threads_for(1):
            other.submit(second.__enter__).result()
            assert blas_threads() == {1}
        other.submit(second.__exit__, None, None, None).result()
        assert blas_threads() == {2}


def test_the_pool_is_given_back_after_an_error_and_after_searches_of_several_threads():
    with pytest.raises(ValueError, match="inside"), threads_for(1):
        assert blas_threads() == {1}
        raise ValueError("inside")
    assert blas_threads() == {2}
    engine = ExactEngine(np.eye(50, dtype=np.float32), "angular")
    with ThreadPoolExecutor(4) as threads:
        found = list(
            threads.map(lambda row: engine.search(np.eye(50)[[row]], 1)[0][0, 0], range(50))
        )
    assert found == list(range(50))
    assert blas_threads() == {2}
