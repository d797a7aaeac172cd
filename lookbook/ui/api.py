"""The API: an endpoint for every action of the site, which is also a tool for agents (MCP).

The docstrings of the endpoints are what an agent reads, and what the API page shows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from lookbook.images.loading import ImageError
from lookbook.outfits import complete
from lookbook.recommend.base import Recommendations
from lookbook.recommend.data import History
from lookbook.schema.filters import Condition, FilterError, parse_where
from lookbook.schema.product_links import is_sold_out
from lookbook.schema.text import whole_characters
from lookbook.search import facets
from lookbook.search.index import Hit, IndexItem, UnknownItem
from lookbook.search.permalinks import MAX_CONDITIONS, MAX_IDS, MAX_RESULTS, MAX_WORDS
from lookbook.search.prefix_index import find_titles
from lookbook.search.product_groups import other_colours
from lookbook.search.query import Query, run
from lookbook.ui.components.base import ENCODER_LIMIT
from lookbook.ui.components.photo_input import Upload
from lookbook.ui.components.query_picture import QueryPicture
from lookbook.ui.routing import query_string
from lookbook.ui.services.search import SearchService, has_calibrated_scores
from lookbook.ui.services.visitor import VisitorService


class InvalidRequest(gr.Error):
    """An invalid request: reported to the client, not logged as an error of the site."""

    def __init__(self, message: str) -> None:
        super().__init__(message, print_exception=False)


class StringList(gr.JSON):
    """A list of strings, typed as one in the API: gr.JSON declares its value as anything."""

    def get_block_name(self) -> str:
        """Return the name of the front end's component: JSON."""
        return "json"

    def api_info(self) -> dict[str, Any]:
        """Return the JSON schema that clients read."""
        return {"type": "array", "items": {"type": "string"}, "description": "texts"}


