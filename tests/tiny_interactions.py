"""A train and a test part of interactions, small enough to count on."""

from __future__ import annotations

import numpy as np

from lookbook.recommend import Interactions

NONE = [-1] * 12


def interactions(*taken, items=20):
    users, rows, days = zip(*taken, strict=True)
    return Interactions.of(users, np.array(rows), np.array(days, float), items)


TRAIN = interactions(("a", 0, 1), ("a", 1, 1), ("b", 1, 2), ("c", 2, 2))
TEST = interactions(("a", 0, 3), ("a", 2, 3), ("a", 7, 4), ("b", 5, 3), ("new", 1, 3))
