"""Popularity with recency, weighted by the context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lookbook.recommend.base import Arrays, Recommender, State
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.context_lift import ContextLift
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items
from lookbook.schema.message import Message

HALF_LIFE = 5.0  # days until an interaction counts half


class Popularity(Recommender):
    """Sum of weights, halved every `half_life` days; the same for everybody."""

    name = "popularity"

    def __init__(self, half_life: float = HALF_LIFE) -> None:
        if not half_life > 0:
            raise ValueError(f"half_life: expected more than 0 days, found {half_life}")
        self.half_life = half_life

    def _fit(self, interactions: Interactions, items: Items) -> None:
        ages = interactions.now - interactions.day
        weights = interactions.weight * 0.5 ** (ages / self.half_life)
        self.counts = np.bincount(interactions.item, weights, len(items)).astype(np.float32)
        self.context_lift = ContextLift.fit(interactions, items)

    def scores(
        self,
        histories: Sequence[History],
        context: Context = EMPTY_CONTEXT,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return counts times the lift of the context; -inf for items without interactions."""
        counts = self.counts * np.exp(self.context_lift.log_lift(context))
        scores = np.where(counts > 0, counts, -np.inf).astype(np.float32)
        return np.broadcast_to(scores, (len(histories), len(scores)))

    def empty_reason(self, history: History) -> str:
        """Return why there is no answer: there are no interactions at all."""
        return Message("nobody has done anything yet, so nothing is popular")

    def state(self) -> State:
        """Return counts, context lifts and the parameter."""
        arrays, values = self.context_lift.state()
        return {"counts": self.counts} | arrays, {"half_life": self.half_life, "effects": values}

    def restore(self, arrays: Arrays, settings: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.half_life, self.counts = settings["half_life"], arrays["counts"]
        self.context_lift = ContextLift.from_state(self.items, arrays, settings["effects"])
