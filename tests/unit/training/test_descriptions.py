"""Queries of products, and which products match a text."""

from __future__ import annotations

from random import Random

from lookbook.training.descriptions import Description, matches


def test_queries_are_a_title_or_attributes_in_full_or_a_few_words():
    product, draw = Description("Oak Slim Fit Cotton Tee", "Tshirts Men Navy Blue"), Random(1)
    queries = [product.sample_query(draw) for _ in range(200)]
    assert {"oak slim fit cotton tee", "tshirts men navy blue", "navy", "tee"} <= set(queries)
    assert all(set(text.split()) <= product.words for text in queries)
    lengths = {len(text.split()) for text in queries}
    assert lengths == {1, 2, 3, 4, 5}, "at most four, or the whole title of five"
    assert Description().sample_query(draw) == ""
    for product in (Description("", "Men"), Description("Men")):
        assert product.sample_query(draw) == "men"


def test_a_text_matches_products_that_have_all_its_words():
    products = [Description("Oak Tee", "Tshirts Red"), Description("Elm Tee"), Description()]
    matching = matches(["red tee", "TEE", "oak elm", "tee tee"], products)
    expected = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0]]
    assert matching.int().tolist() == expected
