"""Orders of results: by price and by age, where the catalogue has such columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookbook.search.index import Index
from lookbook.search.permalinks import from_params, to_params
from lookbook.search.query import Query, run
from lookbook.search.sorting import SORT_POOL, available_sorts, sorted_rows

INDEX = Path(__file__).resolve().parents[3] / "index"


@pytest.fixture(scope="module")
def index():
    return Index.open(INDEX)


def values(answer, column):
    return [hit.item.attributes[column] for hit in answer.hits]


def test_all_that_meet_the_filters_are_sorted_before_they_are_cut(index):
    query = Query(where=("gender=Women",), count=30, fold=None)
    women = np.flatnonzero(index.matching("gender=Women")).tolist()
    cheapest = sorted(index.column("price")[row] for row in women)
    assert values(run(replace(query, sort="price"), index), "price") == cheapest[:30]
    assert values(run(replace(query, sort="price-down"), index), "price") == cheapest[::-1][:30]
    assert set(values(run(replace(query, sort="newest"), index), "year")) == {2025}


def test_of_ranked_results_the_closest_are_sorted(index):
    query = Query(item=index.ids[0], count=SORT_POOL, fold=None)
    closest = {hit.id for hit in run(query, index).hits}
    answer = run(replace(query, sort="price"), index)
    assert {hit.id for hit in answer.hits} == closest
    assert values(answer, "price") == sorted(values(answer, "price"))


def test_missing_values_come_last_and_equal_ones_stay_in_order():
    keys = np.array([np.nan, 2.0, 1.0, 2.0])
    assert sorted_rows(np.array([0, 3, 1, 2]), keys).tolist() == [2, 3, 1, 0]
    assert sorted_rows(np.array([3, 1]), None).tolist() == [3, 1]


def test_a_link_keeps_the_order_and_one_unknown_here_is_said(index):
    query = Query(item=index.ids[0], sort="newest")
    assert from_params(to_params(query), index) == (query, [])
    plain, warnings = from_params({"sort": "size"}, index)
    assert plain.sort == "fit" and "found 'size'" in warnings[0]
    assert available_sorts(index) == ["fit", "price", "price-down", "newest"]
    with pytest.raises(ValueError, match="found 'size'"):
        run(Query(sort="size"), index)
