"""Callbacks about one item: why it matched, outfits around it, what others liked as well."""

from __future__ import annotations

from collections.abc import Iterable

import gradio as gr
import numpy as np
from PIL import Image

from lookbook.encoding import attribution
from lookbook.encoding.errors import EncoderError
from lookbook.images.loading import ImageError
from lookbook.images.transforms import thumbnail
from lookbook.outfits import complete
from lookbook.search.opening import EncoderMismatch
from lookbook.search.photo_query import crop_to_box
from lookbook.search.query import Query
from lookbook.search.shared_attributes import shared_attributes
from lookbook.ui.components.base import event_value, warn
from lookbook.ui.components.item_panel import explanation_html, outfits_html
from lookbook.ui.components.photos import Photo, data_url
from lookbook.ui.messages import _, as_sentence, error_text, translate
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from lookbook.ui.views import Card, OutfitView

_HEIGHT = 480  # px of the pictures in the dialog


class ItemActions:
    """Callbacks about one item, named by the event's `id`; an unknown id gets an empty answer."""

    def __init__(self, search_service: SearchService, visitor_service: VisitorService) -> None:
        self.search_service, self.visitor_service = search_service, visitor_service

    def explain(self, photos: tuple[Photo, ...], query: Query, event: gr.EventData) -> str:
        """Return the dialog that shows which regions made a result match the query."""
        id = event_value(event, "id")
        if id not in self.search_service.index:
            return ""
        result = self.search_service.item(id)
        try:
            name, picture, compared = self._queried(photos, query)
            if picture is None:
                sentence = _(
                    "{title} was found by words, so there is no picture to compare it with.",
                    title=result.title,
                )
                return explanation_html([], [], sentence)
            pictures = picture, self.search_service.closest_picture(id, compared)
            left, right = self._with_heatmaps(*pictures)
        except (ImageError, EncoderError, EncoderMismatch) as error:
            warn(error_text(error), title=_("This cannot be explained"))
            return ""
        item = self.search_service.item(compared) if isinstance(compared, str) else None
        shared = shared_attributes(item, result) if item else []
        sentence = _("The warmer an area, the more it counts for the match.")
        return explanation_html([(left, name), (right, result.title)], shared, sentence)

    def _queried(
        self, photos: tuple[Photo, ...], query: Query
    ) -> tuple[str, Image.Image | None, np.ndarray | str]:
        """Return (name, picture, vector or id) of what was searched with; of a photo, its box."""
        if photos and query.pictures:
            picture = crop_to_box(photos[0].picture(), photos[0].box)
            return _("Your picture"), picture, query.pictures[0]
        for id in (query.item, *query.positive[::-1]):
            if id is not None:
                title = self.search_service.item(id).title
                return title, self.search_service.item_picture(id), id
        return "", None, ""

    def _with_heatmaps(self, query: Image.Image, result: Image.Image) -> tuple[str, str]:
        """Return both pictures as data URLs, their heatmaps laid over them."""
        heat, result_heat = self.search_service.attribution_maps(query, result)
        return _overlaid(query, heat), _overlaid(result, result_heat)

    def show_outfits(self, event: gr.EventData) -> str:
        """Return outfits around an item."""
        id = event_value(event, "id")
        index = self.search_service.index
        if id not in index:
            return ""
        outfits = complete(index, id, self.visitor_service.bought_together)
        views = [
            OutfitView(translate(outfit.reason), self._cards(item.id for item in outfit.items))
            for outfit in outfits
        ]
        nothing = translate(outfits.reason) or _("Nothing in this collection goes with it.")
        return outfits_html(views, _("Complete the look"), nothing)

    def show_also_liked(self, event: gr.EventData) -> str:
        """Return what people who liked an item liked as well."""
        id = event_value(event, "id")
        if id not in self.search_service.index:
            return ""
        answer = self.visitor_service.also_liked(id)
        cards = self._cards(recommendation.id for recommendation in answer)
        views = [OutfitView(_as_sentence(answer[0].reason), cards)] if cards else []
        return outfits_html(views, _("People also liked"), _as_sentence(answer.reason))

    def _cards(self, ids: Iterable[str]) -> list[Card]:
        return [self.search_service.card(hit) for hit in self.search_service.as_hits(ids)]


def _overlaid(picture: Image.Image, heat: np.ndarray) -> str:
    return data_url(thumbnail(attribution.overlay(picture, heat), _HEIGHT))


def _as_sentence(text: str | None) -> str:
    return as_sentence(translate(text or ""))
