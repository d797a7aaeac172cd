"""The page: its parts, and which callback each of them has."""

from __future__ import annotations

import html
import os
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from lookbook.encoder import Encoder
from lookbook.search import Index
from lookbook.ui.callbacks import Callbacks
from lookbook.ui.finder import Finder
from lookbook.ui.picture import QueryPicture
from lookbook.ui.uploads import keep_clean, private_folder

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REAR_CAMERA = {"video": {"facingMode": {"ideal": "environment"}}}
MASTHEAD = "<h1>Lookbook</h1><p>Find clothes by picture.</p>"
# on a phone the answer is below the question, on a wide screen both begin at the top
TO_ANSWER = """() => {
  if (window.innerWidth >= 700) window.scrollTo({top: 0});
  else document.querySelector('#answer').scrollIntoView();
}"""


def build_site(
    index: Index, load_encoder: Callable[[], Encoder], results: int = 24, examples: Path = EXAMPLES
) -> gr.Blocks:
    """The site of one index. `load_encoder` is called once, on another thread."""
    folder = private_folder()
    keep_clean()
    finder = Finder(index, load_encoder, folder / "thumbs")
    house = index.manifest.source.get("kind") == "house"  # others' shops have nothing to do with it
    shots = sorted(examples.glob("*.jpg")) if house else []
    gr.set_static_paths([finder.folder, examples])
    with gr.Blocks(title="Lookbook", analytics_enabled=False, fill_width=True) as site:
        parts = _Parts(shots, results)
        gr.Markdown(_colophon(index), elem_id="colophon")
        _connect(site, parts, Callbacks(finder, shots))
    return site


def _colophon(index: Index) -> str:
    """What is shown here, and whose it is."""
    m = index.manifest
    name = str(m.source.get("name", "")).rstrip("/").split("/")[-1] or "a catalogue"
    parts = [f"{len(index):,} pieces from {name}", f"indexed {m.created[:10]}"]
    parts.append(f"pictures: {m.licence}" if m.licence else "licence of the pictures not told")
    return " · ".join(html.escape(part) for part in parts)


class _Parts:
    """The visible parts, in the order of the page, and what each visitor's page remembers."""

    def __init__(self, shots: list[Path], results: int) -> None:
        self.query = gr.State(None, time_to_live=3600)
        self.shown = gr.State([])
        gr.HTML(MASTHEAD, elem_id="masthead")
        with gr.Row(elem_id="page"):
            with gr.Column(scale=1, min_width=280, elem_id="ask"):
                self._ask(shots, results)
            with gr.Column(scale=3, min_width=320, elem_id="answer"):
                self._answer()

    def _ask(self, shots: list[Path], results: int) -> None:
        self.picture = QueryPicture(
            label="Your picture",
            show_label=False,
            sources=["upload", "webcam", "clipboard"],
            webcam_options=gr.WebcamOptions(mirror=False, constraints=REAR_CAMERA),
            placeholder="Drop a photo of a garment here, or choose one",
            buttons=["fullscreen"],
            elem_id="picture",
            alt_text="The picture that is searched with",
            height=340,
        )
        self.name = gr.Textbox(
            label="Or a piece of the collection",
            placeholder="Type its name",
            max_lines=1,
            elem_id="name",
        )
        self.names = gr.Radio(
            [], label="Pieces with these words", show_label=False, visible=False, elem_id="names"
        )
        self.examples = None
        if shots:
            gr.Markdown("Try one of these", elem_classes="heading")
            pictures = [(str(path), path.stem.replace("-", " ")) for path in shots]
            self.examples = _wall("Examples", "examples", 5, pictures)
        self.count = Count(1, 96, value=results, step=1, label="Results", elem_id="count")

    def _answer(self) -> None:
        self.line = gr.Markdown(elem_id="line")
        self.gallery = _wall("Results", "results", 4)


class Count(gr.Slider):
    """A slider whose typed number may be anything: it is brought into the range, not refused."""

    def get_block_name(self) -> str:
        """The front end knows this component as a slider."""
        return "slider"

    def preprocess(self, payload: float | None) -> int:
        """A whole number within the range."""
        return int(min(max(payload or self.minimum, self.minimum), self.maximum))


def _wall(label: str, elem_id: str, columns: int, pictures: list | None = None) -> gr.Gallery:
    """Pictures to click, not to look at one by one."""
    return gr.Gallery(
        pictures,
        label=label,
        show_label=False,
        columns=columns,
        height="auto",
        object_fit="contain",
        allow_preview=False,
        interactive=False,
        fit_columns=False,
        buttons=[],
        elem_id=elem_id,
    )


def _connect(site: gr.Blocks, parts: _Parts, do: Callbacks) -> None:
    answer = [parts.gallery, parts.shown, parts.line]
    everything = [parts.picture, parts.name, parts.names, parts.query, *answer]
    quick = {"api_visibility": "private", "concurrency_limit": None, "show_progress": "hidden"}
    encoding = quick | {"concurrency_limit": os.cpu_count() or 1, "show_progress": "minimal"}

    parts.picture.input(do.by_upload, [parts.picture, parts.count], everything, **encoding).then(
        None, js=TO_ANSWER
    )
    parts.name.input(
        do.suggest,
        parts.name,
        [parts.names, parts.line],
        trigger_mode="always_last",
        **quick,
        queue=False,
    )
    answers = [
        parts.name.submit(do.by_words, [parts.name, parts.count], everything, **encoding),
        parts.names.input(do.by_item, [parts.names, parts.count], everything, **quick),
        parts.gallery.select(do.by_card, [parts.shown, parts.count], everything, **quick),
    ]
    if parts.examples is not None:
        answers.append(parts.examples.select(do.by_example, parts.count, everything, **encoding))
    for answered in answers:
        answered.then(None, js=TO_ANSWER)
    parts.count.change(do.again, [parts.query, parts.count], answer, **quick)
    site.load(do.again, [parts.query, parts.count], answer, **quick)
