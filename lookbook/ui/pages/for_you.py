"""The For-you page: recommendations for this visitor with reasons, and the visitor's data."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from lookbook.events.store import StoreUnavailable
from lookbook.recommend.base import Recommendations
from lookbook.recommend.context import SEASONS, ContextError
from lookbook.schema.column_names import USAGE_NAMES, find_column
from lookbook.schema.filters import FilterError
from lookbook.schema.message import Message
from lookbook.search import facets
from lookbook.search.index import Index
from lookbook.ui.components import markup
from lookbook.ui.components.base import SILENT_EVENT, HtmlComponent, event_value, info, warn
from lookbook.ui.components.gallery import Gallery, gallery_html
from lookbook.ui.messages import _, _n, as_sentence, error_text, translate
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from lookbook.ui.views import Card

COUNT = 24  # recommendations on the page
_UNPRESS_LIKES = """() => document.querySelectorAll('[data-act=like][aria-pressed=true]')
  .forEach((button) => button.setAttribute('aria-pressed', 'false'))"""
_SEASONS = {
    "Winter": Message("Winter"),
    "Spring": Message("Spring"),
    "Summer": Message("Summer"),
    "Fall": Message("Fall"),
}

Liked = frozenset[str]


class Header(HtmlComponent):
    """What the page is made from, and the visitor's data; events: forget (once asked), export."""

    actions = ("forget", "export")
    script = """
    element.addEventListener('click', (event) => {
      const asks = event.target.closest('.ask'), keeps = event.target.closest('.keep');
      if (!asks && !keeps) return;
      element.querySelector('.ask').hidden = Boolean(asks);
      element.querySelector('.question').hidden = !asks;
      element.querySelector(asks ? '.keep' : '.ask').focus();
    });
    """


class Components:
    """The components of the page."""

    def __init__(self, search_service: SearchService) -> None:
        self.header = Header(elem_id="feed-top")
        occasions = occasion_choices(search_service.index)
        with gr.Row(elem_id="context"):
            self.season = gr.Dropdown(
                [(Message("Today's"), ""), *((_SEASONS[season], season) for season in SEASONS)],
                value="",
                label=Message("Season"),
                min_width=140,
                filterable=False,
            )
            self.occasion = gr.Dropdown(
                occasions,
                value="",
                label=Message("Occasion"),
                visible=len(occasions) > 1,
                min_width=140,
                filterable=False,
            )
            self.budget = gr.Number(
                None,
                label=Message("Budget (0: any)"),
                minimum=0,
                min_width=120,
                visible=search_service.price_column is not None,
            )
        self.onboarding = Gallery("choices")
        self.feed = Gallery("feed")

    def outputs(self) -> list[Any]:
        """Return the components that recommendations change."""
        return [self.header, self.onboarding, self.feed]

    def context(self) -> list[Any]:
        """Return the components that the context is read from."""
        return [self.season, self.occasion, self.budget]


def occasion_choices(index: Index) -> list[tuple[str, str]]:
    """Return (label, value) of the occasions to choose from, "Any" first.

    That label is a message: the choices are made before the language is known.
    """
    column = find_column(facets.columns(index), USAGE_NAMES)
    values = list(index.values(column)) if column else []
    return [(Message("Any"), ""), *((str(value), str(value)) for value in values)]


