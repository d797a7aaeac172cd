"""What each part of the Find page does when it is used: a new query, then its answer."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from lookbook.encoding.encoder import EncoderError
from lookbook.images.loading import ImageError, load_rgb
from lookbook.schema.filters import Condition, FilterError
from lookbook.search import facets
from lookbook.search.index import UnknownItem
from lookbook.search.opening import EncoderMismatch
from lookbook.search.permalinks import MAX_RESULTS, MAX_WORDS
from lookbook.search.product_groups import other_colours
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.components.event_data import note, told, warn
from lookbook.ui.components.filter_panel import asked, filters, impossible
from lookbook.ui.components.gallery import wall
from lookbook.ui.components.item_panel import ItemView, piece
from lookbook.ui.components.photos import MOST, WHOLE, Box, Photo, box_of, cut, photo_of, which
from lookbook.ui.components.query_picture import Upload
from lookbook.ui.routing import address, opened
from lookbook.ui.services.search import SearchService

if TYPE_CHECKING:
    from PIL import Image

    from lookbook.ui.pages.find.layout import Parts

Answer = dict[Any, Any]  # component -> its new value; what is not named stays as it is

BY_MEANING = "Press Enter to search for what these words mean."
SHARED = "A picture that came with this link is searched. "
NOTHING = "Nothing fits. Remove a filter, or ask with other words."
# around a found garment, as the catalogue's pictures have it: of the first ten for 90 phone photos
# 31 % are of their kind with no room, 35 % with 0.2 to 0.5, 36 % where nothing is cut
ROOM = 0.3
_SMALL = re.compile(r"[0-9]{1,2}")
STEP = 24  # results that "show more" adds


class Callbacks:
    """Thin: the library answers, these put the answer into the page's parts."""

    def __init__(self, search_service: SearchService, parts: Parts, examples: list[Path]) -> None:
        self.search_service, self.parts, self.examples = search_service, parts, examples
        self.same: Answer = {parts.adding: gr.skip()}  # nothing changes; {} would be no answer

    # what is searched with

    def by_upload(
        self,
        upload: Upload | None,
        query: Query,
        photos: tuple[Photo, ...],
        adding: bool,
        liked: Any,
    ) -> Answer:
        """A picture was uploaded, taken or pasted."""
        if upload is None:
            return self.same
        if isinstance(upload.picture, ImageError):
            warn(upload.picture, title="That picture cannot be used")
            return {self.parts.picture: None, self.parts.line: str(upload.picture)}
        return self._with_picture(
            upload.data, upload.picture, query, photos if adding else (), liked
        )

    def by_example(self, query: Query, liked: Any, event: gr.EventData) -> Answer:
        """One of the example pictures was pressed."""
        number = told(event, "i")
        if not _SMALL.fullmatch(number) or int(number) >= len(self.examples):
            return self.same
        data = self.examples[int(number)].read_bytes()
        return self._with_picture(data, load_rgb(data), query, (), liked)

    def _with_picture(
        self,
        data: bytes,
        picture: Image.Image,
        query: Query,
        photos: tuple[Photo, ...],
        liked: Any,
    ) -> Answer:
        """A new query by this picture, or one more picture of the present one."""
        before = query.pictures if photos else ()
        if len(before) >= MOST or len(before) != len(photos):
            before, photos = (), ()
        try:
            frame = self._garment(picture)
            vector = self.search_service.read(data if frame == WHOLE else cut(picture, frame))
        except (EncoderError, EncoderMismatch) as error:
            raise gr.Error(markup.text(error), title="The encoder cannot be loaded") from error
        base = query if before else reset_query(query)
        query = replace(base, pictures=(*before, vector), item=None)
        return self._page(query, liked, photos=(*photos, photo_of(picture, frame, frame != WHOLE)))

    def _garment(self, picture: Image.Image) -> Box:
        """Where the garment is, in shares of the picture; all of it where that is not clear."""
        found = self.search_service.garment(picture)
        if not found.confidence:
            return WHOLE
        room = (found.right - found.left) * ROOM, (found.bottom - found.top) * ROOM
        sides = (found.left - room[0], found.top - room[1])
        sides += (found.right + room[0], found.bottom + room[1])
        size = (picture.width, picture.height) * 2
        return box_of([100 * side / extent for side, extent in zip(sides, size, strict=True)])

    def by_frame(
        self, photos: tuple[Photo, ...], query: Query, liked: Any, event: gr.EventData
    ) -> Answer:
        """A frame was drawn or moved: search that region."""
        data = event._data if isinstance(event._data, dict) else {}
        return self._framed(photos, query, liked, event, lambda picture: box_of(data.get("box")))

    def by_whole(
        self, photos: tuple[Photo, ...], query: Query, liked: Any, event: gr.EventData
    ) -> Answer:
        """The frame was switched off."""
        return self._framed(photos, query, liked, event, lambda picture: WHOLE)

    def by_garment(
        self, photos: tuple[Photo, ...], query: Query, liked: Any, event: gr.EventData
    ) -> Answer:
        """The garment shall be found again."""
        return self._framed(photos, query, liked, event, self._garment, found=True)

    def _framed(
        self,
        photos: tuple[Photo, ...],
        query: Query,
        liked: Any,
        event: gr.EventData,
        box_from_saliency: Any,
        found: bool = False,
    ) -> Answer:
        number = which(event, len(photos))
        if number is None or len(query.pictures) != len(photos):
            return self.same
        try:
            picture = photos[number].picture()
            frame = box_from_saliency(picture)
            vector = self.search_service.read(cut(picture, frame))
        except ImageError as error:
            warn(error, title="That picture cannot be used")
            return self.same
        changed = replace(photos[number], frame=frame, found=found and frame != WHOLE)
        query = replace(query, pictures=_put(query.pictures, number, vector))
        return self._page(query, liked, photos=_put(photos, number, changed))

    def drop(
        self, photos: tuple[Photo, ...], query: Query, liked: Any, event: gr.EventData
    ) -> Answer:
        """A picture was removed from the query."""
        number = which(event, len(photos))
        if number is None or len(query.pictures) != len(photos):
            return self._page(replace(query, pictures=()), liked, photos=())
        query = replace(query, pictures=_without(query.pictures, number))
        return self._page(query, liked, photos=_without(photos, number))

    def by_item(self, item: str | None, query: Query, liked: Any) -> Answer:
        """An item of the catalogue was chosen; one that is not there changes nothing."""
        if item not in self.search_service.index:
            return self.same
        return self._page(replace(reset_query(query), item=item), liked, photos=())

    def by_card(self, query: Query, liked: Any, event: gr.EventData) -> Answer:
        """A card was opened."""
        return self.by_item(told(event, "id"), query, liked)

    def suggest(self, text: str | None) -> gr.Radio:
        """The pieces whose titles hold the words typed so far."""
        return names_of(self.search_service.named(text or ""))

    def suggested(self, text: str | None) -> Answer:
        """Asked with what the box holds once `suggest` was answered, which may be late.

        An answer empties the box, and names that come after it would stay open under it.
        """
        if not (text or "").strip():
            return {self.parts.names: names_of([])}
        if self.search_service.named(text):
            return self.same
        return {self.parts.line: BY_MEANING}

    def by_words(self, text: str | None, query: Query, liked: Any) -> Answer:
        """Enter was pressed: the first piece of that name, or what the words look like."""
        found = self.search_service.named(text or "", 1)
        if found:
            return self.by_item(found[0][1], query, liked)
        words = (text or "").strip()[:MAX_WORDS]
        return self._page(replace(reset_query(query), words=words), liked, photos=())

    # how it is refined

    def add_words(self, text: str | None, query: Query, liked: Any) -> Answer:
        """Words are added to whatever is searched with."""
        return self._page(replace(query, words=(text or "").strip()[:MAX_WORDS]), liked)

    def more(self, query: Query, liked: Any, event: gr.EventData) -> Answer:
        """Towards a result."""
        id = told(event, "id")
        return (
            self._page(query.with_positive(id), liked)
            if id in self.search_service.index
            else self.same
        )

    def less(self, query: Query, liked: Any, event: gr.EventData) -> Answer:
        """Away from a result."""
        id = told(event, "id")
        return (
            self._page(query.with_negative(id), liked)
            if id in self.search_service.index
            else self.same
        )

    def undo(self, query: Query, liked: Any) -> Answer:
        """Without the last step towards or away."""
        return self._page(query.undo(), liked)

    def fresh(self, query: Query, liked: Any) -> Answer:
        """Start over."""
        return self._page(Query(count=query.count, diversity=query.diversity), liked, photos=())

    def remove(self, query: Query, liked: Any, event: gr.EventData) -> Answer:
        """One piece of the query goes."""
        kind, value = told(event, "kind"), told(event, "value")
        if kind == "words":
            return self._page(replace(query, words=""), liked)
        if kind == "pictures":
            return self._page(replace(query, pictures=(), from_link=False), liked)
        if kind == "where":
            where = tuple(c for c in query.where if c.to_text() != value)
            return self._page(replace(query, where=where), liked)
        if kind not in ("more", "less"):
            return self.same
        name = {"more": "positive", "less": "negative"}[kind]
        kept = tuple(id for id in getattr(query, name) if id != value)
        return self._page(replace(query, **{name: kept}), liked)

    def toggle(self, query: Query, liked: Any, event: gr.EventData) -> Answer:
        """A chip was pressed."""
        column, value = told(event, "column"), told(event, "value")
        if column not in self.search_service.index.columns:
            return self.same
        where = facets.toggle_value(query.where, column, value)
        return self._page(replace(query, where=where), liked)

    def span(self, query: Query, liked: Any, event: gr.EventData) -> Answer:
        """The ends of the price range changed."""
        if self.search_service.price is None:
            return self.same
        least, most = _number(told(event, "least")), _number(told(event, "most"))
        where = facets.set_range(query.where, self.search_service.price, least, most)
        return self._page(replace(query, where=where), liked)

    def all_of(self, query: Query, liked: Any, event: gr.EventData) -> Answer:
        """Everything that has one value of an attribute."""
        column, value = told(event, "column"), told(event, "value")
        if column not in self.search_service.index.columns:
            return self.same
        query = replace(reset_query(query), where=(Condition(column, "=", (value,)),))
        return self._page(query, liked, photos=())

    def clear(self, query: Query, liked: Any) -> Answer:
        """Every filter goes."""
        return self._page(replace(query, where=()), liked)

    def shape(self, count: float, variety: float, query: Query, liked: Any) -> Answer:
        """Another number of results, or closer or more varied ones."""
        count = int(min(max(count or 1, 1), MAX_RESULTS))
        variety = min(max(float(variety or 0), 0.0), 1.0)
        if (count, variety) == (query.count, query.diversity):
            return self.same
        return self._page(replace(query, count=count, diversity=variety), liked)

    def show_more(self, query: Query, liked: Any) -> Answer:
        """More results of the same query."""
        count = min(query.count + STEP, MAX_RESULTS)
        return self._page(replace(query, count=count), liked)

    # the page

    def open_link(self, search: str, liked: Any) -> Answer:
        """The page was opened, by a link perhaps, or went back or forward."""
        query, notes = opened(search, self.search_service.index)
        for text in notes[:3]:
            note(text, title="This link")
        answer = self._page(query, liked, photos=())
        if answer is self.same:
            return answer
        return answer | {self.parts.router: "!" + address(query, self.search_service.index)}

    def go(self, query: Query, liked: Any, event: gr.EventData) -> Answer:
        """Back or forward was pressed; a private picture of before is not in any address."""
        return self.open_link(told(event, "search"), liked)

    def _page(
        self, query: Query, liked: Collection[str], photos: tuple[Photo, ...] | None = None
    ) -> Answer:
        """Every part of the page that an answer changes."""
        p, search_service = self.parts, self.search_service
        try:
            view = search_service.find(query, liked)
            chips = facets.facets(search_service.index, query.where)
            span = facets.price_range(search_service.index, query.where)
        except (FilterError, UnknownItem, EncoderError, EncoderMismatch, ValueError) as error:
            warn(error, title="That cannot be searched")
            return self.same
        shared = SHARED if query.from_link and query.pictures else ""
        names = {id: search_service.thumb_of(id) for id in (*query.positive, *query.negative)}
        answer = {
            p.query: query,
            p.shown: [(hit.id, hit.score) for hit in view.hits],
            p.asked: asked(query, names),
            p.filters: filters(chips, span),
            p.words: query.words,
            p.count: query.count,
            p.variety: query.diversity,
            p.piece: self.piece(query.item, liked),
            p.looks: "",
            p.sharing: "",
            p.saved: "",
            p.line: shared + (impossible(span) or view.line),
            p.wall: wall(view.cards, NOTHING),
            p.more: gr.Button(visible=not view.whole and query.count < MAX_RESULTS),
            p.names: names_of([]),
            p.name: "",
            p.router: address(query, search_service.index),
        }
        if photos is not None:
            answer |= {
                p.photos: photos,
                # emptied only when it is seen again: it may be still at its upload
                p.picture: gr.update(visible="hidden") if photos else no_picture(),
                p.adding: False,
            }
        return answer

    def piece(self, id: str | None, liked: Collection[str]) -> str:
        """The panel of the piece that is searched from, "" where there is none."""
        if id is None:
            return ""
        index = self.search_service.index
        row, item = index.row_of(id), index.item(id)
        shown = ItemView(
            item=item,
            file=self.search_service.thumb(row),
            price=self.search_service.priced(item),
            liked=id in liked,
            colours=tuple(
                self.search_service.colour_of(other) for other in other_colours(index, row)
            ),
        )
        return piece(shown)


def reset_query(query: Query) -> Query:
    """A query whose wishes are gone; filters, number and variety stay."""
    return Query(where=query.where, count=query.count, diversity=query.diversity, fold=query.fold)


def _put(all: tuple, number: int, one: object) -> tuple:
    return (*all[:number], one, *all[number + 1 :])


def _without(all: tuple, number: int) -> tuple:
    return (*all[:number], *all[number + 1 :])


def names_of(found: list[tuple[str, str]]) -> gr.Radio:
    """The names, (title, id), that are offered for what was typed; closed where there are none."""
    return gr.Radio(choices=found, value=None, visible=bool(found))


def no_picture() -> dict[str, Any]:
    """The frame that takes a picture, emptied; a new dict each time, as gradio takes it apart."""
    return gr.update(value=None, visible=True)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value >= 0 and value < 1e12 else None
