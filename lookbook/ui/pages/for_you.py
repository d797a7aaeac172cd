"""The For-you page: a feed for this visitor, why each piece is there, and the way to leave."""

from __future__ import annotations

import base64
from typing import Any

import gradio as gr

from lookbook.recommend.base import Answer
from lookbook.recommend.context import SEASONS, ContextError
from lookbook.schema.filters import FilterError
from lookbook.search import facets
from lookbook.ui.components import markup
from lookbook.ui.components.event_data import SILENT_EVENT, Part, note, told, warn
from lookbook.ui.components.gallery import Card, Gallery, wall
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService

COUNT = 24
UNLIKED = """() => document.querySelectorAll('[data-act=like][aria-pressed=true]')
  .forEach((heart) => heart.setAttribute('aria-pressed', 'false'))"""
_STRANGER = "You have liked nothing yet: here is the whole collection, what others took first."
_NOTHING = "Nothing fits. Choose another occasion or budget."


class Page:
    """The parts of the page."""

    def __init__(self, search_service: SearchService) -> None:
        self.top = Part("", acts=("forget", "export"), elem_id="feed-top")
        with gr.Row(elem_id="context"):
            occasions = [
                c for c in facets.columns(search_service.index) if c.casefold() in _OCCASIONS
            ]
            values = list(search_service.index.values(occasions[0])) if occasions else []
            self.season = gr.Dropdown(
                [("Today's", ""), *((s, s) for s in SEASONS)],
                value="",
                label="Season",
                min_width=140,
                filterable=False,
            )
            self.occasion = gr.Dropdown(
                [("Any", ""), *((v, v) for v in values)],
                value="",
                label="Occasion",
                visible=bool(values),
                min_width=140,
                filterable=False,
            )
            self.budget = gr.Number(
                None,
                label="Budget (0: any)",
                minimum=0,
                min_width=120,
                visible=search_service.price is not None,
            )
        self.choices = Gallery("choices")
        self.feed = Gallery("feed")

    def outputs(self) -> list[Any]:
        """What an answer changes."""
        return [self.top, self.choices, self.feed]

    def context(self) -> list[Any]:
        """What the circumstances are read from."""
        return [self.season, self.occasion, self.budget]


_OCCASIONS = ("usage", "occasion")


class ForYou:
    """Callbacks of the page, and of every like on the site."""

    def __init__(self, search_service: SearchService, visitor_service: VisitorService) -> None:
        self.search_service, self.visitor_service = search_service, visitor_service

    def greet(self, token: Any) -> tuple[str, frozenset[str]]:
        """The visitor of this browser, known or new, and what they like."""
        token = self.visitor_service.known(token)
        return token, self.visitor_service.liked(token)

    def like(
        self, token: Any, liked: frozenset[str], event: gr.EventData
    ) -> tuple[str, frozenset[str]]:
        """A heart was pressed: liked, or no longer."""
        id = told(event, "id")
        if id not in self.search_service.index:
            return self.visitor_service.known(token), liked
        return self.visitor_service.toggle_like(token, id)

    def viewed(self, token: Any, event: gr.EventData) -> None:
        """A card was opened."""
        self.visitor_service.record(token, "view", told(event, "id"), "site")

    def less(self, token: Any, liked: frozenset[str], *context: Any) -> tuple[Any, ...]:
        """Less of this, from the next answer on."""
        *context, event = context
        id = told(event, "id")
        if id in self.search_service.index:
            token = self.visitor_service.known(token)
            self.visitor_service.feed.dislike(token, id, place="feed")
        liked = liked - {id}
        return liked, *self.show(token, liked, *context)

    def forget(self, token: Any, *context: Any) -> tuple[Any, ...]:
        """Everything kept of this visitor goes; the page is a stranger's again."""
        fresh = self.visitor_service.forget(self.visitor_service.known(token))
        note("All that was kept of your visits is deleted.", title="Forgotten")
        return fresh, frozenset(), *self.show(fresh, frozenset(), *context)

    def show(
        self, token: Any, liked: frozenset[str], season: str, occasion: str, budget: float | None
    ) -> tuple[str, str, str]:
        """(top, three choices for a stranger, feed)."""
        try:
            context = self.visitor_service.context(season, occasion, budget)
            answer = self.visitor_service.for_you(self.visitor_service.known(token), COUNT, context)
            choices = () if liked else self.visitor_service.feed.choices(context)
        except (ContextError, FilterError) as error:
            warn(error, title="That cannot be recommended")
            return "", "", ""
        asked = wall([self._card(one.id, liked, "") for one in choices], "")
        if asked:
            asked = f"<h3>Which is closest to you? Three likes say a lot.</h3>{asked}"
        return self._top(token, liked), asked, self._feed(answer, liked)

    def _feed(self, answer: Answer, liked: frozenset[str]) -> str:
        cards = [self._card(one.id, liked, one.reason) for one in answer]
        return wall(cards, answer.reason or _NOTHING)

    def _card(self, id: str, liked: frozenset[str], note: str) -> Card:
        acts = ("like", "less") if note else ("like",)
        return self.search_service.card(
            self.search_service.of(id), liked, acts, scored=False, note=note
        )

    def _top(self, token: Any, liked: frozenset[str]) -> str:
        many = f"{len(liked)} {'piece' if len(liked) == 1 else 'pieces'} you like"
        line = f"Made from the {many}, and from what you looked at." if liked else _STRANGER
        return (
            f"<p>{markup.text(line)} A random token in your browser stands for you; nobody's "
            "name, address or picture is kept.</p>"
            '<button type="button" data-act="forget">Forget me</button> '
            '<button type="button" data-act="export">What is kept of me</button>'
        )

    def export(self, token: Any, liked: frozenset[str]) -> str:
        """The top of the page with a link to everything kept of this visitor."""
        data = base64.b64encode(
            self.visitor_service.export(self.visitor_service.known(token)).encode()
        ).decode()
        link = (
            '<a download="lookbook-visits.json" href="data:application/json;base64,'
            f'{data}">Download as JSON</a>'
        )
        return self._top(token, liked) + link


def connect(
    tab: gr.Tab,
    page: Page,
    do: ForYou,
    token: gr.BrowserState,
    liked: gr.State,
    hearts: list[Any],
    opened: list[Any],
) -> None:
    """Callbacks of the page; `hearts` and `opened` are presses on any page of the site."""
    context = page.context()
    each = SILENT_EVENT | {
        "trigger_mode": "multiple"
    }  # none is dropped while another is being answered
    for heart in [*hearts, page.feed.like]:
        heart(do.like, [token, liked], [token, liked], **each)
    for press in opened:
        press(do.viewed, token, None, **each)

    def less(
        token: Any, liked: Any, season: str, occasion: str, budget: Any, event: gr.EventData
    ) -> tuple[Any, ...]:
        return do.less(token, liked, season, occasion, budget, event)

    page.feed.less(less, [token, liked, *context], [liked, *page.outputs()], **SILENT_EVENT)
    page.top.forget(
        do.forget, [token, *context], [token, liked, *page.outputs()], **SILENT_EVENT
    ).then(None, js=UNLIKED)
    page.top.export(do.export, [token, liked], page.top, **SILENT_EVENT)
    shown = {"inputs": [token, liked, *context], "outputs": page.outputs()}
    tab.select(do.show, **shown, **SILENT_EVENT)
    page.choices.like(do.like, [token, liked], [token, liked], **each).then(
        do.show, **shown, **SILENT_EVENT
    )
    for part in context:
        part.input(do.show, **shown, **SILENT_EVENT)
