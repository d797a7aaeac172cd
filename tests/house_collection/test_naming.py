"""Titles and descriptions."""


def test_descriptions_are_sentences_and_titles_name_the_shade(first):
    for product in first:
        assert product.name.endswith(f" in {product.shade}")
        assert product.description[0].isupper()
        assert product.description.endswith(".")
        assert "none" not in product.description
