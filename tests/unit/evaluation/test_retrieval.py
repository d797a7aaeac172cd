"""Precision by category, group and text on a gallery whose neighbours are known."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.catalog import Item
from lookbook.evaluation.retrieval import (
    MIN_GROUP_SIZE,
    Gallery,
    attribute_precision,
    category_precision,
    category_precision_by_group,
    colour_family,
    colourway_recall,
    text_precision,
)


def gallery() -> Gallery:
    """Women's items lie near their own category, men's are mixed, and one child's is alone."""
    items, vectors = [], []
    for i in range(60):
        category = ("shirt", "shoe")[i % 2]
        items.append(item(f"w{i}", "Women", category))
        vectors.append([1, 0, 0, 0] if category == "shirt" else [0, 1, 0, 0])
    for i in range(60):
        items.append(item(f"m{i}", "Men", ("shirt", "shoe")[i % 2]))
        vectors.append([0, 0, 1, 0])
    items.append(item("c", "Boys", "shirt"))
    vectors.append([0, 0, 0, 1])
    noise = np.random.default_rng(0).normal(0, 1e-3, (len(items), 4))
    vectors = np.array(vectors, np.float32) + noise.astype(np.float32)
    return Gallery(items, vectors, {i.id: row for row, i in enumerate(items)}, vectors)


def item(id: str, gender: str, category: str) -> Item:
    return Item(id, b"", id, {"gender": gender, "articleType": category})


def test_a_group_with_better_neighbours_has_a_higher_precision():
    estimates = category_precision_by_group(gallery(), "gender")
    assert set(estimates) == {"gender=Women", "gender=Men"}, f"Boys: fewer than {MIN_GROUP_SIZE}"
    assert estimates["gender=Women"].value == 1
    assert estimates["gender=Men"].value == pytest.approx(0.5, abs=0.1)
    assert estimates["gender=Men"].n == 60


def test_the_groups_add_up_to_all_queries():
    overall = category_precision(gallery(), "articleType")
    groups = category_precision_by_group(gallery(), "gender")
    assert overall.n == sum(estimate.n for estimate in groups.values()) + 1


class TextEncoder:
    """The vector of the category, whatever the gender; the word "Men" is not known."""

    def __init__(self, **vectors: list[int]) -> None:
        self.vectors = vectors

    def knows(self, text: str) -> bool:
        return "Men" not in text.split()

    def as_query(self, vectors: np.ndarray, intent: str) -> np.ndarray:
        assert intent == "text"
        return vectors

    def encode_text(self, texts: list[str]) -> np.ndarray:
        return np.array([self.vectors[text.split()[-1]] for text in texts], np.float32)


def test_a_text_query_is_relevant_to_all_items_with_its_values():
    correct = TextEncoder(shirt=[1, 0, 0, 0], shoe=[0, 1, 0, 0])
    estimate = text_precision(gallery(), correct, "gender", "articleType", min_count=10)
    assert estimate.n == 2, "the word for men's is not known, and there is only one boy's item"
    assert estimate.value == 1, "the first results are women's: no men's item lies there"
    mixed_up = TextEncoder(shirt=[1, 0, 0, 0], shoe=[0, 0, 1, 0])
    estimate = text_precision(gallery(), mixed_up, "gender", "articleType", min_count=10)
    assert estimate.value == 0.5, "among the men's items no women's shoe is found"


def test_a_text_without_values_is_no_query():
    correct = TextEncoder(shirt=[1, 0, 0, 0], shoe=[0, 1, 0, 0])
    assert text_precision(gallery(), correct, "colour", "articleType", min_count=10) is None


def test_photos_are_judged_by_kind_and_by_family_of_colour():
    """Twelve navy shirts lie together, and twelve red shoes; the photo of a shirt lies there."""
    items = [Item(f"a{n}", b"", "", SHIRT) for n in range(6)]
    items += [Item(f"b{n}", b"", "", SHIRT | {"baseColour": "Teal"}) for n in range(6)]
    items += [Item(f"c{n}", b"", "", SHOE) for n in range(12)]
    vectors = np.repeat(np.eye(2, dtype=np.float32), 12, 0)
    shop = Gallery(items, vectors, {i.id: row for row, i in enumerate(items)}, vectors)
    right = attribute_precision(shop, vectors[:2], ["a0", "a1"])
    assert {name: e.value for name, e in right.items()} == dict.fromkeys(right, 1.0)
    wrong = attribute_precision(shop, vectors[:1], ["c0"])
    assert {e.value for e in wrong.values()} == {0.0}


SHIRT = {"articleType": "Shirts", "baseColour": "Navy Blue"}
SHOE = {"articleType": "Heels", "baseColour": "Red"}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Navy Blue", "blue"),
        ("Maroon", "red"),
        ("Charcoal", "grey"),
        ("Zqx", "Zqx"),
    ],
)
def test_a_colour_belongs_to_a_family(name, family):
    assert colour_family(name) == family


def test_colourway_recall_counts_the_colourways_that_there_are():
    """Item 0 has its two colourways next to it, items 3 and 4 are far from each other."""
    angles = np.deg2rad([0, 1, 2, 30, 150, *np.linspace(25, 35, 24)])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    items = [Item(str(n), b"", "", {}) for n in range(len(vectors))]
    codes = np.array(["a"] * 3 + ["b"] * 2 + [f"x{n}" for n in range(24)])
    shop = Gallery(items, vectors, {}, vectors)
    estimate = colourway_recall(shop, codes)
    assert estimate.n == 5
    assert estimate.value == pytest.approx(3 / 5)
