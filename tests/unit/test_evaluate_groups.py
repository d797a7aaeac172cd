"""Figures by group, on a gallery whose neighbours are known."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.catalog import Item
from lookbook.evaluate.tasks import GROUP, Gallery, like, like_by


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
