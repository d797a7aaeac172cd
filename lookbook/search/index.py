"""Query to ranked hits: filters, more-like-this, one result per near-duplicate group."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lookbook.index import Generation, Manifest, current_name, project
from lookbook.index.engines.annoy import ExactEngine
from lookbook.schema.filters import FilterError, Where, parse_where
from lookbook.search.calibration import Calibration
from lookbook.search.prefix_index import PrefixIndex

if TYPE_CHECKING:
    from lookbook.outfits.slots import OutfitSlots
    from lookbook.search.lexical_index import LexicalIndex

ENGINES = ("auto", "annoy", "exact")
_FEW_ROWS = 20_000  # up to so many matching rows, exact search beats a forest asked for more
_TUNED_FOR = 24  # the k that search_k was chosen at
# a cosine: search_k was chosen by rows, which have rows around them, and what has none, as words
# have, is not found by it
_FAR = 0.6
_RESERVED = ("id", "title", "group")
Groups = np.ndarray | None  # int (n,): of rows that share a number only the best is shown


class UnknownItem(LookupError):  # noqa: N818
    """No item of the index has this id."""


@dataclass(frozen=True)
class IndexItem:
    """What the index knows of one item; its picture is `Index.thumb(id)`."""

    id: str
    title: str
    attributes: dict[str, str | int | float | bool | None]


@dataclass(frozen=True)
class Hit:
    """One result. `score`: higher is closer (cosine, minus the distance, or inner product).

    `colourways`: the same product in its other colours, where the answer folds products.
    """

    id: str
    score: float
    item: IndexItem
    row: int
    colourways: tuple[IndexItem, ...] = ()


class Index:
    """A verified, memory-mapped generation that answers queries.

    Never changes once opened, so any number of threads may search it at the same time.
    """

    def __init__(self, generation: Generation, engine: str = "auto") -> None:
        if engine not in ENGINES:
            raise ValueError(f"unknown engine {engine!r}: expected one of {', '.join(ENGINES)}")
        self.generation = generation
        self.engine = generation.manifest.engine if engine == "auto" else engine
        self._asked_for = engine
        self._forest = generation.forest() if self.engine == "annoy" else None
        self._exact = ExactEngine(generation.vectors, generation.manifest.metric)
        table = generation.items
        self._ids: list[str] = table["id"].to_pylist()
        self._row_of = {id: row for row, id in enumerate(self._ids)}
        self.titles: list[str] = table["title"].to_pylist()
        self._calibration = generation.read_json("calibration.json", Calibration.from_json)
        self._groups = _first_rows(table["group"].to_numpy())
        self._columns = {
            name: _coded(table[name]) for name in table.column_names if name not in _RESERVED
        }

    @classmethod
    def open(cls, path: str | Path = "index", engine: str = "auto", verify: str = "full") -> Index:
        """Open the current generation of `path`, or the generation that `path` is.

        `engine`: "annoy", "exact" or "auto", the faster of the two when the index was built.
        Raises IndexMissing where there is no index, IndexCorrupt where it is damaged.
        """
        return cls(Generation.open(path, verify), engine)

    def reload_if_stale(self, verify: str = "full") -> Index:
        """This index if it is still the published one, else the new one, opened.

        The old one stays valid for whoever holds it.
        """
        root = self.generation.root
        if root is None or current_name(root) == self.manifest.generation:
            return self
        return Index.open(root, self._asked_for, verify)

    def __len__(self) -> int:
        return self.manifest.count

    @property
    def manifest(self) -> Manifest:
        """How this generation was made."""
        return self.generation.manifest

    @property
    def dim(self) -> int:
        """Length of the vectors that `search` takes: the encoder's own, before any projection."""
        return self.manifest.raw_dim

    @property
    def columns(self) -> list[str]:
        """Names of the attributes, in the order of the catalogue."""
        return list(self._columns)

    @property
    def ids(self) -> list[str]:
        """Every id, by row number."""
        return self._ids

    @property
    def items(self) -> Sequence[IndexItem]:
        """Every item, by row number; made when asked for."""
        return _Items(self)

    def values(self, column: str) -> dict[object, int]:
        """The values of an attribute and how many items have each, the most frequent first."""
        values, codes = self._column(column)
        counts = np.bincount(codes, minlength=len(values))
        order = np.argsort(-counts, kind="stable")
        return {values[i]: int(counts[i]) for i in order if values[i] is not None}

    def categorical_codes(self, name: str) -> tuple[list, np.ndarray]:
        """An attribute's distinct values, and int (n,) which of them each row has."""
        return self._column(name)

    @cached_property
    def unit_vectors(self) -> np.ndarray:
        """float32 (n, manifest.dim) of L2 norm 1, in memory."""
        vectors = np.asarray(self.generation.vectors, np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    @property
    def calibration(self) -> Calibration | None:
        """What a score is worth here; None in an index built before this was learnt."""
        return self._calibration

    @property
    def map(self) -> np.ndarray | None:
        """float32 (n, 2) within -1 to 1, near items near each other; None where there is none."""
        return self.generation.map

    @property
    def evaluation(self) -> dict | None:
        """Figures and audit of the time of the build, as `bias_audit.summary` gives them."""
        return self.generation.evaluation

    def __contains__(self, id: object) -> bool:
        return id in self._row_of

    def column(self, name: str) -> list:
        """The value of an attribute by row number; raises FilterError for an unknown one."""
        values, codes = self._column(name)
        return [values[code] for code in codes]

    def row_of(self, id: str) -> int:
        """Row number of an item; raises UnknownItem."""
        try:
            return self._row_of[id]
        except KeyError:
            raise UnknownItem(f"no item {id!r} among the {len(self)} of this index") from None

    def item(self, id: str) -> IndexItem:
        """The item with this id; raises UnknownItem."""
        return self._item(self.row_of(id))

    def _item(self, row: int) -> IndexItem:
        attributes = {name: values[codes[row]] for name, (values, codes) in self._columns.items()}
        return IndexItem(self._ids[row], self.titles[row], attributes)

    def vector(self, id: str) -> np.ndarray:
        """The stored vector of an item, float32 (manifest.dim,); raises UnknownItem."""
        return self.generation.vectors[self.row_of(id)].astype(np.float32)

    def thumb(self, id: str) -> bytes:
        """The picture of an item that a gallery shows; raises UnknownItem."""
        return self.generation.thumb(self.row_of(id))

    def find_titles(self, text: str, limit: int = 20) -> list[IndexItem]:
        """Items whose titles have, for every word of `text`, a word that begins like it.

        Case and accents do not matter. Whole words count more than beginnings, then titles that
        begin like `text`, then short ones.
        """
        return [self._item(row) for row in self._finder.find(text, limit)]

    @cached_property
    def lexical_index(self) -> LexicalIndex:
        """Which items mention a word."""
        from lookbook.search.lexical_index import LexicalIndex

        return LexicalIndex(self.titles, self._columns.values())

    @cached_property
    def _finder(self) -> PrefixIndex:
        return PrefixIndex(self.titles)

    def search(
        self,
        vector: np.ndarray,
        k: int = 24,
        where: Where = None,
        exclude: Iterable[str] = (),
        fold: bool = True,
    ) -> list[Hit]:
        """The k items closest to `vector` (dim,), best first; fewer only where fewer match.

        `where` filters on attributes (see `filters.parse_where`); `exclude` leaves out
        these ids; `fold` gives one result, the best, for each group of near-duplicates. Raises
        ValueError for a vector that no search can use, FilterError for an unknown column.
        """
        query = self.stored(vector)
        hidden = [self._row_of[id] for id in exclude if id in self._row_of]
        return self.nearest(query, k, where, hidden, self.copies if fold else None)

    def similar(
        self,
        id: str,
        k: int = 24,
        where: Where = None,
        exclude: Iterable[str] = (),
        fold: bool = True,
    ) -> list[Hit]:
        """More like this item: it is left out itself, and if `fold` so are its near-duplicates.

        Otherwise as `search`; raises UnknownItem as well.
        """
        row = self.row_of(id)
        hidden = [self._row_of[other] for other in exclude if other in self._row_of]
        same = np.flatnonzero(self.copies == self.copies[row]) if fold else [row]
        folded = self.copies if fold else None
        return self.nearest(self.vector(id), k, where, [*hidden, *same], folded)

    def stored(self, vector: np.ndarray) -> np.ndarray:
        """An encoder's vector (dim,) as this index stores vectors, (manifest.dim,).

        Raises ValueError for a vector that no search can use.
        """
        return project(self._checked(vector)[None], self.generation.projection)[0]

    @property
    def copies(self) -> np.ndarray:
        """int64 (n,): for each row, the first row of its group of near-duplicates."""
        return self._groups

    @cached_property
    def products(self) -> np.ndarray:
        """int64 (n,): for each row, the first row of its product in any colour, copies included."""
        from lookbook.search.product_groups import products

        return products(self)

    @cached_property
    def wardrobe(self) -> OutfitSlots:
        """What each item is in an outfit."""
        from lookbook.outfits.slots import OutfitSlots

        return OutfitSlots(self)

    def colourways(self, row: int) -> list[IndexItem]:
        """The same product in other colours, one item for each group of near-duplicates."""
        same = (self.products == self.products[row]) & (self.copies != self.copies[row])
        same &= self.copies == np.arange(len(self))
        return [self._item(int(other)) for other in np.flatnonzero(same)]

    def _checked(self, vector: np.ndarray) -> np.ndarray:
        vector = np.asarray(vector, dtype=np.float32)
        if vector.shape != (self.dim,):
            raise ValueError(
                f"the query has shape {vector.shape}, this index takes vectors of length "
                f"{self.dim}: was it encoded by another model?"
            )
        if not np.isfinite(vector).all():
            raise ValueError("the query vector holds numbers that are not finite")
        if not vector.any():
            raise ValueError("the query vector is zero: it is close to nothing")
        return vector

    def nearest(
        self,
        query: np.ndarray,
        k: int,
        where: Where = None,
        hidden: Sequence[int] = (),
        groups: Groups = None,
    ) -> list[Hit]:
        """The k rows closest to a vector as stored (manifest.dim,), without the rows `hidden`.

        `groups` int (n,): of the rows that share a number only the best is given; see `copies` and
        `products`.
        """
        k = operator.index(k)
        if k < 1:
            raise ValueError(f"k must be at least 1, found {k}")
        conditions = parse_where(where)
        allowed = self._mask(conditions)
        allowed[np.asarray(hidden, np.int64)] = False
        matching = int(allowed.sum())
        query, found = np.asarray(query, np.float32)[None], None
        if self._forest and not (conditions and matching <= _FEW_ROWS):
            found = self._approximate(query, k, allowed, matching, groups)
        rows, scores = found or self._exactly(query, k, allowed, matching, groups)
        return [
            Hit(self._ids[row], float(score), self._item(row), int(row))
            for row, score in zip(rows, scores, strict=True)
        ]

    def matching(self, where: Where = None) -> np.ndarray:
        """bool (n,): rows that meet the filters; raises FilterError."""
        return self._mask(parse_where(where))

    def _mask(self, conditions: Sequence) -> np.ndarray:
        """bool (n,): each condition looks at the distinct values only, not at every row."""
        allowed = np.ones(len(self), bool)
        for condition in conditions:
            values, codes = self._column(condition.column)
            allowed &= condition.mask(values)[codes]
        return allowed

    def _column(self, name: str) -> tuple[list, np.ndarray]:
        if name not in self._columns:
            there = ", ".join(self._columns) or "none"
            raise FilterError(f"there is no column {name!r}; the columns are: {there}")
        return self._columns[name]

    def _exactly(
        self,
        query: np.ndarray,
        k: int,
        allowed: np.ndarray,
        matching: int,
        groups: Groups,
    ) -> tuple[np.ndarray, np.ndarray]:
        among = None if matching == len(self) else np.flatnonzero(allowed)
        want = min(self._with_folds(k, groups), matching)
        while True:
            rows, scores = self._exact.search(query, want, among)
            rows, scores = _folded(rows[0], scores[0], groups)
            if len(rows) >= k or want >= matching:
                return rows[:k], scores[:k]
            want = min(4 * want, matching)

    def _approximate(
        self,
        query: np.ndarray,
        k: int,
        allowed: np.ndarray,
        matching: int,
        groups: Groups,
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Ask the forest for more until k matching hits are left.

        None where exact is cheaper, or no row is near and the forest would miss what is nearest.
        """
        want = -(-self._with_folds(k, groups) * len(self) // max(1, matching))
        while want <= max(2 * k, len(self) // 4):
            effort = self._forest.search_k * max(1, want // _TUNED_FOR)
            rows, scores = self._forest.search(query, want, search_k=effort)
            if self.manifest.metric == "angular" and not (scores >= _FAR).any():
                return None
            kept = allowed[rows[0]]
            rows, scores = _folded(rows[0][kept], scores[0][kept], groups)
            if len(rows) >= k:
                return rows[:k], scores[:k]
            want *= 2
        return None

    def _with_folds(self, k: int, groups: Groups) -> int:
        return k if groups is None or (groups is self._groups and not self._has_copies) else 2 * k

    @cached_property
    def _has_copies(self) -> bool:
        return bool((self._groups != np.arange(len(self._groups))).any())


def _folded(rows: np.ndarray, scores: np.ndarray, groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    if groups is None:
        return rows, scores
    first = np.sort(np.unique(groups[rows], return_index=True)[1])
    return rows[first], scores[first]


class _Items(Sequence):
    def __init__(self, index: Index) -> None:
        self._index = index

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, row: int) -> IndexItem:
        return self._index._item(range(len(self))[row])


def _first_rows(groups: np.ndarray) -> np.ndarray:
    """Group numbers of any kind -> for each row, the first row of its group."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return first[inverse]


def _coded(column: pa.ChunkedArray) -> tuple[list, np.ndarray]:
    """Distinct values, and for each row which of them it has."""
    if pa.types.is_null(column.type):
        return [None], np.zeros(len(column), np.int32)
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.unify_dictionaries().combine_chunks()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False)
