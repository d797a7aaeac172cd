"""Diversity on the shipped collection: results differ, and stay on the subject."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookbook.search.index import Index
from lookbook.search.product_groups import product_groups
from lookbook.search.query import Query, run

INDEX = Path(__file__).resolve().parents[3] / "index"


@pytest.fixture(scope="module")
def index():
    return Index.open(INDEX)


def kind_share(answer, kind) -> float:
    return float(np.mean([hit.item.attributes["articleType"] == kind for hit in answer.hits]))


def spread(answer, index) -> float:
    vectors = index.unit_vectors[[hit.row for hit in answer.hits]]
    return 1 - float((vectors @ vectors.T).mean())


def test_at_full_variety_half_of_the_results_are_of_the_kind_of_the_query(index):
    kinds = np.array(index.column("articleType"))
    first_of = {kind: int(np.flatnonzero(kinds == kind)[0]) for kind in sorted(set(kinds))}
    products = product_groups(index)
    for kind, row in first_of.items():
        others = len(np.unique(products[kinds == kind])) - 1
        query = Query(item=index.ids[row], diversity=1.0)
        answer, closest = run(query, index), run(replace(query, diversity=0.0), index)
        expected = min(0.5, others / len(answer.hits))
        assert kind_share(answer, kind) >= expected, kind
        assert answer.hits[0].id == closest.hits[0].id
        assert spread(answer, index) > spread(closest, index), kind


def test_a_picture_stays_on_its_subject_too(index):
    row = int(np.flatnonzero(np.array(index.column("articleType")) == "Dresses")[3])
    picture = index.vector(index.ids[row])
    answer = run(Query(pictures=(picture,), diversity=1.0), index)
    assert kind_share(answer, "Dresses") >= 0.5


def test_more_results_keep_the_first_ones_where_they_are(index):
    query = Query(item=index.ids[7], diversity=0.6)
    short, long = run(query, index), run(replace(query, count=300), index)
    assert [hit.id for hit in long.hits[:24]] == [hit.id for hit in short.hits]
    assert len({hit.id for hit in long.hits}) == 300
