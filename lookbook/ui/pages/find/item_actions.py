"""What a visitor can ask about one piece: why it matched, what goes with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import gradio as gr

from lookbook.encoding import attribution
from lookbook.encoding.encoder import EncoderError
from lookbook.images.loading import ImageError, thumbnail
from lookbook.outfits import completion
from lookbook.search.index import IndexItem
from lookbook.search.opening import EncoderMismatch
from lookbook.search.query import Query
from lookbook.ui.components.event_data import SILENT_EVENT, told, warn
from lookbook.ui.components.item_panel import OutfitView, looks, why
from lookbook.ui.components.photos import Photo, cut, data_url
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService

if TYPE_CHECKING:
    from PIL import Image

    from lookbook.ui.pages.find.layout import Parts

_HEIGHT = 480  # px of the pictures in the dialog
NO_LOOK = "Nothing in this collection goes with it."


class ItemActions:
    """Callbacks about one piece."""

    def __init__(self, search_service: SearchService, visitor_service: VisitorService) -> None:
        self.search_service, self.visitor_service = search_service, visitor_service

    def why(self, photos: tuple[Photo, ...], query: Query, event: gr.EventData) -> str:
        """The dialog that says why a result matched what was asked."""
        id = told(event, "id")
        if id not in self.search_service.index:
            return ""
        item = self.search_service.index.item(id)
        try:
            name, picture, asked = self._asked(photos, query)
            if picture is None:
                line = (
                    f"{item.title} was found without a picture: there is none to compare it with."
                )
                return why([], [], line)
            mine, theirs = self._overlaid(picture, self.search_service.picture(id))
        except (ImageError, EncoderError, EncoderMismatch) as error:
            warn(error, title="This cannot be explained")
            return ""
        shared = attribution.shared(asked, item) if asked else []
        line = "The warmer a region, the more it made the two alike."
        return why([(mine, name), (theirs, item.title)], shared, line)

    def _asked(
        self, photos: tuple[Photo, ...], query: Query
    ) -> tuple[str, Image.Image | None, IndexItem | None]:
        """(name, picture, item) of what was searched with, a photo's frame cut out."""
        if photos:
            return "Your picture", cut(photos[0].picture(), photos[0].frame), None
        for id in (query.item, *query.positive[::-1]):
            if id is not None:
                item = self.search_service.index.item(id)
                return item.title, self.search_service.picture(id), item
        return "", None, None

    def _overlaid(self, mine: Image.Image, theirs: Image.Image) -> tuple[str, str]:
        heats = self.search_service.why(mine, theirs)
        shown = [attribution.overlay(p, h) for p, h in zip((mine, theirs), heats, strict=True)]
        return tuple(data_url(thumbnail(picture, _HEIGHT)) for picture in shown)

    def look(self, event: gr.EventData) -> str:
        """Whole outfits around a piece."""
        id = told(event, "id")
        if id not in self.search_service.index:
            return ""
        found = completion.complete(
            self.search_service.index, id, self.visitor_service.bought_together
        )
        shown = [
            OutfitView(
                look.reason,
                [
                    self.search_service.card(self.search_service.of(p.id), (), (), scored=False)
                    for p in look.pieces
                ],
            )
            for look in found
        ]
        return looks(shown, "Complete the look", found.reason or NO_LOOK)

    def also(self, event: gr.EventData) -> str:
        """What people who liked a piece liked as well."""
        id = told(event, "id")
        if id not in self.search_service.index:
            return ""
        answer = self.visitor_service.feed.also_liked(id)
        cards = [
            self.search_service.card(self.search_service.of(one.id), (), (), scored=False)
            for one in answer
        ]
        shown = [OutfitView(answer[0].reason.capitalize() + ".", cards)] if cards else []
        return looks(shown, "People also liked", _sentence(answer.reason))


def _sentence(text: str | None) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def connect(p: Parts, chosen: ItemActions) -> None:
    """Give the buttons of a piece their callbacks."""
    encoding = SILENT_EVENT | {
        "concurrency_limit": os.cpu_count() or 1,
        "concurrency_id": "encoder",
    }
    p.wall.why(chosen.why, [p.photos, p.query], p.why, **encoding)
    p.piece.look(chosen.look, None, p.looks, **SILENT_EVENT)
    p.piece.also(chosen.also, None, p.looks, **SILENT_EVENT)
    p.looks.close(lambda: "", None, p.looks, **SILENT_EVENT)
