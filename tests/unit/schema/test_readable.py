"""Which attributes are shown to visitors, and how."""

from __future__ import annotations

import pytest

from lookbook.schema.readable import (
    base_name,
    column_label,
    facts,
    is_readable,
    last_level,
    plain_text,
)


@pytest.mark.parametrize(
    "column, expected",
    [
        ("articleType", "Article type"),
        ("base_colour", "Base colour"),
        ("Body (HTML)", "Body"),
        ("Variant SKU", "Variant SKU"),
        ("UK size", "UK size"),
        ("MATERIAL", "Material"),
        ("(HTML)", "(html)"),
    ],
)
def test_labels_are_readable(column, expected):
    assert column_label(column) == expected


def test_tags_and_entities_are_removed_but_not_a_heart():
    assert plain_text("<p>Soft&nbsp;cotton<br>with   <b>ribs</b></p>") == "Soft cotton with ribs"
    assert plain_text("love <3 and 2 > 1") == "love <3 and 2 > 1"


@pytest.mark.parametrize(
    "column, values",
    [
        ("Variant SKU", ["a", "b"]),
        ("product_code", [108775, 110065]),
        ("styleId", ["casual"]),
        ("Image Src", ["front", "back"]),
        ("Body (HTML)", ["<p>Soft</p>", "<p>Hard</p>"]),
        ("material", ["https://shop.example/a", "https://shop.example/b"]),
        ("batch", ["AB-1234-XY", "CD-5678-ZW"]),
        ("updated_at", ["2026-01-10T10:00:00+02:00", "2026-02-11 10:00:00"]),
        ("text", ["word " * 30, "short"]),
    ],
)
def test_ids_codes_html_and_long_texts_are_not_readable(column, values):
    assert not is_readable(column, values)


@pytest.mark.parametrize(
    "column, values",
    [
        ("size", ["XXL", "10-12Y", 42]),
        ("season", ["SS2024", "AW2024"]),
        ("colour", ["Navy Blue", "REALLYRED"]),
        ("modelled", [True, False]),
        ("fabric", ["95% cotton, 5% elastane"]),
    ],
)
def test_sizes_seasons_and_words_are_readable(column, values):
    assert is_readable(column, values)


def test_facts_leave_out_what_says_nothing_and_strip_html():
    item = {
        "colour": "Navy",
        "Body (HTML)": "<p>Soft &amp; warm</p>",
        "Description": "<p>" + "word " * 40 + "</p>",
        "SKU": "NB-1",
        "batch": "2024-AB-77",
        "sizes": ("S", "M"),
        "stock": None,
        "year": 2024.0,
    }
    assert facts(item) == [
        ("colour", "Navy"),
        ("Body (HTML)", "Soft & warm"),
        ("sizes", "S, M"),
        ("year", "2024"),
    ]


@pytest.mark.parametrize(
    "source, expected",
    [
        ("/srv/shops/one/feed.csv", "feed.csv"),
        ("photos/", "photos"),
        (r"C:\shops\feed.csv", "feed.csv"),
        ("https://user:key@shop.example/feed.xml?token=secret", "feed.xml"),
        ("the house collection", "the house collection"),
        ("", ""),
    ],
)
def test_a_source_is_named_without_folder_host_or_key(source, expected):
    assert base_name(source) == expected


def test_of_a_path_of_categories_the_last_level_is_named():
    assert last_level("Apparel > Dress > Dresses") == "Dresses"
    assert last_level("sizes > ") == "sizes > "
    assert last_level("Dresses") == "Dresses"
