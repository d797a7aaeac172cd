"""The Find page: its parts in the order of the page, and which callback each of them has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gradio as gr

from lookbook.search.permalinks import MAX_RESULTS
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.components.event_data import SILENT_EVENT, Part
from lookbook.ui.components.filter_panel import Asked, Filters
from lookbook.ui.components.gallery import Gallery
from lookbook.ui.components.item_panel import Looks, Piece, Why
from lookbook.ui.components.photos import Photos
from lookbook.ui.components.query_picture import QueryPicture
from lookbook.ui.components.share import Panel, Sharing
from lookbook.ui.pages.find.callbacks import Callbacks, no_picture
from lookbook.ui.routing import Router

REAR_CAMERA = {"video": {"facingMode": {"ideal": "environment"}}}
# on a phone the answer is below the question, on a wide screen both begin at the top
SCROLL_TO_ANSWER = """() => {
  if (window.innerWidth >= 700) window.scrollTo({top: 0});
  else document.querySelector('#answer').scrollIntoView();
}"""
SCROLL_TO_LINKED = f"""() => setTimeout(() => {{
  if (document.querySelector('#piece .piece, #asked .asked')) ({SCROLL_TO_ANSWER})();
}}, 100)"""
# filters that leave nothing are pressed far below the sentence that says so
SCROLL_NOWHERE = """() => setTimeout(() => {
  const said = document.querySelector('#results .empty');
  const box = said && said.getBoundingClientRect();
  if (box && (box.bottom < 0 || box.top > window.innerHeight))
    document.querySelector('#answer').scrollIntoView();
}, 100)"""
WAITING = "() => document.querySelectorAll('#results').forEach((e) => e.classList.add('waiting'))"
DONE = "() => document.querySelectorAll('#results').forEach((e) => e.classList.remove('waiting'))"
# on a phone the filters would stand between the question and its answer
FOLDED = """() => {
  const fold = document.querySelector('#refine > button');
  if (window.innerWidth < 700 && fold && fold.classList.contains('open')) fold.click();
}"""


class Parts:
    """The visible parts of the Find page, and what each visitor's page remembers."""

    def __init__(self, shots: list[Path], results: int) -> None:
        self.query = gr.State(Query(count=results), time_to_live=3600)
        self.shown = gr.State([], time_to_live=3600)
        self.adding = gr.State(False)
        self.router = Router()
        self.why = Why(elem_id="why")
        with gr.Row(elem_id="page"):
            with gr.Column(scale=1, min_width=280, elem_id="ask"):
                self._ask(shots)
                self._refine(results)
            with gr.Column(scale=3, min_width=320, elem_id="answer"):
                self._answer()

    def _ask(self, shots: list[Path]) -> None:
        self.picture = QueryPicture(
            label="Your picture",
            show_label=False,
            sources=["upload", "webcam", "clipboard"],
            webcam_options=gr.WebcamOptions(mirror=False, constraints=REAR_CAMERA),
            placeholder="Drop a photo of a garment here, or choose one",
            elem_id="picture",
            alt_text="The picture that is searched with",
            height=300,
        )
        self.photos = Photos(elem_id="photos")
        self.name = gr.Textbox(
            label="Or say what you look for",
            placeholder="red dress, or a name",
            max_lines=1,
            submit_btn="Search",
            elem_id="name",
        )
        self.names = gr.Radio(
            [], label="Pieces with these words", show_label=False, visible=False, elem_id="names"
        )
        self.examples = Part(_examples(shots), acts=("example",), elem_id="examples")

    def _refine(self, results: int) -> None:
        with gr.Accordion("Refine", open=True, elem_id="refine"):
            self.words = gr.Textbox(
                label="Add words",
                placeholder="in navy, without stripes",
                max_lines=1,
                elem_id="words",
            )
            self.filters = Filters(elem_id="filters")
            self.variety = Variety(
                0, 1, value=0, step=0.1, label="Closest … varied", elem_id="variety"
            )
            self.count = Count(
                1, MAX_RESULTS, value=results, step=1, label="Results", elem_id="count"
            )

    def _answer(self) -> None:
        self.asked = Asked(elem_id="asked")
        self.piece = Piece(elem_id="piece")
        self.looks = Looks(elem_id="looks")
        with gr.Row(elem_id="bar"):
            self.line = gr.Markdown(elem_id="line")
            self.share = gr.Button("Share", size="sm", elem_id="share", min_width=80, scale=0)
            self.save = gr.Button("Save", size="sm", elem_id="save", min_width=80, scale=0)
        self.sharing = Sharing(elem_id="sharing")
        self.saved = Panel(elem_id="saved")
        self.wall = Gallery("results")
        self.more = gr.Button("Show more", visible=False, elem_id="more")

    def outputs(self) -> list[Any]:
        """Everything that an answer may change."""
        return [
            *(self.query, self.shown, self.adding, self.router, self.picture, self.photos),
            *(self.name, self.names, self.words, self.filters, self.variety, self.count),
            *(self.asked, self.piece, self.looks, self.line, self.wall, self.more),
            *(self.sharing, self.saved),
        ]


class Count(gr.Slider):
    """A slider whose typed number may be anything: it is brought into the range, not refused."""

    def get_block_name(self) -> str:
        """The front end knows this component as a slider."""
        return "slider"

    def preprocess(self, payload: float | None) -> int:
        """A whole number within the range."""
        return int(min(max(payload or self.minimum, self.minimum), self.maximum))