class Api:
    """The endpoints; each raises InvalidRequest with the reason for an invalid request."""

    def __init__(self, search_service: SearchService, visitor_service: VisitorService) -> None:
        self.search_service, self.visitor_service = search_service, visitor_service

    def search_by_picture(
        self,
        picture: Upload | None,
        words: str = "",
        where: list[str] | None = None,
        count: float = 24,
        variety: float = 0,
        crop: bool = True,
    ) -> list[dict[str, Any]]:
        """Find pieces of the collection that look like a picture of a garment.

        Args:
            picture: the photo; it is not kept.
            words: added to the picture, e.g. "in navy, without stripes"; may be empty.
            where: conditions on attributes as a JSON list, e.g. ["gender=Women", "price<=60"].
            count: how many results, 1 to 96.
            variety: 0 for the closest pieces, up to 1 for pieces that differ from each other.
            crop: whether the garment is located in the photo and searched alone.
        """
        if picture is None:
            raise InvalidRequest("search_by_picture needs a picture, found none")
        if isinstance(picture.photo, ImageError):
            raise InvalidRequest(str(picture.photo))
        try:
            photo = self.search_service.encode_photo(picture.photo, bool(crop))
        except ValueError as error:  # ImageError, EncoderError, EncoderMismatch
            raise InvalidRequest(str(error)) from error
        query = Query(pictures=(photo.vector,), words=words or "")
        return self._search(query, where, count, variety)

    def search_by_words(
        self, words: str, where: list[str] | None = None, count: int = 24, variety: float = 0.0
    ) -> list[dict[str, Any]]:
        """Find pieces of the collection by a description in English, e.g. "red striped shirt".

        Args:
            words: the description; "without" turns what follows into what is not wanted.
            where: conditions on attributes, e.g. ["gender=Women", "price<=60"].
            count: how many results, 1 to 96.
            variety: 0 for the closest pieces, up to 1 for pieces that differ from each other.
        """
        return self._search(Query(words=words or ""), where, count, variety)

    def similar(
        self,
        item: str,
        words: str = "",
        more: list[str] | None = None,
        less: list[str] | None = None,
        where: list[str] | None = None,
        count: int = 24,
        variety: float = 0.0,
    ) -> list[dict[str, Any]]:
        """Find pieces that look like one of the collection, and move towards or away from others.

        Args:
            item: id of the piece, as every result has it.
            words: added to it, e.g. "in navy".
            more: ids of pieces that the results should be more like.
            less: ids of pieces that they should be less like.
            where: conditions on attributes, e.g. ["gender=Women", "price<=60"].
            count: how many results, 1 to 96.
            variety: 0 for the closest pieces, up to 1 for pieces that differ from each other.
        """
        query = Query(item=str(item), words=words or "", positive=_ids(more), negative=_ids(less))
        return self._search(query, where, count, variety)

    def find_by_name(self, text: str, count: int = 20) -> list[dict[str, Any]]:
        """Find pieces whose titles hold these words or beginnings of words.

        Args:
            text: what was typed.
            count: how many at most, 1 to 96.
        """
        if len(text := str(text or "")) > MAX_WORDS:
            raise InvalidRequest(
                f"text: expected at most {MAX_WORDS} characters, found {len(text)}"
            )
        items = find_titles(self.search_service.index, text, _count(count))
        return [self._fields(item) for item in items]

    def item(self, item: str) -> dict[str, Any]:
        """Everything known of one piece: title, attributes, and its other colours.

        Args:
            item: id of the piece.
        """
        index = self.search_service.index
        others = [other.id for other in other_colours(index, self._row(item))]
        return self._fields(index.item(str(item))) | {"colourways": others}

    def complete_the_look(self, item: str) -> list[dict[str, Any]]:
        """Whole outfits around one piece, each with the reason why its pieces go together.

        Args:
            item: id of the piece.
        """
        self._row(item)
        outfits = complete(
            self.search_service.index, str(item), self.visitor_service.bought_together
        )
        return [
            {"reason": outfit.reason, "pieces": [self._fields(piece) for piece in outfit.items]}
            for outfit in outfits
        ]

    def also_liked(self, item: str, count: int = 12) -> list[dict[str, Any]]:
        """What people who liked a piece liked as well; empty while nobody has liked anything.

        Args:
            item: id of the piece.
            count: how many, 1 to 96.
        """
        self._row(item)
        return self._recommended(self.visitor_service.also_liked(str(item), _count(count)))

    def for_you(
        self,
        liked: list[str],
        season: str = "",
        occasion: str = "",
        budget: float = 0,
        temperature: float | None = None,
        count: int = 24,
    ) -> list[dict[str, Any]]:
        """Recommend pieces to somebody who likes some; nothing is kept. Each comes with a reason.

        Args:
            liked: ids of pieces that they like; may be empty.
            season: Winter, Spring, Summer or Fall; empty for today's.
            occasion: a value of the attribute usage, e.g. "Formal"; may be empty.
            budget: the most that a piece should cost; 0 for any.
            temperature: degrees Celsius outside; it comes before the season.
            count: how many, 1 to 96.
        """
        ids = [id for id in _ids(liked) if self._row(id) is not None]
        season, occasion = (text if isinstance(text, str) else "" for text in (season, occasion))
        try:
            context = self.visitor_service.context(
                season, occasion, _number(budget), _number(temperature)
            )
            feed = self.visitor_service.feed
            rows = feed.items.rows_of(ids)  # -1 for what an update has added or removed just now
            likes = History.of_rows(rows[rows >= 0], "like")
            answer = feed.for_you(likes, _count(count), context)
        except ValueError as error:  # ContextError
            raise InvalidRequest(str(error)) from error
        return self._recommended(answer)

    def link(
        self,
        item: str = "",
        words: str = "",
        where: list[str] | None = None,
        count: int = 24,
        variety: float = 0.0,
    ) -> str:
        """The address, relative to the site, that opens a view for anyone.

        Args:
            item: id of the piece that is searched from; may be empty.
            words: added to it; may be empty.
            where: conditions on attributes, e.g. ["gender=Women"].
            count: how many results, 1 to 96.
            variety: 0 for the closest pieces, up to 1 for pieces that differ.
        """
        if item:
            self._row(item)
        query = Query(item=item or None, words=words or "")
        return "?" + query_string(
            self._with_options(query, where, count, variety), self.search_service.index
        )

    def filters(self, where: list[str] | None = None) -> dict[str, dict[str, int]]:
        """What the collection can be narrowed by: attributes, their values, and how many have each.

        Args:
            where: conditions that hold already, e.g. ["gender=Women"]; counts follow them.
        """
        try:
            columns = facets.facets(self.search_service.index, _where(where))
        except FilterError as error:
            raise InvalidRequest(str(error)) from error
        return {f.column: {value.value: value.count for value in f.choices} for f in columns}

    def about(self) -> dict[str, Any]:
        """What this index holds: pieces, photos, source, licence, encoder, date and recall."""
        m = self.search_service.index.manifest
        return {
            "pieces": m.count,
            "photos": m.photos,
            "source": m.source.get("name"),
            "licence": m.licence,
            "created": m.created,
            "encoder": m.encoder.get("id"),
            "dim": m.dim,
            "metric": m.metric,
            "recall": m.recall,
            "attributes": self.search_service.index.columns,
        }

    def _row(self, item: object) -> int:
        try:
            return self.search_service.index.row_of(str(item))
        except UnknownItem as error:
            raise InvalidRequest(str(error)) from error

    def _recommended(self, answer: Recommendations) -> list[dict[str, Any]]:
        """Return what the catalogue has still of the items that were recommended."""
        index = self.search_service.index
        return [
            self._fields(index.item(one.id)) | {"reason": one.reason}
            for one in answer
            if one.id in index
        ]

    def _search(
        self, query: Query, where: list[str] | None, count: float, variety: float
    ) -> list[dict[str, Any]]:
        query = self._with_options(query, where, count, variety)
        try:
            encoder = self.search_service.encoder if query.words.strip() else None
            answer = run(query, self.search_service.index, encoder)
        except (ValueError, LookupError) as error:  # FilterError, UnknownItem, EncoderError
            raise InvalidRequest(str(error)) from error
        link = "" if query.pictures else "?" + query_string(query, self.search_service.index)
        intent = query.intent if has_calibrated_scores(query, answer) else None
        return [self._hit(hit, intent) | {"view": link} for hit in answer.hits]

    def _with_options(
        self, query: Query, where: list[str] | None, count: float, variety: float
    ) -> Query:
        if not isinstance(query.words, str):
            raise InvalidRequest(f"words: expected a text, found {query.words!r:.80}")
        if len(query.words) > MAX_WORDS:
            raise InvalidRequest(
                f"words: expected at most {MAX_WORDS} characters, found {len(query.words)}"
            )
        try:
            conditions = _where(where)
            self.search_service.index.matching(conditions)
        except FilterError as error:
            raise InvalidRequest(str(error)) from error
        return replace(query, where=conditions, count=_count(count), diversity=_fraction(variety))

    def _fields(self, item: IndexItem) -> dict[str, Any]:
        return {
            "id": item.id,
            "title": item.title,
            "product_page": self.search_service.product_page(item),
            "sold_out": is_sold_out(item.attributes),
            "attributes": item.attributes,
        }

    def _hit(self, hit: Hit, intent: str | None) -> dict[str, Any]:
        label, probability, _ = (
            self.search_service.score_label(hit.score, intent) if intent else ("", None, "")
        )
        return self._fields(hit.item) | {
            "score": round(hit.score, 4),
            "closeness": label,
            "same_kind": probability,
            "colourways": [item.id for item in hit.colourways],
        }


