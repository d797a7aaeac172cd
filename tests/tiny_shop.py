"""A shop whose right answers follow from its construction: a checkerboard of people and items."""

from __future__ import annotations

import numpy as np

from lookbook.recommend import Interactions, Items

PEOPLE, ITEMS = 40, 20
COLOURS = ("red", "blue", "green", "black", "white")


def checkerboard_items(count: int = ITEMS) -> Items:
    """Even and odd items look like their own kind; two that follow each other are one product."""
    draw = np.random.default_rng(0)
    looks = np.eye(8)[[row % 2 for row in range(count)]] + draw.normal(0, 0.1, (count, 8))
    return Items.of_columns(
        [f"i{row}" for row in range(count)],
        {
            "articleType": ["Shirts" if row % 2 == 0 else "Shoes" for row in range(count)],
            "baseColour": [COLOURS[row // 2 % 5].title() for row in range(count)],
            "season": ["Summer" if row % 4 < 2 else "Winter" for row in range(count)],
            "usage": ["Party" if row % 3 == 0 else "Casual" for row in range(count)],
            "price": [10.0 * (row + 1) for row in range(count)],
            "style_id": [f"s{row // 4 * 2 + row % 2}" for row in range(count)],
        },
        [f"Item {row}" for row in range(count)],
        looks.astype(np.float32),
    )


def checkerboard(items: Items, last_day: int = 6) -> Interactions:
    """Even people take even items, odd people odd ones; each leaves out the one of its number.

    Person u has not taken item u (modulo the items), so that is the right answer.
    """
    rows = [
        (f"u{u}", i, (u + i // 2) % last_day)
        for u in range(PEOPLE)
        for i in range(len(items))
        if u % 2 == i % 2 and i != missing(u)
    ]
    users, taken, days = zip(*rows, strict=True)
    return Interactions.of(users, np.array(taken), np.array(days, float), len(items))


def missing(person: int) -> int:
    """The item of a person's own colour that the person has not taken."""
    return person % ITEMS
