"""Search an index: by vector, photo, item and text, with filters."""

from lookbook.search.index import Hit, Index, IndexItem, UnknownItem
from lookbook.search.photo_query import PhotoQuery, photo_query
from lookbook.search.query import Answer, Query, run

__all__ = [
    "Answer",
    "Hit",
    "Index",
    "IndexItem",
    "PhotoQuery",
    "Query",
    "UnknownItem",
    "photo_query",
    "run",
]
