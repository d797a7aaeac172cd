"""Pictures and plotly at addresses that say what they hold, so that browsers keep them."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response

from lookbook.ui.services.search import SearchService

_TYPES = {".webp": "image/webp", ".avif": "image/avif", ".jpg": "image/jpeg"}
_YEAR = "public, max-age=31536000, immutable"


def router(search_service: SearchService) -> APIRouter:
    """Return the route /pictures/NAME, where the guard lets only names of hashes through."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/pictures/{name}")
    def picture(name: str) -> Response:
        file = search_service.folder / name
        if file.suffix not in _TYPES or not file.is_file():
            return JSONResponse({"error": "there is no such picture"}, 404)
        headers = {"cache-control": _YEAR}
        return FileResponse(file, media_type=_TYPES[file.suffix], headers=headers)

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
