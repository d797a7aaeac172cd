"""Precision by category, group and text on a gallery whose neighbours are known."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.catalog import Item
from lookbook.evaluation.retrieval import (
    MIN_GROUP_SIZE,
    Gallery,
    category_precision,
    category_precision_by_group,
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
    return Gallery(items, np.array(vectors, np.float32) + noise.astype(np.float32), {})


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
