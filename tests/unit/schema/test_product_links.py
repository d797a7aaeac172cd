"""Where an item's page in the shop is, and whether the shop has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.schema.product_links import ProductLinks, is_sold_out


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"link": "https://shop.example/a"}, "https://shop.example/a"),
        ({"Product URL": "http://shop.example/a?size=1"}, "http://shop.example/a?size=1"),
        ({"image_link": "https://shop.example/a.jpg"}, ""),
        ({"link": "javascript:alert(1)"}, ""),
        ({"link": "data:text/html,x"}, ""),
        ({"link": 'https://shop.example/"onclick=x'}, ""),
        ({"link": "https://user@shop.example/"}, ""),
        ({"link": "//shop.example/a"}, ""),
        ({"link": "https://[broken"}, ""),
        ({"link": None}, ""),
        ({"link": "n/a"}, ""),
        ({}, ""),
    ],
)
def test_a_link_column_gives_a_safe_address_or_none(attributes, expected):
    assert ProductLinks().address("1", attributes) == expected


@pytest.mark.parametrize(
    ("shop_url", "attributes", "expected"),
    [
        ("https://shop.example", {}, "https://shop.example/products/red%20dress"),
        ("https://shop.example/", {"link": "/p/7"}, "https://shop.example/p/7"),
        ("https://shop.example/{id}.html", {}, "https://shop.example/red%20dress.html"),
        ("https://shop.example/{Handle}", {"handle": "a/b"}, "https://shop.example/a%2Fb"),
        ("https://shop.example/{handle}", {"handle": None}, ""),
        ("https://shop.example/{id}", {"link": "https://other.example"}, "https://other.example"),
    ],
)
def test_the_shop_url_makes_the_others(shop_url, attributes, expected):
    assert ProductLinks(shop_url).address("red dress", attributes) == expected


def test_parameters_are_added_once():
    links = ProductLinks(parameters="utm_source=lookbook&utm_medium=search")
    address = links.address("1", {"link": "https://shop.example/a?utm_source=mail&size=1#top"})
    assert address == "https://shop.example/a?size=1&utm_source=lookbook&utm_medium=search#top"


def test_a_shop_url_that_is_no_address_is_refused():
    with pytest.raises(ValueError, match=r"expected an address such as .* found 'shop\.example'"):
        ProductLinks("shop.example")


@given(st.text(), st.text())
def test_whatever_a_column_holds_the_address_is_empty_or_of_the_web(id, text):
    address = ProductLinks("https://shop.example/{id}").address(id, {"link": text})
    assert not address or address.startswith(("http://", "https://"))
    assert not set(address) & set("\"'<> \n")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"availability": "out of stock"}, True),
        ({"availability": "out_of_stock"}, True),
        ({"availability": "in stock"}, False),
        ({"availability": "preorder"}, False),
        ({"In Stock?": "0"}, True),
        ({"in_stock": True}, False),
        ({"Verfügbarkeit": "ausverkauft"}, True),
        ({"Variant Inventory Qty": 0}, True),
        ({"stock": 3.0}, False),
        ({"stock": "-2"}, True),
        ({"stock": None}, False),
        ({"colour": "no"}, False),
    ],
)
def test_sold_out_is_what_availability_or_stock_says(attributes, expected):
    assert is_sold_out(attributes) is expected
