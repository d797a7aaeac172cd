"""Pictures and plotly at addresses that say what they hold, so that browsers keep them."""

from __future__ import annotations

import re
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

PICTURE_PATH = re.compile(r"/pictures/([0-9a-f]{32}\.(webp|avif|jpg))")
_TYPES = {"webp": "image/webp", "avif": "image/avif", "jpg": "image/jpeg"}
_YEAR = "public, max-age=31536000, immutable"


class PictureFiles:
    """An ASGI middleware that answers /pictures/NAME from a folder; other requests pass on.

    A page asks for two dozen of them at once. They are small and in the system's cache: read on
    the server's own thread, in front of gradio's routes, one costs a fifth of what it does behind
    them (threads for opening, reading and closing each file).
    """

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app, self._folder = app, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        name = PICTURE_PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if name is None or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        await self._response(name[1], _TYPES[name[2]])(scope, receive, send)

    def _response(self, name: str, media_type: str) -> Response:
        try:
            picture = (self._folder / name).read_bytes()
        except OSError:  # never shown, or removed from the disk
            return JSONResponse({"error": "there is no such picture"}, 404)
        return Response(picture, media_type=media_type, headers={"cache-control": _YEAR})


def plotly_router() -> APIRouter:
    """Return the route of the script plotly, which the site serves itself."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/plotly-{version}.js")
    def plotly(version: str) -> Response:
        if version != metadata.version("plotly"):
            return JSONResponse({"error": "there is no such version"}, 404)
        headers = {"cache-control": _YEAR}
        return FileResponse(plotly_file(), media_type="text/javascript", headers=headers)

    return routes


def plotly_file() -> Path:
    """Return the file plotly.min.js, which the site serves itself."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ImportError("plotly is not installed: pip install -r requirements.txt")
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"


def plotly_url() -> str:
    """Return the address of plotly, relative to the page."""
    return f"plotly-{metadata.version('plotly')}.js"