def _ids(value: object) -> tuple[str, ...]:
    return tuple(str(id) for id in value[:MAX_IDS]) if isinstance(value, list) else ()


def _where(value: object) -> tuple[Condition, ...]:
    """Return the conditions that a client sends; raises FilterError for anything else."""
    if value in (None, "", []):
        return ()
    if isinstance(value, str):
        return parse_where(value)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise FilterError(f"where is a list of texts like 'gender=Women', found {value!r:.80}")
    if len(value) > MAX_CONDITIONS:
        raise FilterError(f"where takes at most {MAX_CONDITIONS} conditions, found {len(value)}")
    return parse_where(value)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value == value else None


def _count(value: object) -> int:
    number = value if isinstance(value, (int, float)) and value == value else 24
    return int(min(max(number, 1), MAX_RESULTS))


def _fraction(value: object) -> float:
    number = float(value) if isinstance(value, (int, float)) and value == value else 0.0
    return min(max(number, 0.0), 1.0)


def refuse_surrogates(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return an endpoint that refuses texts with half a character, which no encoding can write."""

    @functools.wraps(endpoint)
    def checked(*args: Any, **kwargs: Any) -> Any:
        texts = [text for value in (*args, *kwargs.values()) for text in _texts(value)]
        if any(whole_characters(text) != text for text in texts):
            raise InvalidRequest("a text holds half a character (a lone surrogate): send it whole")
        return endpoint(*args, **kwargs)

    return checked


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def publish(search_service: SearchService, visitor_service: VisitorService) -> None:
    """Add every endpoint to the Blocks that are being built."""
    api = Api(search_service, visitor_service)
    with gr.Column(visible=False):  # gr.api cannot take a picture: this endpoint has components
        picture = QueryPicture(label="Picture of a garment")
        words = gr.Textbox(label="Words")
        where = StringList(label="Conditions", value=[])
        count, variety = gr.Number(24, label="Count"), gr.Number(0, label="Variety")
        crop = gr.Checkbox(True, label="Crop")
        results = gr.JSON(label="Results")
        gr.Button().click(
            refuse_surrogates(api.search_by_picture),
            [picture, words, where, count, variety, crop],
            results,
            api_name="search_by_picture",
            **ENCODER_LIMIT,
        )
    encoding: list[Callable[..., Any]] = [api.search_by_words, api.similar]
    other: list[Callable[..., Any]] = [
        *(api.find_by_name, api.item, api.complete_the_look, api.for_you, api.also_liked),
        *(api.link, api.filters, api.about),
    ]
    for endpoint in encoding:
        gr.api(refuse_surrogates(endpoint), api_name=endpoint.__name__, **ENCODER_LIMIT)
    for endpoint in other:
        gr.api(refuse_surrogates(endpoint), api_name=endpoint.__name__)
