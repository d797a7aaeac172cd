"""What the site asks for: a feed for one visitor, likes of others, what completes a look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zlib import crc32

import numpy as np

from lookbook.events import Event, EventStore
from lookbook.index.publishing import published
from lookbook.recommend.base import Answer, ModelCorrupt, Recommendation, best
from lookbook.recommend.baselines.item_knn import ItemKNN
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import EMPTY, History
from lookbook.recommend.exploration import SHARE, diverse, explored, wide
from lookbook.recommend.history import history_of, interactions_of
from lookbook.recommend.items import Items
from lookbook.recommend.model_store import MODELS_FOLDER, Models, running
from lookbook.recommend.reasons import reason
from lookbook.schema.filters import Where
from lookbook.search.index import Index

_FEW = 3  # items with fewer events are worth exploring
_ENOUGH = 20  # rare candidates to draw explored places from
_TRIED = 200  # other rare items that are looked at where there are not so many
_QUESTIONS = 3
_LENDERS = 5  # lookalikes whose people speak for a new item
_KIND_NAMES = ("articletype", "producttypename", "producttype", "category", "subcategory", "label")


class Feed:
    """Recommendations for visitors; may be asked from any number of threads.

    An event counts in the next answer: histories are read from the store each time. A generation of
    models that was published meanwhile, by whatever process, is taken up with the next question.
    """

    def __init__(
        self,
        index: Index,
        store: EventStore,
        root: str | Path | None = None,
        *,
        share: float = SHARE,
        seed: int | None = None,
    ) -> None:
        if not 0 <= share < 1:
            raise ValueError(f"share of explored places: expected 0 to below 1, found {share}")
        self.index, self.store, self.share = index, store, share
        self.items = Items.of_index(index)
        self.root = models_root(index) if root is None else Path(root)
        self._draw = np.random.default_rng(seed)
        self._current = (published(self.root) or [None])[0]
        self._models = self._opened() or self._untrained()

    @property
    def models(self) -> Models:
        """The generation that answers now."""
        current = (published(self.root) or [None])[0]
        if current != self._current or (current is None and self._knows_forgotten()):
            self._current = current
            self._models = self._opened() or self._untrained()
        return self._models

    def _knows_forgotten(self) -> bool:
        """Whether somebody was forgotten since these models were learnt here, from all events."""
        last = self.store.last_forgotten()
        return last is not None and last >= self._learnt

    def _opened(self) -> Models | None:
        """The published generation; None where there is none that fits this catalogue."""
        try:
            return running(self.root, self.items)
        except (ModelCorrupt, FileNotFoundError):
            return None

    def _untrained(self) -> Models:
        """Learnt here and now from what events there are."""
        self._learnt = datetime.now(UTC)
        return Models.fitted(interactions_of(self.store.all(), self.items), self.items)

    def history(self, visitor: str | None, now: datetime | None = None) -> History:
        """What stands of a visitor's events; empty for a stranger and for one who was forgotten."""
        return history_of(self.store.of_visitor(visitor), self.items, now) if visitor else EMPTY

    def for_you(
        self,
        visitor: str | None = None,
        k: int = 12,
        context: Context = EMPTY_CONTEXT,
        where: Where = None,
        *,
        repeats: bool = False,
        exclude: Iterable[str] = (),
    ) -> Answer:
        """The k items for a visitor, with reasons; some places explored, each with its probability.

        A stranger gets what is popular in this context, and diverse. What is shown in explored
        places is recorded with its probability. Raises FilterError, ContextError, EventError.
        """
        hybrid, history = self.models.hybrid, self.history(visitor)
        allowed = hybrid._open(hybrid._allowed(where, context, exclude), history, repeats)
        scores = np.where(allowed, hybrid.scores([history], context, allowed)[0], -np.inf)
        if len(history):
            once = _best_of_each(scores, self.items.product_groups, k)
            answer = hybrid.listed(once, k, history, allowed, context)
        else:
            answer = self._answer(wide(scores, self.items, k), scores, history, context)
            if not len(answer):
                answer = Answer((), "no item meets the conditions")
        if self.share:
            rare = self._rare(scores, history, context, allowed, visitor)
            answer = explored(answer, rare, self.items, context, self.share, self._draw)
            self._log(visitor, answer, context)
        return answer

    def _rare(
        self,
        scores: np.ndarray,
        history: History,
        context: Context,
        allowed: np.ndarray,
        visitor: str | None,
    ) -> np.ndarray:
        """Scores of items with few events, -inf for others: of candidates if there are enough.

        Else of others that this visitor is dealt today, so that ranking them takes no time and the
        probability of each is what it is said to be.
        """
        few = allowed & (self.models.hybrid.signals.events < _FEW)
        rare = np.where(few, scores, -np.inf)
        if np.isfinite(rare).sum() >= _ENOUGH or not few.any():
            return rare
        rows = np.flatnonzero(few)
        deal = np.random.default_rng([crc32((visitor or "").encode()), date.today().toordinal()])
        dealt = np.zeros(len(few), bool)
        dealt[rows[deal.integers(len(rows), size=_TRIED)]] = True
        dealt |= np.isfinite(rare)
        return self.models.hybrid.scores([history], context, dealt)[0]

    def _log(self, visitor: str | None, answer: Answer, context: Context) -> None:
        if visitor is None:
            return
        self.store.record(
            Event(
                visitor,
                "view",
                one.id,
                season=context.weather,
                occasion=context.occasion,
                place="explored",
                probability=one.probability,
            )
            for one in answer
            if one.probability < 1 - self.share
        )

    def also_liked(self, item: str, k: int = 12, where: Where = None) -> Answer:
        """What people who took this item took as well; raises UnknownItems.

        A new item asks those who took what looks like it.
        """
        signals, row = self.models.hybrid.signals, self.items.row_of(item)
        shut = ~self.items.mask(where)
        shut[row] = True
        found = self._together(signals.knn, [row], shut, k)
        text = "people who liked this also liked it"
        if not len(found[0]) and signals.visual_neighbours is not None:
            found = self._together(signals.knn, signals.visual_neighbours[row][:_LENDERS], shut, k)
            text = "liked by people who like what looks like this"
        return self._named(*found, text, "nobody who took this has taken anything else yet")

    def _together(
        self, knn: ItemKNN, rows: Sequence[int], shut: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best neighbours of some rows, and the scores of all (n,)."""
        columns, sums = knn.sums(History.of_rows(rows))
        scores = np.full(len(self.items), -np.inf, np.float32)
        scores[columns] = sums
        scores[shut] = -np.inf
        return best(scores, k), scores

    def bought_together(self, item: str, k: int = 12, where: Where = None) -> Answer:
        """What was bought together with this item and is of another kind; raises UnknownItems."""
        row = self.items.row_of(item)
        shut = self._same_kind(row) | ~self.items.mask(where)
        found = self._together(self.models.together, [row], shut, k)
        text = f"bought together with the {self.items.words(row)}"
        return self._named(*found, text, "nobody has bought anything with this yet")

    def _same_kind(self, row: int) -> np.ndarray:
        same = self.items.product_groups == self.items.product_groups[row]
        column = self.items.named(*_KIND_NAMES)
        if column is not None:
            codes = self.items.columns[column][1]
            same = same | (codes == codes[row])
        return same

    def choices(self, context: Context = EMPTY_CONTEXT, where: Where = None) -> Answer:
        """Three items to ask a stranger about: popular ones that are least like each other."""
        hybrid = self.models.hybrid
        allowed = hybrid._allowed(where, context, ())
        scores = np.where(allowed, hybrid.scores([EMPTY], context, allowed)[0], -np.inf)
        rows = best(scores, 20 * _QUESTIONS)
        chosen = diverse(rows, np.zeros(len(rows), np.float32), self.items, _QUESTIONS)
        return self._answer(chosen, scores, EMPTY, context)

    def dislike(self, visitor: str, item: str, **about: object) -> None:
        """Never show this item again, and less of what is like it, from the next answer on."""
        self.items.row_of(item)
        self.store.record(Event(visitor, "dislike", item, **about))  # type: ignore[arg-type]

    def _answer(
        self, rows: np.ndarray, scores: np.ndarray, history: History, context: Context
    ) -> Answer:
        otherwise = self.models.hybrid.otherwise(history, rows)
        return Answer(
            tuple(
                Recommendation(
                    self.items.ids[r],
                    float(scores[r]),
                    int(r),
                    reason(self.items, history, int(r), context, other),
                )
                for r, other in zip(rows, otherwise, strict=True)
            )
        )

    def _named(self, rows: np.ndarray, scores: np.ndarray, text: str, nothing: str) -> Answer:
        ids = self.items.ids
        found = (Recommendation(ids[r], float(scores[r]), int(r), text) for r in rows)
        return Answer(tuple(found), None if len(rows) else nothing)


def _best_of_each(scores: np.ndarray, product_groups: np.ndarray, k: int) -> np.ndarray:
    """Scores (n,) with -inf for all but the best of each product in its colours, if k are left."""
    order = np.argsort(-scores, kind="stable")
    first = order[np.unique(product_groups[order], return_index=True)[1]]
    once = np.full_like(scores, -np.inf)
    once[first] = scores[first]
    return once if np.isfinite(once).sum() >= k else scores


def models_root(index: Index) -> Path:
    """Where the models of an index are published: in its folder."""
    return (index.generation.root or index.generation.path) / MODELS_FOLDER
