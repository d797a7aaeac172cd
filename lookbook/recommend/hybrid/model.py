"""The hybrid: candidates from every source, ranked by a small model learnt on earlier days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lookbook.recommend.base import Answer, Arrays, ModelCorrupt, Recommendation, Recommender, best
from lookbook.recommend.baselines.item_knn import ItemKNN
from lookbook.recommend.baselines.product_group_als import ProductGroupALS
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.context_lift import ContextLift
from lookbook.recommend.data import EMPTY, History, Interactions
from lookbook.recommend.hybrid.features import candidates, evidence, names, prior
from lookbook.recommend.hybrid.item_features import Signals, find_visual_neighbours
from lookbook.recommend.hybrid.ranker import STRENGTH, Example, learn
from lookbook.recommend.items import Items
from lookbook.recommend.reasons import reason

CUTS = 3  # moments of the past that the ranker learns at
COLD_START_SLOTS = 1  # places of a list for what nobody has taken yet
AHEAD = 2.0  # days after such a moment whose interactions are the right answers
_PEOPLE = 600  # people learnt from at each moment
_WRONG = 120  # candidates that were not taken, for each person
_IN_VIEW = 3.0  # what likeness to the item in view weighs
_DISLIKE = 4.0  # what likeness to a disliked item costs
_ALIKE = 0.6  # cosine from which two items count as alike
_SHORTEST = 8  # a shorter list has no place for newcomers
_FIRST, _NEXT = 4, 4  # they stand in the fifth place, the ninth, ...


class Hybrid(Recommender):
    """All sources together; `weights` says what each piece of evidence counts.

    An item that nobody took loses to those that many take, however well it would suit. So a list of
    eight or more for somebody with a history keeps `cold_start_slots` places for the best of them.
    """

    name = "hybrid"

    def __init__(
        self, strength: float = STRENGTH, cold_start_slots: int = COLD_START_SLOTS
    ) -> None:
        if cold_start_slots < 0:
            raise ValueError(f"newcomers: expected 0 places or more, found {cold_start_slots}")
        self.strength, self.cold_start_slots = strength, cold_start_slots

    @property
    def weights(self) -> dict[str, float]:
        """What each piece of evidence weighs; all are on scales of about one."""
        return dict(zip(names(self.signals), map(float, self._weights), strict=True))

    def _fit(self, interactions: Interactions, items: Items) -> None:
        visual_neighbours = find_visual_neighbours(items)
        draw = np.random.default_rng(0)  # the same events give the same weights
        examples = []
        for cut in cuts(interactions):
            signals = Signals.seen(interactions.before(cut), items, visual_neighbours)
            examples += list(_examples(signals, interactions, cut, draw))
        self.signals = Signals.seen(interactions, items, visual_neighbours)
        self._weights = learn(examples, prior(self.signals), self.strength)

    def scores(
        self,
        histories: Sequence[History],
        context: Context = EMPTY_CONTEXT,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """The weighed evidence of the candidates; -inf for items that no source proposes."""
        allowed = np.ones(len(self.items), bool) if allowed is None else allowed
        found = np.full((len(histories), len(self.items)), -np.inf, np.float32)
        effect = self.signals.effects.of(context)
        for place, history in enumerate(histories):
            rows = candidates(self.signals, history, allowed)
            if context.item is not None:
                rows = self._with_lookalikes(rows, self.items.row_of(context.item), allowed)
            if not len(rows):
                continue
            scores = evidence(self.signals, history, rows) @ self._weights + effect[rows]
            scores += self._seen_beside(rows, history, context)
            found[place, rows] = scores
        return found

    def _with_lookalikes(self, rows: np.ndarray, row: int, allowed: np.ndarray) -> np.ndarray:
        more = candidates(self.signals, History.of_rows([row]), allowed)
        return np.union1d(rows, more)

    def _seen_beside(self, rows: np.ndarray, history: History, context: Context) -> np.ndarray:
        """Towards what is like the item in view, away from what is like a disliked one."""
        total = np.zeros(len(rows), np.float32)
        if context.item is not None:
            total += _IN_VIEW * self._alike(rows, np.array([self.items.row_of(context.item)]))
        if len(history.disliked):
            total -= _DISLIKE * self._alike(rows, history.disliked)
        return total

    def _alike(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """0 to 1: the family's own, or the cosine of the pictures where they are alike."""
        product_groups = self.items.product_groups
        same = np.isin(product_groups[rows], product_groups[others]).astype(np.float32)
        if self.items.vectors is None:
            return same
        near = (self.items.vectors[rows] @ self.items.vectors[others].T).max(axis=1)
        return np.maximum(same, np.clip((near - _ALIKE) / (1 - _ALIKE), 0, 1))

    def listed(
        self, scores: np.ndarray, k: int, history: History, open_: np.ndarray, context: Context
    ) -> Answer:
        """The best, the last of them giving way to newcomers, which come in fixed places."""
        answer = self._answer(scores, k, history, open_, context)
        places = range(_FIRST, len(answer), _NEXT)[: self.cold_start_slots]
        if len(answer) < _SHORTEST or not len(history) or not places:
            return answer
        cold = self.signals.cold > 0
        listed = [one.row for one in answer]
        there = int(cold[listed].sum())
        rest = np.where(cold, scores, -np.inf)
        rest[listed] = -np.inf
        rows = best(rest, max(len(places) - there, 0)) if there < len(places) else []
        stay = _without_last(list(answer), cold, len(rows))
        for place, row in zip(places[len(places) - len(rows) :], rows, strict=False):
            stay.insert(place, self._newcomer(scores, history, int(row), context))
        return replace(answer, items=tuple(stay))

    def otherwise(self, history: History, rows: Sequence[int]) -> list[str]:
        """That others took it is said only where they did."""
        shared = set(self.signals.knn.sums(history)[0].tolist())
        taken = self.signals.events
        return [
            "people with your taste took it"
            if row in shared
            else ("popular now" if taken[row] else "from the collection")
            for row in rows
        ]

    def _newcomer(
        self, scores: np.ndarray, history: History, row: int, context: Context
    ) -> Recommendation:
        why = reason(self.items, history, row, context, newcomer=True)
        return Recommendation(self.items.ids[row], float(scores[row]), row, why)

    def empty_reason(self, history: History) -> str:
        """The hybrid has something for everybody as long as there are items."""
        return "the catalogue has nothing that can be shown"

    def _state(self) -> tuple[Arrays, dict]:
        s = self.signals
        arrays = {f"array.{name}": a for name, a in s.arrays.items()} | {"weights": self._weights}
        if s.visual_neighbours is not None:
            arrays["lookalikes"] = s.visual_neighbours
        settings: dict = {
            "strength": self.strength,
            "newcomers": self.cold_start_slots,
            "names": names(s),
        }
        for part, state in _parts(s).items():
            arrays |= {f"{part}.{name}": a for name, a in state[0].items()}
            settings[part] = state[1]
        return arrays, settings

    def _restore(self, arrays: Arrays, settings: dict) -> None:
        def part(name: str) -> Arrays:
            return {k[len(name) + 1 :]: a for k, a in arrays.items() if k.startswith(f"{name}.")}

        self.strength = settings["strength"]
        self.cold_start_slots = settings.get(
            "newcomers", COLD_START_SLOTS
        )  # older models have none
        models = {"factors": ProductGroupALS(), "knn": ItemKNN()}
        for name, model in models.items():
            model.items = self.items
            model._restore(part(name), settings[name])
        effects = ContextLift.restored(self.items, part("effects"), settings["effects"])
        visual_neighbours = arrays.get("lookalikes")
        self.signals = Signals(
            self.items, models["factors"], models["knn"], effects, visual_neighbours, part("array")
        )
        self._weights = arrays["weights"]
        if settings["names"] != names(self.signals):
            raise ModelCorrupt(
                f"the model weighs {settings['names']}, this catalogue has {names(self.signals)}"
            )


