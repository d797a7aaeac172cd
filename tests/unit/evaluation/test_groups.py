"""Figures by group and by words, on a gallery whose neighbours are known."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.catalog import Item
from lookbook.evaluation.retrieval import GROUP, Gallery, like, like_by, text_precision


def gallery() -> Gallery:
    """Women's items lie with their own kind, men's are mixed up, and one child is alone."""
    items, vectors = [], []
    for i in range(60):
        kind = ("shirt", "shoe")[i % 2]
        items.append(item(f"w{i}", "Women", kind))
        vectors.append([1, 0, 0, 0] if kind == "shirt" else [0, 1, 0, 0])
    for i in range(60):
        items.append(item(f"m{i}", "Men", ("shirt", "shoe")[i % 2]))
        vectors.append([0, 0, 1, 0])
    items.append(item("c", "Boys", "shirt"))
    vectors.append([0, 0, 0, 1])
    noise = np.random.default_rng(0).normal(0, 1e-3, (len(items), 4))
    return Gallery(items, np.array(vectors, np.float32) + noise.astype(np.float32), {})


def item(id: str, gender: str, kind: str) -> Item:
    return Item(id, b"", id, {"gender": gender, "articleType": kind})


def test_a_group_that_is_served_better_has_the_better_figure():
    found = like_by(gallery(), "gender")
    assert set(found) == {"gender=Women", "gender=Men"}, f"one child is fewer than {GROUP}"
    assert found["gender=Women"].value == 1
    assert found["gender=Men"].value == pytest.approx(0.5, abs=0.1)
    assert found["gender=Men"].n == 60


def test_the_groups_add_up_to_the_whole():
    whole, groups = like(gallery(), "articleType"), like_by(gallery(), "gender")
    assert whole.n == sum(figure.n for figure in groups.values()) + 1


class Words:
    """Shirts and shoes in `places`, no matter whose they are; for men there is no word at all."""

    def __init__(self, **places: list[int]) -> None:
        self.places = places

    def knows(self, text: str) -> bool:
        return "Men" not in text.split()

    def encode_text(self, texts: list[str]) -> np.ndarray:
        return np.array([self.places[text.split()[-1]] for text in texts], np.float32)


def test_words_ask_for_all_that_have_these_values():
    right = Words(shirt=[1, 0, 0, 0], shoe=[0, 1, 0, 0])
    found = text_precision(gallery(), right, "gender", "articleType", min_count=10)
    assert found.n == 2, "men's are not known, and there is but one boy's"
    assert found.value == 1, "what comes first are women's, none of men's lies there"
    astray = Words(shirt=[1, 0, 0, 0], shoe=[0, 0, 1, 0])
    found = text_precision(gallery(), astray, "gender", "articleType", min_count=10)
    assert found.value == 0.5, "who looks where men's are finds no woman's shoe"


def test_what_nobody_says_is_not_asked_for():
    right = Words(shirt=[1, 0, 0, 0], shoe=[0, 1, 0, 0])
    assert text_precision(gallery(), right, "colour", "articleType", min_count=10) is None
