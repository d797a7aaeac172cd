"""The address bar: holds the address of the view, and reports back and forward."""

from __future__ import annotations

import time
from typing import Any

from lookbook.search.permalinks import NAMES
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.routing import MAX_ADDRESS

# Parameters of others, such as gradio's `__theme`, stay in the address.
_SCRIPT = """
const ours = %s;
const addressOf = (search) => {
  const all = new URLSearchParams(location.search);
  ours.forEach((name) => all.delete(name));
  new URLSearchParams(search).forEach((value, name) => all.append(name, value));
  const text = [['%%3D', '='], ['%%3B', ';'], ['%%2C', ',']].reduce(
    (whole, [code, plain]) => whole.replaceAll(code, plain), all.toString());
  return location.pathname + (text ? '?' + text : '');
};
watch('value', () => {
  if (!props.value) return;
  const next = addressOf(props.value.search);
  if (next === location.pathname + location.search) return;
  if (props.value.replace) history.replaceState(null, '', next);
  else history.pushState(null, '', next);
});
window.addEventListener('popstate', () => trigger('navigate', {search: location.search}));
"""


class Router(HtmlComponent):
    """An invisible component whose value is the address; event: navigate (back and forward)."""

    script = _SCRIPT % list(NAMES)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(None, html_template="", elem_id="router", **kwargs)

    def postprocess(  # type: ignore[override]
        self, value: str | None
    ) -> dict[str, Any] | None:
        """Put a query string into the address bar; a leading "!" replaces the present one.

        The time makes two equal addresses differ, so that the page sees each of them.
        """
        if value is None:
            return None
        search = value.removeprefix("!")
        return {"search": search, "replace": value.startswith("!"), "at": time.time_ns()}

    def preprocess(self, payload: Any) -> str:
        """Return the query string that the page was opened with."""
        return payload[:MAX_ADDRESS] if isinstance(payload, str) else ""