def _without_last(items: list, kept: np.ndarray, count: int) -> list[Recommendation]:
    """`items` without the last `count` whose rows the bool mask `kept` (n,) lets go."""
    for place in [p for p, one in enumerate(items) if not kept[one.row]][::-1][:count]:
        del items[place]
    return items


def _parts(signals: Signals) -> dict[str, tuple[Arrays, dict]]:
    return {
        "factors": signals.factors._state(),
        "knn": signals.knn._state(),
        "effects": signals.effects.state(),
    }


def cuts(interactions: Interactions) -> list[float]:
    """The last days that others came before and after, newest first: where the ranker learns."""
    days = np.unique(np.floor(interactions.day))
    return [float(day) for day in days[2:][::-1][:CUTS]]


def _examples(
    signals: Signals, interactions: Interactions, cut: float, draw: np.random.Generator
) -> Iterator[Example]:
    """People with a past before `cut`, and what they took in the days after it."""
    fitted = interactions.before(cut)
    after = interactions.where((interactions.day >= cut) & (interactions.day < cut + AHEAD))
    known = np.bincount(fitted.user, minlength=len(fitted.users)) > 0
    people = np.unique(after.user[known[after.user]])
    if len(people) > _PEOPLE:
        people = np.sort(draw.choice(people, _PEOPLE, replace=False))
    order = np.argsort(after.user, kind="stable")
    users, taken = after.user[order], after.item[order]
    everything = np.ones(len(signals.items), bool)
    for person in people:
        start, stop = np.searchsorted(users, [person, person + 1])
        right = np.unique(taken[start:stop])
        history = fitted.history(fitted.users[person], cut) or EMPTY
        rows = candidates(signals, history, everything)
        yield _example(signals, history, rows, right, draw)


def _example(
    signals: Signals,
    history: History,
    rows: np.ndarray,
    right: np.ndarray,
    draw: np.random.Generator,
) -> Example:
    """All that were taken before or after, and a sample of the other candidates."""
    own, taken = np.isin(rows, history.known), np.isin(rows, right)
    others = np.flatnonzero(~own & ~taken)
    sample = draw.choice(others, min(_WRONG, len(others)), replace=False)
    kept = own | taken
    kept[sample] = True
    each = np.where(own, 1.0, len(others) / max(1, len(sample)))
    return Example(evidence(signals, history, rows[kept]), taken[kept], each[kept])
