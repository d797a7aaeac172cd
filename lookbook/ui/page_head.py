"""The head of the page that a link opens: title, description and picture of what it shows.

Programs that preview a shared link read the HTML and run no script, so the tags are put into the
page as it is sent: gradio's own name gradio and say nothing of the view. Nothing is cached.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from PIL import Image, ImageOps
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from lookbook.schema.message import Message
from lookbook.schema.readable import facts
from lookbook.search.index import IndexItem
from lookbook.search.query import Query
from lookbook.ui.branding import Branding
from lookbook.ui.components import markup
from lookbook.ui.components.query_bar import condition_text
from lookbook.ui.messages import _, translate
from lookbook.ui.routing import MAX_ADDRESS, parse_query_string, query_string, view_of
from lookbook.ui.services.search import SearchService

VIEW_TITLES = {
    "foryou": Message("For you"),
    "saved": Message("Saved"),
    "explore": Message("Explore"),
    "about": Message("About"),
}
_ICON_SIZES = (192, 512)
_FACTS = 3  # attributes of an item in its description
_MIN_COMPRESSED = 1024  # bytes of a page
_MAX_TEXT = 200  # characters of a title or description
_GRADIO_TAGS = re.compile(
    r"<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*>|<link rel=\"manifest\"[^>]*>"
)
# what follows holds texts of the catalogue as JSON
_SCRIPT = re.compile(r"<script>window\.gradio_config")


@dataclass(frozen=True)
class Preview:
    """What a link shows: plain texts, and addresses relative to the site, "" for none."""

    title: str
    description: str
    picture: str = ""
    address: str = ""


class PageHead:
    """The tags of a view of the site, from its query string."""

    def __init__(self, branding: Branding, search_service: SearchService) -> None:
        self.branding, self._search = branding, search_service

    def tags(self, search: str, site: str) -> str:
        """Return the tags of a query string; `site` is the address of the site, "/" at its end."""
        preview = self.preview(search)
        picture = preview.picture or self._icon_png()
        absolute = site + picture if picture and not picture.startswith("data:") else ""
        named = {"description": preview.description, "twitter:card": "summary"}
        properties = {
            "og:title": preview.title,
            "og:description": preview.description,
            "og:type": "website",
            "og:site_name": self.branding.name,
            "og:url": site + preview.address,
            "og:image": absolute,
        }
        if preview.picture and absolute:
            named["twitter:card"] = "summary_large_image"
        icon = f'<link rel="icon" href="favicon.ico" type="{self.branding.icon()[1]}">'
        return (
            f"<title>{markup.escape(preview.title)}</title>{icon}"
            '<link rel="manifest" href="manifest.json">'
            + "".join(_meta("name", name, text) for name, text in named.items() if text)
            + "".join(_meta("property", name, text) for name, text in properties.items() if text)
        )

    def preview(self, search: str) -> Preview:
        """Return what a query string shows; that of the start page where nothing is known of it."""
        index = self._search.index
        query = parse_query_string(search[:MAX_ADDRESS], index)[0]
        address = "" if query.pictures or query == Query() else "?" + query_string(query, index)
        if query.item is not None:
            return self._of_item(index.item(query.item), address)
        asked = " · ".join([query.words, *map(condition_text, query.where)][not query.words :])
        if asked:
            return self._named(asked, address)
        view = view_of(search)
        if view is not None and self.branding.shows(view):
            return self._named(translate(VIEW_TITLES[view]), f"?view={view}")
        return Preview(self.branding.name, _(self.branding.tagline), address=address)

    def _of_item(self, item: IndexItem, address: str) -> Preview:
        photo = self._search.item_view(item.id).photos[0]
        item = self._search.localized(item)
        texts = [fact[1] for fact in facts(item.attributes)]
        known = [text for text in texts if text not in item.title]
        price = self._search.price_text(item)
        said = [price] * bool(price) + [text for text in known if text != price][:_FACTS]
        picture = markup.file_url(self._search.link_picture(photo))
        named = self._named(item.title or item.id, address)
        return Preview(named.title, " · ".join(said)[:_MAX_TEXT], picture, address)

    def _named(self, text: str, address: str) -> Preview:
        title = f"{text[:_MAX_TEXT]} · {self.branding.name}"
        return Preview(title, _(self.branding.tagline), address=address)

    def _icon_png(self) -> str:
        return "" if self.branding.icon()[1] == "image/svg+xml" else f"pwa_icon/{_ICON_SIZES[-1]}"


def _meta(kind: str, name: str, text: str) -> str:
    return f'<meta {kind}="{name}" content="{markup.escape(text)}">'


def with_tags(page: str, tags: str) -> str:
    """Return gradio's page with these tags in place of its own; the scripts stay as they are."""
    script = _SCRIPT.search(page)
    end = script.start() if script else len(page)
    head = _GRADIO_TAGS.sub("", page[:end])
    rest = re.sub(r"<link rel=\"manifest\"[^>]*>", "", page[end:], count=1)
    return re.sub(r"<meta charset[^>]*>", lambda found: found[0] + tags, head, count=1) + rest


