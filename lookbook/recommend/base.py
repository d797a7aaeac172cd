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
from lookbook.recommend.data import EMPTY, History, Interactions
from lookbook.recommend.items import Items
from lookbook.recommend.reasons import reason
from lookbook.schema.filters import Where

Arrays = dict[str, np.ndarray]
User = str | History | None

SCHEMA = 1


class ModelCorrupt(ValueError):  # noqa: N818
    """A saved model that cannot be read, or that belongs to another catalogue."""


@dataclass(frozen=True)
class Recommendation:
    """One item of an answer; `reason` in plain words; `probability` that this place showed it."""

    id: str
    score: float
    row: int
    reason: str = ""
    probability: float = 1.0


@dataclass(frozen=True)
class Answer(Sequence[Recommendation]):
    """Recommendations, best first; where there are fewer than asked for, `reason` says why."""

    items: tuple[Recommendation, ...]
    reason: str | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: Any) -> Any:
        return self.items[place]

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)

    @property
    def ids(self) -> list[str]:
        """Ids of the items, best first."""
        return [one.id for one in self.items]


class Recommender(ABC):
    """Fit once, then ask from any number of threads: nothing changes in answering.

    A saved model holds what was learnt about items. It does not hold what any person did: after
    `load`, whoever asks brings their History along.
    """

    name: ClassVar[str]
    items: Items
    interactions: Interactions | None = None

    def fit(self, interactions: Interactions, items: Items) -> Self:
        """Learn from `interactions`, whose items are rows of `items`; returns itself."""
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

        `allowed`, bool (n,), are the items that can be shown; others need no score.
        """

    def empty_reason(self, history: History) -> str:
        """A sentence for an empty answer."""
        return "nobody has bought or liked anything yet" if len(history) else "no history yet"

    def recommend(
        self,
        user: User = None,
        k: int = 12,
        context: Context = EMPTY_CONTEXT,
        where: Where | np.ndarray = None,
        *,
        repeats: bool = False,
        exclude: Iterable[str] = (),
    ) -> Answer:
        """The k best items for a user; fewer, with a reason, where there are no more.

        `user` is a name that the model was fitted with, a History, or None for a stranger; `where`
        filters as in search, or is a bool mask (n,); `repeats` also shows what the user had before.
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
    ) -> list[Answer]:
        """The same for several users at once."""
        if k < 1:
            raise ValueError(f"k must be at least 1, found {k}")
        allowed = self._allowed(where, context, exclude)
        histories = [self.history(user) for user in users]
        scores = self.scores(histories, context, allowed)
        answers = []
        for history, row in zip(histories, scores, strict=True):
            open_ = self._open(allowed, history, repeats)
            row = np.where(open_, row, -np.inf)
            answers.append(self.listed(row, k, history, open_, context))
        return answers

    def similar_items(self, item: str, k: int = 12) -> Answer:
        """The k items that go best with having only this one; raises UnknownItems."""
        history = History.of_rows([self.items.row_of(item)])
        scores = self._similar(history)
        scores[history.rows] = -np.inf
        return self._answer(scores, k, history, np.ones(len(scores), bool), EMPTY_CONTEXT)

    def _similar(self, history: History) -> np.ndarray:
        return self.scores([history])[0].copy()

    def history(self, user: User) -> History:
        """What is known of a user: empty for a stranger."""
        if isinstance(user, History):
            return user
        known = self.interactions.history(user) if user and self.interactions else None
        return known or EMPTY

    def _allowed(
        self, where: Where | np.ndarray, context: Context, exclude: Iterable[str]
    ) -> np.ndarray:
        given = isinstance(where, np.ndarray)
        allowed = where.copy() if given else self.items.mask(where)
        hidden = self.items.rows_of(list(exclude))
        allowed[hidden[hidden >= 0]] = False
        if context.item is not None:
            allowed[self.items.row_of(context.item)] = False
        return allowed

    def _open(self, allowed: np.ndarray, history: History, repeats: bool) -> np.ndarray:
        open_ = allowed.copy()
        open_[history.hidden] = False
        if not repeats:
            open_[history.rows] = False
        return open_

    def listed(
        self, scores: np.ndarray, k: int, history: History, open_: np.ndarray, context: Context
    ) -> Answer:
        """The list that a person is shown, from the scores (n,) of what is `open_` to them."""
        return self._answer(scores, k, history, open_, context)

    def _answer(
        self, scores: np.ndarray, k: int, history: History, open_: np.ndarray, context: Context
    ) -> Answer:
        rows = best(scores, k)
        otherwise = self.otherwise(history, rows)
        found = tuple(
            Recommendation(
                self.items.ids[row],
                float(scores[row]),
                int(row),
                reason(self.items, history, int(row), context, other),
            )
            for row, other in zip(rows, otherwise, strict=True)
        )
        if len(found) == k:
            return Answer(found)
        nothing = "no item meets the conditions" if not open_.any() else self.empty_reason(history)
        return Answer(
            found, nothing if not found else f"only {len(found)} items can be recommended"
        )

    def otherwise(self, history: History, rows: Sequence[int]) -> list[str]:
        """What speaks for each of `rows` where it is like nothing in the history."""
        return ["people with your taste took it" if len(history) else "popular now"] * len(rows)

    def save(self, folder: str | Path) -> None:
        """Write the model as NAME.safetensors and NAME.json; no person's history among it."""
        from safetensors.numpy import save

        folder = Path(folder)
        arrays, settings = self._state()
        about = {"schema": SCHEMA, "name": self.name, "catalogue": fingerprint(self.items)}
        content = save({name: np.ascontiguousarray(a) for name, a in arrays.items()})
        (folder / f"{self.name}.safetensors").write_bytes(content)
        text = json.dumps(about | {"settings": settings}, indent=2, allow_nan=False)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path, items: Items) -> Self:
        """Read what `save` wrote for the same catalogue; raises ModelCorrupt."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        folder = Path(folder)
        try:
            about = json.loads((folder / f"{cls.name}.json").read_text(encoding="utf-8"))
            arrays = load_file(folder / f"{cls.name}.safetensors")
            found = (about["schema"], about["name"], about["catalogue"])
            model = cls()
            model.items = items
            wanted = (SCHEMA, cls.name, fingerprint(items))
            if found != wanted:
                raise ModelCorrupt(f"the model in {folder} is {found}, expected {wanted}")
            model._restore(arrays, about["settings"])
        except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ModelCorrupt(f"{cls.name} in {folder} cannot be read: {error!r}") from error
        except SafetensorError as error:
            raise ModelCorrupt(f"{cls.name} in {folder} cannot be read: {error}") from error
        return model

    @abstractmethod
    def _state(self) -> tuple[Arrays, dict]: ...

    @abstractmethod
    def _restore(self, arrays: Arrays, settings: dict) -> None: ...


def best(scores: np.ndarray, k: int) -> np.ndarray:
    """Rows of the k highest finite scores, best first, ties by row number."""
    rows = np.flatnonzero(np.isfinite(scores))  # of many items, few have a score
    if k < len(rows):
        some = scores[rows]
        rows = rows[some >= np.partition(some, len(some) - k)[len(some) - k]]
    return rows[np.lexsort((rows, -scores[rows]))][:k]


def fingerprint(items: Items) -> str:
    """Tells one catalogue from another by its ids, in their order."""
    digest = hashlib.sha256()
    for id in items.ids:
        digest.update(id.encode("utf-8", "replace") + b"\n")
    return digest.hexdigest()[:16]
