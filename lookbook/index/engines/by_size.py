"""Which engine serves a large catalogue: the rule of docs/ENGINES.md, in one place."""

from __future__ import annotations

import importlib.util

from lookbook.index.engines.contract import get_engine

# Photos from which the exact search that serves some queries beside Annoy takes some 30 ms: 6.5 ms
# at 44,000, 150 at 1,000,000, where the lists of faiss answer all kinds in about 1 ms.
LISTS_FROM = 200_000


def engine_beside(built: str, photos: int) -> tuple[str, str] | None:
    """Return the engine that is built beside `built` and serves in its place, and why.

    None where `built` serves: in smaller catalogues, where another engine than Annoy was asked for,
    and where faiss is not installed.
    """
    package = get_engine("faiss").package
    if built != "annoy" or photos < LISTS_FROM or importlib.util.find_spec(package or "") is None:
        return None
    return "faiss", f"{photos:,} photos: from {LISTS_FROM:,} on faiss is faster for every query"
