"""Held-out splits: a hash of the key decides, so that a split never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

PRODUCTS_HELD_OUT, PEOPLE_HELD_OUT = 0.108, 0.15  # shares that no training may see


def held_out(key: str, fraction: float) -> bool:
    """Whether a product or photographer of this key is in the test part, `fraction` of all keys."""
    digest = hashlib.sha1(key.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < fraction


def development(key: str) -> bool:
    """Whether a held-out product or photographer is in the half that choices are made on.

    Weights of query adapters are fitted on that half, too; figures are of the other one.
    """
    return held_out(f"dev{key}", 0.5)


def final_half(keys: Sequence[str]) -> np.ndarray:
    """Return bool (n,): keys outside the development half; all of them where none is."""
    final = np.array([not development(key) for key in keys], bool)
    return final if final.any() else ~final
