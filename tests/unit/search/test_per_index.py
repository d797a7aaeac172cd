"""What is derived from an index: built once, for any number of threads."""

from __future__ import annotations

import gc
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from lookbook.outfits.slots import outfit_slots
from lookbook.search.index import Index
from lookbook.search.lexical_index import lexical_index
from lookbook.search.per_index import per_index
from lookbook.search.prefix_index import prefix_index
from lookbook.search.product_groups import product_groups
from tests.tiny_index import publish_tiny


@pytest.fixture
def index(tmp_path):
    publish_tiny(tmp_path)
    return Index.open(tmp_path)


def test_many_threads_build_once(index):
    built = []

    @per_index
    def slow(index):
        built.append(index)
        time.sleep(0.05)
        return object()

    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(lambda _: slow(index), range(16)))
    assert (len(results), len(built)) == (1, 1)


def test_an_error_is_not_kept(index):
    calls = []

    @per_index
    def second_time(index):
        calls.append(1)
        if len(calls) == 1:
            raise OSError("no disk")
        return "built"

    with pytest.raises(OSError, match="no disk"):
        second_time(index)
    assert second_time(index) == "built"


@pytest.mark.parametrize("derive", [product_groups, lexical_index, prefix_index, outfit_slots])
def test_each_index_has_its_own_and_takes_it_along(index, derive, tmp_path):
    assert derive(index) is derive(index)
    other = Index.open(tmp_path)
    assert derive(other) is not derive(index)
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None
