"""Taking results along: a link to them, a contact sheet, a table."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from lookbook.search.export import as_csv, contact_sheet
from lookbook.search.permalinks import to_params
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.components.event_data import SILENT_EVENT, Part
from lookbook.ui.routing import address
from lookbook.ui.services.search import SearchService

if TYPE_CHECKING:
    from lookbook.ui.pages.find.layout import Parts

_PRIVATE = (
    "This view searches with your picture. The link leaves it out. You can put it in as "
    "the numbers that the search uses; the picture itself is never sent, but the numbers say what "
    "it looks like."
)


class Panel(Part):
    """What a button opens, and closes when it is pressed again."""

    def preprocess(self, payload: Any) -> bool:
        """Whether it is open."""
        return bool(payload)


class Sharing(Panel):
    """A link to copy; act: vector, the visitor's leave to put in a picture's numbers."""

    acts = ("vector",)
    script = """
    const fill = () => element.querySelectorAll('input').forEach((field) => {
      field.value = location.origin + location.pathname + field.dataset.search;
    });
    watch('value', fill);
    element.addEventListener('click', async (event) => {
      const button = event.target.closest('.copy');
      if (!button) return;
      const field = element.querySelector('input');
      field.select();
      try { await navigator.clipboard.writeText(field.value); }
      catch { document.execCommand('copy'); }  // a page without https
      button.textContent = 'Copied';
    });
    """


class ShareActions:
    """Callbacks of Share and Save."""

    def __init__(self, search_service: SearchService) -> None:
        self.search_service = search_service

    def share(self, query: Query, is_open: bool) -> tuple[str, str]:
        """(a link to the view without private pictures, nothing saved), or both panels closed."""
        return "" if is_open else self._link(query), ""

    def _link(self, query: Query) -> str:
        return sharing(
            address(query, self.search_service.index),
            private=bool(query.pictures) and not query.from_link,
        )

    def share_vector(self, query: Query) -> str:
        """A link that holds the pictures' vectors: their owner said so."""
        params = to_params(query, allow_pictures=True, index=self.search_service.index)
        return sharing(urlencode(params, safe="=;,|~"), private=False)

    def save(self, shown: Sequence[tuple[str, float]], is_open: bool) -> tuple[str, str]:
        """(no link, the results to take along), or both panels closed."""
        return "", "" if is_open else self._files(shown)

    def _files(self, shown: Sequence[tuple[str, float]]) -> str:
        """Links to a contact sheet and a table of the results, whole in the page: no file stays."""
        hits = [
            self.search_service.of(id, score)
            for id, score in shown
            if id in self.search_service.index
        ]
        if not hits:
            return '<p class="empty">There is nothing to save yet.</p>'
        sheet = _link("lookbook.jpg", "image/jpeg", contact_sheet(self.search_service.index, hits))
        table = _link("lookbook.csv", "text/csv", as_csv(hits).encode("utf-8"))
        return f"<p>{sheet('Contact sheet')}{table('Table (CSV)')}</p>"


def sharing(search: str, private: bool) -> str:
    """The HTML of a link to copy."""
    mark = "?" if search else ""
    note = ""
    if private:
        note = (
            f"<p>{_PRIVATE}</p>"
            '<button type="button" data-act="vector">Put my picture in as numbers</button>'
        )
    return (
        f'<div class="link"><input readonly aria-label="Link to this view" '
        f'data-search="{markup.text(mark + search)}">'
        f'<button type="button" class="copy">Copy</button>{note}</div>'
    )


def _link(name: str, kind: str, data: bytes) -> Any:
    address = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return lambda label: f'<a download="{name}" href="{address}">{label}</a>'


def connect(p: Parts, taking: ShareActions) -> None:
    """Give Share and Save their callbacks."""
    panels = [p.sharing, p.saved]
    p.share.click(taking.share, [p.query, p.sharing], panels, **SILENT_EVENT)
    p.sharing.vector(taking.share_vector, p.query, p.sharing, **SILENT_EVENT)
    p.save.click(taking.save, [p.shown, p.saved], panels, **SILENT_EVENT)
