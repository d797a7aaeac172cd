"""Items with several values of a column: filters match any of them, counts add up."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookbook.recommend.items import Items
from lookbook.schema.columns import find_price
from lookbook.search import facets
from lookbook.search.concepts import concept_index
from lookbook.search.index import Index
from lookbook.search.lexical_index import lexical_index
from lookbook.search.product_groups import product_groups
from lookbook.ui.services.search import SearchService
from tests.tiny_index import publish_tiny

SIZES = [("S", "M"), ("M",), ("S", "M", "L"), None, ("L",), ("M", "L")]
STOCK = [True, False, True, True, None, False]
YEARS = [2023, 2024, 2023, 2024, 2023, None]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    items = {
        "id": list("abcdef"),
        "title": list("abcdef"),
        "sizes": SIZES,
        "in_stock": STOCK,
        "year": YEARS,
        "stock": [3, 3, 3, 4, 4, 4],
        "cost_price": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0],
        "price": [49.9, 12.0, None, 3.5, 3.5, 9.0],
        "currency": ["EUR"] * 3 + ["JPY", None, "EUR"],
    }
    root = tmp_path_factory.mktemp("several")
    publish_tiny(root, count=6, items=items)
    return Index.open(root)


def test_they_come_back_as_they_were_stored(index):
    assert index.column("sizes") == SIZES
    assert index.item("c").attributes["sizes"] == ("S", "M", "L")
    assert json.loads(json.dumps(index.item("c").attributes))["sizes"] == ["S", "M", "L"]
    assert index.values("sizes") == {"M": 4, "L": 3, "S": 2} and index.has_several("sizes")


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("sizes=S", "ac"),
        ("sizes=s|l", "acef"),
        ("sizes!=M", "de"),
        ("in_stock=true", "acd"),
        ("year=2023", "ace"),
        ("year>=2024", "bd"),
    ],
)
def test_a_filter_matches_any_of_them(index, where, ids):
    mask = index.matching([where])
    assert "".join(id for id, met in zip(index.ids, mask, strict=True) if met) == ids


def test_counts_of_chips_add_up_and_follow_the_other_filters(index):
    by_column = {f.column: f for f in facets.facets(index, ["in_stock=true"])}
    assert {c.value: c.count for c in by_column["sizes"].choices} == {"M": 2, "S": 2, "L": 1}
    assert {c.value: c.count for c in by_column["in_stock"].choices} == {"True": 3, "False": 2}
    assert {c.value: c.count for c in by_column["year"].choices} == {"2023": 2, "2024": 1}


def test_amounts_are_no_chips(index):
    assert facets.columns(index) == ["sizes", "in_stock", "year", "currency"]


def test_the_words_of_all_of_them_are_mentioned(index):
    assert lexical_index(index).share("l").nonzero()[0].tolist() == [2, 4, 5]


def test_the_price_is_what_is_paid_and_has_its_currency(index, tmp_path):
    assert facets.price_column(index) == "price"
    service = SearchService(index, lambda: None, tmp_path)
    shown = [service.price_text(index.item(id)) for id in index.ids]
    assert shown == ["€ 49.90", "€ 12.00", "", "¥ 4", "3.50", "€ 9.00"]


def test_a_column_that_a_person_named_is_the_price_and_the_group(tmp_path):
    items = {
        "id": list("abcd"),
        "title": list("abcd"),
        "price": [1.0, 2.0, 3.0, 4.0],
        "vk": [9.0, 8.0, 7.0, 6.0],
        "set": ["x", "x", "y", "y"],
    }
    source = {"columns": {"price": "vk", "group": "set"}}
    publish_tiny(tmp_path, count=4, items=items, source=source)
    index = Index.open(tmp_path)
    assert facets.price_column(index) == "vk"
    assert product_groups(index).tolist() == [0, 0, 2, 2]
    items = Items.of_index(index)
    assert items.prices.tolist() == [9.0, 8.0, 7.0, 6.0]
    assert items.product_groups.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("names", "price"),
    [
        (["cost_price", "price"], "price"),
        (["compare_at_price", "Variant Price"], "Variant Price"),
        (["Einkaufspreis", "Verkaufspreis"], "Verkaufspreis"),
        (["old price", "cost of goods"], None),
        (["costume", "amount"], "amount"),
        (["sale_price"], "sale_price"),
        (["prix_barre", "prix"], "prix"),
        (["Ürün Fiyatı"], "Ürün Fiyatı"),
        (["price_currency", "price range"], None),
    ],
)
def test_the_column_of_prices_by_its_name(names, price):
    assert find_price(names) == price


def test_words_find_every_colour_of_a_cell(tmp_path):
    """One cell of two colours makes a column of lists."""
    colours = [("red",), ("blue",), ("red", "blue"), ("green",), ("blue",), ("green",)]
    items = {"id": list("abcdef"), "title": list("abcdef"), "colour": colours}
    publish_tiny(tmp_path, count=6, items=items)
    index = Index.open(tmp_path)
    found = {name: set(np.flatnonzero(concept_index(index).rows(name))) for name in ("red", "blue")}
    assert found == {"red": {0, 2}, "blue": {1, 2, 4}}
