"""Which part a product or a photographer belongs to: decided by hash, so the same for ever."""

from __future__ import annotations

import hashlib

PRODUCTS_HELD_OUT, PEOPLE_HELD_OUT = 0.108, 0.15  # shares that training never sees


def held_out(key: str, fraction: float) -> bool:
    """Whether a product or photographer belongs to the test part: by hash, so for good."""
    digest = hashlib.sha1(key.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < fraction
