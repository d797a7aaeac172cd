"""Columns in other languages: which they are, and what a visitor of a language is shown."""

from __future__ import annotations

import pytest

from lookbook.schema.translations import in_language, translated_columns


def test_a_column_named_after_another_one_and_a_language_is_its_translation():
    columns = dict.fromkeys(["title_de", "description", "description-FR", "colour", "colour (it)"])
    assert translated_columns(columns) == {
        "title_de": ("title", "de"),
        "description-FR": ("description", "fr"),
        "colour (it)": ("colour", "it"),
    }


@pytest.mark.parametrize(
    "column", ["size_uk", "size_fr", "price_de", "article_no", "style_id", "model_fr", "side", "de"]
)
def test_what_only_looks_like_a_language_is_none(column):
    columns = dict.fromkeys([column, "size", "price", "article", "style"])
    assert translated_columns(columns) == {}


def test_title_and_attributes_are_shown_in_the_language_that_is_asked_for():
    attributes = {"title_de": "Rotes Kleid", "fit": "loose", "fit_de": "weit", "size": 3}
    german = in_language("Red dress", attributes, "de")
    assert german == ("Rotes Kleid", {"fit": "weit", "size": 3})
    assert in_language("Red dress", attributes, "en") == ("Red dress", {"fit": "loose", "size": 3})


def test_what_is_not_translated_stays():
    attributes = {"title_de": "", "fit": "loose", "fit_de": None}
    assert in_language("Red dress", attributes, "de") == ("Red dress", {"fit": "loose"})
