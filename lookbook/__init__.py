"""Lookbook: find clothes by picture.

encoder = Encoder.load()
index = Index.open("index")
hits = index.search(encoder.encode([photo])[0], k=24, where={"gender": "Women"})
"""

import pkgutil
import sys
from typing import TYPE_CHECKING

from lookbook.schema.deprecation import MovedModules

if TYPE_CHECKING:
    from lookbook.encoding.encoder import Encoder
    from lookbook.search.index import Hit, Index

__version__ = "0.1.0"
__all__ = ["Encoder", "Hit", "Index"]

_PLACES = {
    "Encoder": "lookbook.encoding.encoder:Encoder",
    "Hit": "lookbook.search.index:Hit",
    "Index": "lookbook.search.index:Index",
}


def __getattr__(name: str) -> object:
    """Import what `__all__` names when it is first used: a command line starts without waiting."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return pkgutil.resolve_name(_PLACES[name])


# modules that the README of 0.1 named
sys.meta_path.append(
    MovedModules(
        {
            "lookbook.explain": "lookbook.encoding.attribution",
            "lookbook.filters": "lookbook.schema.filters",
            "lookbook.focus": "lookbook.encoding.localization",
            "lookbook.links": "lookbook.search.permalinks",
            "lookbook.query": "lookbook.search.query",
        },
        {"lookbook.explain.why": "attribution_maps"},
    )
)
