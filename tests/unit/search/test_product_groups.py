"""Which items are one product in several colours, and which only look like it."""

from __future__ import annotations

import pytest

from lookbook.recommend.context import Context
from lookbook.recommend.data import History
from lookbook.recommend.items import Items
from lookbook.recommend.reasons import reason
from lookbook.search.index import Index
from lookbook.search.product_groups import count_colourways, product_groups
from lookbook.search.query import Query, run
from tests.tiny_index import publish_tiny


def colourful(root, titles, colours, **columns):
    items = {"id": [str(n) for n in range(len(titles))], "title": titles, **columns}
    if colours:
        items["baseColour"] = colours
    publish_tiny(root, count=len(titles), items=items, thumbs=[b""] * len(titles))
    return product_groups(Index.open(root)).tolist()


def test_titles_that_differ_in_colour_only_are_one_product(tmp_path):
    titles = ["Puma Men Red Tee", "Puma Men Navy Blue Tee", "Puma Women Red Tee", "Red", "Blue"]
    assert colourful(tmp_path / "a", titles, None) == [0, 0, 2, 3, 4]
    colours = ["Red", "Navy Blue", "Red", "Red", "Blue"]
    assert colourful(tmp_path / "b", titles, colours) == [0, 0, 2, 3, 4]
    assert colourful(tmp_path / "c", titles, colours, gender=list("mwmmm")) == [0, 1, 2, 3, 4]


def test_a_title_that_many_share_is_not_a_product(tmp_path):
    titles = ["Men Red Tee", "Men Blue Tee", "Men Red Tee"]
    assert colourful(tmp_path / "a", titles, ["Red", "Blue", "Red"]) == [0, 1, 2]
    thirteen = [f"Puma Tee in shade {n}" for n in range(13)]
    shades = [f"shade {n}" for n in range(13)]
    assert colourful(tmp_path / "b", thirteen, shades) == list(range(13))
    assert colourful(tmp_path / "c", thirteen[:12], shades[:12]) == [0] * 12


@pytest.mark.parametrize("name", ["{} bag", "{} T-shirt", "Bag in {}", "{}"])
def test_one_word_beside_the_colour_is_a_kind_and_no_product(tmp_path, name):
    titles = [name.format(colour) for colour in ("Black", "Navy Blue", "Red")]
    assert colourful(tmp_path / "a", titles, None) == [0, 1, 2]
    assert colourful(tmp_path / "b", titles, ["Black", "Navy Blue", "Red"]) == [0, 1, 2]
    assert colourful(tmp_path / "c", [f"Anna {t}" for t in titles[:2]] + titles[2:], None) == (
        [0, 0, 2] if name != "{}" else [0, 1, 2]
    )


def test_a_code_of_its_own_for_each_piece_keeps_all_apart(tmp_path):
    titles = ["Puma Men Red Tee", "Puma Men Blue Tee"]
    assert colourful(tmp_path / "a", titles, None, style_id=["a", "b"]) == [0, 1]
    assert colourful(tmp_path / "b", titles, None, style_id=["a", "a"]) == [0, 0]


def test_pieces_in_count_colourways_colours_are_counted_without_copies(tmp_path):
    items = {"id": list("abcdef"), "title": ["Tee"] * 6, "style_id": list("xxxyyz")}
    publish_tiny(tmp_path, count=6, items=items | {"group": [0, 1, 1, 3, 4, 5]}, thumbs=[b""] * 6)
    assert count_colourways(Index.open(tmp_path)) == (4, 2)


def test_a_code_says_it_unless_everything_shares_it(tmp_path):
    titles = [f"Piece {n}" for n in range(24)]
    codes = [None, "a", "a", None, *(f"b{n}" for n in range(20))]
    groups = colourful(tmp_path / "a", titles, None, Product_Code=codes)
    assert groups == [0, 1, 1, *range(3, 24)]
    assert colourful(tmp_path / "b", titles, None, style=["casual"] * 24) == list(range(24))


def test_a_style_of_two_values_makes_no_two_products_one(tmp_path):
    """In cards, in recommenders' lists and in their reasons: 50 casual shirts are 50 products."""
    attributes = {"style": [["casual", "smart"][n % 2] for n in range(100)]}
    ids, titles = [f"i{n}" for n in range(100)], [f"Piece {n}" for n in range(100)]
    items = {"id": ids, "title": titles, **attributes}
    publish_tiny(tmp_path, count=100, items=items, thumbs=[b""] * 100)
    index = Index.open(tmp_path)
    assert product_groups(index).tolist() == list(range(100))
    answer = run(Query(item="i0", count=100), index)
    assert len(answer.hits) == 99
    assert not any(hit.colourways for hit in answer.hits)
    for catalogue in (Items.of_index(index), Items.of_columns(ids, attributes, titles)):
        assert len(set(catalogue.product_groups.tolist())) == 100
        told = reason(catalogue, History.of_rows([0]), 2, Context())
        assert "another colour" not in told


def test_a_catalogue_without_an_index_has_the_same_products(tmp_path):
    titles = ["Puma Men Red Tee", "Puma Men Navy Blue Tee", "Puma Women Red Tee", "Red", "Blue"]
    for name, columns in (
        ("title", {"baseColour": ["Red", "Navy Blue", "Red", "Red", "Blue"]}),
        ("code", {"style_id": ["a", "b", "a", None, None]}),
    ):
        items = {"id": list("abcde"), "title": titles, **columns}
        publish_tiny(tmp_path / name, count=5, items=items, thumbs=[b""] * 5)
        of_index = Items.of_index(Index.open(tmp_path / name)).product_groups.tolist()
        assert Items.of_columns("abcde", columns, titles).product_groups.tolist() == of_index
        assert of_index == {"title": [0, 0, 1, 2, 3], "code": [0, 1, 0, 2, 3]}[name]