class HeadMiddleware:
    """Put the tags of the view into the page "/"; other answers pass as they are.

    `tags` gets the query string and the address of the site. Innermost, before any compression.
    """

    def __init__(self, app: ASGIApp, tags: Callable[[str, str], str]) -> None:
        self._app, self._tags = app, tags

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        start: AsgiMessage = {}
        body, coding = b"", ""

        async def held(message: AsgiMessage) -> None:
            nonlocal start, body, coding
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body", False):
                return
            if _is_html(start):
                page = body.decode("utf-8")
                site = str(request.base_url)
                tags = await run_in_threadpool(self._tags, request.url.query, site)
                tagged = with_tags(page, tags).encode("utf-8")
                accepted = request.headers.get("accept-encoding", "")
                body, coding = await run_in_threadpool(compressed, tagged, accepted)
            await send({**start, "headers": _headers(start, len(body), coding)})
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, held)


def _is_html(start: AsgiMessage) -> bool:
    headers = {name.lower(): value for name, value in start.get("headers", [])}
    return start["status"] == 200 and headers.get(b"content-type", b"").startswith(b"text/html")


def compressed(page: bytes, accepted: str) -> tuple[bytes, str]:
    """Return a page as the header Accept-Encoding allows, and its coding; "" for none.

    gradio compresses only what has a file's ending in its address, which its page has not.
    """
    parts = (part.replace(" ", "").partition(";") for part in accepted.lower().split(","))
    codings = {coding for coding, _, q in parts if q not in ("q=0", "q=0.0", "q=0.00", "q=0.000")}
    if "gzip" not in codings or len(page) < _MIN_COMPRESSED:
        return page, ""
    return gzip.compress(page, compresslevel=5), "gzip"


def _headers(start: AsgiMessage, length: int, coding: str) -> list[tuple[bytes, bytes]]:
    replaced = (b"content-length", b"cache-control")
    kept = [(n, v) for n, v in start.get("headers", []) if n.lower() not in replaced]
    if coding:
        kept.append((b"content-encoding", coding.encode()))
    return [
        *kept,
        (b"vary", b"Accept-Encoding"),
        (b"content-length", str(length).encode()),
        (b"cache-control", b"no-cache"),
    ]


def router(branding: Branding) -> APIRouter:
    """Return the routes /favicon.ico, /manifest.json and, for a logo of pixels, /pwa_icon/SIZE."""
    routes = APIRouter(include_in_schema=False)
    data, kind = branding.icon()
    drawn = kind == "image/svg+xml"
    day = {"cache-control": "public, max-age=86400"}

    @routes.get("/favicon.ico")
    def favicon() -> Response:
        return Response(data, media_type=kind, headers=day)

    @routes.get("/pwa_icon/{size}")
    def icon(size: int) -> Response:
        if drawn or size not in _ICON_SIZES:
            return JSONResponse({"error": "there is no such icon"}, 404)
        return Response(_square(data, size), media_type="image/png", headers=day)

    @routes.get("/manifest.json")
    def manifest() -> Response:
        return JSONResponse(manifest_of(branding), media_type="application/manifest+json")

    return routes


def manifest_of(branding: Branding) -> dict[str, object]:
    """Return the web manifest: what a phone shows of the site on its home screen."""
    kind = branding.icon()[1]
    any_size = {"src": "favicon.ico", "sizes": "any", "type": kind}
    sized = [
        {"src": f"pwa_icon/{size}", "sizes": f"{size}x{size}", "type": "image/png"}
        for size in _ICON_SIZES
    ]
    return {
        "name": branding.name,
        "short_name": branding.name[:12].rstrip(),
        "description": _(branding.tagline),
        "icons": [any_size] if kind == "image/svg+xml" else sized,
        "start_url": "./",
        "display": "standalone",
        "background_color": "#faf8f5",
        "theme_color": branding.accent or "#faf8f5",
    }


@lru_cache(maxsize=4)
def _square(picture: bytes, size: int) -> bytes:
    """Return a PNG of a logo on a transparent square."""
    with Image.open(io.BytesIO(picture)) as logo:
        padded = ImageOps.pad(logo.convert("RGBA"), (size, size), color=(0, 0, 0, 0))
    out = io.BytesIO()
    padded.save(out, "PNG")
    return out.getvalue()
