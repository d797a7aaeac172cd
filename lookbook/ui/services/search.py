"""What the site does with an index and an encoder, without gradio: a query in, cards out."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from lookbook.encoding import attribution
from lookbook.encoding.backends.yielding import Answers
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.errors import EncoderError, ModelUnusable
from lookbook.images.loading import Picture, load_rgb
from lookbook.images.transforms import format_of
from lookbook.index import IndexCorrupt
from lookbook.outfits.slots import outfit_slots
from lookbook.schema.column_names import COLOUR_NAMES, find_column, is_colour_column
from lookbook.schema.filters import Condition, Where, parse_where
from lookbook.schema.message import Message
from lookbook.schema.money import currency_code, format_price
from lookbook.schema.product_links import ProductLinks, is_sold_out
from lookbook.schema.thesaurus import shop_thesaurus
from lookbook.schema.translations import in_language
from lookbook.search.article_numbers import article_numbers
from lookbook.search.calibration import calibrations
from lookbook.search.concepts import concept_index
from lookbook.search.enrichment import evaluation, projection_2d
from lookbook.search.facets import Facet, NumericRange, facets, price_column, price_range
from lookbook.search.index import Hit, Index, IndexItem
from lookbook.search.item_calibration import item_calibration
from lookbook.search.lexical_index import lexical_index
from lookbook.search.photo_calibration import photo_calibration
from lookbook.search.photo_query import (
    Box,
    GarmentBox,
    PhotoQuery,
    decode_photo,
    locate_garments,
    photo_query,
)
from lookbook.search.prefix_index import find_exact, find_titles, prefix_index
from lookbook.search.product_groups import other_colours, product_groups
from lookbook.search.query import Query, SearchResult, run
from lookbook.search.sorting import SORT_POOL
from lookbook.ui.logs import SITE_LOG
from lookbook.ui.messages import _, _n, as_sentence, language, percent, quoted, translate
from lookbook.ui.metrics import METRICS
from lookbook.ui.recall_probe import RecallProbe
from lookbook.ui.services.gpu import on_gpu
from lookbook.ui.services.lazy import Lazy
from lookbook.ui.services.unanswered import UnansweredSearches
from lookbook.ui.views import CARD_ACTIONS, Card, ItemView, PhotoView

_SORT_NOTES = {
    "price": Message("Of the {count} closest, sorted by price"),
    "price-down": Message("Of the {count} closest, sorted by price"),
    "newest": Message("Of the {count} closest, sorted by age"),
}
_REGULAR_PRICE_NAMES = ("regularprice", "compareatprice", "originalprice", "listprice")
_MAX_CARDS, _MAX_FILTERS = 4096, 64  # kept in memory: a few hundred bytes and some KB each
_UNRANKED_ACTIONS = ("like", "more", "less")  # no "why": nothing was compared


@dataclass(frozen=True)
class ResultsView:
    """The answer to a query: cards, the hits behind them, and a sentence about them."""

    cards: list[Card]
    hits: list[Hit]
    summary: str
    complete: bool  # a larger count would bring no more


class SearchService:
    """Index and encoder behind the site; the encoder loads in the background, see `warm_up`.

    `folder` takes the thumbnails that have been shown, as files that gradio can serve. `index` is
    replaced (see `prepare`) when a new generation is published: who asks it several things takes it
    once. Items that are gone from it are still known here while pages that show them may be open.
    """

    def __init__(
        self,
        index: Index,
        load_encoder: Callable[[], Encoder],
        folder: Path,
        links: ProductLinks | None = None,
    ) -> None:
        self.index, self._before, self.folder = index, index, folder
        self.price_column = price_column(index)
        self.links = links or ProductLinks()
        self.unanswered = UnansweredSearches()
        self.recall_probe = RecallProbe()
        self._answers = Answers()
        self._photo_query = on_gpu(lambda photo, crop: photo_query(photo, self.encoder, crop))
        self._garments = on_gpu(lambda image, late: locate_garments(image, self._locator(late)))
        self._attribute = on_gpu(lambda a, b: attribution.attribution_maps(self.encoder, a, b))
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder = Lazy(load_encoder, "the encoder cannot be loaded")
        # what does not depend on a query; cleared when another generation is shown
        self._item_card = lru_cache(_MAX_CARDS)(self._make_item_card)
        self._facets = lru_cache(_MAX_FILTERS)(_facets_of)
        self.wanted = threading.Event()  # set once there was a search, or is about to be one

    def warm_up(self) -> None:
        """Start loading what the first search needs; returns without waiting for the encoder."""
        self._encoder.start()
        try:
            derive_all(self.index)
        except (EncoderError, IndexCorrupt) as error:  # whoever searches is told as well
            SITE_LOG.error("searches will fail: %s", error)

    def prepare(self, index: Index) -> Callable[[], None]:
        """Compute what answers need of another index of the same encoder; return what shows it.

        A query that is being answered then keeps the index it began with.
        """
        derive_all(index)
        price = price_column(index)

        def show() -> None:
            self._before, self.index, self.price_column = self.index, index, price
            self._item_card.cache_clear()
            self._facets.cache_clear()

        return show

    def holding(self, id: str) -> Index:
        """Return the index that has an item, the one of before if need be; raises UnknownItem."""
        index, before = self.index, self._before
        if id not in index and id in before:
            return before
        index.row_of(id)
        return index

    def item(self, id: str) -> IndexItem:
        """Return an item; raises UnknownItem."""
        return self.holding(id).item(id)

    @property
    def encoder_ready(self) -> bool:
        """Whether the encoder is loaded."""
        return self._encoder.ready

    @property
    def encoder(self) -> Encoder:
        """The encoder, waited for while it loads.

        Raises whatever its loading raised, ModelUnusable for an EncoderError of that.
        """
        try:
            return self._encoder.result()
        except EncoderError as error:  # names files, which the log does already
            raise ModelUnusable(*error.args) from error

    def encode_photo(self, photo: Picture, crop: bool | Box = True) -> PhotoQuery:
        """Decode, crop and encode a visitor's photo; see `photo_query`. Nothing of it is kept."""
        with METRICS.answering("encoding"), self._answers.making():
            return self._photo_query(photo, crop)

    def run(self, query: Query, encoder: Encoder | None) -> SearchResult:
        """Answer a query; `encoder` is needed for words."""
        index = self.index
        with METRICS.answering(_action(query)), self._answers.making():
            answer = run(query, index, encoder)
        self.recall_probe.note(query, index)
        self.wanted.set()
        return answer

    def garments(self, photo: Picture, in_background: bool = False) -> list[GarmentBox]:
        """Return the garments of a visitor's photo; see `locate_garments`.

        `in_background`: in the time that answers leave. Raises ImageError.
        """
        return self._garments(decode_photo(photo, self.encoder), in_background)

    def _locator(self, in_background: bool) -> Encoder:
        """Return the encoder for one photo; passes of a GPU are too short to hold anybody up."""
        if not in_background or self.encoder.device != "cpu":
            return self.encoder
        return self.encoder.yielding(self._answers.give_way())

    def attribution_maps(
        self, query: Image.Image, result: Image.Image
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which regions made two pictures match: (h, w) for each, 0 to 1."""
        return self._attribute(query, result)

    def item_picture(self, id: str) -> Image.Image:
        """Return the thumbnail of an item; raises UnknownItem."""
        return load_rgb(self.holding(id).thumb(id))

    def closest_picture(self, id: str, query: np.ndarray | str) -> Image.Image:
        """Return the photo of an item that is closest to a vector of the encoder or to an item.

        The first photo where an update has removed that item. Raises UnknownItem.
        """
        index = self.holding(id)
        if isinstance(query, str):
            if query not in index:
                return self.item_picture(id)
            vector = index.vector(query)
        else:
            vector = index.to_index_space(query)
        (photo,) = index.closest_photos([index.row_of(id)], vector)
        return load_rgb(index.generation.thumb(int(photo)))

    def search(self, query: Query, liked: Collection[str] = (), start: int = 0) -> ResultsView:
        """Return the answer to a query, cards of the hits from `start` only.

        One that asks for nothing is answered with items from all over the catalogue.
        """
        answer = self.run(query, self.encoder if query.words.strip() else None)
        if not start:  # the rest of an answer is no other search
            self.unanswered.note(query, answer)
        actions = CARD_ACTIONS if answer.ranked else _UNRANKED_ACTIONS
        scored = has_calibrated_scores(query, answer)
        intent = query.intent if scored else None
        cards = [self.card(hit, liked, actions, intent) for hit in answer.hits[start:]]
        asks = not query.empty or bool(query.where)
        summary = _summary(answer, query) if asks else _invitation(answer)
        return ResultsView(cards, answer.hits, summary, len(answer.hits) < query.count)

    def card(
        self,
        hit: Hit,
        liked: Collection[str] = (),
        actions: tuple[str, ...] = (),
        intent: str | None = None,
        note: str = "",
        compared: bool = False,
    ) -> Card:
        """Return a hit as a card; the `intent` of its query adds the label and bar of its score."""
        label, probability, explanation = (
            self.score_label(hit, intent) if intent else ("", None, "")
        )
        return replace(
            self._stored_card(hit.id),
            label=label,
            probability=probability,
            explanation=explanation,
            note=note,
            colours=tuple(self.colour_label(item) for item in hit.colourways),
            liked=hit.id in liked,
            compared=compared,
            actions=actions,
        )

    def _stored_card(self, id: str) -> Card:
        """Return what an item's card says whatever the query; its pictures are on the disk.

        Unless they cannot be written there. Raises UnknownItem.
        """
        key = self.holding(id), id, language()
        card = self._item_card(*key)
        if all(os.path.exists(file) for file in (card.file, card.detail) if file):  # noqa: PTH110
            return card
        self._item_card.cache_clear()  # the temporary folder was emptied, or its disk is full
        return self._item_card(*key)

    def _make_item_card(self, index: Index, id: str, language: str) -> Card:
        """Return the card of an item; `language` is that of the request."""
        item = index.item(id)
        return Card(
            id=id,
            title=self.localized(item).title or id,
            file=self.thumb_file(id),
            detail=self._detail_file(id),
            price=self.price_text(item),
            regular_price=self.regular_price_text(item),
            product_page=self.product_page(item),
            sold_out=is_sold_out(item.attributes),
        )

    def facets(self, index: Index, where: Where) -> tuple[tuple[Facet, ...], NumericRange | None]:
        """Return an index's facets under filters, and its range of prices; raises FilterError."""
        return self._facets(index, parse_where(where))

    def item_view(self, id: str, liked: Collection[str] = ()) -> ItemView:
        """Return an item as the item panel shows it; raises UnknownItem."""
        index = self.holding(id)
        row, item = index.row_of(id), index.item(id)
        return ItemView(
            item=self._shown(item),
            photos=tuple(self._photo(index, photo) for photo in index.photo_rows(id)),
            price=self.price_text(item),
            regular_price=self.regular_price_text(item),
            liked=id in liked,
            colours=tuple(self.colour_label(other) for other in other_colours(index, row)),
            product_page=self.product_page(item),
            sold_out=is_sold_out(item.attributes),
        )

    def localized(self, item: IndexItem) -> IndexItem:
        """Return an item in the language of the request, where its catalogue has columns of it."""
        title, attributes = in_language(item.title, item.attributes, language())
        return replace(item, title=title, attributes=attributes)

    def _shown(self, item: IndexItem) -> IndexItem:
        """Return an item without the prices that stand beside its title."""
        localized = self.localized(item)
        written = {self.price_column, find_column(item.attributes, _REGULAR_PRICE_NAMES)}
        if self.price_text(item) and self._currency(item):
            written |= {find_column(item.attributes, ("currency",))}
        kept = {n: v for n, v in localized.attributes.items() if n not in written}
        return replace(localized, attributes=kept)

    def product_page(self, item: IndexItem) -> str:
        """Return the address of an item's page in the shop, "" where there is none."""
        return self.links.address(item.id, item.attributes)

    def _photo(self, index: Index, row: int) -> PhotoView:
        detail = index.generation.detail(row)
        file = self._file_of(index.generation.thumb(row))
        return PhotoView(file, self._file_of(detail) if detail else "")

    def as_hit(self, id: str, score: float = 0.0) -> Hit:
        """Return an item as if a search had found it; raises UnknownItem."""
        index = self.holding(id)
        return Hit(id, score, index.item(id), index.row_of(id))

    def as_hits(self, ids: Iterable[str]) -> list[Hit]:
        """Return items as if a search had found them, without those an update has removed."""
        index = self.index
        return [Hit(id, 0.0, index.item(id), index.row_of(id)) for id in ids if id in index]

    def colour_label(self, item: IndexItem) -> tuple[str, str]:
        """Return (id, colour) of an item, its title where it has no colour."""
        values = {n: v for n, v in item.attributes.items() if isinstance(v, str) and v}
        name = find_column(values, COLOUR_NAMES) or next(filter(is_colour_column, values), None)
        return item.id, item.title if name is None else values[name]

    def score_label(self, hit: Hit, intent: str) -> tuple[str, float | None, str]:
        """Return (label, probability, explanation) of a hit of a query of that intent.

        Without a calibration the label is the number itself; "" where the catalogue has kinds and
        nothing says well enough how likely the hit is of the right one.
        """
        curve = calibrations(self.index)[intent]
        if curve is None:
            return raw_score_label(hit.score, self.index.manifest.metric), None, ""
        if curve.kind is not None and hit.same_kind is None:
            return "", None, ""
        known = hit.same_kind
        calibrated = curve.of(hit.score) if known is None else curve.labelled(known)
        explanation = f"{percent(calibrated.probability)}: {translate(curve.meaning)}"
        return translate(calibrated.label), calibrated.probability, explanation

    def price_text(self, item: IndexItem) -> str:
        """Return the price of an item as text, "" where there is none."""
        price = self._amount(item, self.price_column)
        return "" if price is None else format_price(price, self._currency(item), language())

    def regular_price_text(self, item: IndexItem) -> str:
        """Return the price before a reduction as text, "" where an item is not reduced."""
        price = self._amount(item, self.price_column)
        regular = self._amount(item, find_column(item.attributes, _REGULAR_PRICE_NAMES))
        if price is None or regular is None or regular <= price:
            return ""
        return format_price(regular, self._currency(item), language())

    def _amount(self, item: IndexItem, column: str | None) -> float | None:
        value = item.attributes.get(column) if column else None
        return value if isinstance(value, (int, float)) and value == value else None

    def _currency(self, item: IndexItem) -> str | None:
        """Return the currency of an item's price, by the attribute `currency`."""
        name = next((n for n in item.attributes if n.casefold() == "currency"), None)
        found = item.attributes.get(name) if name else None
        return (currency_code(found) or found) if isinstance(found, str) else None

    def suggestions(self, text: str, limit: int = 8) -> list[tuple[str, str]]:
        """Return (title, id) of items whose titles hold the words typed so far."""
        if not text.strip():
            return []
        items = find_titles(self.index, text, limit)
        return [(_distinct_title(item, items), item.id) for item in items]

    def exact_item(self, text: str) -> str | None:
        """Return the id of the item whose id, article number or whole title is `text`, or None."""
        return find_exact(self.index, text)

    def thumb_file(self, id: str) -> str:
        """Return the path of an item's thumbnail; see `_file_of`. Raises UnknownItem."""
        return self._file_of(self.holding(id).thumb(id))

    def example_file(self, photo: Path) -> str:
        """Return the path of a copy of a JPEG, at an address that says nothing of its folder."""
        return self._file_of(photo.read_bytes(), "jpg")

    def _detail_file(self, id: str) -> str:
        """Return the path of an item's larger picture, "" for none; see `_file_of`."""
        index = self.holding(id)
        detail = index.generation.detail(index.row_of(id))
        file = self._file_of(detail) if detail else ""
        return "" if file.startswith("data:") else file

    def _file_of(self, picture: bytes, file_format: str = "") -> str:
        """Return the path of a picture, which is unpacked when it is first shown.

        It is named by what it shows, so the addresses in open pages and in browsers' caches stay
        right when another generation is published. A data URL where it cannot be written: the disk
        may be full. `file_format` is that of a picture which is none of an index.
        """
        file_format = file_format or format_of(picture)
        name = hashlib.blake2b(picture, digest_size=16).hexdigest()
        path = self.folder / f"{name}.{file_format}"
        if path.exists() or _stored(path, picture):
            return str(path)
        media_type = file_format.replace("jpg", "jpeg")
        return f"data:image/{media_type};base64," + base64.b64encode(picture).decode()

    def link_picture(self, photo: PhotoView) -> str:
        """Return the path of a photo for the preview of a link: few services show AVIF there."""
        path = Path(photo.detail or photo.file)
        if path.suffix != ".avif":
            return str(path)
        jpeg = path.with_suffix(".jpg")
        if jpeg.exists():
            return str(jpeg)
        encoded = io.BytesIO()
        load_rgb(path.read_bytes()).save(encoded, "JPEG", quality=85)
        return str(jpeg if _stored(jpeg, encoded.getvalue()) else path)

    def thumb_and_title(self, id: str) -> tuple[str, str]:
        """Return (thumbnail path, title) of an item; raises UnknownItem."""
        return self.thumb_file(id), self.item(id).title


def _facets_of(
    index: Index, where: tuple[Condition, ...]
) -> tuple[tuple[Facet, ...], NumericRange | None]:
    return tuple(facets(index, where)), price_range(index, where)


def _stored(path: Path, picture: bytes) -> bool:
    """Write a picture whole or not at all; False where the disk is full or read-only."""
    partial = path.with_suffix(f".{time.monotonic_ns()}")
    try:
        partial.write_bytes(picture)
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return False
    return True


def _action(query: Query) -> str:
    """What the time of an answer is counted as, of `metrics.ACTIONS`."""
    if query.pictures:
        return "photo"
    if query.words.strip():
        return "words"
    return "item" if query.item or query.positive or query.negative else "filters"


def has_calibrated_scores(query: Query, answer: SearchResult) -> bool:
    """Whether `SearchService.score_label` holds: the calibration was fitted between pictures.

    Of all that they show: what is matched on something else, or moved by anything, has other
    scores.
    """
    return answer.ranked and not query.moved_by


def derive_all(index: Index) -> None:
    """Compute what answers need of an index, so that no visitor waits for it."""
    derivations: tuple[Callable[[Index], object], ...] = (
        *(prefix_index, product_groups, lexical_index, concept_index, article_numbers),
        *(calibrations, item_calibration, photo_calibration, outfit_slots),
        *(projection_2d, evaluation),
    )
    for derive in derivations:
        derive(index)


def _summary(answer: SearchResult, query: Query) -> str:
    """Return the sentence above the results: how many, of how many, how fast, unknown words."""
    notes = [translate(note) for note in answer.notes if not _says_nothing(note)]
    if answer.unknown_words:
        words = ", ".join(quoted(word) for word in answer.unknown_words)
        notes.append(_("Not understood: {words}", words=words))
    if answer.ranked and query.sort != "fit":
        notes.append(_(_SORT_NOTES[query.sort], count=SORT_POOL))
    return " ".join([_found(answer, query), *map(as_sentence, notes)])


def _says_nothing(note: str) -> bool:
    """Whether a note tells that a word of the visitor's language means what it says."""
    values = note.values if isinstance(note, Message) else {}
    if "words" not in values or "concept" not in values or values.get("corrected"):
        return False
    label = values["concept"].label_in(language())
    return shop_thesaurus().same_word(values["words"], label, language())


def _found(answer: SearchResult, query: Query) -> str:
    count, total = len(answer.hits), answer.total_searched
    if not total:
        return _("No piece meets all of these filters.")
    if not count:
        return _("Nothing in {total} pieces fits.", total=total)
    if not answer.ranked and count < min(query.count, total):
        return _(
            "All {count} pieces that meet the filters, {total} with their colours.",
            count=count,
            total=total,
        )
    if not answer.ranked:
        return _("{count} of {total} pieces that meet the filters.", count=count, total=total)
    return _(
        "{count} of {total} pieces, found in {time} ms.",
        count=count,
        total=total,
        time=round(answer.seconds * 1000),
    )


def _invitation(answer: SearchResult) -> str:
    """Return the sentences of a page that nothing was searched on yet."""
    pieces = _n("{count} piece.", "{count} pieces.", answer.total_searched)
    notes = [as_sentence(translate(note)) for note in answer.notes]
    return " ".join([pieces, _("Show a picture, or pick one."), *notes])


def _distinct_title(item: IndexItem, items: Sequence[IndexItem]) -> str:
    """Return an item's title, with its id where other items of the list have the same title."""
    same = sum(other.title == item.title for other in items)
    return item.title if same == 1 else f"{item.title} ({item.id})"


def raw_score_label(score: float, metric: str) -> str:
    """Return an uncalibrated score with the name of what the metric measures."""
    if metric == "euclidean":
        return _("distance {number}", number=-round(score, 2))
    if metric == "angular":
        return _("similarity {number}", number=round(score, 2))
    return _("score {number}", number=round(score, 2))
