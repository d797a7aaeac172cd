"""Visitors' events and what is recommended from them, without gradio."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from lookbook.events import Event, EventError, EventStore, new_visitor
from lookbook.events.event import MAX_ID, check_visitor
from lookbook.events.retention import RetentionJob
from lookbook.events.store import DATABASE_FILE, SchemaMismatch, StoreUnavailable
from lookbook.recommend import Context
from lookbook.recommend.base import Recommendations
from lookbook.recommend.feed import Feed, models_root
from lookbook.recommend.history import net_events
from lookbook.retraining.job import RefreshJob
from lookbook.search.index import Index
from lookbook.ui.logs import SITE_LOG
from lookbook.ui.metrics import METRICS
from lookbook.ui.services.live_feed import LiveFeed

_MAX_LIKES = 20  # of one item by one visitor, counted when they are taken back
_LIKES = ("like", "save", "buy")
_PATIENCE = 1.0  # seconds that an answer waits for a locked database
_NEW_ITEM = "this piece is new: recommendations from it are being made"


class VisitorService:
    """Events and the feed of an index; the feed loads in the background, see `warm_up`.

    `index` is replaced (see `prepare`) when a new generation is published.

    Events are kept at `database_url`, else in the folder `state`, else beside the index; where that
    cannot be written, in `spare` as long as the site runs. The models are refreshed after `hours`
    or that many new `events`; 0 for never. `hemisphere` gives the season of a date. Events
    are deleted after `keep_days`, 0 for never.
    """

    def __init__(
        self,
        index: Index,
        state: Path | None,
        spare: Path,
        hours: float = 0,
        events: int = 0,
        hemisphere: str = "north",
        database_url: str | None = None,
        keep_days: float = 0,
    ) -> None:
        self.index, self.hemisphere = index, hemisphere
        self.store, self.root = _store(index, state, spare, database_url)
        self.store.on_record = METRICS.events.inc
        self._live_feed = LiveFeed(index, self._make_feed)
        if keep_days:
            RetentionJob(self.store, keep_days).start()
        if hours or events:
            RefreshJob(
                lambda: self.index,
                self.store,
                self.root,
                seconds=hours * 3600 or None,
                events=events or None,
            ).start()

    def _make_feed(self, index: Index, before: Feed | None) -> Feed:
        return Feed(index, self.store, self.root, before=before)

    def prepare(self, index: Index) -> Callable[[], None]:
        """Return what shows another index; see `LiveFeed.show` for the feed."""

        def show() -> None:
            self.index = index
            self._live_feed.show(index)

        return show

    def warm_up(self) -> None:
        """Start loading the feed; returns at once."""
        self._live_feed.start()

    def database_ready(self) -> bool:
        """Whether the database of events answers; raises StoreUnavailable where it does not."""
        self.store.last_forgotten()
        return True

    @property
    def feed(self) -> Feed:
        """The feed, waited for while the first one loads; raises whatever its loading raised.

        After an update it may be of an index of before for a while: who asks it several things
        takes it once.
        """
        return self._live_feed.result()

    def ensure_token(self, token: object) -> str:
        """Return a visitor's token, or a new one where it is not valid or was forgotten."""
        try:
            checked = check_visitor(token)
        except EventError:
            return new_visitor()
        try:
            return new_visitor() if self.store.is_forgotten(checked) else checked
        except StoreUnavailable:
            return checked

    def record(self, token: str, event_type: str, item: str, surface: str) -> None:
        """Write one event; one with an unknown item or an invalid token is dropped."""
        if item in self.index and token:
            with suppress(EventError, StoreUnavailable):  # an id longer than events allow
                self.store.record(Event(check_visitor(token), event_type, item, surface=surface))

    def toggle_like(self, token: object, item: str) -> tuple[str, frozenset[str]]:
        """Like an item, or take back every like of it; return (token, ids liked now).

        There are several likes where two pages held the item when it was pressed. A token that is
        not valid, or of a forgotten visitor, is replaced by a new one; an item that is not in the
        index changes nothing. One transaction for a visitor who was not forgotten.
        """
        try:
            visitor = check_visitor(token)
        except EventError:
            visitor = new_visitor()
        events = self.store.update(visitor, lambda own: self._toggle_events(own, visitor, item))
        if events is None:
            return self.toggle_like(new_visitor(), item)
        return visitor, _liked(events)

    def _toggle_events(self, events: list[Event], visitor: str, item: str) -> list[Event]:
        """Return the events to record after `events`: a like, or an undo for each like."""
        if item not in self.index or len(item) > MAX_ID:
            return []
        if item not in _liked(events):
            return [Event(visitor, "like", item, surface="site")]
        undos: list[Event] = []
        while item in _liked(events + undos) and len(undos) < _MAX_LIKES:
            undos.append(Event(visitor, "undo", item, surface="site"))
        return undos

    def liked(self, token: str) -> frozenset[str]:
        """Return the ids that the visitor likes now."""
        try:
            return _liked(self.store.of_visitor(token))
        except StoreUnavailable:
            return frozenset()

    def saved(self, token: str) -> list[str]:
        """Return the ids that the visitor likes now, the newest first."""
        return self._items(token, _LIKES)

    def recently_viewed(self, token: str, count: int) -> list[str]:
        """Return the ids of up to `count` items that the visitor opened, the newest first."""
        return self._items(token, ("view",))[:count]

    def _items(self, token: str, event_types: Iterable[str]) -> list[str]:
        try:
            net, _ = net_events(self.store.of_visitor(token))
        except StoreUnavailable:
            return []
        found = (event.item for event in reversed(net) if event.event_type in event_types)
        return list(dict.fromkeys(found))

    def forget(self, token: str) -> str:
        """Delete everything kept of a visitor; return a new token, unrelated to the old one."""
        self.store.forget(check_visitor(token))
        return new_visitor()

    def export(self, token: str) -> str:
        """Return everything kept of a visitor, as JSON."""
        return json.dumps(self.store.export(check_visitor(token)), indent=2, ensure_ascii=False)

    def context(
        self,
        season: str | None = None,
        occasion: str | None = None,
        budget: float | None = None,
        temperature: float | None = None,
    ) -> Context:
        """Return the context of a visit; what is not given follows from today's date.

        `temperature` is in degrees Celsius; a `budget` of 0 is none. Raises ContextError for values
        out of range.
        """
        return Context(
            day=datetime.now(UTC).date(),
            hemisphere=self.hemisphere,
            season=season or None,
            occasion=occasion or None,
            budget=budget if budget and budget > 0 else None,
            temperature=temperature,
        )

    def for_you(
        self, token: str, count: int, context: Context, feed: Feed | None = None
    ) -> Recommendations:
        """Return the visitor's feed: `count` recommendations with reasons.

        While the database cannot be read, that of a stranger. `feed`: where it was taken already.
        """
        feed = feed or self.feed  # once: an update may replace it meanwhile
        with METRICS.answering("feed"):
            try:
                return feed.for_you(token, count, context)
            except StoreUnavailable:
                return feed.for_you(None, count, context)

    def also_liked(self, item: str, count: int = 12) -> Recommendations:
        """Return what people who liked an item liked as well; nothing where the feed has it not."""
        feed = self.feed
        if item not in feed.index:  # added, or removed, by an update just now
            return Recommendations((), _NEW_ITEM if item in self.index else None)
        return feed.also_liked(item, count)

    def bought_together(self, item: str) -> dict[str, float]:
        """Return the scores of items that were bought together with an item, by id."""
        try:
            feed = self.feed
            hits = feed.bought_together(item, 50) if item in feed.index else ()
        except StoreUnavailable:  # before the feed could be made
            return {}
        return {hit.id: hit.score for hit in hits}


def _liked(events: Iterable[Event]) -> frozenset[str]:
    net, _ = net_events(events)
    return frozenset(event.item for event in net if event.event_type in _LIKES)


def _store(
    index: Index, state: Path | None, spare: Path, url: str | None
) -> tuple[EventStore, Path]:
    """Return the event store and the folder of the models."""
    root = index.generation.root or index.generation.path
    if url:
        return EventStore(url, _PATIENCE), models_root(index) if state is None else state / "models"
    folder, models = (root, models_root(index)) if state is None else (state, state / "models")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return EventStore.for_index(folder, _PATIENCE), models
    except (OSError, SchemaMismatch) as error:  # StoreUnavailable is an OSError
        SITE_LOG.warning("likes are kept only while the site runs: %s", error)
        return EventStore(f"sqlite:///{spare / DATABASE_FILE}", _PATIENCE), spare / "models"
