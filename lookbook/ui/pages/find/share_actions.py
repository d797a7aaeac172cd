"""Callbacks of Share and Save: a link to the view, a contact sheet and a table of the results."""

from __future__ import annotations

from collections.abc import Sequence

from lookbook.search.export import as_csv, contact_sheet
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.components.share import download_html, share_html
from lookbook.ui.messages import _
from lookbook.ui.routing import query_string
from lookbook.ui.services.search import SearchService


class ShareActions:
    """Callbacks of Share and Save; a second press closes the panel, and each closes the other."""

    def __init__(self, search_service: SearchService) -> None:
        self.search_service = search_service

    def share(self, query: Query, is_open: bool) -> tuple[str, str]:
        """Return (link to the view without uploaded pictures, ""), or close both panels."""
        return "" if is_open else self._link(query), ""

    def _link(self, query: Query) -> str:
        private = bool(query.pictures) and not query.from_link
        return share_html(query_string(query, self.search_service.index), private)

    def share_vector(self, query: Query) -> str:
        """Return a link that holds the vectors of the uploaded pictures, as their owner asked."""
        search = query_string(query, self.search_service.index, allow_pictures=True)
        return share_html(search, private=False)

    def save(self, shown: Sequence[tuple[str, float]], is_open: bool) -> tuple[str, str]:
        """Return ("", downloads of the (id, score) that are shown), or close both panels."""
        return "", "" if is_open else self._downloads(shown)

    def _downloads(self, shown: Sequence[tuple[str, float]]) -> str:
        index = self.search_service.index
        hits = [self.search_service.as_hit(id, score) for id, score in shown if id in index]
        if not hits:
            return markup.empty(_("There is nothing to download yet."))
        sheet = contact_sheet(index, hits)
        table = as_csv(hits, self.search_service.links).encode("utf-8")
        return (
            f"<p>{download_html(_('Contact sheet'), 'lookbook.jpg', 'image/jpeg', sheet)}"
            f"{download_html(_('Table (CSV)'), 'lookbook.csv', 'text/csv', table)}</p>"
        )