class Variety(gr.Slider):
    """A slider from 0 to 1 that takes no number for 0."""

    def get_block_name(self) -> str:
        """The front end knows this component as a slider."""
        return "slider"

    def preprocess(self, payload: float | None) -> float:
        """A number from 0 to 1."""
        return float(min(max(payload or 0, 0), 1))


def _examples(shots: list[Path]) -> str:
    if not shots:
        return ""
    made = "".join(
        markup.button(
            "example",
            f"Search with the example: {shot.stem.replace('-', ' ')}",
            f'<img src="{markup.picture(str(shot))}" alt="" loading="lazy">',
            i=i,
        )
        for i, shot in enumerate(shots)
    )
    return f"<h3>Try one of these</h3><div>{made}</div>"


def connect(site: gr.Blocks, greeted: Any, p: Parts, do: Callbacks, liked: gr.State) -> list[Any]:
    """Give every part of the page its callback; returns the searches by a new photo."""
    encoding = SILENT_EVENT | {
        "concurrency_limit": os.cpu_count() or 1,
        "concurrency_id": "encoder",
    }
    everything, asking = p.outputs(), [p.query, liked]
    photos = [p.photos, *asking]

    def on(event: Any, callback: Any, inputs: list, how: dict, scroll: bool = False) -> Any:
        asked = event(callback, inputs, everything, **how)
        done = asked.then(None, js=DONE)
        done.then(None, js=SCROLL_TO_ANSWER if scroll else SCROLL_NOWHERE)
        return asked

    p.picture.input(None, js=WAITING)
    upload = on(
        p.picture.input,
        do.by_upload,
        [p.picture, p.query, p.photos, p.adding, liked],
        encoding,
        True,
    )
    example = on(p.examples.example, do.by_example, asking, encoding, True)

    def instead(event: Any, *how: Any) -> None:
        _cancel([upload, example], event)
        on(event, *how)

    on(p.photos.frame, do.by_frame, photos, encoding)
    on(p.photos.whole, do.by_whole, photos, encoding)
    on(p.photos.garment, do.by_garment, photos, encoding)
    on(p.photos.drop, do.drop, photos, SILENT_EVENT)
    p.photos.another(lambda: (no_picture(), True), None, [p.picture, p.adding], **SILENT_EVENT)

    typed = p.name.input(
        do.suggest, p.name, p.names, trigger_mode="always_last", **SILENT_EVENT, queue=False
    )
    typed.then(do.suggested, p.name, [p.names, p.line, p.adding], **SILENT_EVENT, queue=False)
    instead(p.name.submit, do.by_words, [p.name, *asking], encoding, True)
    instead(p.names.input, do.by_item, [p.names, *asking], SILENT_EVENT, True)
    on(p.words.submit, do.add_words, [p.words, *asking], encoding)

    instead(p.wall.open, do.by_card, asking, SILENT_EVENT, True)
    instead(p.piece.open, do.by_card, asking, SILENT_EVENT, True)
    instead(p.looks.open, do.by_card, asking, SILENT_EVENT, True)
    on(p.wall.more, do.more, asking, SILENT_EVENT)
    on(p.wall.less, do.less, asking, SILENT_EVENT)
    on(p.asked.undo, do.undo, asking, SILENT_EVENT)
    instead(p.asked.fresh, do.fresh, asking, SILENT_EVENT)
    on(p.asked.remove, do.remove, asking, SILENT_EVENT)
    on(p.filters.toggle, do.toggle, asking, SILENT_EVENT)
    on(p.filters.span, do.span, asking, SILENT_EVENT)
    on(p.filters.clear, do.clear, asking, SILENT_EVENT)
    latest = SILENT_EVENT | {"trigger_mode": "always_last"}
    on(p.count.change, do.shape, [p.count, p.variety, *asking], latest)
    on(p.variety.change, do.shape, [p.count, p.variety, *asking], latest)
    on(p.more.click, do.show_more, asking, SILENT_EVENT)

    instead(p.router.navigate, do.go, asking, SILENT_EVENT)
    search = "(_, liked) => [window.location.search, liked]"
    opened = greeted.then(
        do.open_link, [p.router, liked], everything, js=search, **SILENT_EVENT
    )  # hearts
    opened.then(None, js=SCROLL_TO_LINKED)
    site.load(None, js=FOLDED)
    return [upload, example]


def _cancel(searches: list[Any], event: Any) -> None:
    """A query of its own began: the answer about a photo still searched must not come after it."""
    event(None, cancels=searches, api_visibility="private")


def bring(
    pages: gr.Tabs,
    p: Parts,
    do: Callbacks,
    liked: gr.State,
    searches: list[Any],
    opening: list[Any],
    all_of: list[Any],
) -> None:
    """Presses on other pages that lead to this one: a piece, or everything of a kind."""
    outputs = [*p.outputs(), pages]

    def led(callback: Any) -> Any:
        def lead(query: Query, liked: Any, event: gr.EventData) -> dict[Any, Any]:
            answer = callback(query, liked, event)
            return answer if answer is do.same else answer | {pages: gr.Tabs(selected="find")}

        return lead

    for events, callback in ((opening, do.by_card), (all_of, do.all_of)):
        for event in events:
            _cancel(searches, event)
            done = event(led(callback), [p.query, liked], outputs, **SILENT_EVENT)
            done.then(None, js=DONE).then(None, js=SCROLL_TO_ANSWER)
