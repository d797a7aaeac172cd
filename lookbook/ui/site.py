"""The site of one index: its pages, and the state they share."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import APIRouter
from gradio.exceptions import InvalidPathError
from gradio.utils import LRUCache

from lookbook.encoding.encoder import Encoder
from lookbook.resources import shipped
from lookbook.schema.message import Message
from lookbook.schema.product_links import ProductLinks
from lookbook.search.index import Index
from lookbook.ui import api, embed, messages, page_head, pictures
from lookbook.ui.branding import Branding
from lookbook.ui.components import markup
from lookbook.ui.components.base import (
    GARMENTS_EVENT,
    SILENT_EVENT,
    HtmlComponent,
    PlainText,
)
from lookbook.ui.messages import _, _n
from lookbook.ui.metrics import METRICS
from lookbook.ui.owner import OwnerPage
from lookbook.ui.pages import about, explore, for_you, saved
from lookbook.ui.pages.find import callbacks as find
from lookbook.ui.pages.find import layout, wiring
from lookbook.ui.pages.find.item_actions import ItemActions
from lookbook.ui.pages.find.share_actions import ShareActions
from lookbook.ui.services.live_index import LiveIndex
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from lookbook.ui.stubs import no_servers
from lookbook.ui.uploads import clean_periodically, private_folder
from lookbook.ui.waiting_line import WaitingLine

EXAMPLES = shipped("examples")
_WARM_UP_DELAY = 10.0  # seconds after which slow loading starts though no page was opened
_FIRST_PICTURES = 0.5  # seconds that they get before slow loading starts
# by script, as a change of the address's fragment would count as another view
_SKIP = """
element.addEventListener('click', (event) => {
  if (!event.target.closest('.skip')) return;
  event.preventDefault();
  const parts = [...document.querySelectorAll('#results, #feed, #saved-pieces, #shelves, #about')];
  const shown = parts.find((part) => part.offsetParent);
  if (!shown) return;
  shown.tabIndex = -1;
  (shown.querySelector('.open') || shown).focus();
  shown.scrollIntoView();
});
"""


class Masthead(HtmlComponent):
    """The head of every page, and the link for keyboards that skips to its results."""

    script = _SKIP


class Site(gr.Blocks):
    """The pages of one index.

    `checks` are what /readyz asks: functions by name, true when ready. `routes` are the addresses
    beside the pages, `picture_folder` has the pictures at /pictures/NAME. `head_tags` gives the
    tags of the page's head, see `page_head`. `answer_seconds` are those that an answer may take.
    """

    _is_running_in_reload_thread = False  # gradio's own property imports its commands
    checks: Mapping[str, Callable[[], bool]] = {}
    routes: Sequence[APIRouter] = ()
    picture_folder: Path | None = None
    answer_seconds: float = 30.0
    head_tags: Callable[[str, str], str] | None = None
    _config: dict[str, Any]
    _localized: dict[str, dict[str, Any]]  # by language

    @property
    def config(self) -> Any:
        """The configuration of the page in the language of the request."""
        name = messages.language()
        if name not in self._localized:
            self._localized[name] = messages.localized(self._config)
        return self._localized[name]

    @config.setter
    def config(self, value: Any) -> None:
        self._config, self._localized = value, {}

    async def process_api(self, block_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a callback in the language of its request; programs are answered in English."""
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        is_private = function.api_visibility == "private"
        messages.use_language(messages.language_of(kwargs.get("request")) if is_private else "en")
        if function.fn is None:  # a script of the page, which runs nothing here
            raise gr.Error(_("There is nothing at this address."), print_exception=False)
        try:
            answer = super().process_api(block_fn, *args, **kwargs)
            if function.concurrency_id == GARMENTS_EVENT["concurrency_id"]:
                return await answer  # nobody waits for it, and it gives way to those who do
            return await self._in_time(answer)
        except gr.Error:
            raise
        except Exception as error:  # whose message may name files of the server
            text = messages.public_text(error)
            raise gr.Error(markup.escape(text) if is_private else text) from error

    async def _in_time(self, answer: Coroutine[Any, Any, Any]) -> Any:
        """Return an answer; of one that takes too long a sentence.

        Its thread cannot be ended, and goes on.
        """
        task = asyncio.ensure_future(answer)
        try:
            done, _pending = await asyncio.wait({task}, timeout=self.answer_seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done:
            return task.result()
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        METRICS.refuse("time")
        raise gr.Error(_("This takes too long: please try again later."), print_exception=False)

    def queue(self, *args: Any, **kwargs: Any) -> Site:
        """Set the queue up as gradio does, with places that visitors are told."""
        super().queue(*args, **kwargs)
        self._queue.__class__ = WaitingLine  # gradio has no parameter for it
        # gradio keeps the messages of so many pages, and would keep their numbers for ever
        pages = self._queue.pending_messages_per_session.max_size
        self._queue.pending_event_ids_session = LRUCache(pages)
        return self

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """Refuse too few values; those of options that were added to an endpoint are defaults."""
        needed, found = len(block_fn.inputs), len(inputs)
        if found < needed:
            inputs += api.defaults_after(block_fn, found)
        if len(inputs) < needed:
            sentence = f"{block_fn.name}: expected {needed} values, found {found}"
            raise gr.Error(sentence, print_exception=False)

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Return the values for a callback; a file must be an upload."""
        try:
            return await super().preprocess_data(block_fn, inputs, *args, **kwargs)
        except gr.Error:  # a ValueError, too
            raise
        except InvalidPathError:
            raise gr.Error(_("No picture arrived."), print_exception=False) from None
        except ValueError:  # of another type, or half a character
            sentence = api.wrong_picture(block_fn, inputs)
            sentence = sentence or _("That did not work. Please try again later.")
            raise gr.Error(sentence, print_exception=False) from None


def build_site(
    index: Index,
    load_encoder: Callable[[], Encoder],
    results: int = 24,
    examples: Path = EXAMPLES,
    state: Path | None = None,
    refresh: tuple[float, int] = (0, 0),
    hemisphere: str = "north",
    database_url: str | None = None,
    reload_seconds: float = 0,
    branding: Branding | None = None,
    links: ProductLinks | None = None,
    keep_days: float = 0,
    fetch: find.Fetch | None = None,
    offer_api: bool = True,
    owner_password: str | None = None,
    with_login: bool = False,
) -> Site:
    """Build the site of an index; `load_encoder` is called once, on another thread.

    `results` is the number of results at first; `examples` a folder of photos to try, shown with
    the house collection only. `state` is the folder of events and models (None: beside the index),
    `database_url` where events are kept instead. `refresh` is (hours, new events) after which the
    models are trained again, 0 for never. `hemisphere` gives the season of a date. Every
    `reload_seconds` the site looks for a new generation of the index and shows it, 0 for never.
    `links` make the addresses of product pages. Events are kept for `keep_days`, 0 for ever.
    `fetch` gives the picture at an address that a visitor pasted; None: addresses are refused.
    Without `offer_api` there are no endpoints for programs.
    With `owner_password` there is an owner's page. `with_login`: the foot of the page has a link
    that logs out.
    """
    branding = branding or Branding()
    folder = private_folder()
    clean_periodically()
    search_service = SearchService(index, load_encoder, folder / "thumbs", links)
    visitor_service = VisitorService(
        index,
        state,
        folder,
        *refresh,
        hemisphere=hemisphere,
        database_url=database_url,
        keep_days=keep_days,
    )
    photos = _example_photos(index, examples)
    gr.set_static_paths([search_service.folder])
    with (
        no_servers(),
        Site(title=branding.name, analytics_enabled=False, fill_width=True) as site,
    ):
        pages = _lay_out(search_service, photos, results, branding, fetch, with_login, keep_days)
        _connect(site, pages, search_service, visitor_service, photos, fetch, keep_days)
        if offer_api:
            api.publish(search_service, visitor_service)
    _warm_up_later(search_service, visitor_service)
    if reload_seconds:
        _live_index(index, search_service, visitor_service, reload_seconds).start()
    METRICS.watch(
        lambda: len(site._queue),
        lambda: len(search_service.index),
        lambda: search_service.index.manifest.generation,
    )
    site.checks = readiness(search_service, visitor_service)
    site.routes = (
        pictures.plotly_router(),
        embed.router(search_service, visitor_service),
        page_head.router(branding),
    )
    if owner_password:
        services = search_service, visitor_service
        owner = OwnerPage(owner_password, branding.name, folder / "owner", *services)
        site.routes = (*site.routes, owner.router())
    site.picture_folder = search_service.folder
    site.head_tags = page_head.PageHead(branding, search_service).tags
    return site


def readiness(
    search_service: SearchService, visitor_service: VisitorService
) -> dict[str, Callable[[], bool]]:
    """Return what /readyz asks, by name; whoever asks wants the encoder loaded."""

    def encoder_ready() -> bool:
        search_service.wanted.set()
        return search_service.encoder_ready

    return {
        "index": lambda: len(search_service.index) > 0,
        "encoder": encoder_ready,
        "database": visitor_service.database_ready,
    }


def _example_photos(index: Index, folder: Path) -> list[Path]:
    is_house = index.manifest.source.get("kind") == "house"  # the photos show its garments
    return sorted(folder.glob("*.jpg")) if is_house else []


def _live_index(
    index: Index, search_service: SearchService, visitor_service: VisitorService, seconds: float
) -> LiveIndex:
    """Return what looks for new generations of an index and shows them."""
    return LiveIndex(
        index,
        [search_service.prepare, visitor_service.prepare],
        seconds=seconds,
        precisions=lambda: search_service.encoder.compatible_precisions,
    )


@dataclass(frozen=True)
class _Pages:
    """The components of every page, and the tabs that they are in by their ids."""

    token: gr.BrowserState
    liked: gr.State
    tabs: dict[str, gr.Tab]
    find: layout.Components
    for_you: for_you.Components
    saved: saved.Components
    explore: explore.Components
    about: HtmlComponent
    colophon: PlainText


def _lay_out(
    search_service: SearchService,
    photos: list[Path],
    results: int,
    branding: Branding,
    fetch: find.Fetch | None,
    with_login: bool,
    keep_days: float,
) -> _Pages:
    """Add the components of every page to the Blocks that are being built."""
    token = gr.BrowserState("", storage_key="lookbook-visitor", secret="lookbook")
    liked = gr.State(frozenset())
    Masthead(lambda: _skip_link() + branding.masthead_html(), elem_id="masthead")
    with gr.Tabs(elem_id="pages") as pages:
        with gr.Tab(Message("Find"), id="find") as find_tab:
            file = search_service.example_file
            find_page = layout.Components(photos, results, pages, fetch is not None, file)
        with _tab(Message("For you"), "foryou", branding) as for_you_tab:
            feed_page = for_you.Components(search_service)
        with _tab(Message("Saved"), "saved", branding) as saved_tab:
            saved_page = saved.Components()
        with _tab(Message("Explore"), "explore", branding) as explore_tab:
            explore_page = explore.Components(search_service)
        with _tab(Message("About"), "about", branding) as about_tab:
            about_page = about.component(search_service.index, keep_days)
    colophon = PlainText(lambda: footer(search_service.index), elem_id="colophon")
    if branding.links or with_login:
        HtmlComponent(lambda: _links(branding, with_login), elem_id="shop-links")
    tabs = {"find": find_tab, "foryou": for_you_tab, "saved": saved_tab}
    tabs |= {"explore": explore_tab, "about": about_tab}
    shown = find_page, feed_page, saved_page, explore_page, about_page, colophon
    return _Pages(token, liked, tabs, *shown)


def _tab(label: Message, id: str, branding: Branding) -> gr.Tab:
    return gr.Tab(label, id=id, visible=branding.shows(id))


def _connect(
    site: gr.Blocks,
    pages: _Pages,
    search_service: SearchService,
    visitor_service: VisitorService,
    photos: list[Path],
    fetch: find.Fetch | None,
    keep_days: float,
) -> None:
    """Connect the events of the pages to their callbacks."""
    token, liked = pages.token, pages.liked
    visitor = for_you.Callbacks(search_service, visitor_service)
    visitor_loaded = site.load(visitor.load_visitor, token, [token, liked], **SILENT_EVENT)
    opened = [pages.for_you.feed.open, pages.for_you.onboarding.open]
    opened += [pages.explore.map.open, pages.explore.shelves.open]
    opened += [pages.saved.pieces.open, pages.saved.comparison.open, pages.saved.recent.open]

    waiting = partial(_waiting, site, GARMENTS_EVENT["concurrency_id"])
    callbacks = find.Callbacks(search_service, pages.find, photos, fetch, waiting)
    finding = wiring.Wiring(pages.find, callbacks, liked)
    finding.connect()
    link_opened = finding.connect_address(visitor_loaded)
    finding.connect_pages(opened, show_all=[pages.explore.shelves.all])
    others = {id: tab for id, tab in pages.tabs.items() if id != "find"}
    finding.connect_tabs(pages.tabs["find"], others)
    wiring.connect_item_actions(pages.find, ItemActions(search_service, visitor_service))
    wiring.connect_share_actions(pages.find, ShareActions(search_service))
    explore.connect(pages.tabs["explore"], pages.explore, explore.Callbacks(search_service))

    built = [pages.about, pages.colophon, pages.explore.column, pages.for_you.occasion]
    site.load(_renewal(search_service, keep_days), None, built, **SILENT_EVENT)

    likes = [pages.find.gallery.like, pages.find.item_panel.like]
    found = [pages.find.gallery.open, pages.find.item_panel.open, pages.find.outfits.open]
    opened = [*found, *opened]
    for_you.connect(pages.tabs["foryou"], pages.for_you, visitor, token, liked, likes, opened)
    saving = saved.Callbacks(search_service, visitor_service)
    _connect_saved(pages, visitor, saving)
    link_opened.then(saving.record_opened, [token, pages.find.query], None, **SILENT_EVENT)


def _connect_saved(pages: _Pages, visitor: for_you.Callbacks, saving: saved.Callbacks) -> None:
    """Connect the page of what was saved; its hearts like and unlike as those of others do."""
    token, liked = pages.token, pages.liked
    each = SILENT_EVENT | {"trigger_mode": "multiple"}
    hearts = [
        event(visitor.toggle_like, [token, liked], [token, liked], **each).then
        for event in (pages.saved.pieces.like, pages.saved.recent.like)
    ]
    saved.connect(pages.tabs["saved"], pages.saved, saving, token, liked, hearts, pages.find.router)


def _waiting(site: gr.Blocks, concurrency_id: str) -> int:
    """Return how many events of a concurrency group wait in the site's queue."""
    group = site._queue.event_queue_per_concurrency_id.get(concurrency_id)
    return len(group.queue) if group else 0


def _skip_link() -> str:
    return f'<a class="skip" href="#answer">{markup.escape(_("Skip to results"))}</a>'


def _links(branding: Branding, with_login: bool) -> str:
    """The shop's own links, and the one that ends a login."""
    links = [branding.links_html()] if branding.links else []
    if with_login:
        links.append(f'<a href="/logout">{markup.escape(_("Log out"))}</a>')
    return f"<p>{' · '.join(links)}</p>"


def _renewal(search_service: SearchService, keep_days: float) -> Callable[[], Any]:
    """Return what renews, when a page is opened after an update, what the pages were built with."""
    first = search_service.index

    def renew() -> Any:
        index = search_service.index
        if index is first:
            return gr.skip()
        occasions = messages.localized(for_you.occasion_choices(index))
        choices = gr.Dropdown(choices=messages.localized(explore.column_choices(index)))
        return (
            about.about_html(index, keep_days),
            footer(index),
            choices,
            gr.Dropdown(choices=occasions),
        )

    return renew


def _warm_up_later(search_service: SearchService, visitor_service: VisitorService) -> None:
    """Load slow things on a thread of its own once the first page has been answered."""

    def warm_up() -> None:
        if search_service.wanted.wait(_WARM_UP_DELAY):
            time.sleep(_FIRST_PICTURES)
        search_service.warm_up()
        visitor_service.warm_up()

    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()


def footer(index: Index) -> str:
    """Return the line at the foot of every page: what is indexed, when, and its licence."""
    m = index.manifest
    pieces = _n("{count} piece", "{count} pieces", len(index))
    licence = [_("pictures: {licence}", licence=m.licence)] if m.licence else []
    return " · ".join([pieces, _("indexed {day}", day=messages.day(m.created)), *licence])
