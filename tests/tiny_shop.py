"""A shop whose right answers follow from its construction: a checkerboard of users and items."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lookbook.events import Event
from lookbook.recommend import Interactions, Items

USERS, ITEMS = 40, 20
COLOURS = ("red", "blue", "green", "black", "white")


def checkerboard_items(count: int = ITEMS) -> Items:
    """Return items whose vectors differ by parity; rows r and r + 2 are one product, r % 4 < 2."""
    noise = np.random.default_rng(0).normal(0, 0.1, (count, 8))
    vectors = np.eye(8)[[row % 2 for row in range(count)]] + noise
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
        vectors.astype(np.float32),
    )


def checkerboard(items: Items, last_day: int = 6) -> Interactions:
    """Return interactions of even users with even items and of odd users with odd items.

    User u has not taken item u (modulo the items), so that is the right answer.
    """
    rows = [
        (f"u{u}", i, (u + i // 2) % last_day)
        for u in range(USERS)
        for i in range(len(items))
        if u % 2 == i % 2 and i != missing(u)
    ]
    users, taken, days = zip(*rows, strict=True)
    return Interactions.of(users, np.array(taken), np.array(days, float), len(items))


def missing(user: int) -> int:
    """Return the item of the user's own parity that the user has not taken."""
    return user % ITEMS


def by_visitor(events: Iterable[Event]) -> list[list[Event]]:
    """Return the events of each visitor together, as `EventStore.by_visitor` reads them."""
    own: dict[str, list[Event]] = {}
    for event in events:
        own.setdefault(event.visitor, []).append(event)
    return [own[visitor] for visitor in sorted(own)]
