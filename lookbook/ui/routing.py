"""The address of a view: a query as a query string, and back."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from lookbook.search.index import Index
from lookbook.search.permalinks import from_params, to_params
from lookbook.search.query import Query

MAX_ADDRESS = 20_000  # characters of a query string that are read
_MAX_PARAMETERS = 50


def query_string(query: Query, index: Index, allow_pictures: bool = False) -> str:
    """Return the query string of a view; uploaded pictures are left out unless allowed."""
    params = to_params(query, allow_pictures=allow_pictures, index=index)
    return urlencode(params, safe="=;,|~")


def parse_query_string(search: str, index: Index) -> tuple[Query, list[str]]:
    """Return the query of a query string, and a warning for each part that could not be used."""
    pairs = parse_qsl(search.removeprefix("?")[:MAX_ADDRESS], max_num_fields=None)
    return from_params(dict(pairs[:_MAX_PARAMETERS]), index)
