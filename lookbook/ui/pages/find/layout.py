"""The Find page: its components, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from lookbook.schema.message import Message
from lookbook.search.limits import MAX_RESULTS
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.components.base import Button, HtmlComponent, PlainText
from lookbook.ui.components.filter_panel import FilterButton, FilterPanel
from lookbook.ui.components.gallery import Gallery, MoreCards
from lookbook.ui.components.item_panel import ExplanationDialog, ItemPanel, OutfitPanel
from lookbook.ui.components.match_chips import MatchChips
from lookbook.ui.components.photo_input import PhotoInput
from lookbook.ui.components.photos import PhotoGarments, Photos
from lookbook.ui.components.query_bar import QueryBar
from lookbook.ui.components.query_picture import QueryPicture
from lookbook.ui.components.router import Router
from lookbook.ui.components.share import Panel, SharePanel
from lookbook.ui.components.sort_menu import SortMenu
from lookbook.ui.messages import _
from lookbook.ui.retention import PAGE_STATE_TTL

_REAR_CAMERA = {"video": {"facingMode": {"ideal": "environment"}}}


class Components:
    """The components of the Find page, and the state of each visitor's page.

    `shown` holds (id, score) of the results, `adding` whether the next upload is added to the
    photos of the query (else it begins a new query), `photo_keys` the keys of those photos. `tabs`
    are the pages of the site, `fetches` is whether addresses of pictures are fetched;
    `example_file` gives the file that the site serves of an example.
    """

    def __init__(
        self,
        examples: list[Path],
        results: int,
        tabs: gr.Tabs,
        fetches: bool = False,
        example_file: Callable[[Path], str] = str,
    ) -> None:
        self.tabs = tabs
        self.photo_input = PhotoInput(fetches, elem_id="photo-input", render=False)
        self.query = gr.State(Query(count=results), time_to_live=PAGE_STATE_TTL)
        self.shown = gr.State([], time_to_live=PAGE_STATE_TTL)
        self.adding = gr.State(False)
        self.photo_keys = gr.State((), time_to_live=PAGE_STATE_TTL)
        self.router = Router()
        self.explanation = ExplanationDialog(elem_id="why")
        with gr.Row(elem_id="page"):
            with gr.Column(scale=1, min_width=280, elem_id="ask"):
                self._query(examples, example_file)
                self._refinement(results)
            with gr.Column(scale=3, min_width=320, elem_id="answer"):
                self._results()

    def _query(self, examples: list[Path], example_file: Callable[[Path], str]) -> None:
        self.picture = QueryPicture(
            label=Message("Your picture"),
            show_label=False,
            sources=["upload", "webcam", "clipboard"],
            webcam_options=gr.WebcamOptions(mirror=False, constraints=_REAR_CAMERA),
            placeholder=Message("Drop a photo of a garment here, paste it, or choose one"),
            elem_id="picture",
            alt_text=Message("The picture that is searched with"),
            height=300,
        )
        self.photo_input.render()
        self.photos = Photos(elem_id="photos")
        self.garments = PhotoGarments(elem_id="photo-garments")
        self.text = gr.Textbox(
            label=Message("Or say what you look for"),
            placeholder=Message("red dress, or a name"),
            max_lines=1,
            submit_btn=Message("Search"),
            elem_id="name",
        )
        self.suggestions = gr.Radio(
            [],
            label=Message("Pieces with these words"),
            show_label=False,
            visible=False,
            elem_id="names",
        )
        self.examples = HtmlComponent(
            lambda: _examples_html(examples, example_file),
            actions=("example",),
            elem_id="examples",
        )

    def _refinement(self, results: int) -> None:
        with gr.Accordion(Message("Refine"), open=True, elem_id="refine"):
            self.words = gr.Textbox(
                label=Message("Add words"),
                placeholder=Message("in navy, without stripes"),
                max_lines=1,
                elem_id="words",
            )
            self.filters = FilterPanel(elem_id="filters")
            self.diversity = DiversitySlider(
                0,
                1,
                value=0,
                step=0.1,
                label=Message("Variety: closest to most varied"),
                elem_id="variety",
                buttons=[],
            )
            self.count = CountSlider(
                1,
                MAX_RESULTS,
                value=results,
                step=1,
                label=Message("Results at a time"),
                elem_id="count",
                buttons=[],
            )

    def _results(self) -> None:
        self.filter_button = FilterButton("", elem_id="filter-button")
        self.query_bar = QueryBar(elem_id="asked")
        self.item_panel = ItemPanel(elem_id="piece")
        self.outfits = OutfitPanel(elem_id="looks")
        self.match = MatchChips(elem_id="match")
        with gr.Row(elem_id="bar"):
            self.summary = PlainText(elem_id="line")
            self.sort = SortMenu(elem_id="sort")
            self.share = Button(Message("Share"), size="sm", elem_id="share", min_width=80, scale=0)
            self.save = Button(
                Message("Download"), size="sm", elem_id="save", min_width=80, scale=0
            )
        self.share_panel = SharePanel(elem_id="sharing")
        self.save_panel = Panel(elem_id="saved")
        self.gallery = Gallery("results")
        self.more_cards = MoreCards(elem_id="more-cards")
        self.show_more = Button(Message("Show more"), visible=False, elem_id="more")

    def outputs(self) -> list[Any]:
        """Return every component that an answer may change."""
        return [
            *(self.query, self.shown, self.adding, self.router, self.picture, self.photos),
            *(self.text, self.suggestions, self.words, self.filters, self.diversity, self.count),
            *(self.query_bar, self.item_panel, self.outfits, self.summary, self.gallery),
            *(self.show_more, self.share_panel, self.save_panel, self.filter_button),
            *(self.sort, self.match, self.more_cards, self.tabs, self.photo_keys),
        ]


class CountSlider(gr.Slider):
    """A slider that clips a number typed out of its range, where gr.Slider refuses it."""

    def get_block_name(self) -> str:
        """Return the name of the front end's component: a slider."""
        return "slider"

    def preprocess(self, payload: float | None) -> int:
        """Return a whole number within the range."""
        return int(min(max(payload or self.minimum, self.minimum), self.maximum))


class DiversitySlider(gr.Slider):
    """A slider from 0 to 1; emptied, it is 0."""

    def get_block_name(self) -> str:
        """Return the name of the front end's component: a slider."""
        return "slider"

    def preprocess(self, payload: float | None) -> float:
        """Return a number from 0 to 1."""
        return float(min(max(payload or 0, 0), 1))


def _examples_html(examples: list[Path], example_file: Callable[[Path], str]) -> str:
    if not examples:
        return ""
    buttons = "".join(
        markup.button(
            "example",
            _("Search with the example: {name}", name=example.stem.replace("-", " ")),
            f'<img src="{markup.file_url(example_file(example))}" alt="" loading="lazy">',
            i=i,
        )
        for i, example in enumerate(examples)
    )
    return f"<h3>{markup.escape(_('Try one of these'))}</h3><div>{buttons}</div>"
