"""Recommendations for the site: a visitor's feed, "also liked", "bought together", onboarding."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from lookbook.events import Event, EventStore
from lookbook.events.store import StoreUnavailable
from lookbook.index.errors import IndexCorrupt
from lookbook.index.publishing import published
from lookbook.recommend.base import (
    NO_MATCH,
    ModelCorrupt,
    Recommendation,
    Recommendations,
    selectable_mask,
    top_rows,
)
from lookbook.recommend.baselines.item_knn import ItemKNN
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import EMPTY_HISTORY, History
from lookbook.recommend.exploration import (
    EXPLORATION_SHARE,
    diverse_top_k,
    diversify,
    inject_exploration,
)
from lookbook.recommend.history import EXPLORED, history_of, interactions_of
from lookbook.recommend.items import Items
from lookbook.recommend.model_store import MODELS_FOLDER, Models, knows_forgotten, open_published
from lookbook.schema.column_names import KIND_NAMES
from lookbook.schema.filters import Where
from lookbook.schema.message import Message
from lookbook.search.index import Index

_RARE_BELOW = 3  # items with fewer events are worth exploring
_MIN_RARE = 20  # rare candidates to draw explored slots from
_MORE_RARE = 200  # drawn and scored where the candidates have fewer
_ONBOARDING_ITEMS = 3
_VISUAL_NEIGHBOURS = 5  # that stand in for an item without events


class Feed:
    """Recommendations for visitors; safe to use from any number of threads.

    Histories are read from the store each time, so an event counts in the next answer. A generation
    of models that any process has published meanwhile is opened by the next call.
    """

    def __init__(
        self,
        index: Index,
        store: EventStore,
        root: str | Path | None = None,
        *,
        exploration_share: float = EXPLORATION_SHARE,
        seed: int | None = None,
        before: Feed | None = None,
    ) -> None:
        """`before`: a feed of an earlier generation of the index, to reuse what has not changed."""
        if not 0 <= exploration_share < 1:
            raise ValueError(f"exploration_share: expected 0 to below 1, found {exploration_share}")
        self.index, self.store, self.exploration_share = index, store, exploration_share
        self.items = Items.of_index(index)
        self.root = models_root(index) if root is None else Path(root)
        self._present: np.ndarray | None = None
        self._fitted: Mapping[str, Any] = {}
        self._random = np.random.default_rng(seed)
        self._current = self._published_name()
        models = self._open_models()
        if models is None and before is not None:
            self.items.reuse_visual_neighbours(before.items)
        self._models = models or self._fit_models()

    def keep_only(self, ids: Container[str]) -> None:
        """Answer only with items among `ids` from now on: the others have left the catalogue."""
        present = (id in ids for id in self.items.ids)
        self._present = np.fromiter(present, bool, len(self.items))

    @property
    def models(self) -> Models:
        """The generation that answers now."""
        current = self._published_name()
        if current != self._current or (current is None and self._knows_forgotten()):
            self._current = current
            models = self._open_models()
            if models is None and current is not None and self._present is not None:
                # those published are of the catalogue of the next feed: nobody waits for a fit
                models = None if self._knows_forgotten() else self._models
            self._models = models or self._fit_models()
        return self._models

    def _published_name(self) -> str | None:
        try:
            return next(iter(published(self.root)), None)
        except (IndexCorrupt, OSError):  # the next refresh writes it anew
            return None

    def _knows_forgotten(self) -> bool:
        """Whether a visitor was forgotten since the events that the models were fitted on."""
        try:
            return knows_forgotten(self._fitted, self.store.last_forgotten())
        except StoreUnavailable:
            return False

    def _open_models(self) -> Models | None:
        """The published generation; None where there is none that fits this catalogue."""
        try:
            models = open_published(self.root, self.items)
        except (ModelCorrupt, IndexCorrupt, OSError):
            return None
        if models is not None:
            self._fitted = models.manifest
        return models

    def _fit_models(self) -> Models:
        """Models of the events there are now, in memory only."""
        self._fitted = {"forgotten": self.store.last_forgotten()}  # before events are read
        return Models.fit(interactions_of(self.store.by_visitor(), self.items), self.items)

    def _allowed(self, where: Where) -> np.ndarray:
        """bool (n,): the items that meet `where` and are in the catalogue still."""
        allowed = self.items.mask(where)
        return allowed if self._present is None else allowed & self._present

    def history(self, visitor: str | None, now: datetime | None = None) -> History:
        """Return a visitor's net events; empty for a stranger and for a forgotten visitor."""
        if not visitor:
            return EMPTY_HISTORY
        return history_of(self.store.of_visitor(visitor), self.items, now)

    def for_you(
        self,
        visitor: str | History | None = None,
        k: int = 12,
        context: Context = EMPTY_CONTEXT,
        where: Where = None,
        *,
        repeats: bool = False,
        exclude: Iterable[str] = (),
    ) -> Recommendations:
        """Return k items with reasons, some of them explored, each with its propensity.

        `visitor` is a token, whose events are read and for which explored items are recorded; or a
        History, of which nothing is recorded; or None. Of a product in several colours the best
        item is shown. Without a history: what is popular in this context, diversified.
        Raises FilterError, ContextError, EventError.
        """
        token = visitor if isinstance(visitor, str) else None
        history = visitor if isinstance(visitor, History) else self.history(token)
        hybrid = self.models.hybrid
        allowed = hybrid.allowed_mask(self._allowed(where), context, exclude)
        allowed = selectable_mask(allowed, history, repeats)
        scores = np.where(allowed, hybrid.scores([history], context, allowed)[0], -np.inf)
        if len(history):
            of_products = _best_of_product(scores, self.items.product_groups, k)
            answer = hybrid.build_answer(of_products, k, history, allowed, context)
        else:
            answer = self._answer(diverse_top_k(scores, self.items, k), scores, context)
        if self.exploration_share:
            rare = self._rare_scores(scores, history, context, allowed, token)
            share = self.exploration_share
            answer = inject_exploration(answer, rare, self.items, share, self._random)
            self._record_explored(token, answer, context)
        return answer

    def _rare_scores(
        self,
        scores: np.ndarray,
        history: History,
        context: Context,
        allowed: np.ndarray,
        token: str | None,
    ) -> np.ndarray:
        """Return scores of items with few events, -inf for others.

        Of the candidates if enough of them are rare; else also of a sample that is drawn once a day
        for each visitor, so that scoring is fast and propensities stay the same all day.
        """
        rare = allowed & (self.models.hybrid.item_features.event_counts < _RARE_BELOW)
        rare_scores = np.where(rare, scores, -np.inf)
        if np.isfinite(rare_scores).sum() >= _MIN_RARE or not rare.any():
            return rare_scores
        rows = np.flatnonzero(rare)
        draw = np.random.default_rng([crc32((token or "").encode()), date.today().toordinal()])
        scored = np.isfinite(rare_scores)
        scored[rows[draw.integers(len(rows), size=_MORE_RARE)]] = True
        return self.models.hybrid.scores([history], context, scored)[0]

    def _record_explored(
        self, token: str | None, answer: Recommendations, context: Context
    ) -> None:
        if token is None:
            return
        events = [
            Event(
                token,
                "view",
                item.id,
                season=context.effective_season,
                occasion=context.occasion,
                surface=EXPLORED,
                propensity=item.propensity,
            )
            for item in answer
            if item.propensity < 1 - self.exploration_share
        ]
        with suppress(StoreUnavailable):  # the answer does not depend on it
            self.store.record(events)

    def also_liked(self, item: str, k: int = 12, where: Where = None) -> Recommendations:
        """Return what users who took this item took as well; raises UnknownItems, FilterError.

        For a new item: what users took who took what looks like it.
        """
        item_features, row = self.models.hybrid.item_features, self.items.row_of(item)
        closed = ~self._allowed(where)
        closed[row] = True
        rows, scores = self._neighbours(item_features.knn, [row], closed, k)
        text = Message("people who liked this also liked it")
        if not len(rows) and item_features.visual_neighbours is not None:
            lookalike_rows = item_features.visual_neighbours[row][:_VISUAL_NEIGHBOURS]
            rows, scores = self._neighbours(item_features.knn, lookalike_rows, closed, k)
            text = Message("liked by people who like what looks like this")
        empty_reason = Message("nobody who took this has taken anything else yet")
        return self._answer_of_one_reason(rows, scores, text, empty_reason)

    def bought_together(self, item: str, k: int = 12, where: Where = None) -> Recommendations:
        """Return what was bought with this item and is of another category.

        Raises UnknownItems, FilterError.
        """
        row = self.items.row_of(item)
        closed = self._same_category(row) | ~self._allowed(where)
        rows, scores = self._neighbours(self.models.bought_together, [row], closed, k)
        text = Message("bought together with the {item}", item=self.items.short_name(row))
        empty_reason = Message("nobody has bought anything with this yet")
        return self._answer_of_one_reason(rows, scores, text, empty_reason)

    def _neighbours(
        self, knn: ItemKNN, rows: Sequence[int] | np.ndarray, closed: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best neighbours of some rows that are not `closed`, and the scores of all (n,)."""
        neighbours, sums = knn.neighbour_scores(History.of_rows(rows))
        scores = np.full(len(self.items), -np.inf, np.float32)
        scores[neighbours] = sums
        scores[closed] = -np.inf
        return top_rows(scores, k), scores

    def _same_category(self, row: int) -> np.ndarray:
        """bool (n,): items of the same product group or category."""
        same = self.items.product_groups == self.items.product_groups[row]
        column = self.items.find_column(*KIND_NAMES)
        if column is not None:
            codes = self.items.columns[column][1]
            same = same | (codes == codes[row])
        return same

    def onboarding_items(
        self, context: Context = EMPTY_CONTEXT, where: Where = None
    ) -> Recommendations:
        """Return three items to ask a stranger about: popular ones least like each other."""
        hybrid = self.models.hybrid
        allowed = hybrid.allowed_mask(self._allowed(where), context)
        scores = np.where(allowed, hybrid.scores([EMPTY_HISTORY], context, allowed)[0], -np.inf)
        rows = top_rows(scores, 20 * _ONBOARDING_ITEMS)
        rows = diversify(rows, np.zeros(len(rows), np.float32), self.items, _ONBOARDING_ITEMS)
        return self._answer(rows, scores, context)

    def dislike(self, visitor: str, item: str, surface: str | None = None) -> None:
        """Never show this item to the visitor again, and less of what is like it.

        Raises UnknownItems, EventError.
        """
        self.items.row_of(item)
        self.store.record(Event(visitor, "dislike", item, surface=surface))

    def _answer(self, rows: np.ndarray, scores: np.ndarray, context: Context) -> Recommendations:
        """What a stranger is shown."""
        items = self.models.hybrid.recommendations(rows, scores, EMPTY_HISTORY, context)
        return Recommendations(items, None if items else NO_MATCH)

    def _answer_of_one_reason(
        self, rows: np.ndarray, scores: np.ndarray, text: str, empty_reason: str
    ) -> Recommendations:
        ids = self.items.ids
        items = tuple(Recommendation(ids[r], float(scores[r]), int(r), text) for r in rows)
        return Recommendations(items, None if items else empty_reason)


def _best_of_product(scores: np.ndarray, product_groups: np.ndarray, k: int) -> np.ndarray:
    """Return scores (n,) with -inf for all but the best item of each product, if k are left."""
    order = np.argsort(-scores, kind="stable")
    first = order[np.unique(product_groups[order], return_index=True)[1]]
    of_products = np.full_like(scores, -np.inf)
    of_products[first] = scores[first]
    return of_products if np.isfinite(of_products).sum() >= k else scores


def models_root(index: Index) -> Path:
    """Return the folder where the models of an index are published: in its own."""
    return (index.generation.root or index.generation.path) / MODELS_FOLDER
