"""The collection: the same seed gives the same products; colourways, names and columns."""

from collections import defaultdict
from itertools import islice

import numpy as np

from house_collection import products
from house_collection.specs import SPECS
from tests.house_collection.colours import mean_colour

COLUMNS = [
    *("id", "gender", "masterCategory", "subCategory", "articleType", "baseColour", "season"),
    *("year", "usage", "productDisplayName", "pattern", "fabric", "price", "description"),
    *("style_id", "colourway"),
]


def test_a_seed_decides_the_products_and_a_longer_run_starts_with_the_shorter():
    short, long_ = list(products(40, seed=5)), list(products(80, seed=5))
    assert long_[:40] == short
    assert list(products(40, seed=6)) != short


def test_products_are_made_one_at_a_time():
    assert len(list(islice(products(10**9), 3))) == 3


def test_rows_have_the_public_columns_and_ids_are_unique(first):
    assert all(list(p.row()) == COLUMNS for p in first)
    assert len({p.id for p in first}) == 300


def test_at_least_28_types_are_sold(one_of_each):
    assert len(SPECS) >= 28
    assert set(one_of_each) == {kind.article for kind in SPECS}


def test_colourways_share_the_cut_and_differ_in_colour(first):
    styles = defaultdict(list)
    for product in first:
        styles[product.style].append(product)
    several = [s for s in styles.values() if len(s) > 1]
    assert len(several) > 20
    for style in several:
        assert len({(p.article, p.cut, p.fabric, p.pattern) for p in style}) == 1
        assert len({p.row()["baseColour"] for p in style}) == len(style)
        numbers = [p.number for p in style]
        assert numbers == list(range(numbers[0], numbers[0] + len(style)))
    for style in [s for s in several if s[0].pattern == "plain" and s[0].article == "Tshirts"][:4]:
        assert np.abs(mean_colour(style[0]) - mean_colour(style[1])).max() > 0.08
