"""The API: an endpoint for every action of the site, which is also a tool for agents (MCP).

The docstrings of the endpoints are what an agent reads, and what the API page shows.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np
from gradio_client.utils import python_type_to_json_schema

from lookbook.encoding.encoder import Encoder
from lookbook.encoding.errors import ModelUnusable
from lookbook.encoding.query_adapter import MATCHES
from lookbook.images.loading import ImageError
from lookbook.index.errors import IndexCorrupt
from lookbook.outfits import complete
from lookbook.recommend.base import Recommendations
from lookbook.recommend.context import ContextError
from lookbook.recommend.data import History
from lookbook.schema.filters import Condition, FilterError, parse_where
from lookbook.schema.product_links import is_sold_out
from lookbook.schema.readable import base_name
from lookbook.schema.text import excerpt, whole_characters
from lookbook.search import facets
from lookbook.search.index import Hit, IndexItem, UnknownItem
from lookbook.search.limits import COUNT, VARIETY, Limits, number_within, read_number
from lookbook.search.permalinks import MAX_CONDITIONS, MAX_IDS, MAX_WORDS
from lookbook.search.prefix_index import find_titles
from lookbook.search.product_groups import other_colours
from lookbook.search.query import Query, SearchResult
from lookbook.ui.answers import (
    About,
    Answer,
    GarmentRow,
    HitRow,
    ItemDetails,
    ItemRow,
    OutfitRow,
    ReasonedRow,
)
from lookbook.ui.components import markup
from lookbook.ui.components.base import ENCODER_LIMIT
from lookbook.ui.components.photo_input import Upload
from lookbook.ui.components.query_picture import QueryPicture
from lookbook.ui.logs import SITE_LOG
from lookbook.ui.metrics import METRICS
from lookbook.ui.routing import query_string
from lookbook.ui.services.search import SearchService, has_calibrated_scores
from lookbook.ui.services.visitor import VisitorService

_UNUSABLE = "The encoder cannot be loaded: the site's log says why."


class InvalidRequest(gr.Error):
    """An invalid request: reported to the client, not logged as an error of the site."""

    def __init__(self, message: str) -> None:
        super().__init__(message, print_exception=False)


class TypedJson(gr.JSON):
    """JSON of a Python type, with its schema in the API: gr.JSON declares its value as anything."""

    def __init__(self, of: Any, **kwargs: Any) -> None:
        self.schema = python_type_to_json_schema(of)
        super().__init__(**kwargs)

    def get_block_name(self) -> str:
        """Return the name of the front end's component: JSON."""
        return "json"

    def api_info(self) -> dict[str, Any]:
        """Return the JSON schema that clients read."""
        return self.schema