class Callbacks:
    """Callbacks of the page, and of the like buttons and opened cards of every page."""

    def __init__(self, search_service: SearchService, visitor_service: VisitorService) -> None:
        self.search_service, self.visitor_service = search_service, visitor_service

    def load_visitor(self, token: Any) -> tuple[str, Liked]:
        """Return the token of this browser's visitor, known or new, and what they like."""
        token = self.visitor_service.ensure_token(token)
        return token, self.visitor_service.liked(token)

    def toggle_like(self, token: Any, liked: Liked, event: gr.EventData) -> tuple[str, Liked]:
        """Like an item, or take the like back."""
        id = event_value(event, "id")
        if id not in self.search_service.index:
            return self.visitor_service.ensure_token(token), liked
        try:
            return self.visitor_service.toggle_like(token, id)
        except StoreUnavailable:
            _warn_unavailable(_("The like is not kept"))
            return token, liked

    def record_view(self, token: Any, event: gr.EventData) -> None:
        """Record that an item was opened."""
        self.visitor_service.record(token, "view", event_value(event, "id"), "site")

    def dislike(
        self,
        token: Any,
        liked: Liked,
        season: str,
        occasion: str,
        budget: float | None,
        event: gr.EventData,
    ) -> tuple[Liked, str, str, str]:
        """Recommend less of an item from now on; returns what is liked, and the page."""
        id = event_value(event, "id")
        try:
            feed = self.visitor_service.feed  # once: an update may replace it meanwhile
            if id in feed.index:
                token = self.visitor_service.ensure_token(token)
                feed.dislike(token, id, surface="feed")
        except StoreUnavailable:
            _warn_unavailable(_("That is not kept"))
        liked = liked - {id}
        return liked, *self.recommend(token, liked, season, occasion, budget)

    def forget(
        self, token: Any, season: str, occasion: str, budget: float | None
    ) -> tuple[str, Liked, str, str, str]:
        """Delete everything kept of this visitor; returns a new token, no likes, and the page."""
        try:
            new_token = self.visitor_service.forget(self.visitor_service.ensure_token(token))
        except StoreUnavailable:
            _warn_unavailable(_("Nothing was deleted yet"))
            liked = self.visitor_service.liked(token)
            return token, liked, *self.recommend(token, liked, season, occasion, budget)
        info(_("All that was kept of your visits is deleted."), title=_("Forgotten"))
        page = self.recommend(new_token, frozenset(), season, occasion, budget)
        return new_token, frozenset(), *page

    def export(self, token: Any, liked: Liked) -> str:
        """Return the header with a download of everything kept of this visitor."""
        try:
            data = self.visitor_service.export(self.visitor_service.ensure_token(token)).encode()
        except StoreUnavailable:
            _warn_unavailable(_("It cannot be read"))
            return self._header(liked)
        link = (
            '<a download="lookbook-visits.json" href="data:application/json;base64,'
            f'{base64.b64encode(data).decode()}">{markup.escape(_("Download my data (JSON)"))}</a>'
        )
        return self._header(liked) + link

    def recommend(
        self, token: Any, liked: Liked, season: str, occasion: str, budget: float | None
    ) -> tuple[str, str, str]:
        """Return (header, items to begin with for who likes nothing yet, recommendations)."""
        token = self.visitor_service.ensure_token(token)
        try:
            feed = self.visitor_service.feed  # once: an update may replace it meanwhile
            context = self.visitor_service.context(season, occasion, budget)
            answer = self.visitor_service.for_you(token, COUNT, context, feed)
            items = () if liked else feed.onboarding_items(context)
        except (ContextError, FilterError) as error:
            warn(error_text(error), title=_("That cannot be recommended"))
            return "", "", ""
        except StoreUnavailable:  # before the feed could be made
            _warn_unavailable(_("There are no recommendations"))
            return self._header(liked), "", ""
        onboarding = gallery_html(self._cards(dict.fromkeys((i.id for i in items), ""), liked))
        if onboarding:
            title = _("Which of these do you like? Three likes are enough to begin.")
            onboarding = f"<h3>{markup.escape(title)}</h3>{onboarding}"
        return self._header(liked), onboarding, self._feed(answer, liked)

    def _feed(self, answer: Recommendations, liked: Liked) -> str:
        cards = self._cards({item.id: translate(item.reason) for item in answer}, liked)
        reason = as_sentence(translate(answer.reason or ""))
        return gallery_html(cards, reason or _("Nothing fits. Choose another occasion or budget."))

    def _cards(self, reasons: Mapping[str, str], liked: Liked) -> list[Card]:
        """Return the cards of items with their reasons, "" for none."""
        return [
            self.search_service.card(
                hit,
                liked,
                ("like", "less") if reasons[hit.id] else ("like",),
                note=reasons[hit.id],
            )
            for hit in self.search_service.as_hits(reasons)
        ]

    def _header(self, liked: Liked) -> str:
        line = _("You have liked nothing yet, so these are the most popular pieces.")
        if liked:
            line = _n(
                "Based on the {count} piece you like and what you looked at.",
                "Based on the {count} pieces you like and what you looked at.",
                len(liked),
            )
        privacy = _(
            "Only a random number in your browser says who you are: "
            "no name, address or picture is kept."
        )
        forget, question, delete, keep, export = map(
            markup.escape,
            (
                _("Forget me"),
                _("Delete your likes and what you looked at?"),
                _("Delete"),
                _("Keep"),
                _("Show my data"),
            ),
        )
        return (
            f"<p>{markup.escape(line)} {markup.escape(privacy)}</p>"
            f'<button type="button" class="ask">{forget}</button> '
            f'<span class="question" hidden>{question} '
            f'<button type="button" data-act="forget">{delete}</button> '
            f'<button type="button" class="keep">{keep}</button></span> '
            f'<button type="button" data-act="export">{export}</button>'
        )


def _warn_unavailable(title: str) -> None:
    warn(_("Visits cannot be read or kept at the moment: please try again later."), title=title)


def connect(
    tab: gr.Tab,
    components: Components,
    callbacks: Callbacks,
    token: gr.BrowserState,
    liked: gr.State,
    like_buttons: Sequence[Callable[..., Any]],
    opened: Sequence[Callable[..., Any]],
) -> None:
    """Connect the page; `like_buttons` and `opened` are events of every page of the site."""
    c, context, visitor = components, components.context(), [token, liked]
    # every click counts, also one made while another is being answered
    each = SILENT_EVENT | {"trigger_mode": "multiple"}
    recommend = {"inputs": [*visitor, *context], "outputs": c.outputs()} | SILENT_EVENT
    for event in [*like_buttons, c.feed.like]:
        event(callbacks.toggle_like, visitor, visitor, **each)
    for event in opened:
        event(callbacks.record_view, token, None, **each)
    liked_first = c.onboarding.like(callbacks.toggle_like, visitor, visitor, **each)
    liked_first.then(callbacks.recommend, **recommend)
    page = [liked, *c.outputs()]
    c.feed.less(callbacks.dislike, [*visitor, *context], page, **SILENT_EVENT)
    forgotten = c.header.forget(callbacks.forget, [token, *context], [token, *page], **SILENT_EVENT)
    forgotten.then(None, js=_UNPRESS_LIKES)
    c.header.export(callbacks.export, visitor, c.header, **SILENT_EVENT)
    tab.select(callbacks.recommend, **recommend)
    for component in context:
        component.input(callbacks.recommend, **recommend)
