"""The address bar: every view has one, back and forward work, and a link opens it anywhere."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

from lookbook.search.index import Index
from lookbook.search.permalinks import NAMES, from_params, to_params
from lookbook.search.query import Query
from lookbook.ui.components.event_data import Part

_LONGEST = 20_000  # characters of an address that are read

_SCRIPT = """
const ours = %s;
const told = (search) => {
  const all = new URLSearchParams(location.search);
  ours.forEach((name) => all.delete(name));
  new URLSearchParams(search).forEach((value, name) => all.append(name, value));
  const text = [['%%3D', '='], ['%%3B', ';'], ['%%2C', ',']].reduce(
    (whole, [code, plain]) => whole.replaceAll(code, plain), all.toString());
  return location.pathname + (text ? '?' + text : '');
};
watch('value', () => {
  if (!props.value) return;
  const next = told(props.value.search);
  if (next === location.pathname + location.search) return;
  if (props.value.replace) history.replaceState(null, '', next);
  else history.pushState(null, '', next);
});
window.addEventListener('popstate', () => trigger('navigate', {search: location.search}));
"""


class Router(Part):
    """Not seen; holds the address of the view. Event: navigate, for back and forward."""

    script = _SCRIPT % list(NAMES)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(None, html_template="", elem_id="router", **kwargs)

    def postprocess(self, value: str | None) -> dict[str, Any] | None:
        """A query string to put into the address bar; a leading "!" replaces the present one."""
        if value is None:
            return None
        # the time makes two equal addresses differ: going back and on again must be seen
        search = value.removeprefix("!")
        return {"search": search, "replace": value.startswith("!"), "at": time.time_ns()}

    def preprocess(self, payload: Any) -> str:
        """The query string that the page opened with."""
        return payload[:_LONGEST] if isinstance(payload, str) else ""


def address(query: Query, index: Index) -> str:
    """The query string of a view, without private pictures."""
    return urlencode(to_params(query, index=index), safe="=;,|~")


def opened(search: str, index: Index) -> tuple[Query, list[str]]:
    """The query of an address, and what of it could not be used."""
    pairs = parse_qsl(search.removeprefix("?")[:_LONGEST], max_num_fields=None)
    return from_params(dict(pairs[:50]), index)
