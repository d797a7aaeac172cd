"""A query of several parts, kept apart until it is run: pictures, an item, text, feedback."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lookbook.encoding.query_adapter import MATCHES
from lookbook.schema.deprecation import renamed_arguments, warn_renamed
from lookbook.schema.filters import Condition, parse_where
from lookbook.schema.text import excerpt

FOLDS = ("colourways", "copies", None)


@renamed_arguments(
    more="positive",
    less="negative",
    variety="diversity",
    past="undo_stack",
    shared="from_link",
)
@dataclass(frozen=True, eq=False)
class Query:
    """All parts of a query; immutable: every step gives another query.

    `pictures` are vectors of the encoder (dim,); `words` a text; `positive` and `negative` ids of
    items to move towards and away from; `where` conditions, also accepted as texts such as
    `gender=Women` or as a mapping; `diversity` 0 (closest) to 1; `fold` "colourways" (one card a
    product), "copies" (one for near-duplicates) or None (every item); `sort` is one of
    `sorting.SORTS`, where something is ranked that of its closest `SORT_POOL`. `undo_stack` holds
    (positive, negative) as before each step; `from_link`: the pictures came by a link, so they are
    public. `match`, one of MATCHES, is what of pictures or an item the results are matched on,
    whatever words or feedback add; "" for all that they show. Raises FilterError for conditions
    that cannot be read, ValueError for an unknown `match`.
    """

    pictures: tuple[np.ndarray, ...] = ()
    item: str | None = None
    words: str = ""
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    count: int = 24
    diversity: float = 0.0
    fold: str | None = "colourways"
    undo_stack: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    from_link: bool = False
    sort: str = "fit"
    match: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", parse_where(self.where))
        if self.match not in MATCHES:
            raise ValueError(
                f"match is one of {', '.join(MATCHES[1:])}, found {excerpt(self.match)}"
            )

    def __eq__(self, other: object) -> bool:
        """Whether both ask for the same; how a query came about does not count."""
        if not isinstance(other, Query):
            return NotImplemented
        pairs = zip(self.pictures, other.pictures, strict=False)
        same = len(self.pictures) == len(other.pictures)
        return self._key() == other._key() and same and all(np.array_equal(*p) for p in pairs)

    def __hash__(self) -> int:
        return hash((self._key(), len(self.pictures)))

    def _key(self) -> tuple[object, ...]:
        parts = (self.item, self.words, self.positive, self.negative, self.where)
        return (*parts, self.count, self.diversity, self.fold, self.sort, self.match)

    @property
    def intent(self) -> str:
        """What the scores of its hits are like: "photo" with pictures, else "item"."""
        return "photo" if self.pictures else "item"

    @property
    def vector_kind(self) -> str:
        """The kind of query by which an engine's effort is chosen: that of the furthest part.

        Words take a vector further from the catalogue's own than photos do.
        """
        return "text" if self.words.strip() else self.intent

    @property
    def empty(self) -> bool:
        """Whether there is nothing to rank by; filters do not count."""
        return self.text_only and not self.words.strip()

    @property
    def moved_by(self) -> frozenset[str]:
        """What moves the results of pictures or an item: "words", "feedback", "variety", "match".

        One place for whether scores are as calibrated and whether a photo can be said to be like
        nothing.
        """
        parts = {
            "words": self.words.strip(),
            "feedback": self.positive or self.negative,
            "variety": self.diversity,
            "match": self.match,
        }
        return frozenset(name for name, part in parts.items() if part)

    @property
    def text_only(self) -> bool:
        """Whether no picture and no item is part of it: text, or filters alone."""
        return not (self.pictures or self.item or self.positive or self.negative)

    def with_positive(self, id: str) -> Query:
        """Move towards this item; it may have been among the others before."""
        return self._moved((*_without(self.positive, id), id), _without(self.negative, id))

    def with_negative(self, id: str) -> Query:
        """Move away from this item."""
        return self._moved(_without(self.positive, id), (*_without(self.negative, id), id))

    def with_more(self, id: str) -> Query:
        """Old name of `with_positive`."""
        warn_renamed("Query.with_more", "Query.with_positive")
        return self.with_positive(id)

    def with_less(self, id: str) -> Query:
        """Old name of `with_negative`."""
        warn_renamed("Query.with_less", "Query.with_negative")
        return self.with_negative(id)

    def _moved(self, positive: tuple[str, ...], negative: tuple[str, ...]) -> Query:
        stack = (*self.undo_stack, (self.positive, self.negative))
        return replace(self, positive=positive, negative=negative, undo_stack=stack)

    def undo(self) -> Query:
        """Take back the last step towards or away from an item; all else stays as it is.

        A query from a link has no undo stack: there the last negative item goes first, then the
        last positive one.
        """
        if self.undo_stack:
            positive, negative = self.undo_stack[-1]
            stack = self.undo_stack[:-1]
            return replace(self, positive=positive, negative=negative, undo_stack=stack)
        if self.negative:
            return replace(self, negative=self.negative[:-1])
        return replace(self, positive=self.positive[:-1])


def _without(ids: tuple[str, ...], id: str) -> tuple[str, ...]:
    return tuple(other for other in ids if other != id)
