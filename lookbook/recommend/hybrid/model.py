"""The hybrid: candidates from every source, ranked by weights learnt on earlier days."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lookbook.recommend.base import (
    Arrays,
    ModelCorrupt,
    Recommendation,
    Recommendations,
    Recommender,
    State,
    top_rows,
)
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.hybrid.candidates import find_candidates
from lookbook.recommend.hybrid.features import (
    CATEGORY_PREFIX,
    candidate_features,
    feature_names,
    prior_weights,
)
from lookbook.recommend.hybrid.item_features import ItemFeatures
from lookbook.recommend.hybrid.ranker import (
    STRENGTH,
    Example,
    examples_at,
    fit_weights,
    time_splits,
)
from lookbook.recommend.items import ALIKE, Items
from lookbook.recommend.reasons import reason
from lookbook.schema.message import Message
from lookbook.search.mitigation import gender_column, mitigation

COLD_START_SLOTS = 1  # slots of a list for items that nobody has taken yet
_IN_VIEW = 3.0  # score for likeness to the item in view
_DISLIKE = 4.0  # score lost for likeness to a disliked item
_MIN_LIST = 8  # a shorter list has no slot for cold items
_FIRST_SLOT, _SLOT_STEP = 4, 4  # cold items take the fifth slot, the ninth, ...


class Hybrid(Recommender):
    """All sources together; `weights` says how much each feature counts.

    An item that nobody took loses to those that many take, however well it would suit. So a list of
    eight or more for a user with a history keeps `cold_start_slots` slots for the best of them.
    `strength` is the weight of the prior on the weights, in examples.
    """

    name = "hybrid"

    def __init__(
        self,
        strength: float = STRENGTH,
        cold_start_slots: int = COLD_START_SLOTS,
        *,
        newcomers: int | None = None,
    ) -> None:
        if newcomers is not None:
            message = "Hybrid(newcomers=...) is now called cold_start_slots"
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            cold_start_slots = newcomers
        if cold_start_slots < 0:
            raise ValueError(f"cold_start_slots: expected 0 or more, found {cold_start_slots}")
        self.strength, self.cold_start_slots = strength, cold_start_slots

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each feature; all features are on scales of about one."""
        names = feature_names(self.item_features)
        return dict(zip(names, map(float, self._weights), strict=True))

    def _fit(self, interactions: Interactions, items: Items) -> None:
        visual_neighbours = items.visual_neighbours
        random = np.random.default_rng(0)  # the same events give the same weights
        examples: list[Example] = []
        for split in time_splits(interactions):
            known = ItemFeatures.fit(interactions.before(split), items, visual_neighbours)
            examples += examples_at(split, known, interactions, random)
        self.item_features = ItemFeatures.fit(interactions, items, visual_neighbours)
        self._weights = fit_weights(examples, prior_weights(self.item_features), self.strength)

    def scores(
        self,
        histories: Sequence[History],
        context: Context = EMPTY_CONTEXT,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return weighted features of the candidates; -inf for items that are none."""
        allowed = np.ones(len(self.items), bool) if allowed is None else allowed
        scores = np.full((len(histories), len(self.items)), -np.inf, np.float32)
        lift = self.item_features.context_lift.log_lift(context) - self._damped()
        weights = self._used_weights()
        for number, history in enumerate(histories):
            rows = self._candidates(history, context, allowed)
            if len(rows):
                features = candidate_features(self.item_features, history, rows)
                weighted = features @ weights + lift[rows]
                scores[number, rows] = weighted + self._likeness(rows, history, context)
        return scores

    def _damped(self) -> np.ndarray:
        """float (n,): lost by popularity; a score is a logarithm, so this is an exponent."""
        return mitigation().damping * np.log1p(self.item_features.event_counts)

    def _used_weights(self) -> np.ndarray:
        """Return the weights, that of gender 0 in a shop that does not use it."""
        column = gender_column(self.items.columns)
        used = [name != f"{CATEGORY_PREFIX}{column}" for name in feature_names(self.item_features)]
        return self._weights * np.array(used)

    def _candidates(self, history: History, context: Context, allowed: np.ndarray) -> np.ndarray:
        """Candidates for the user and, where an item is in view, for having only that item."""
        rows = find_candidates(self.item_features, history, allowed)
        if context.item is None:
            return rows
        in_view = History.of_rows([self.items.row_of(context.item)])
        return np.union1d(rows, find_candidates(self.item_features, in_view, allowed))

    def _likeness(self, rows: np.ndarray, history: History, context: Context) -> np.ndarray:
        """(m,): gained by likeness to the item in view, lost by likeness to disliked items."""
        total = np.zeros(len(rows), np.float32)
        if context.item is not None:
            total += _IN_VIEW * self._alike(rows, np.array([self.items.row_of(context.item)]))
        if len(history.disliked):
            total -= _DISLIKE * self._alike(rows, history.disliked)
        return total

    def _alike(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(m,), 0 to 1: 1 within a product group, else by the cosine to the nearest of `others`."""
        groups = self.items.product_groups
        same = np.isin(groups[rows], groups[others]).astype(np.float32)
        if self.items.vectors is None:
            return same
        cosines = (self.items.vectors[rows] @ self.items.vectors[others].T).max(axis=1)
        return np.maximum(same, np.clip((cosines - ALIKE) / (1 - ALIKE), 0, 1))

    def build_answer(
        self,
        scores: np.ndarray,
        k: int,
        history: History,
        selectable: np.ndarray,
        context: Context,
    ) -> Recommendations:
        """Return the best; in the cold-start slots, cold items take the place of the last ones."""
        answer = self._top_k(scores, k, history, selectable, context)
        slots = range(_FIRST_SLOT, len(answer), _SLOT_STEP)[: self.cold_start_slots]
        if len(answer) < _MIN_LIST or not len(history) or not slots:
            return answer
        cold = self.item_features.cold > 0
        listed = [item.row for item in answer]
        missing = max(len(slots) - int(cold[listed].sum()), 0)
        others = np.where(cold, scores, -np.inf)
        others[listed] = -np.inf
        rows = top_rows(others, missing) if missing else np.empty(0, np.int64)
        items = _without_last(list(answer), cold, len(rows))
        for slot, row in zip(slots[len(slots) - len(rows) :], rows, strict=True):
            items.insert(slot, self._cold_item(scores, history, int(row), context))
        return replace(answer, items=tuple(items))

    def _cold_item(
        self, scores: np.ndarray, history: History, row: int, context: Context
    ) -> Recommendation:
        why = reason(self.items, history, row, context, cold_start=True)
        return Recommendation(self.items.ids[row], float(scores[row]), row, why)

    def fallback_reasons(self, history: History, rows: np.ndarray) -> list[str]:
        """Return a reason for each of `rows`; that others took it is said only where they did."""
        neighbours = set(self.item_features.knn.neighbour_scores(history)[0].tolist())
        taken = self.item_features.event_counts
        with_others = Message("popular with people who like what you like")
        popular, different = Message("popular now"), Message("something different to try")
        return [
            with_others if row in neighbours else (popular if taken[row] else different)
            for row in rows
        ]

    def empty_reason(self, history: History) -> str:
        """Return why there is no answer: the hybrid scores every item that can be shown."""
        return Message("the catalogue has nothing that can be shown")

    def state(self) -> State:
        """Return what is known of the items, the weights and the parameters."""
        arrays, settings = self.item_features.state()
        own = {"strength": self.strength, "newcomers": self.cold_start_slots}
        names = {"names": feature_names(self.item_features)}
        return arrays | {"weights": self._weights}, own | names | settings

    def restore(self, arrays: Arrays, settings: dict[str, Any]) -> None:
        """Take over what `state` returned; raises ModelCorrupt for other features."""
        self.strength = settings["strength"]
        # models from before there were cold-start slots do not have them
        self.cold_start_slots = settings.get("newcomers", COLD_START_SLOTS)
        self.item_features = ItemFeatures.from_state(self.items, arrays, settings)
        self._weights = arrays["weights"]
        names, saved = feature_names(self.item_features), settings["names"]
        if not _same_features(saved, names):
            raise ModelCorrupt(f"the model weighs {saved}, this catalogue has {names}")


def _same_features(saved: list[str], names: list[str]) -> bool:
    """Whether a saved model has these features in this order; some may have had other names."""
    moved = (
        (old in names or new in saved) and old != new
        for old, new in zip(saved, names, strict=False)
    )
    return len(saved) == len(names) and not any(moved)


def _without_last(
    items: list[Recommendation], kept: np.ndarray, count: int
) -> list[Recommendation]:
    """Remove the last `count` of `items` whose rows the bool mask `kept` (n,) does not protect."""
    removable = [position for position, item in enumerate(items) if not kept[item.row]]
    for position in removable[::-1][:count]:
        del items[position]
    return items
