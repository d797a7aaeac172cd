"""The site of one index: its pages, and what they share."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from lookbook.encoding.encoder import Encoder
from lookbook.resources import shipped
from lookbook.search.index import Index
from lookbook.ui import api
from lookbook.ui.components import share
from lookbook.ui.components.event_data import SILENT_EVENT
from lookbook.ui.pages import about, explore, for_you
from lookbook.ui.pages.find import item_actions, layout
from lookbook.ui.pages.find.callbacks import Callbacks
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from lookbook.ui.uploads import clean_periodically, private_folder

EXAMPLES = shipped("examples")
_FIRST_PAGE = 4.0  # seconds
MASTHEAD = "<h1>Lookbook</h1><p>Find clothes by picture.</p>"


def build_site(
    index: Index,
    load_encoder: Callable[[], Encoder],
    results: int = 24,
    examples: Path = EXAMPLES,
    state: Path | None = None,
    refresh: tuple[float, int] = (0, 0),
    hemisphere: str = "north",
    database_url: str | None = None,
) -> gr.Blocks:
    """The site of one index. `load_encoder` is called once, on another thread.

    `state` is the folder of what visitors did and what was learnt from it; without one it lies in
    the folder of the index. `refresh` says when learning is due: hours, and new events; 0 for
    never. The `hemisphere` tells the season of a day. `database_url` is where events are kept
    instead of there.
    """
    folder = private_folder()
    clean_periodically()
    search_service = SearchService(index, load_encoder, folder / "thumbs")
    keeping = {"hemisphere": hemisphere, "database_url": database_url}
    visitor_service = VisitorService(index, state, folder, *refresh, **keeping)
    house = index.manifest.source.get("kind") == "house"  # others' shops have nothing to do with it
    shots = sorted(examples.glob("*.jpg")) if house else []
    gr.set_static_paths([search_service.folder, examples, explore.plotly_folder()])
    exploring = explore.Explore(search_service)
    with gr.Blocks(title="Lookbook", analytics_enabled=False, fill_width=True) as site:
        token = gr.BrowserState("", storage_key="lookbook-visitor", secret="lookbook")
        liked = gr.State(frozenset())
        gr.HTML(MASTHEAD, elem_id="masthead")
        with gr.Tabs(elem_id="pages") as pages:
            with gr.Tab("Find", id="find"):
                parts = layout.Parts(shots, results)
            with gr.Tab("For you", id="foryou") as for_you_tab:
                feed = for_you.Page(search_service)
            with gr.Tab("Explore", id="explore") as explored:
                world = explore.Page(exploring)
            with gr.Tab("About", id="about"):
                about.page(index)
        gr.Markdown(footer(index), elem_id="colophon")
        do = Callbacks(search_service, parts, shots)
        mine = for_you.ForYou(search_service, visitor_service)
        greeted = site.load(mine.greet, token, [token, liked], **SILENT_EVENT)
        searches = layout.connect(site, greeted, parts, do, liked)
        item_actions.connect(parts, item_actions.ItemActions(search_service, visitor_service))
        share.connect(parts, share.ShareActions(search_service))
        explore.connect(explored, world, exploring)
        opening = [feed.feed.open, feed.choices.open, world.map.open, world.shelves.open]
        layout.bring(pages, parts, do, liked, searches, opening, all_of=[world.shelves.all])
        hearts = [parts.wall.like, parts.piece.like]
        views = [parts.wall.open, parts.piece.open, parts.looks.open, *opening]
        for_you.connect(for_you_tab, feed, mine, token, liked, hearts, views)
        api.publish(search_service, visitor_service)
    _warm_soon(search_service, visitor_service)
    return site


def _warm_soon(*rooms: SearchService | VisitorService) -> None:
    """Slow beginnings wait until the first page has had time to be shown."""

    def warm() -> None:
        for room in rooms:
            room.warm()

    timer = threading.Timer(_FIRST_PAGE, warm)
    timer.daemon = True
    timer.start()


def footer(index: Index) -> str:
    """What is shown here, and whose it is."""
    m = index.manifest
    name = str(m.source.get("name", "")).rstrip("/").split("/")[-1] or "a catalogue"
    parts = [f"{len(index):,} pieces from {name}", f"indexed {m.created[:10]}"]
    parts.append(f"pictures: {m.licence}" if m.licence else "licence of the pictures not told")
    return " · ".join(html.escape(part) for part in parts)
