"""Which engine serves a large catalogue: the rule of docs/ENGINES.md, in one place."""

from __future__ import annotations

from lookbook.index.engines.contract import is_installed

# A judgement: 44,000 and 1,000,000 photos were measured, nothing between. Exact search, which
# serves some queries beside Annoy, took 6.5 and 150 ms there, faiss about 1 ms; a straight line
# between them gives it some 30 ms here.
LISTS_FROM = 200_000


def engine_beside(built: str, photos: int) -> tuple[str, str] | None:
    """Return the engine that is built beside `built` and serves in its place, and why.

    None where `built` serves: in smaller catalogues, where another engine than Annoy was asked for,
    and where faiss is not installed.
    """
    if built != "annoy" or photos < LISTS_FROM or not is_installed("faiss"):
        return None
    return "faiss", f"{photos:,} photos: from {LISTS_FROM:,} on faiss is faster for every query"
