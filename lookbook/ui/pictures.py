"""The catalogue's pictures at addresses that say what they show, so that browsers keep them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response

from lookbook.ui.services.search import SearchService

_YEAR = "public, max-age=31536000, immutable"


def router(search_service: SearchService) -> APIRouter:
    """Return the route /pictures/NAME, where the guard lets only names of hashes through."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/pictures/{name}")
    def picture(name: str) -> Response:
        file = search_service.folder / name
        if not file.is_file():
            return JSONResponse({"error": "there is no such picture"}, 404)
        return FileResponse(file, media_type="image/webp", headers={"cache-control": _YEAR})

    return routes
