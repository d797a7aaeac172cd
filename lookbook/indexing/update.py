"""What a run can take from the published generation, and what it has to compute anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lookbook.index import Projection
from lookbook.index.near_duplicates import near_duplicate_pairs
from lookbook.indexing.reuse import (
    EFFORT,
    FIGURES,
    MAP,
    PROJECTION,
    Changes,
    Origin,
    Previous,
)
from lookbook.search import item_calibration
from lookbook.search.index import Index

MAX_CHANGED = 0.05  # share of items that may change before what follows from all is computed anew
_OF_THE_ENGINE = ("engine", "trees", "recall", "metric", "dim")
_OF_THE_FIGURES = ("metric", "dim", "near_duplicates", "seed")


class Update:
    """The items of a run against the published generation.

    `items` is the table that will be stored, `photos` the content hashes of each row's photos.
    `previous` is the generation to compare with, `source` the one to take embeddings from; None
    where there is none. `options` are what the run was asked for, `report` what it says of the
    catalogue.

    What is computed from the whole catalogue is kept from `source` while few items have changed
    since it was computed, counted over all updates in between: the projection, the effort of the
    engine, the places on the map, the calibration and the evaluation. `origins` says where each
    that is kept comes from.
    """

    def __init__(
        self,
        items: pa.Table,
        photos: Sequence[list[str]],
        previous: Previous | None,
        source: Previous | None,
        options: Mapping[str, Any],
        report: Mapping[str, Any],
    ) -> None:
        self.photos, self.previous, self._source = photos, previous, source
        self.changes: Changes | None = previous.changes(items, photos) if previous else None
        self.options: dict[str, Any] = json.loads(json.dumps(options))
        self.origins: dict[str, Origin] = source.origins() if source else {}
        self.published_generation: Path | None = None  # the one that stays: nothing has changed
        if source and self._is_as_before(source, items, report):
            self.published_generation = source.generation.path
        elif source:
            self._forget_what_changed(source, items)

    def _is_as_before(self, source: Previous, items: pa.Table, report: Mapping[str, Any]) -> bool:
        said = json.loads(json.dumps(report))
        return (
            self.changes is not None
            and not self.changes.count
            and source.is_of(items["id"].to_pylist(), self.photos)
            and source.options == self.options
            and source.report == source.report | said
            and source.says_effort
            and item_calibration.is_stored(Index(source.generation, "exact"))
        )

    def _forget_what_changed(self, source: Previous, items: pa.Table) -> None:
        """Count this update's changes for each origin; drop those with too many of them."""
        pictures, measured = source.drift(items, self.photos)
        for name, origin in list(self.origins.items()):
            changed = measured if name in FIGURES else pictures
            total = None if changed is None else origin.changed + changed
            if total is None or total >= MAX_CHANGED * len(self.photos):
                del self.origins[name]
            else:
                self.origins[name] = replace(origin, changed=total)
        if not self._keeps_vectors(source):
            self.origins = {}
        if not self._same_options(_OF_THE_ENGINE):
            self.origins.pop(EFFORT, None)
        if not self._same_options(_OF_THE_FIGURES):
            self.origins = {n: o for n, o in self.origins.items() if n not in FIGURES}
        if not self.options["draw_map"]:
            self.origins.pop(MAP, None)

    def _keeps_vectors(self, source: Previous) -> bool:
        """Whether the vectors of kept pictures stay what they were: no other projection."""
        dim = self.options["dim"]
        if not dim:
            return source.projection is None
        return PROJECTION in self.origins and source.manifest.dim == dim

    def _same_options(self, names: Sequence[str]) -> bool:
        before = self._source.options if self._source else None
        return isinstance(before, dict) and all(
            before.get(name) == self.options[name] for name in names
        )

    def _kept_from(self, name: str) -> Previous | None:
        return self._source if name in self.origins else None

    @property
    def first_photos(self) -> list[str]:
        """The content hash of each item's first photo."""
        return [hashes[0] for hashes in self.photos]

    def duplicate_pairs(self, vectors: np.ndarray, descriptors: np.ndarray) -> np.ndarray:
        """Return pairs of near-duplicates, int64 (p, 2); only those of new pictures are sought.

        `vectors` and `descriptors` are those of the first photo of each item.
        """
        first = self.first_photos
        kept = self._source.duplicate_pairs(first) if self._source else None
        known = self._source.rows(first) >= 0 if self._source else np.zeros(0, bool)
        if kept is None or (~known).sum() > MAX_CHANGED * len(known):
            return near_duplicate_pairs(vectors, descriptors, first)
        new = near_duplicate_pairs(vectors, descriptors, first, known=known)
        return np.unique(np.concatenate([kept, new]), axis=0)

    def projection(self) -> Projection | None:
        """Return the projection to keep; None to fit one, or to use none."""
        source = self._kept_from(PROJECTION)
        return source.projection if source else None

    def first_efforts(self) -> dict[str, dict[str, int]]:
        """Return the efforts to try first by engine and kind of query, none where options differ.

        Those of the engine that was asked for and of the one that is built beside it.
        """
        source = self._kept_from(EFFORT)
        if source is None:
            return {}
        m = source.manifest
        measured = {self.options["engine"]: m.query_kinds}
        if m.beside:
            measured[m.beside["engine"]] = m.beside["query_kinds"]
        return {
            engine: {kind: one["effort"] for kind, one in kinds.items()}
            for engine, kinds in measured.items()
        }

    def queries(self) -> dict[str, np.ndarray]:
        """Return the photo and text queries that the kept efforts were tuned on, none otherwise."""
        source = self._kept_from(EFFORT)
        return source.queries() if source else {}

    def places_on_map(self) -> np.ndarray | None:
        """Return the places of kept pictures, float32 (n, 2), NaN for new ones; None to draw it."""
        source = self._kept_from(MAP)
        return source.places_on_map(self.first_photos) if source else None

    def figures(self) -> dict[str, dict[str, Any]]:
        """Return the calibration and the evaluation that are kept, by the names of their files."""
        return {n: self._source.figures[n] for n in FIGURES if self._source and n in self.origins}

    def to_json(self) -> dict[str, Any]:
        """Return what report.json says of the update, and `Previous` reads."""
        before = self.previous.manifest.generation if self.previous else None
        counts = asdict(self.changes) if self.changes else {}
        return {"before": before} | counts | {"options": self.options}
