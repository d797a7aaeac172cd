"""The Saved page: what the visitor liked, a list that was shared, and what was viewed last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from lookbook.schema.message import Message
from lookbook.ui.components import markup
from lookbook.ui.components.base import SILENT_EVENT, HtmlComponent, event_value
from lookbook.ui.components.comparison import MAX_COMPARED, Comparison, comparison_html
from lookbook.ui.components.gallery import Gallery, gallery_html
from lookbook.ui.components.router import Router
from lookbook.ui.components.share import SharePanel, share_html
from lookbook.ui.messages import _, _n, translate
from lookbook.ui.routing import list_query_string, parse_list
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService

_RECENT = 12  # pieces
_NOTHING = Message("Nothing saved yet. Press the heart on any piece to keep it here.")
_GONE = Message("None of the pieces of this list is in the collection any more.")
_READ_ADDRESS = "(...inputs) => [...inputs.slice(0, -1), window.location.search]"

Liked = frozenset[str]
Ids = tuple[str, ...]


class Components:
    """The components of the page.

    `shared` holds the ids of a list that came by a link, () for the visitor's own; `compared` the
    ids that stand side by side.
    """

    def __init__(self) -> None:
        self.shared, self.compared = gr.State(()), gr.State(())
        self.header = HtmlComponent("", actions=("own", "link"), elem_id="saved-top")
        self.share_panel = SharePanel(elem_id="list-link")
        self.pieces = Gallery("saved-pieces")
        self.comparison = Comparison(elem_id="comparison")
        self.recent = Gallery("recent")

    def outputs(self) -> list[Any]:
        """Return the components that the page is shown with."""
        return [
            *(self.shared, self.compared, self.header, self.share_panel),
            *(self.pieces, self.comparison, self.recent),
        ]


class Callbacks:
    """Callbacks of the page."""

    def __init__(self, search_service: SearchService, visitor_service: VisitorService) -> None:
        self.search_service, self.visitor_service = search_service, visitor_service

    def open(self, token: str, liked: Liked, search: str) -> tuple[Any, ...]:
        """Show the list of the page's address: one that was shared, else the visitor's own."""
        shared = tuple(id for id in parse_list(search) if id in self.search_service.index)
        return self._page(token, liked, shared, ())

    def own(self, token: str, liked: Liked) -> tuple[Any, ...]:
        """Show the visitor's own list."""
        return self._page(token, liked, (), ())

    def refresh(self, token: str, liked: Liked, shared: Ids, compared: Ids) -> tuple[Any, ...]:
        """Show the page again after a like was taken back."""
        return self._page(token, liked, shared, compared)

    def compare(
        self, token: str, liked: Liked, shared: Ids, compared: Ids, event: gr.EventData
    ) -> tuple[Any, ...]:
        """Put a piece beside the others, or take it away; the first leaves where there are four."""
        id = event_value(event, "id")
        if id in compared:
            compared = tuple(other for other in compared if other != id)
        elif id in self.search_service.index:
            compared = (*compared, id)[-MAX_COMPARED:]
        return self._page(token, liked, shared, compared)

    def share(self, token: str, shared: Ids) -> str:
        """Return a link to the list."""
        ids = shared or self._saved(token)
        return share_html(list_query_string(ids), private=False) if ids else ""

    def record_opened(self, token: str, query: Any) -> None:
        """Record that a link to an item was opened."""
        self.visitor_service.record(token, "view", query.item or "", "site")

    def _saved(self, token: str) -> Ids:
        index = self.search_service.index
        return tuple(id for id in self.visitor_service.saved(token) if id in index)

    def _page(self, token: str, liked: Liked, shared: Ids, compared: Ids) -> tuple[Any, ...]:
        index = self.search_service.index
        ids = shared or self._saved(token)
        compared = tuple(id for id in compared if id in ids)
        views = [self.search_service.item_view(id, liked) for id in compared]
        viewed = [id for id in self.visitor_service.recently_viewed(token, _RECENT) if id in index]
        recent = gallery_html([self._card(id, liked, ("like",)) for id in viewed])
        actions = ("like", "compare") if len(ids) > 1 else ("like",)
        cards = [self._card(id, liked, actions, id in compared) for id in ids]
        return (
            shared,
            compared,
            _header(len(ids), bool(shared)),
            "",
            gallery_html(cards, translate(_GONE if shared else _NOTHING), anew=True),
            comparison_html(views),
            f"<h2>{markup.escape(_('Recently viewed'))}</h2>{recent}" if recent else "",
        )

    def _card(self, id: str, liked: Liked, actions: tuple[str, ...], pressed: bool = False) -> Any:
        hit = self.search_service.as_hit(id)
        return self.search_service.card(hit, liked, actions, compared=pressed)


def _header(count: int, shared: bool) -> str:
    if not count:
        return ""
    if shared:
        line = _n(
            "A list that was shared with you: {count} piece.",
            "A list that was shared with you: {count} pieces.",
            count,
        )
        action, label = "own", _("Show my own list")
    else:
        line = _n("{count} piece saved.", "{count} pieces saved.", count)
        line += " " + _("Press a heart again to remove a piece.")
        action, label = "link", _("Share this list")
    button = markup.button(action, label, markup.escape(label))
    return f"<p>{markup.escape(line)}</p>{button}"


def connect(
    tab: gr.Tab,
    components: Components,
    callbacks: Callbacks,
    token: gr.BrowserState,
    liked: gr.State,
    likes: Sequence[Callable[..., Any]],
    router: Router,
) -> None:
    """Connect the page; `likes` are the events of its hearts, once the like is kept."""
    c, visitor, outputs = components, [token, liked], components.outputs()
    present = [*visitor, c.shared, c.compared]
    tab.select(callbacks.open, [*visitor, router], outputs, js=_READ_ADDRESS, **SILENT_EVENT)
    c.header.own(callbacks.own, visitor, outputs, **SILENT_EVENT)
    c.header.link(callbacks.share, [token, c.shared], c.share_panel, **SILENT_EVENT)
    c.pieces.compare(callbacks.compare, present, outputs, **SILENT_EVENT)
    for kept in likes:
        kept(callbacks.refresh, present, outputs, **SILENT_EVENT)
