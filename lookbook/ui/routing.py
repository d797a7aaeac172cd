"""The address of a view: a query, a page or a shared list as a query string, and back."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, unquote, urlencode

from lookbook.search.index import Index
from lookbook.search.permalinks import from_params, not_one_of, to_params
from lookbook.search.query import Query

VIEWS = ("foryou", "saved", "explore", "about")  # pages beside Find, by the id of their tab
_VIEWS_OF_GRADIO = ("api", "api-recorder", "settings")
MAX_ADDRESS = 20_000  # characters of a query string that are read
MAX_LIST = 100  # items of a shared list
_MAX_PARAMETERS = 50


def query_string(query: Query, index: Index, allow_pictures: bool = False) -> str:
    """Return the query string of a view; uploaded pictures are left out unless allowed."""
    params = to_params(query, allow_pictures=allow_pictures, index=index)
    return urlencode(params, safe="=;,|~")


def parse_query_string(search: str, index: Index) -> tuple[Query, list[str]]:
    """Return the query of a query string, and a warning for each part that could not be used."""
    values = _values(search)
    query, warnings = from_params(values, index)
    if values.get("view", "") not in ("", *VIEWS, *_VIEWS_OF_GRADIO):
        warnings.append(not_one_of("view", VIEWS, values["view"]))
    return query, warnings


def view_of(search: str) -> str | None:
    """Return which of VIEWS a query string names, or None for the Find page."""
    view = _values(search).get("view")
    return view if view in VIEWS else None


def parse_list(search: str) -> tuple[str, ...]:
    """Return the ids of a shared list, each once; () where a query string holds none."""
    if view_of(search) != "saved":
        return ()
    ids = _values(search).get("list", "").split(",")
    return tuple(dict.fromkeys(id for id in map(unquote, ids) if id))[:MAX_LIST]


def list_query_string(ids: Sequence[str]) -> str:
    """Return the query string of a list of ids, the first MAX_LIST of them."""
    return urlencode({"view": "saved", "list": ",".join(map(quote, ids[:MAX_LIST]))}, safe=",")


def _values(search: str) -> dict[str, str]:
    pairs = parse_qsl(search.removeprefix("?")[:MAX_ADDRESS], max_num_fields=None)
    return dict(pairs[:_MAX_PARAMETERS])
