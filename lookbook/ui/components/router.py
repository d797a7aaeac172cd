"""The address bar: holds the address of the view, and reports back and forward."""

from __future__ import annotations

import time
from typing import Any

from lookbook.search.permalinks import NAMES
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.routing import MAX_ADDRESS, VIEWS

# Parameters of others, such as gradio's `__theme`, stay in the address.
_SCRIPT = """
const ours = %s, views = %s;
const addressOf = (search) => {
  const all = new URLSearchParams(location.search);
  ours.forEach((name) => all.delete(name));
  if (views.includes(all.get('view'))) all.delete('view');
  new URLSearchParams(search).forEach((value, name) => all.append(name, value));
  const text = [['%%3D', '='], ['%%3B', ';'], ['%%2C', ',']].reduce(
    (whole, [code, plain]) => whole.replaceAll(code, plain), all.toString());
  return location.pathname + (text ? '?' + text : '');
};
const viewOf = () => {
  const view = new URLSearchParams(location.search).get('view');
  return views.includes(view) ? view : '';
};
const show = (search, replace) => {
  const next = addressOf(search);
  if (next === location.pathname + location.search) return;
  if (replace) history.replaceState(null, '', next);
  else history.pushState(null, '', next);
};
// gradio opens its page of the API for ?view=api only when its link was pressed
const openApi = () => {
  const link = document.querySelector('footer .show-api');
  if (!link || new URLSearchParams(location.search).get('view') !== 'api') return;
  link.dispatchEvent(new MouseEvent('mouseenter'));
  link.click();  // gradio takes the page as open already: this closes it
  setTimeout(() => link.click(), 100);
};
let find = null;  // the address of the Find page, once the page is loaded
watch('value', () => {
  if (!props.value) return;
  const {search, replace} = props.value;
  show(search, replace);
  if (find === null) openApi();
  if (!viewOf()) find = search;
  find ??= '';
});
// a tab that was selected, by a press or by an address: '' is the Find page
window.lookbookTab = (view) => {
  if (find !== null && viewOf() !== view) show(view ? 'view=' + view : find);
};
window.addEventListener('popstate', () => {
  if (!viewOf()) find = location.search.slice(1);
  trigger('navigate', {search: location.search});
});
"""


class Router(HtmlComponent):
    """An invisible component whose value is the address; event: navigate (back and forward)."""

    script = _SCRIPT % ([*NAMES, "list"], list(VIEWS))

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
