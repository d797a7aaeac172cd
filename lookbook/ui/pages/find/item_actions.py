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
from lookbook.ui.components.event_data import QUIET, told, warn
from lookbook.ui.components.item_panel import ShownLook, looks, why
from lookbook.ui.components.photos import Photo, cut, data_url
from lookbook.ui.services.search import Finder
from lookbook.ui.services.visitor import Visits

if TYPE_CHECKING:
    from PIL import Image

    from lookbook.ui.pages.find.layout import Parts

_HEIGHT = 480  # px of the pictures in the dialog
NO_LOOK = "Nothing in this collection goes with it."


class Chosen:
    """Callbacks about one piece."""

    def __init__(self, finder: Finder, visits: Visits) -> None:
        self.finder, self.visits = finder, visits

    def why(self, photos: tuple[Photo, ...], query: Query, event: gr.EventData) -> str:
        """The dialog that says why a result matched what was asked."""
        id = told(event, "id")
        if id not in self.finder.index:
            return ""
        item = self.finder.index.item(id)
        try:
            name, picture, asked = self._asked(photos, query)
            if picture is None:
                line = (
                    f"{item.title} was found without a picture: there is none to compare it with."
                )
                return why([], [], line)
            mine, theirs = self._overlaid(picture, self.finder.picture(id))
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
        for id in (query.item, *query.more[::-1]):
            if id is not None:
                item = self.finder.index.item(id)
                return item.title, self.finder.picture(id), item
        return "", None, None

    def _overlaid(self, mine: Image.Image, theirs: Image.Image) -> tuple[str, str]:
        heats = self.finder.why(mine, theirs)
        shown = [attribution.overlay(p, h) for p, h in zip((mine, theirs), heats, strict=True)]
        return tuple(data_url(thumbnail(picture, _HEIGHT)) for picture in shown)

    def look(self, event: gr.EventData) -> str:
        """Whole outfits around a piece."""
        id = told(event, "id")
        if id not in self.finder.index:
            return ""
        found = completion.complete(self.finder.index, id, self.visits.goes_with)
        shown = [
            ShownLook(
                look.reason,
                [self.finder.card(self.finder.of(p.id), (), (), scored=False) for p in look.pieces],
            )
            for look in found
        ]
        return looks(shown, "Complete the look", found.reason or NO_LOOK)

    def also(self, event: gr.EventData) -> str:
        """What people who liked a piece liked as well."""
        id = told(event, "id")
        if id not in self.finder.index:
            return ""
        answer = self.visits.feed.also_liked(id)
        cards = [self.finder.card(self.finder.of(one.id), (), (), scored=False) for one in answer]
        shown = [ShownLook(answer[0].reason.capitalize() + ".", cards)] if cards else []
        return looks(shown, "People also liked", _sentence(answer.reason))


def _sentence(text: str | None) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def connect(p: Parts, chosen: Chosen) -> None:
    """Give the buttons of a piece their callbacks."""
    encoding = QUIET | {"concurrency_limit": os.cpu_count() or 1, "concurrency_id": "encoder"}
    p.wall.why(chosen.why, [p.photos, p.query], p.why, **encoding)
    p.piece.look(chosen.look, None, p.looks, **QUIET)
    p.piece.also(chosen.also, None, p.looks, **QUIET)
    p.looks.close(lambda: "", None, p.looks, **QUIET)