class Api:
    """The endpoints; each raises InvalidRequest with the reason for an invalid request."""

    def __init__(self, search_service: SearchService, visitor_service: VisitorService) -> None:
        self.search_service, self.visitor_service = search_service, visitor_service

    def search(
        self,
        picture: Upload | None = None,
        words: str = "",
        item: str = "",
        more: list[str] | None = None,
        less: list[str] | None = None,
        where: list[str] | None = None,
        count: float = 24,
        variety: float = 0,
        crop: bool = True,
        match: str = "",
    ) -> Answer:
        """Search by any of picture, words and piece; say how the words were understood.

        Answers the hits with `notes` (what was understood, e.g. "trainers: taken as sports
        shoes"), `unknown_words` (ignored), `searched` (how many pieces meet the filters) and `view`
        (the address of these results on the site). Without anything to look for, pieces from all
        over the collection.

        Args:
            picture: a photo of a garment, which is not kept; may be left out.
            words: a description, e.g. "red dress under 60, without stripes"; may be empty.
            item: id of a piece that the results should look like; may be empty.
            more: ids of pieces that the results should be more like.
            less: ids of pieces that they should be less like.
            where: conditions on attributes, e.g. ["gender=Women", "price<=60"].
            count: how many results, 1 to 96.
            variety: 0 for the closest pieces, up to 1 for pieces that differ from each other.
            crop: whether the garment is located in the photo and searched alone.
            match: what of a picture or piece is matched on: "shape", "colour", "pattern" or
                "kind"; empty for all of them.
        """
        positive, negative = _feedback(more, less)
        query = Query(
            pictures=() if picture is None else (self._photo_vector(picture, crop),),
            item=str(item) if item else None,
            words=_text(words, "words"),
            positive=positive,
            negative=negative,
            match=_match(match),
        )
        query, answer = self._run(query, where, count, variety)
        return {
            "hits": self._hits(query, answer),
            "notes": list(answer.notes),
            "unknown_words": answer.unknown_words,
            "searched": answer.total_searched,
            "view": self._view(query),
        }

    def search_by_picture(
        self,
        picture: Upload | None,
        words: str = "",
        where: list[str] | None = None,
        count: float = 24,
        variety: float = 0,
        crop: bool = True,
        match: str = "",
    ) -> list[HitRow]:
        """Find pieces of the collection that look like a picture of a garment.

        Args:
            picture: the photo; it is not kept.
            words: added to the picture, e.g. "in navy, without stripes"; may be empty.
            where: conditions on attributes as a JSON list, e.g. ["gender=Women", "price<=60"].
            count: how many results, 1 to 96.
            variety: 0 for the closest pieces, up to 1 for pieces that differ from each other.
            crop: whether the garment is located in the photo and searched alone.
            match: what of a picture or piece is matched on: "shape", "colour", "pattern" or
                "kind"; empty for all of them.
        """
        if picture is None:
            raise InvalidRequest("search_by_picture needs a picture, found none")
        query = Query(
            pictures=(self._photo_vector(picture, crop),),
            words=_text(words, "words"),
            match=_match(match),
        )
        return self._search(query, where, count, variety)

    def garments(self, picture: Upload | None) -> list[GarmentRow]:
        """Find every garment in a photo: its box, its kind and how certain that is.

        Crop the photo to a box and search that part to find pieces like this garment. Empty where
        no garment stands out.

        Args:
            picture: the photo; it is not kept.
        """
        if picture is None:
            raise InvalidRequest("garments needs a picture, found none")
        photo = self._photo(picture)
        try:
            found = self.search_service.garments(photo)
        except ValueError as error:  # ImageError, EncoderError
            raise InvalidRequest(str(error)) from error
        return [
            {
                "box": [round(side, 4) for side in garment.box],
                "kind": garment.kind,
                "confidence": round(garment.confidence, 4),
            }
            for garment in found
        ]

    def search_by_words(
        self, words: str = "", where: list[str] | None = None, count: int = 24, variety: float = 0.0
    ) -> list[HitRow]:
        """Find pieces of the collection by a description, e.g. "red striped shirt".

        Args:
            words: the description; "without" turns what follows into what is not wanted; empty for
                whatever meets the conditions.
            where: conditions on attributes, e.g. ["gender=Women", "price<=60"].
            count: how many results, 1 to 96.
            variety: 0 for the closest pieces, up to 1 for pieces that differ from each other.
        """
        return self._search(Query(words=_text(words, "words")), where, count, variety)

    def similar(
        self,
        item: str,
        words: str = "",
        more: list[str] | None = None,
        less: list[str] | None = None,
        where: list[str] | None = None,
        count: int = 24,
        variety: float = 0.0,
        match: str = "",
    ) -> list[HitRow]:
        """Find pieces that look like one of the collection, and move towards or away from others.

        Args:
            item: id of the piece, as every result has it.
            words: added to it, e.g. "in navy".
            more: ids of pieces that the results should be more like.
            less: ids of pieces that they should be less like.
            where: conditions on attributes, e.g. ["gender=Women", "price<=60"].
            count: how many results, 1 to 96.
            variety: 0 for the closest pieces, up to 1 for pieces that differ from each other.
            match: what of a picture or piece is matched on: "shape", "colour", "pattern" or
                "kind"; empty for all of them.
        """
        positive, negative = _feedback(more, less)
        query = Query(
            item=str(item),
            words=_text(words, "words"),
            positive=positive,
            negative=negative,
            match=_match(match),
        )
        return self._search(query, where, count, variety)

    def find_by_name(self, text: str, count: int = 20) -> list[ItemRow]:
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

    def item(self, item: str) -> ItemDetails:
        """Everything known of one piece: title, attributes, all its pictures, its other colours.

        Args:
            item: id of the piece.
        """
        index = self.search_service.index
        others = [other.id for other in other_colours(index, self._row(item))]
        photos = self.search_service.item_view(str(item)).photos
        return {
            **self._fields(index.item(str(item))),
            "colourways": others,
            "pictures": [markup.file_url(photo.detail or photo.file) for photo in photos],
        }

    def complete_the_look(self, item: str) -> list[OutfitRow]:
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

    def also_liked(self, item: str, count: int = 12) -> list[ReasonedRow]:
        """What people who liked a piece liked as well; empty while nobody has liked anything.

        Args:
            item: id of the piece.
            count: how many, 1 to 96.
        """
        self._row(item)
        return self._recommended(self.visitor_service.also_liked(str(item), _count(count)))

    def for_you(
        self,
        liked: list[str] | None = None,
        season: str = "",
        occasion: str = "",
        budget: float = 0,
        temperature: float | None = None,
        count: int = 24,
    ) -> list[ReasonedRow]:
        """Recommend pieces to somebody who likes some; nothing is kept. Each comes with a reason.

        Args:
            liked: ids of pieces that they like; may be empty.
            season: Winter, Spring, Summer or Fall; empty for today's.
            occasion: a value of the attribute usage, e.g. "Formal"; may be empty.
            budget: the most that a piece should cost; 0 for any.
            temperature: degrees Celsius outside; it comes before the season.
            count: how many, 1 to 96.
        """
        ids = [id for id in _ids(liked, "liked") if self._row(id) is not None]
        texts = _text(season, "season"), _text(occasion, "occasion")
        try:
            context = self.visitor_service.context(
                *texts, _number(budget, "budget"), _number(temperature, "temperature")
            )
            feed = self.visitor_service.feed
            rows = feed.items.rows_of(ids)  # -1 for what an update has added or removed just now
            likes = History.of_rows(rows[rows >= 0], "like")
            with METRICS.answering("feed"):
                answer = feed.for_you(likes, _count(count), context)
        except ContextError as error:
            raise InvalidRequest(str(error)) from error
        return self._recommended(answer)

    def link(
        self,
        item: str = "",
        words: str = "",
        where: list[str] | None = None,
        count: int = 24,
        variety: float = 0.0,
        match: str = "",
    ) -> str:
        """The address, relative to the site, that opens a view for anyone.

        Args:
            item: id of the piece that is searched from; may be empty.
            words: added to it; may be empty.
            where: conditions on attributes, e.g. ["gender=Women"].
            count: how many results, 1 to 96.
            variety: 0 for the closest pieces, up to 1 for pieces that differ.
            match: what of the piece is matched on: "shape", "colour", "pattern" or "kind".
        """
        if item:
            self._row(item)
        query = Query(item=item or None, words=_text(words, "words"), match=_match(match))
        return self._view(self._with_options(query, where, count, variety))

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

    def about(self) -> About:
        """What this index holds: pieces, photos, source, licence, encoder, date and recall.

        Source and encoder are named without the folder or address that they came from.
        """
        m = self.search_service.index.manifest
        name = str(m.source.get("name") or "")  # of the Hub: public, with its owner
        return {
            "pieces": m.count,
            "photos": m.photos,
            "source": name if m.source.get("kind") == "hub" else base_name(name),
            "licence": m.licence,
            "created": m.created,
            "encoder": base_name(str(m.encoder.get("id") or "")),
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

    def _recommended(self, answer: Recommendations) -> list[ReasonedRow]:
        """Return what the catalogue has still of the items that were recommended."""
        index = self.search_service.index
        return [
            {**self._fields(index.item(one.id)), "reason": one.reason}
            for one in answer
            if one.id in index
        ]

    def _photo(self, picture: Upload) -> bytes:
        """Return the photo that was sent, once the encoder is there."""
        if isinstance(picture.photo, ImageError):
            raise InvalidRequest(str(picture.photo))
        self._loaded_encoder()
        return picture.photo

    def _photo_vector(self, picture: Upload, crop: bool) -> np.ndarray:
        is_cropped, photo = _flag(crop, "crop"), self._photo(picture)
        try:
            return self.search_service.encode_photo(photo, is_cropped).vector
        except ValueError as error:  # ImageError, EncoderError
            raise InvalidRequest(str(error)) from error

    def _loaded_encoder(self) -> Encoder:
        try:
            return self.search_service.encoder
        except Exception as error:  # its message may name folders; it is in the log
            raise InvalidRequest(_UNUSABLE) from error

    def _search(
        self, query: Query, where: list[str] | None, count: float, variety: float
    ) -> list[HitRow]:
        return self._hits(*self._run(query, where, count, variety))

    def _run(
        self, query: Query, where: list[str] | None, count: float, variety: float
    ) -> tuple[Query, SearchResult]:
        notes: list[str] = []
        query = self._with_options(query, where, count, variety, notes)
        encoder = self._loaded_encoder() if query.words.strip() else None
        try:
            answer = self.search_service.run(query, encoder)
        except IndexCorrupt:  # its message names files: `checked_endpoint` keeps it
            raise
        except ModelUnusable as error:  # as well, and the site says it once a search
            SITE_LOG.error("a search failed: %s", error)
            raise InvalidRequest(_UNUSABLE) from error
        except (ValueError, LookupError) as error:  # FilterError, UnknownItem, EncoderError
            raise InvalidRequest(str(error)) from error
        self.search_service.unanswered.note(query, answer)
        return query, replace(answer, notes=(*notes, *answer.notes))

    def _hits(self, query: Query, answer: SearchResult) -> list[HitRow]:
        view = self._view(query)
        intent = query.intent if has_calibrated_scores(query, answer) else None
        return [self._hit(hit, intent, view) for hit in answer.hits]

    def _view(self, query: Query) -> str:
        """Return the address of a query, relative to the site; "" for one with pictures."""
        return "" if query.pictures else "?" + query_string(query, self.search_service.index)

    def _with_options(
        self,
        query: Query,
        where: list[str] | None,
        count: float,
        variety: float,
        notes: list[str] | None = None,
    ) -> Query:
        """Return a query with its options; `notes` takes what is said of them."""
        if not isinstance(query.words, str):
            raise InvalidRequest(f"words: expected a text, found {excerpt(query.words)}")
        if len(query.words) > MAX_WORDS:
            raise InvalidRequest(
                f"words: expected at most {MAX_WORDS} characters, found {len(query.words)}"
            )
        try:
            conditions = _where(where)
            self.search_service.index.matching(conditions)
        except FilterError as error:
            raise InvalidRequest(str(error)) from error
        share = _within(variety, "variety", VARIETY, 0.0, notes)
        return replace(query, where=conditions, count=_count(count, notes), diversity=share)

    def _fields(self, item: IndexItem) -> ItemRow:
        return {
            "id": item.id,
            "title": item.title,
            "picture": markup.file_url(self.search_service.thumb_file(item.id)),
            "product_page": self.search_service.product_page(item),
            "sold_out": is_sold_out(item.attributes),
            "attributes": item.attributes,
        }

    def _hit(self, hit: Hit, intent: str | None, view: str) -> HitRow:
        label, probability, _ = (
            self.search_service.score_label(hit, intent) if intent else ("", None, "")
        )
        return {
            **self._fields(hit.item),
            "score": round(hit.score, 4),
            "closeness": label,
            "same_kind": probability,
            "colourways": [item.id for item in hit.colourways],
            "view": view,
        }


def _match(match: str | None) -> str:
    """Check what results are matched on; raises InvalidRequest."""
    if (match or "") not in MATCHES:
        raise InvalidRequest(f"match: one of {', '.join(MATCHES[1:])}, found {excerpt(match)}")
    return match or ""


def _text(value: object, name: str) -> str:
    """Return the text that a client sends, "" for what is left out; raises InvalidRequest."""
    if not isinstance(value, str | None):
        raise InvalidRequest(f"{name}: expected a text, found {excerpt(value)}")
    return value or ""


def _ids(value: object, name: str) -> tuple[str, ...]:
    """Return the ids that a client sends, each once, none for what is left out.

    Raises InvalidRequest.
    """
    if not isinstance(value, list | None):
        raise InvalidRequest(f"{name}: expected a list of ids, found {excerpt(value)}")
    return tuple(dict.fromkeys(str(id) for id in (value or [])[:MAX_IDS]))


def _feedback(more: object, less: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids to move towards and away from; one in both is moved towards, as in a link.

    Raises InvalidRequest.
    """
    positive = _ids(more, "more")
    return positive, tuple(id for id in _ids(less, "less") if id not in positive)


def _where(value: object) -> tuple[Condition, ...]:
    """Return the conditions that a client sends; raises FilterError for anything else."""
    if value in (None, "", []):
        return ()
    if isinstance(value, str):
        return parse_where(value)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise FilterError(f"where is a list of texts like 'gender=Women', found {excerpt(value)}")
    if len(value) > MAX_CONDITIONS:
        raise FilterError(f"where takes at most {MAX_CONDITIONS} conditions, found {len(value)}")
    return parse_where(value)


def _number(value: object, name: str) -> float | None:
    """Return the number that a client sends, None for what is left out; raises InvalidRequest."""
    try:
        return None if value is None else read_number(name, value)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error


def _within(
    value: object, name: str, limits: Limits, default: float, notes: list[str] | None = None
) -> float:
    """Return the number that a client sends within its limits; `notes` takes what is said of it.

    Raises InvalidRequest for what is no number.
    """
    if value is None:
        return default
    try:
        number, said = number_within(name, value, limits)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    if said and notes is not None:
        notes.append(said)
    return number


def _count(value: object, notes: list[str] | None = None) -> int:
    return int(_within(value, "count", COUNT, Query.count, notes))


def _flag(value: object, name: str) -> bool:
    """Return what a client sends, True for what is left out; raises InvalidRequest."""
    if not isinstance(value, bool | None):
        raise InvalidRequest(f"{name}: expected true or false, found {excerpt(value)}")
    return value is not False


def wrong_picture(function: Any, values: Sequence[object]) -> str:
    """Return a sentence where a call of an endpoint has something else in place of a picture.

    "" where it has not, and for a callback of the page; gradio's own error names no parameter.
    """
    if function.api_visibility == "private":
        return ""
    for parameter, block, value in zip(
        inspect.signature(function.fn).parameters, function.inputs, values, strict=False
    ):
        if isinstance(block, QueryPicture) and value is not None and not _is_file(value):
            expected = "a file, as handle_file of gradio_client gives it"
            return f"{parameter}: expected {expected}, found {excerpt(value)}"
    return ""


def defaults_after(function: Any, given: int) -> list[object]:
    """Return the defaults of an endpoint's parameters after the first `given`.

    Clients that send a bare list keep working when an option is added. Empty where one of them has
    no default, for a call without any value and for a callback of the page.
    """
    if function.api_visibility == "private" or not given:
        return []
    missing = list(inspect.signature(function.fn).parameters.values())[given:]
    defaults = [parameter.default for parameter in missing]
    return [] if inspect.Parameter.empty in defaults else defaults


def _is_file(value: object) -> bool:
    return isinstance(value, dict) and any(
        isinstance(value.get(key), str) for key in ("path", "url")
    )


def checked_endpoint(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return an endpoint that refuses what no encoding can write, and hides errors of the server.

    Half a character is refused. An unexpected error, whose message may name files of the server, is
    logged. The types of the signature are evaluated: gradio reads no annotations that are strings.
    """

    @functools.wraps(endpoint)
    def checked(*args: Any, **kwargs: Any) -> Any:
        texts = [text for value in (*args, *kwargs.values()) for text in _texts(value)]
        if any(whole_characters(text) != text for text in texts):
            raise InvalidRequest("a text holds half a character (a lone surrogate): send it whole")
        try:
            return endpoint(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error("The site could not answer this: its log says why.") from error

    checked.__signature__ = inspect.signature(endpoint, eval_str=True)  # type: ignore[attr-defined]
    return checked


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def publish(search_service: SearchService, visitor_service: VisitorService) -> None:
    """Add every endpoint to the Blocks that are being built."""
    api = Api(search_service, visitor_service)
    _publish_picture_endpoints(api)
    encoding: list[Callable[..., Any]] = [api.search_by_words, api.similar]
    other: list[Callable[..., Any]] = [
        *(api.find_by_name, api.item, api.complete_the_look, api.for_you, api.also_liked),
        *(api.link, api.filters, api.about),
    ]
    for endpoint in encoding:
        gr.api(checked_endpoint(endpoint), api_name=endpoint.__name__, **ENCODER_LIMIT)
    for endpoint in other:
        gr.api(checked_endpoint(endpoint), api_name=endpoint.__name__)


def _publish_picture_endpoints(api: Api) -> None:
    """Add the endpoints that take a picture: gr.api cannot, so they have components."""
    with gr.Column(visible=False):
        picture, words = QueryPicture(label="Picture of a garment"), gr.Textbox("", label="Words")
        item = gr.Textbox("", label="Item")
        more, less, where = (
            TypedJson(list[str], label=label, value=[]) for label in ("More", "Less", "Conditions")
        )
        count, variety = gr.Number(24, label="Count"), gr.Number(0, label="Variety")
        crop, match = gr.Checkbox(True, label="Crop"), gr.Textbox("", label="Match")
        options = [where, count, variety, crop, match]  # in the order of the signatures
        _add(api.search, [picture, words, item, more, less, *options], Answer)
        _add(api.search_by_picture, [picture, words, *options], list[HitRow])
        _add(api.garments, [picture], list[GarmentRow])


def _add(endpoint: Callable[..., Any], inputs: list[Any], result: Any) -> None:
    gr.Button().click(
        checked_endpoint(endpoint),
        inputs,
        TypedJson(result, label="Results"),
        api_name=endpoint.__name__,
        **ENCODER_LIMIT,
    )
