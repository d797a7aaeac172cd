"""Held-out splits: a hash of the key decides, so that a split never changes."""

from __future__ import annotations

import hashlib

PRODUCTS_HELD_OUT, PEOPLE_HELD_OUT = 0.108, 0.15  # shares that no training may see


def held_out(key: str, fraction: float) -> bool:
    """Whether a product or photographer of this key is in the test part, `fraction` of all keys."""
    digest = hashlib.sha1(key.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < fraction
