"""Facets: what a catalogue can be narrowed by, against counting by hand."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.recommend import Items
from lookbook.schema.filters import FilterError, parse_where
from lookbook.search import facets
from lookbook.search.index import Index
from tests.tiny_index import publish_tiny

COLOURS = ["red", "blue", "red", "green", "red", "blue", "red", "green", None, "red"]
KINDS = ["shirt", "shirt", "bag", "bag", "shirt", "bag", "shirt", "shirt", "bag", "bag"]
PRICES = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, None, 100.0]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    columns = {"colour": COLOURS, "kind": KINDS, "price": PRICES}
    columns |= {"name": [f"n{i}" for i in range(10)], "one": ["same"] * 10}
    items = {"id": list("abcdefghij"), "title": list("abcdefghij")} | columns
    root = tmp_path_factory.mktemp("facets")
    publish_tiny(root, count=10, items=items)
    return Index.open(root)


def counts(expected: list[facets.Facet], column: str) -> dict[str, int]:
    [facet] = [f for f in expected if f.column == column]
    return {choice.value: choice.count for choice in facet.choices}


def test_only_columns_that_say_a_kind_become_facets(index):
    assert facets.columns(index) == ["colour", "kind"]
    assert facets.price_column(index) == "price"


def test_recommenders_take_the_price_that_the_site_shows(tmp_path):
    items = {"id": ["a", "b"], "title": ["a", "b"], "price": ["on request", "sold"]}
    publish_tiny(tmp_path, count=2, items=items | {"sale price": [3.0, 4.0]})
    index = Index.open(tmp_path)
    assert facets.price_column(index) == "sale price"
    assert Items.of_index(index).prices.tolist() == [3.0, 4.0]


def test_counts_follow_the_other_filters_but_not_the_own(index):
    facet_list = facets.facets(index, ["kind=shirt", "colour=red"])
    by_hand = Counter(c for c, k in zip(COLOURS, KINDS, strict=True) if k == "shirt" and c)
    assert counts(facet_list, "colour") == by_hand
    assert counts(facet_list, "kind") == Counter(
        k for c, k in zip(COLOURS, KINDS, strict=True) if c == "red"
    )


def test_a_chosen_value_stays_even_where_nothing_is_left_of_it(index):
    [colour] = [
        f for f in facets.facets(index, ["colour=green", "price<=30"]) if f.column == "colour"
    ]
    [green] = [choice for choice in colour.choices if choice.value == "green"]
    assert (green.count, green.chosen) == (0, True)


def test_an_unreadable_filter_is_told(index):
    with pytest.raises(FilterError, match="COLUMN=VALUE"):
        facets.facets(index, ["colour"])


@given(st.lists(st.sampled_from(["red", "blue", "green"]), max_size=8))
def test_toggling_twice_changes_nothing_and_once_turns_it_over(values):
    where = parse_where(("kind=shirt", "price<=50"))
    chosen: set[str] = set()
    for value in values:
        where = facets.toggle_value(where, "colour", value)
        chosen ^= {value}
    assert set(facets.selected_values(where, "colour")) == chosen
    assert set(parse_where(["kind=shirt", "price<=50"])) <= set(where)


def test_a_range_replaces_the_one_before(index):
    where = facets.set_range(("kind=bag",), "price", 20, None)
    where = facets.set_range(where, "price", None, 45.5)
    assert where == parse_where(("kind=bag", "price<=45.5"))
    span = facets.price_range(index, where)
    assert (span.low, span.high, span.least, span.most) == (10, 100, None, 45.5)
    assert facets.set_range(where, "price", None, None) == parse_where("kind=bag")


def test_a_condition_on_prices_that_is_no_range_stays_and_is_no_end_of_one(index):
    span = facets.price_range(index, ["price!=abc"])
    assert (span.least, span.most) == (None, None)
    assert facets.set_range(("price!=abc",), "price", 5, None) == parse_where(
        ("price!=abc", "price>=5")
    )


def test_large_prices_keep_their_digits(index):
    assert facets.set_range((), "price", 1234567, None) == parse_where("price>=1234567")


def test_a_value_that_a_condition_cannot_hold_is_no_chip(tmp_path):
    values = ["A|B", "plain", " spaced"] * 5
    items = {"id": [str(i) for i in range(15)], "title": ["t"] * 15, "kind": values, "a=b": values}
    publish_tiny(tmp_path, count=15, items=items)
    [facet] = facets.facets(Index.open(tmp_path), ())
    assert [choice.value for choice in facet.choices] == ["plain"]


def test_kinds_and_brands_may_have_many_values_and_translations_are_no_facets(tmp_path):
    many = [f"Apparel > Kind {i // 2}" for i in range(140)]
    columns = {"product_type": many, "brand": many, "batch": many}
    columns |= {"fit": ["wide", "slim"] * 70, "fit_de": ["weit", "eng"] * 70}
    columns |= {"updated_at": ["2026-01-10T10:00:00+02:00", "2026-01-11T10:00:00+02:00"] * 70}
    items = {"id": [str(i) for i in range(140)], "title": ["a"] * 140} | columns
    publish_tiny(tmp_path, count=140, items=items)
    assert facets.columns(Index.open(tmp_path)) == ["product_type", "brand", "fit"]
