"""The one interface of all recommenders, and the answers they give."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import EMPTY_HISTORY, History, Interactions
from lookbook.recommend.items import Items
from lookbook.recommend.reasons import reason
from lookbook.schema.filters import Where
from lookbook.schema.message import Message
from lookbook.schema.tensors import TensorsUnreadable, read_tensors

Arrays = dict[str, np.ndarray]
State = tuple[Arrays, dict[str, Any]]  # arrays and plain settings of a saved model
User = str | History | None

SCHEMA = 1
_UNREADABLE = (  # what reading damaged JSON raises
    *(LookupError, TypeError, ArithmeticError, RecursionError),
    *(json.JSONDecodeError, UnicodeDecodeError),
)
NO_MATCH = Message("no item meets the conditions")


class ModelCorrupt(ValueError):  # noqa: N818
    """A saved model that cannot be read, or that belongs to another catalogue."""


@dataclass(frozen=True)
class Recommendation:
    """One item of an answer, with its reason; `propensity`: how probable it was in this slot."""

    id: str
    score: float
    row: int
    reason: str = ""
    propensity: float = 1.0


@dataclass(frozen=True)
class Recommendations(Sequence[Recommendation]):
    """Recommendations, best first; `reason` says why where there are fewer than asked for."""

    items: tuple[Recommendation, ...]
    reason: str | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, position: Any) -> Any:
        return self.items[position]

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)

    @property
    def ids(self) -> list[str]:
        """Ids of the items, best first."""
        return [item.id for item in self.items]


class Recommender(ABC):
    """Fit once, then recommend from any number of threads: answering changes nothing.

    A saved model holds what was learnt about items and nothing of any user's history: after `load`,
    callers pass a History.
    """

    name: ClassVar[str]
    items: Items
    interactions: Interactions | None = None

    def fit(self, interactions: Interactions, items: Items) -> Self:
        """Learn from `interactions`, whose items are rows of `items`; return the model itself.

        Raises ValueError where the two are not of one catalogue.
        """
        if interactions.item_count != len(items):
            raise ValueError(
                f"interactions of {interactions.item_count} items, a catalogue of {len(items)}"
            )
        self.items, self.interactions = items, interactions
        self._fit(interactions, items)
        return self

    @abstractmethod
    def _fit(self, interactions: Interactions, items: Items) -> None: ...

    @abstractmethod
    def scores(
        self,
        histories: Sequence[History],
        context: Context = EMPTY_CONTEXT,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """float32 (q, n): higher is better, -inf where the model has nothing to say.

        `allowed`, bool (n,): the items that can be shown; others need no score.
        """

    def empty_reason(self, history: History) -> str:
        """Return a sentence for an empty answer."""
        if len(history):
            return Message("nobody has bought or liked anything yet")
        return Message("no history yet")

    def recommend(
        self,
        user: User = None,
        k: int = 12,
        context: Context = EMPTY_CONTEXT,
        where: Where | np.ndarray = None,
        *,
        repeats: bool = False,
        exclude: Iterable[str] = (),
    ) -> Recommendations:
        """Return the k best items for a user; fewer, with a reason, where there are no more.

        `user` is a name that the model was fitted with, a History, or None for a stranger; `where`
        filters as in search, or is a bool mask (n,); `repeats` also shows what the user had before.
        Raises ValueError for k below 1, FilterError, UnknownItems for `context.item`.
        """
        return self.recommend_many([user], k, context, where, repeats=repeats, exclude=exclude)[0]

    def recommend_many(
        self,
        users: Sequence[User],
        k: int = 12,
        context: Context = EMPTY_CONTEXT,
        where: Where | np.ndarray = None,
        *,
        repeats: bool = False,
        exclude: Iterable[str] = (),
    ) -> list[Recommendations]:
        """Do the same for several users at once."""
        if k < 1:
            raise ValueError(f"k must be at least 1, found {k}")
        allowed = self.allowed_mask(where, context, exclude)
        histories = [self.history(user) for user in users]
        scores = self.scores(histories, context, allowed)
        answers = []
        for history, row_scores in zip(histories, scores, strict=True):
            selectable = selectable_mask(allowed, history, repeats)
            row_scores = np.where(selectable, row_scores, -np.inf)
            answers.append(self.build_answer(row_scores, k, history, selectable, context))
        return answers

    def similar_items(self, item: str, k: int = 12) -> Recommendations:
        """Return the k items that go best with having only this one; raises UnknownItems."""
        history = History.of_rows([self.items.row_of(item)])
        scores = self._similar(history)
        scores[history.rows] = -np.inf
        return self._top_k(scores, k, history, np.ones(len(scores), bool), EMPTY_CONTEXT)

    def _similar(self, history: History) -> np.ndarray:
        return self.scores([history])[0].copy()

    def history(self, user: User) -> History:
        """Return what is known of a user: empty for a stranger."""
        if isinstance(user, History):
            return user
        known = self.interactions.history(user) if user and self.interactions else None
        return known or EMPTY_HISTORY

    def allowed_mask(
        self, where: Where | np.ndarray, context: Context, exclude: Iterable[str] = ()
    ) -> np.ndarray:
        """bool (n,): items that meet `where`, without the item in view and `exclude`."""
        allowed = where.copy() if isinstance(where, np.ndarray) else self.items.mask(where)
        excluded = self.items.rows_of(list(exclude))
        allowed[excluded[excluded >= 0]] = False
        if context.item is not None:
            allowed[self.items.row_of(context.item)] = False
        return allowed

    def build_answer(
        self,
        scores: np.ndarray,
        k: int,
        history: History,
        selectable: np.ndarray,
        context: Context,
    ) -> Recommendations:
        """Build the list that a user sees from scores (n,), -inf for what is not `selectable`."""
        return self._top_k(scores, k, history, selectable, context)

    def _top_k(
        self,
        scores: np.ndarray,
        k: int,
        history: History,
        selectable: np.ndarray,
        context: Context,
    ) -> Recommendations:
        items = self.recommendations(top_rows(scores, k), scores, history, context)
        if len(items) == k:
            return Recommendations(items)
        if items:
            why = Message("only {count} items can be recommended", count=len(items))
            return Recommendations(items, why)
        return Recommendations((), self.empty_reason(history) if selectable.any() else NO_MATCH)

    def recommendations(
        self, rows: np.ndarray, scores: np.ndarray, history: History, context: Context
    ) -> tuple[Recommendation, ...]:
        """Return `rows` with their `scores` (n,) and a reason each."""
        return tuple(
            Recommendation(
                self.items.ids[row],
                float(scores[row]),
                int(row),
                reason(self.items, history, int(row), context, fallback),
            )
            for row, fallback in zip(rows, self.fallback_reasons(history, rows), strict=True)
        )

    def fallback_reasons(self, history: History, rows: np.ndarray) -> list[str]:
        """Return a reason for each of `rows`, used where it is like nothing in the history."""
        with_others = Message("popular with people who like what you like")
        return [with_others if len(history) else Message("popular now")] * len(rows)

    def save(self, folder: str | Path) -> None:
        """Write NAME.safetensors and NAME.json, without any user's history."""
        from safetensors.numpy import save

        folder = Path(folder)
        arrays, settings = self.state()
        about = {"schema": SCHEMA, "name": self.name, "catalogue": fingerprint(self.items)}
        content = save({name: np.ascontiguousarray(a) for name, a in arrays.items()})
        (folder / f"{self.name}.safetensors").write_bytes(content)
        text = json.dumps(about | {"settings": settings}, indent=2, allow_nan=False)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path, items: Items) -> Self:
        """Read what `save` wrote for the same catalogue; raises ModelCorrupt."""
        folder = Path(folder)
        try:
            about = json.loads((folder / f"{cls.name}.json").read_text(encoding="utf-8"))
            arrays = read_tensors(folder / f"{cls.name}.safetensors")
            found = (about["schema"], about["name"], about["catalogue"])
            model = cls()
            model.items = items
            expected = (SCHEMA, cls.name, fingerprint(items))
            if found != expected:
                raise ModelCorrupt(f"the model in {folder} is {found}, expected {expected}")
            model.restore(arrays, about["settings"])
        except _UNREADABLE as error:
            raise ModelCorrupt(f"{cls.name} in {folder} cannot be read: {error!r}") from error
        except TensorsUnreadable as error:
            raise ModelCorrupt(f"{cls.name} in {folder} cannot be read: {error}") from error
        return model

    @abstractmethod
    def state(self) -> State:
        """Return what `save` writes; the keys are those of the file format."""

    @abstractmethod
    def restore(self, arrays: Arrays, settings: dict[str, Any]) -> None:
        """Take over what `state` returned; `items` is set already."""


def selectable_mask(allowed: np.ndarray, history: History, repeats: bool) -> np.ndarray:
    """bool (n,): `allowed` without disliked items and, unless `repeats`, without the history's."""
    selectable = allowed.copy()
    selectable[history.disliked] = False
    if not repeats:
        selectable[history.rows] = False
    return selectable


def top_rows(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the rows of the k highest finite scores, best first, ties by row number."""
    rows = np.flatnonzero(np.isfinite(scores))  # of many items, few have a score
    if k < len(rows):
        finite = scores[rows]
        rows = rows[finite >= np.partition(finite, len(finite) - k)[len(finite) - k]]
    return rows[np.lexsort((rows, -scores[rows]))][:k]


def fingerprint(items: Items) -> str:
    """Return 16 hex digits that identify a catalogue by its ids in their order."""
    digest = hashlib.sha256()
    for id in items.ids:
        digest.update(id.encode("utf-8", "replace") + b"\n")
    return digest.hexdigest()[:16]
