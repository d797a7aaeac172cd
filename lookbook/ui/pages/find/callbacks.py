"""Callbacks of the Find page: each makes a new query of an event, and updates the page from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from lookbook.encoding.errors import EncoderError, ModelUnusable
from lookbook.images.loading import ImageError
from lookbook.index.errors import IndexCorrupt
from lookbook.schema.filters import Condition, FilterError
from lookbook.schema.text import whole_characters
from lookbook.search import facets
from lookbook.search.index import Index, UnknownItem
from lookbook.search.limits import MAX_RESULTS
from lookbook.search.opening import EncoderMismatch
from lookbook.search.permalinks import MAX_PICTURES, MAX_WORDS
from lookbook.search.photo_query import WHOLE, Box
from lookbook.search.query import Query, matches_of
from lookbook.search.sorting import available_sorts
from lookbook.ui.components import markup
from lookbook.ui.components.base import event_data, event_value, info, warn
from lookbook.ui.components.filter_panel import (
    filter_button_html,
    filters_html,
    turned_range_message,
)
from lookbook.ui.components.gallery import gallery_html
from lookbook.ui.components.item_panel import item_html
from lookbook.ui.components.match_chips import match_html
from lookbook.ui.components.photo_input import Upload
from lookbook.ui.components.photos import Photo, parse_box, photo_number
from lookbook.ui.components.query_bar import query_html
from lookbook.ui.components.query_picture import empty_picture
from lookbook.ui.components.sort_menu import sort_html
from lookbook.ui.logs import SITE_LOG
from lookbook.ui.messages import _, error_text, public_text, translate
from lookbook.ui.pages.find.layout import Components
from lookbook.ui.routing import parse_query_string, query_string, view_of
from lookbook.ui.services.search import SearchService

Updates = dict[Any, Any]  # component -> its new value; components that are not in it stay
ShownHits = list[tuple[str, float]]  # (id, score) of the results that a page shows
Liked = frozenset[str]  # ids of what the visitor likes
Photos = tuple[Photo, ...]
Fetch = Callable[[str], bytes]  # the bytes of the picture at an address; raises ImageError
T = TypeVar("T")

NO_CHANGE: Updates = gr.skip()  # gradio then leaves every output as it is

PAGE_SIZE = 24  # results that "Show more" adds
_MAX_WARNINGS = 8  # toasts about one link, which the page shows as one
_MAX_WAITING = 8  # photos whose garments are still to be located: with more, some get none
_EXAMPLE_NUMBER = re.compile(r"[0-9]{1,2}")


class Callbacks:
    """Callbacks of one site; they return `Updates`, or NO_CHANGE for an event that means nothing.

    Most take the present query and what the visitor likes, and an event whose data name an item
    (`id`), a photo (`i`) or a column and value. Clients can send any data: all of them are checked.
    """

    def __init__(
        self,
        search_service: SearchService,
        components: Components,
        examples: list[Path],
        fetch: Fetch | None = None,
        waiting: Callable[[], int] = lambda: 0,
    ) -> None:
        """`waiting`: how many events of `locate_garments` wait for their turn."""
        self.search_service, self.components = search_service, components
        self.examples, self.fetch, self.waiting = examples, fetch, waiting

    # photos

    def search_upload(
        self, upload: Upload | None, query: Query, photos: Photos, adding: bool, liked: Liked
    ) -> Updates:
        """Search with a picture that was uploaded, taken or pasted."""
        if upload is None:
            return NO_CHANGE
        try:
            if isinstance(upload.photo, ImageError):
                raise upload.photo
            return self._search_photo(upload.photo, query, photos if adding else (), liked)
        except ImageError as error:
            _warn_of_picture(error)
            return {self.components.picture: None, self.components.summary: error_text(error)}

    def search_address(
        self, address: object, query: Query, photos: Photos, adding: bool, liked: Liked
    ) -> Updates:
        """Search with the picture at an address that was pasted or dropped."""
        if not isinstance(address, str):
            return NO_CHANGE
        if self.fetch is None:
            sentence = _(
                "Pictures are not fetched from other sites here: paste or drop the picture itself."
            )
            info(sentence, title=_("That is an address"))
            return NO_CHANGE
        try:
            photo = self.fetch(address)
            return self._search_photo(photo, query, photos if adding else (), liked)
        except ImageError as error:
            _warn_of_picture(error, _("The picture at this address cannot be fetched."))
            return NO_CHANGE

    def search_example(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Search with one of the example pictures."""
        number = event_value(event, "i")
        if not _EXAMPLE_NUMBER.fullmatch(number) or int(number) >= len(self.examples):
            return NO_CHANGE
        return self._search_photo(self.examples[int(number)].read_bytes(), query, (), liked)

    def _search_photo(self, data: bytes, query: Query, photos: Photos, liked: Liked) -> Updates:
        """Begin a query with a picture, or add it to the query of `photos`."""
        vectors = query.pictures if photos else ()
        if len(vectors) >= MAX_PICTURES or len(vectors) != len(photos):
            vectors, photos = (), ()
        try:
            found = self.search_service.encode_photo(data)
        except (EncoderError, EncoderMismatch) as error:
            title = _("Pictures cannot be searched at the moment")
            raise gr.Error(markup.escape(public_text(error)), title=title) from error
        base = query if vectors else reset_query(query)
        query = replace(base, pictures=(*vectors, found.vector), item=None)
        photo = Photo.of(found.image, found.box, detected=found.box != WHOLE, sought=True)
        return self._update(query, liked, (*photos, photo))

    def locate_garments(self, photos: Photos, keys: tuple[str, ...]) -> Updates:
        """Offer the garments of the last of the photos, once its results are shown.

        `keys` are those of the photos that the visitor searches now: whoever has another photo or
        none meanwhile needs no garments of this one. On a site with more to do than it can, none
        are offered: those that wait would keep others from the queue.
        """
        if not photos or photos[-1].key not in keys:
            return NO_CHANGE
        c, key = self.components, photos[-1].key
        if self.waiting() > _MAX_WAITING:
            return {c.garments: {key: None}}
        try:
            found = self.search_service.garments(photos[-1].picture(), in_background=True)
        except (ImageError, EncoderError):  # the results are there, only the offer is missing
            return {c.garments: {key: None}}
        return {c.garments: {key: [(garment.box, garment.kind) for garment in found]}}

    def set_box(self, photos: Photos, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Search the part of a photo within a box that was drawn or moved."""
        box = parse_box(event_data(event).get("box"))
        return self._search_part(photos, query, liked, event, box)

    def use_whole(self, photos: Photos, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Search the whole of a photo."""
        return self._search_part(photos, query, liked, event, False)

    def find_garment(
        self, photos: Photos, query: Query, liked: Liked, event: gr.EventData
    ) -> Updates:
        """Search the garment that is detected in a photo."""
        return self._search_part(photos, query, liked, event, True)

    def _search_part(
        self,
        photos: Photos,
        query: Query,
        liked: Liked,
        event: gr.EventData,
        crop: bool | Box,
    ) -> Updates:
        number = photo_number(event, len(photos))
        if number is None or len(query.pictures) != len(photos):
            return NO_CHANGE
        try:
            found = self.search_service.encode_photo(photos[number].picture(), crop)
        except ImageError as error:
            _warn_of_picture(error)
            return NO_CHANGE
        detected = crop is True and found.box != WHOLE
        photo = replace(photos[number], box=found.box, detected=detected, sought=crop is True)
        query = replace(query, pictures=_with_element(query.pictures, number, found.vector))
        return self._update(query, liked, _with_element(photos, number, photo))

    def remove_photo(
        self, photos: Photos, query: Query, liked: Liked, event: gr.EventData
    ) -> Updates:
        """Remove a photo from the query."""
        number = photo_number(event, len(photos))
        if number is None or len(query.pictures) != len(photos):
            return self._update(replace(query, pictures=()), liked, ())
        query = replace(query, pictures=_without_element(query.pictures, number))
        return self._update(query, liked, _without_element(photos, number))

    # items and text

    def search_item(self, item: str | None, query: Query, liked: Liked) -> Updates:
        """Search from an item of the catalogue."""
        if item not in self.search_service.index:
            return NO_CHANGE
        return self._update(replace(reset_query(query), item=item), liked, ())

    def open_card(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Search from the item of a card."""
        return self.search_item(event_value(event, "id"), query, liked)

    def suggest(self, text: str | None) -> gr.Radio:
        """Offer the items whose titles hold the words typed so far."""
        return suggestions_of(self.search_service.suggestions(whole_characters(text or "")))

    def after_suggest(self, text: str | None, query: Query) -> Updates:
        """Close suggestions that arrive after the answer to what the box holds.

        `text` is what the box holds when `suggest` has been answered.
        """
        answered = ["", query.words.strip()]
        if query.item is not None:
            answered += [query.item, self.search_service.item(query.item).title]
        if (text or "").strip() in answered:
            return {self.components.suggestions: suggestions_of([])}
        return NO_CHANGE

    def search_text(self, text: str | None, query: Query, liked: Liked) -> Updates:
        """List what the words ask for; open an item whose id, number or whole title they are.

        The box keeps what was typed: it may hold more by now.
        """
        words = whole_characters(text or "").strip()[:MAX_WORDS]
        if item := self.search_service.exact_item(words):
            updates = self.search_item(item, query, liked)
        else:
            updates = self._update(replace(reset_query(query), words=words), liked, ())
        if updates is not NO_CHANGE:
            del updates[self.components.text]
        return updates

    def choose_suggestion(self, item: str | None, query: Query, liked: Liked) -> Updates:
        """Search from a suggested item; the box then holds its whole title."""
        updates = self.search_item(item, query, liked)
        if updates is NO_CHANGE:
            return updates
        title = self.search_service.item(str(item)).title
        return updates | {self.components.text: title}

    # refinement

    def add_words(self, text: str | None, query: Query, liked: Liked) -> Updates:
        """Refine a picture or an item by words in place of those before; else add to the words."""
        words = whole_characters(text or "").strip()
        if not _refined(query):
            words = f"{query.words} {words}".strip()
        return self._update_words(replace(query, words=words[:MAX_WORDS]), liked)

    def more_like(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Move the query towards a result."""
        id = event_value(event, "id")
        if id not in self.search_service.index:
            return NO_CHANGE
        return self._update(query.with_positive(id), liked)

    def less_like(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Move the query away from a result."""
        id = event_value(event, "id")
        if id not in self.search_service.index:
            return NO_CHANGE
        return self._update(query.with_negative(id), liked)

    def undo(self, query: Query, liked: Liked) -> Updates:
        """Take back the last move towards or away from a result."""
        return self._update(query.undo(), liked)

    def start_over(self, query: Query, liked: Liked) -> Updates:
        """Clear the query and its filters; the options stay."""
        return self._update(Query(count=query.count, diversity=query.diversity), liked, ())

    def remove_part(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Remove one part of the query, as named in the query bar."""
        kind, value = event_value(event, "kind"), event_value(event, "value")
        if kind == "words":
            return self._update_words(replace(query, words=""), liked)
        if kind == "pictures":
            return self._update_words(replace(query, pictures=(), from_link=False), liked)
        if kind == "more":
            query = replace(query, positive=_without_value(query.positive, value))
        elif kind == "less":
            query = replace(query, negative=_without_value(query.negative, value))
        elif kind == "where":
            query = replace(query, where=tuple(c for c in query.where if c.to_text() != value))
        else:
            return NO_CHANGE
        return self._update(query, liked)

    def toggle_filter(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Add or remove the filter for one value of a column."""
        column, value = event_value(event, "column"), event_value(event, "value")
        if column not in self.search_service.index.columns:
            return NO_CHANGE
        where = facets.toggle_value(query.where, column, value)
        return self._update(replace(query, where=where), liked)

    def set_price_range(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Filter by price; an end that is no number is open."""
        column = self.search_service.price_column
        if column is None:
            return NO_CHANGE
        least = _parse_price(event_value(event, "least"))
        most = _parse_price(event_value(event, "most"))
        where = facets.set_range(query.where, column, least, most)
        return self._update(replace(query, where=where), liked)

    def clear_filters(self, query: Query, liked: Liked) -> Updates:
        """Remove every filter."""
        return self._update(replace(query, where=()), liked)

    def show_all(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Show every item with one value of a column."""
        column, value = event_value(event, "column"), event_value(event, "value")
        if column not in self.search_service.index.columns:
            return NO_CHANGE
        query = replace(reset_query(query), where=(Condition(column, "=", (value,)),))
        return self._update(query, liked, ())

    def set_options(self, count: float, diversity: float, query: Query, liked: Liked) -> Updates:
        """Set the number of results and their diversity (0 to 1)."""
        count = int(min(max(count or 1, 1), MAX_RESULTS))
        diversity = min(max(float(diversity or 0), 0.0), 1.0)
        if (count, diversity) == (min(query.count, MAX_RESULTS), query.diversity):
            return NO_CHANGE
        updates = self._update(replace(query, count=count, diversity=diversity), liked)
        # the sliders may have moved on meanwhile: they are not set back to what was asked
        for slider in (self.components.count, self.components.diversity):
            updates.pop(slider, None)
        return updates

    def show_more(self, shown: ShownHits, query: Query, liked: Liked) -> Updates:
        """Append more results of the same query to those shown; an address holds MAX_RESULTS."""
        query = replace(query, count=len(shown) + PAGE_SIZE)
        try:
            view = self.search_service.search(query, liked, start=len(shown))
        except (FilterError, UnknownItem, EncoderError, EncoderMismatch, ValueError) as error:
            _warn_of_search(error)
            return NO_CHANGE
        c = self.components
        return {
            c.query: query,
            c.shown: [(hit.id, hit.score) for hit in view.hits],
            c.more_cards: gallery_html(view.cards, anew=True),
            c.summary: view.summary,
            c.show_more: gr.Button(visible=not view.complete),
            c.router: "!" + query_string(query, self.search_service.index),
        }

    def set_sort(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Show the results in another order."""
        by = event_value(event, "by")
        if by not in available_sorts(self.search_service.index):
            return NO_CHANGE
        return self._update(replace(query, sort=by), liked)

    def set_match(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Match the results on one thing; what is matched on already, no longer."""
        on = event_value(event, "on")
        if on not in matches_of(query, self.search_service.index):
            return NO_CHANGE
        return self._update(replace(query, match="" if on == query.match else on), liked)

    # links

    def open_link(self, search: str, liked: Liked) -> Updates:
        """Show the view of a query string; warns about the parts that cannot be used."""
        index = self.search_service.index
        view = view_of(search)
        query, warnings = parse_query_string(search, index)
        for warning in warnings[:_MAX_WARNINGS]:
            info(translate(warning), title=_("This link"))
        updates = self._update(query, liked, ())
        if updates is NO_CHANGE:
            return updates
        router = "!" + (search.removeprefix("?") if view else query_string(query, index))
        c = self.components
        tabs = gr.Tabs(selected=view or "find")
        return updates | {c.router: router, c.tabs: tabs}

    def navigate(self, query: Query, liked: Liked, event: gr.EventData) -> Updates:
        """Show the view that back or forward leads to; an address holds no uploaded pictures."""
        search = event_value(event, "search")
        if view := view_of(search):
            return {self.components.tabs: gr.Tabs(selected=view)}
        return self.open_link(search, liked)

    # the page

    def _update(self, query: Query, liked: Liked, photos: Photos | None = None) -> Updates:
        """Search, and return the updates of the page; without `photos` the present ones stay."""
        index = self.search_service.index
        query = _without_removed(query, index)
        query, turned = _with_turned_range(query, index)
        try:
            view = self.search_service.search(query, liked)
            choices, span = self.search_service.facets(index, query.where)
        except (FilterError, UnknownItem, EncoderError, EncoderMismatch, ValueError) as error:
            _warn_of_search(error)
            return NO_CHANGE
        is_shared = query.from_link and bool(query.pictures)
        shared = _("A picture that came with this link is searched.") if is_shared else ""
        nothing = (
            _("Nothing matches. Remove a filter, or try other words.")
            if query.where
            else _("Nothing matches. Try other words.")
        )
        ids = (*query.positive, *query.negative)
        thumbs = {id: self.search_service.thumb_and_title(id) for id in ids}
        c = self.components
        updates: Updates = {
            c.query: query,
            c.shown: [(hit.id, hit.score) for hit in view.hits],
            c.query_bar: query_html(query, thumbs),
            c.filters: filters_html(choices, span),
            c.filter_button: filter_button_html(len(query.where)),
            c.words: query.words if _refined(query) else "",
            c.count: min(query.count, MAX_RESULTS),
            c.diversity: query.diversity,
            c.item_panel: self._item(query.item, liked),
            c.outfits: "",
            c.share_panel: "",
            c.save_panel: "",
            c.summary: " ".join(filter(None, [shared, turned, view.summary])),
            c.gallery: gallery_html(view.cards, nothing, anew=True),
            c.more_cards: "",
            c.sort: sort_html(available_sorts(index), query.sort),
            c.match: match_html(matches_of(query, index), query.match),
            c.show_more: gr.Button(visible=not view.complete),
            c.suggestions: suggestions_of([]),
            c.router: query_string(query, index),
        }
        if photos is None:
            return updates
        return updates | self._photo_updates(photos) | {c.text: _searched_words(query)}

    def _update_words(self, query: Query, liked: Liked) -> Updates:
        """Update the page for other words, or other pictures that they may have refined."""
        updates = self._update(query, liked)
        if updates is NO_CHANGE:
            return updates
        return updates | {self.components.text: _searched_words(query)}

    def _photo_updates(self, photos: Photos) -> Updates:
        # the upload field is emptied only when it is shown again: it may still be uploading
        picture = gr.update(visible="hidden") if photos else empty_picture()
        c = self.components
        keys = tuple(photo.key for photo in photos)
        return {c.photos: photos, c.picture: picture, c.adding: False, c.photo_keys: keys}

    def _item(self, id: str | None, liked: Liked) -> str:
        return "" if id is None else item_html(self.search_service.item_view(id, liked))


def _warn_of_picture(error: Exception, general: str = "") -> None:
    warn(error_text(error, general), title=_("That picture cannot be used"))


def _warn_of_search(error: Exception) -> None:
    if isinstance(error, (ModelUnusable, IndexCorrupt)):  # names files, which visitors do not see
        SITE_LOG.error("a search failed: %s", error)
    warn(error_text(error), title=_("That cannot be searched"))


def _without_removed(query: Query, index: Index) -> Query:
    """Return a query without the items that an update of the catalogue has removed."""
    ids = [id for id in (query.item, *query.positive, *query.negative) if id is not None]
    removed = [id for id in ids if id not in index]
    if not removed:
        return query
    sentence = _("No longer in the collection: {items}", items=", ".join(removed))
    info(sentence, title=_("The collection has changed"))
    return replace(
        query,
        item=None if query.item in removed else query.item,
        positive=tuple(id for id in query.positive if id in index),
        negative=tuple(id for id in query.negative if id in index),
    )


def _with_turned_range(query: Query, index: Index) -> tuple[Query, str]:
    """Return a query whose price range begins at its lower end, and a sentence if it was turned."""
    span = facets.price_range(index, query.where)
    if span is None or span.least is None or span.most is None or span.least <= span.most:
        return query, ""
    where = facets.set_range(query.where, span.column, span.most, span.least)
    return replace(query, where=where), turned_range_message(span)


def _refined(query: Query) -> bool:
    """Whether the words of a query refine a picture or an item, and do not search by themselves."""
    return bool(query.pictures) or query.item is not None


def _searched_words(query: Query) -> str:
    """Return the words that search by themselves, which the search box holds; "" without."""
    return "" if _refined(query) else query.words


def reset_query(query: Query) -> Query:
    """Return a query with nothing to search for; its filters and options stay."""
    return Query(
        where=query.where,
        count=min(query.count, MAX_RESULTS),
        diversity=query.diversity,
        fold=query.fold,
        sort=query.sort,
    )


def suggestions_of(items: list[tuple[str, str]]) -> gr.Radio:
    """Return the update that offers items as (title, id); hidden where there are none."""
    return gr.Radio(choices=items, value=None, visible=bool(items))


def _with_element(values: tuple[T, ...], number: int, value: T) -> tuple[T, ...]:
    return (*values[:number], value, *values[number + 1 :])


def _without_element(values: tuple[T, ...], number: int) -> tuple[T, ...]:
    return (*values[:number], *values[number + 1 :])


def _without_value(values: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(other for other in values if other != value)


def _parse_price(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None
