"""An opened index: vectors, columns, and the search of both."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock

import numpy as np

from lookbook.index import Generation, Manifest, current_name, project
from lookbook.index.engines import FilteringEngine, serving_choices
from lookbook.index.engines.exact import ExactEngine
from lookbook.index.engines.tuning import KINDS, TUNED_FOR
from lookbook.index.normalization import UnitRows
from lookbook.schema.filters import Condition, Where, parse_where
from lookbook.search.item_table import IndexItem, ItemTable, UnknownItem

__all__ = ["Groups", "Hit", "Index", "IndexItem", "UnknownItem"]

_FEW_ROWS = 20_000  # up to so many matching rows, exact search beats a deep approximate one
Groups = np.ndarray | None  # int (n,): of rows that share a number only the best is shown


@dataclass(frozen=True)
class Hit:
    """One result. `score`: higher is closer (cosine, minus the distance, or inner product).

    `colourways`: the same product in its other colours, where the answer folds products.
    `same_kind`: of the results for one photo or item the probability that it is of the same kind,
    where that is known.
    """

    id: str
    score: float
    item: IndexItem
    row: int
    colourways: tuple[IndexItem, ...] = ()
    same_kind: float | None = None


class Index(ItemTable):
    """A verified, memory-mapped generation that answers queries.

    An item is found by its closest photo; wherever an item is compared as a whole, its vector is
    that of its first photo.
    `serving`: the engine by kind of query ("item", "photo", "text"); `engine` the approximate one
    among them, "exact" where there is none.
    Never changes once opened, so any number of threads may search it at the same time. What a
    catalogue means (products, words, calibration, outfit slots) is derived from it by functions
    that are memoised with `per_index`.
    """

    def __init__(self, generation: Generation, engine: str = "auto") -> None:
        if engine not in (choices := serving_choices()):
            raise ValueError(f"unknown engine {engine!r}: expected one of {', '.join(choices)}")
        self.generation = generation
        self._requested_engine = engine
        manifest = generation.manifest
        self.serving = {k: manifest.serves(k) if engine == "auto" else engine for k in KINDS}
        self.engine = next((e for e in self.serving.values() if e != "exact"), "exact")
        opened = generation.open_engine(self.engine)
        self._server = opened if isinstance(opened, FilteringEngine) else None
        self._approximate_engine = None if self._server or opened.effort is None else opened
        photo_vectors, metric = generation.photo_vectors, generation.manifest.metric
        # beside a server, the few vectors that are compared here are read from disk
        self._engine_vectors = opened.float_vectors
        if self._server:
            self._exact = ExactEngine(photo_vectors, metric, prepared_bytes=0)
        else:
            self._exact = ExactEngine(photo_vectors, metric, mapped=self._engine_vectors)
        super().__init__(generation.items)
        self.derived: dict[str, object] = {}
        self.derived_lock = RLock()

    @classmethod
    def open(cls, path: str | Path = "index", engine: str = "auto", verify: str = "full") -> Index:
        """Open the current generation of `path`, or the generation that `path` is.

        `engine`: its name, or "auto": for each kind of query the faster one, exact search or the
        engine that was built, as measured when the index was built. Raises IndexMissing
        where there is no index, IndexCorrupt where it is damaged, EngineUnavailable where the index
        was built without that engine or its package is not installed.
        """
        return cls(Generation.open(path, verify), engine)

    def reload_if_stale(self, verify: str = "full") -> Index:
        """Return this index if it is still the published one, else the new one, opened.

        The old one stays valid for whoever holds it.
        """
        root = self.generation.root
        if root is None or current_name(root) == self.manifest.generation:
            return self
        return Index.open(root, self._requested_engine, verify)

    @property
    def manifest(self) -> Manifest:
        """How this generation was made."""
        return self.generation.manifest

    def describe_engines(self) -> str:
        """Say which engine serves each kind of query, at which effort and measured recall."""
        kinds: dict[str, list[str]] = {}
        for kind, engine in self.serving.items():
            kinds.setdefault(self._describe_engine(kind, engine), []).append(f"{kind}s")
        said = [f"{', '.join(names)}: {text}" for text, names in kinds.items()]
        beside = self.manifest.beside
        why = [beside["why"]] if beside and self.engine == beside["engine"] else []
        return "; ".join([*said, *why])

    def _describe_engine(self, kind: str, engine: str) -> str:
        m = self.manifest
        untuned = m.built is not None and not m.query_kinds and kind != "item"
        if engine == "exact":
            why = (
                f" ({m.built} is not tuned for them: run `python -m lookbook tune`)"
                if untuned
                else ""
            )
            return f"exact search{why}"
        recall = m.recall_of(kind, engine)
        how = "recall not measured" if recall is None else f"recall {recall:.4f}"
        return f"{engine}, effort {m.effort(kind, engine)}, {how}"

    @property
    def dim(self) -> int:
        """Length of the vectors that `search` takes: the encoder's own, before any projection."""
        return self.manifest.raw_dim

    @property
    def columns_taken(self) -> dict[str, str]:
        """The columns of `price` and `group` as the build settled them, where it did."""
        found = self.manifest.source.get("columns")
        return found if isinstance(found, dict) else {}

    def thumb(self, id: str) -> bytes:
        """Return the picture of an item that a gallery shows, WebP or AVIF; raises UnknownItem."""
        return self.generation.thumb(self.row_of(id))

    def photo_rows(self, id: str) -> list[int]:
        """Return the rows of an item's photos in `Generation.photo_vectors`, the first one first.

        They are those of `Generation.thumb` and `Generation.detail`. Raises UnknownItem.
        """
        row = self.row_of(id)
        further = np.flatnonzero(self.generation.photo_items[len(self) :] == row) + len(self)
        return [row, *further.tolist()]

    def closest_photos(self, rows: Sequence[int] | np.ndarray, query: np.ndarray) -> np.ndarray:
        """Return int64 (r,), the row of each item's photo that is closest to a vector as stored.

        `rows` are those of r items; the rows of photos are those of `Generation.photo_vectors`.
        """
        photo_items = self.generation.photo_items
        candidates = np.flatnonzero(np.isin(photo_items, rows))
        photos = self._exact.search(query[None], len(candidates), candidates)[0][0]
        items, best = np.unique(photo_items[photos], return_index=True)
        return np.asarray(photos[best[np.searchsorted(items, rows)]])

    # vectors

    def vector(self, id: str) -> np.ndarray:
        """Return the stored vector of an item, float32 (manifest.dim,); raises UnknownItem."""
        return np.asarray(self.generation.vectors[self.row_of(id)], np.float32)

    @cached_property
    def unit_vectors(self) -> UnitRows:
        """(n, manifest.dim) of L2 norm 1, of one array of float32 for all that compare items."""
        vectors = self.comparable_vectors
        return UnitRows(np.asarray(vectors, np.float32))

    @cached_property
    def comparable_vectors(self) -> np.ndarray:
        """(n, manifest.dim) of any length: what search has in memory, else as they are stored.

        float32 that exact search keeps or that an engine has in its mapped file, if there are such.
        """
        kept = self._exact.unit_vectors
        found = self._engine_vectors if kept is None else kept.array
        return self.generation.vectors if found is None else found[: len(self)]

    @cached_property
    def first_photos(self) -> ExactEngine:
        """Exact search over the vectors of all items, without a copy where there is one already."""
        vectors, metric = self.comparable_vectors, self.manifest.metric
        mapped = vectors if vectors.dtype == np.float32 else None
        return ExactEngine(self.generation.vectors, metric, mapped=mapped)

    def to_index_space(self, vector: np.ndarray) -> np.ndarray:
        """Project an encoder's vector (dim,) as the index stores vectors: (manifest.dim,).

        Raises ValueError for a vector of another shape, not finite, or zero.
        """
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
        return np.asarray(project(vector[None], self.generation.projection)[0])

    # search

    def search(
        self,
        vector: np.ndarray,
        k: int = 24,
        where: Where = None,
        exclude: Iterable[str] = (),
        fold: bool = True,
        kind: str = "photo",
    ) -> list[Hit]:
        """Return the k items closest to `vector` (dim,), best first; fewer where fewer match.

        `where` filters on attributes (see `filters.parse_where`); `exclude` leaves out
        these ids; `fold` gives one result, the best, for each group of near-duplicates. `kind`:
        what the vector is of, "photo", "item" (of the catalogue) or "text"; an approximate engine
        is given the effort that this kind needs. Raises ValueError for a vector that no search can
        use, FilterError for an unknown column.
        """
        query = self.to_index_space(vector)
        groups = self.duplicate_groups if fold else None
        return self.search_rows(query, k, self._allowed(where), self._rows(exclude), groups, kind)

    def similar(
        self,
        id: str,
        k: int = 24,
        where: Where = None,
        exclude: Iterable[str] = (),
        fold: bool = True,
    ) -> list[Hit]:
        """Return the k items closest to an item, itself and (if `fold`) its duplicates left out.

        Otherwise as `search`; raises UnknownItem as well.
        """
        row, groups = self.row_of(id), self.duplicate_groups if fold else None
        own = [row] if groups is None else np.flatnonzero(groups == groups[row]).tolist()
        excluded = [*self._rows(exclude), *own]
        return self.search_rows(self.vector(id), k, self._allowed(where), excluded, groups, "item")

    def search_rows(
        self,
        query: np.ndarray,
        k: int,
        allowed: np.ndarray | None = None,
        exclude_rows: Sequence[int] | np.ndarray = (),
        groups: Groups = None,
        kind: str = "photo",
    ) -> list[Hit]:
        """Return the k rows whose closest photo is closest to a vector as stored, best first.

        `query` is float32 (manifest.dim,).
        `allowed` bool (n,), the rows that meet the filters, None without filters; `exclude_rows`
        are left out as well. `groups` int (n,): of the rows that share a number only the best is
        given, as in `duplicate_groups` or `product_groups(index)`. `kind` as in `search`.
        """
        rows, scores = self.rank_rows(query, k, allowed, exclude_rows, groups, kind)
        return self.hits(rows, scores)

    def hits(self, rows: np.ndarray, scores: np.ndarray) -> list[Hit]:
        """Return rows (k,) of these scores as hits, each item read from the table."""
        items = self.items
        return [
            Hit(self.ids[row], float(score), items[row], row)
            for row, score in zip(rows.tolist(), scores, strict=True)
        ]

    def rank_rows(
        self,
        query: np.ndarray,
        k: int,
        allowed: np.ndarray | None = None,
        exclude_rows: Sequence[int] | np.ndarray = (),
        groups: Groups = None,
        kind: str = "photo",
        exact: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and scores (k,), best first; otherwise as `search_rows`.

        `exact` leaves the approximate engine out.
        """
        k = operator.index(k)
        if k < 1:
            raise ValueError(f"k must be at least 1, found {k}")
        if kind not in KINDS:
            raise ValueError(f"the kind of a query is one of {', '.join(KINDS)}, found {kind!r}")
        filtered = allowed is not None
        conditions = () if allowed is None else getattr(allowed, "conditions", None)
        allowed = np.ones(len(self), bool) if allowed is None else allowed.copy()
        allowed[np.asarray(exclude_rows, np.int64)] = False
        photo_items = self.generation.photo_items
        if len(photo_items) > len(self):
            allowed = allowed[photo_items]
            groups = photo_items if groups is None else groups[photo_items]
        matching = int(allowed.sum())
        query, approximate = np.asarray(query, np.float32)[None], None
        if self._server and not exact:
            codes = None if conditions is None else self._codes(conditions)
            photos, scores = self._served(query, k, allowed, groups, codes, exclude_rows)
            return photo_items[photos], scores
        exact = exact or self.serving[kind] == "exact" or (filtered and matching <= _FEW_ROWS)
        if not exact:
            approximate = self._approximate(query, k, allowed, matching, groups, kind)
        photos, scores = approximate or self._exactly(query, k, allowed, matching, groups)
        return photo_items[photos], scores

    def _rows(self, ids: Iterable[str]) -> list[int]:
        return [self._row_of[id] for id in ids if id in self._row_of]

    def _allowed(self, where: Where) -> np.ndarray | None:
        conditions = parse_where(where)
        return self.matching(conditions) if conditions else None

    def _codes(self, conditions: Iterable[Condition]) -> list[tuple[str, np.ndarray]] | None:
        """Return conditions as columns with their allowed codes, None where a column is unknown."""
        assert self._server is not None
        codes = []
        for condition in conditions:
            if condition.column not in self._server.columns:
                return None
            values, _ = self.categorical_codes(condition.column)
            codes.append((condition.column, np.flatnonzero(condition.mask(values))))
        return codes

    def _served(
        self,
        query: np.ndarray,
        k: int,
        allowed: np.ndarray,
        groups: Groups,
        codes: list[tuple[str, np.ndarray]] | None,
        exclude_rows: Sequence[int] | np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ask a filtering engine for more until k hits are left; photos and scores (k,).

        By `codes` and what is excluded, where they say it all, else by the photos that are
        `allowed`.
        """
        engine, matching = self._server, int(allowed.sum())
        assert engine is not None
        without = np.flatnonzero(np.isin(self.generation.photo_items, exclude_rows))
        by_codes = codes is not None and len(without) <= _FEW_ROWS
        among = None if by_codes or matching == len(allowed) else np.flatnonzero(allowed)
        depth = min(self._depth(k, groups), matching)
        while matching:
            if by_codes and codes is not None:
                rows, scores = engine.search_where(query, depth, codes, without)
            else:
                rows, scores = engine.search(query, depth, among)
            shown, shown_scores = _folded(rows[0], scores[0], groups)
            if len(shown) >= k or depth >= matching or len(rows[0]) < depth:
                return shown[:k], shown_scores[:k]
            depth = min(4 * depth, matching)
        return np.zeros(0, np.int64), np.zeros(0, np.float32)

    def _exactly(
        self, query: np.ndarray, k: int, allowed: np.ndarray, matching: int, groups: Groups
    ) -> tuple[np.ndarray, np.ndarray]:
        among = None if matching == len(allowed) else np.flatnonzero(allowed)
        depth = min(self._depth(k, groups), matching)
        while True:
            rows, scores = self._exact.search(query, depth, among)
            rows, scores = _folded(rows[0], scores[0], groups)
            if len(rows) >= k or depth >= matching:
                return rows[:k], scores[:k]
            depth = min(4 * depth, matching)

    def _approximate(
        self,
        query: np.ndarray,
        k: int,
        allowed: np.ndarray,
        matching: int,
        groups: Groups,
        kind: str,
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Ask the approximate engine for more until k matching hits are left.

        None where so many rows would have to be asked for that exact search is cheaper.
        """
        engine, least = self._approximate_engine, self.manifest.effort(kind, self.engine)
        assert engine is not None and least is not None
        depth = -(-self._depth(k, groups) * len(allowed) // max(1, matching))
        while depth <= max(2 * k, len(allowed) // 4):
            # what is tuned holds for the first hits; filters and groups take some of them away
            effort = max(depth, least * max(1, depth // max(k, TUNED_FOR)))
            rows, scores = engine.search(query, depth, effort=effort)
            kept = allowed[rows[0]]
            rows, scores = _folded(rows[0][kept], scores[0][kept], groups)
            if len(rows) >= k:
                return rows[:k], scores[:k]
            depth *= 2
        return None

    def _depth(self, k: int, groups: Groups) -> int:
        """How many rows to ask for at first, so that k groups are likely among them."""
        folds = groups is not None and (groups is not self.duplicate_groups or self._has_duplicates)
        photos_each = len(self.generation.photo_items) // len(self)
        return k * photos_each * (2 if folds else 1)

    @cached_property
    def _has_duplicates(self) -> bool:
        return bool((self.duplicate_groups != np.arange(len(self))).any())


def _folded(rows: np.ndarray, scores: np.ndarray, groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    if groups is None:
        return rows, scores
    first = np.sort(np.unique(groups[rows], return_index=True)[1])
    return rows[first], scores[first]
