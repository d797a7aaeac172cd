"""Similar pieces and outfits for the pages of a shop: HTML for a frame, JSON, and a script.

A page of the shop either shows `/embed/similar?item=ID` in a frame, or includes
`<script src=".../embed/widget.js" data-item="ID" async></script>`, which inserts a row of cards.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi import Query as Parameter
from fastapi.responses import HTMLResponse, JSONResponse, Response

from lookbook.outfits import complete
from lookbook.schema.message import Message
from lookbook.schema.text import excerpt
from lookbook.search.index import IndexItem, UnknownItem
from lookbook.search.query import Query
from lookbook.ui import assets
from lookbook.ui.components import markup
from lookbook.ui.messages import _, language, translate
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService

KINDS = {"similar": Message("Similar pieces"), "look": Message("Complete the look")}
_MAX_COUNT = 24


@dataclass(frozen=True)
class EmbeddedItem:
    """One card: `picture` and `link` are absolute addresses, the latter of the shop's own page."""

    id: str
    title: str
    price: str
    picture: str
    link: str


class Embed:
    """What a shop's pages ask, answered by the functions that answer the site."""

    def __init__(self, search_service: SearchService, visitor_service: VisitorService) -> None:
        self._search, self._visitors = search_service, visitor_service

    def related(self, kind: str, item: str, count: int, site: str) -> list[EmbeddedItem]:
        """Return up to `count` items of a kind in KINDS around one; raises UnknownItem."""
        index = self._search.index
        index.row_of(item)
        if kind == "similar":
            found = [hit.item for hit in self._search.run(Query(item=item, count=count), None).hits]
        else:
            outfits = complete(index, item, self._visitors.bought_together)
            worn = (piece for outfit in outfits for piece in outfit.items)
            found = list({piece.id: piece for piece in worn}.values())[:count]
        return [self._embedded(piece, site) for piece in found]

    def _embedded(self, item: IndexItem, site: str) -> EmbeddedItem:
        file = self._search.thumb_file(item.id)
        return EmbeddedItem(
            id=item.id,
            title=self._search.localized(item).title,
            price=self._search.price_text(item),
            picture=file if file.startswith("data:") else site + markup.file_url(file),
            link=self._search.product_page(item) or f"{site}?{urlencode({'item': item.id})}",
        )


def router(search_service: SearchService, visitor_service: VisitorService) -> APIRouter:
    """Return the routes /embed/similar, /embed/look, each also as .json, and /embed/widget.js."""
    embed, routes = Embed(search_service, visitor_service), APIRouter(include_in_schema=False)

    def answer(request: Request, kind: str, item: str, count: int) -> list[EmbeddedItem] | None:
        try:
            return embed.related(kind, item, count, str(request.base_url))
        except UnknownItem:
            return None

    def add(kind: str) -> None:
        @routes.get(f"/embed/{kind}")
        def page(
            request: Request, item: str, count: int = Parameter(8, ge=1, le=_MAX_COUNT)
        ) -> Response:
            found = answer(request, kind, item, count)
            return HTMLResponse(
                page_html(translate(KINDS[kind]), found or []), 404 if found is None else 200
            )

        @routes.get(f"/embed/{kind}.json")
        def data(
            request: Request, item: str, count: int = Parameter(8, ge=1, le=_MAX_COUNT)
        ) -> Response:
            found = answer(request, kind, item, count)
            if found is None:
                return JSONResponse({"error": f"there is no item {excerpt(item)}"}, 404)
            title = translate(KINDS[kind])
            return JSONResponse({"title": title, "items": [asdict(one) for one in found]})

    for kind in KINDS:
        add(kind)

    @routes.get("/embed/widget.js")
    def widget() -> Response:
        script = assets.read("embed.js").replace("STYLE", json.dumps(assets.read("embed.css")))
        return Response(script, media_type="text/javascript")

    return routes


def page_html(title: str, items: list[EmbeddedItem]) -> str:
    """Return a page for a frame; its links open in the shop's own window."""
    cards = "".join(
        f'<li><a href="{markup.escape(one.link)}" target="_top" rel="noopener">'
        f'<img src="{markup.escape(one.picture)}" alt="" loading="lazy">'
        f"<span>{markup.escape(one.title)}</span> <b>{markup.escape(one.price)}</b></a></li>"
        for one in items
    )
    nothing = markup.escape(_("Nothing to show here."))
    content = f"<ul>{cards}</ul>" if items else f"<p>{nothing}</p>"
    return (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8">'
        f"<title>{markup.escape(title)}</title>"
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<style>{assets.read('embed.css')}</style></head><body>"
        f"<h2>{markup.escape(title)}</h2>{content}</body></html>"
    )
