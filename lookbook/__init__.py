"""Lookbook: find clothes by picture.

encoder = Encoder.load()
index = Index.open("index")
hits = index.search(encoder.encode([photo])[0], k=24, where={"gender": "Women"})
"""

import sys

from lookbook.encoding.encoder import Encoder
from lookbook.schema.deprecation import MovedModules
from lookbook.search.index import Hit, Index

__version__ = "0.1.0"
__all__ = ["Encoder", "Hit", "Index"]

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
