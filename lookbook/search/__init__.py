"""Search an index: by vector, photo, item and text, with filters."""

from lookbook.search.index import Hit, Index, IndexItem, UnknownItem
from lookbook.search.photo_query import PhotoQuery, photo_queries, photo_query
from lookbook.search.query import Query, SearchResult, run

__all__ = [
    "Hit",
    "Index",
    "IndexItem",
    "PhotoQuery",
    "Query",
    "SearchResult",
    "UnknownItem",
    "photo_queries",
    "photo_query",
    "run",
]
