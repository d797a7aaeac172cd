"""What a run can take from the published generation, and what it has to compute anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lookbook.index import Projection
from lookbook.index.near_duplicates import near_duplicate_pairs
from lookbook.indexing.reuse import Changes, Previous

MAX_TURNOVER = 0.05  # share of pictures that may come and go before everything is computed anew
_OF_THE_ENGINE = ("engine", "trees", "recall", "metric", "dim")


class Update:
    """The items of a run against the published generation.

    `items` is the table that will be stored, `hashes` the content hash of each row's picture.
    `previous` is the generation to compare with, `source` the one to take embeddings from; None
    where there is none. While few pictures have come and gone since all was computed from all of
    them, the effort of the engine, the projection, the places on the map and the near-duplicates
    among kept pictures are those of `source`. `options` are what the run was asked for, `report`
    what it says of the catalogue.
    """

    def __init__(
        self,
        items: pa.Table,
        hashes: Sequence[str],
        previous: Previous | None,
        source: Previous | None,
        options: Mapping[str, Any],
        report: Mapping[str, Any],
    ) -> None:
        self.hashes, self.previous = hashes, previous
        self.changes: Changes | None = previous.changes(items, hashes) if previous else None
        self.options: dict[str, Any] = json.loads(json.dumps(options))
        turnover = source.turnover_with(hashes) if source else 0
        few = source is not None and turnover <= MAX_TURNOVER * len(hashes)
        self._turnover, self._source = (turnover, source) if few else (0, None)
        self.published_generation: Path | None = None  # the one that stays: nothing has changed
        if source and source.is_of(items["id"].to_pylist(), hashes) and self.changes:
            said = json.loads(json.dumps(report))
            same = source.options == self.options and source.report == source.report | said
            if same and self.changes.none:
                self.published_generation = source.generation.path

    def duplicate_pairs(self, vectors: np.ndarray, descriptors: np.ndarray) -> np.ndarray:
        """Return pairs of near-duplicates, int64 (p, 2); only those of new pictures are sought."""
        kept = self._source.duplicate_pairs(self.hashes) if self._source else None
        if self._source is None or kept is None:
            return near_duplicate_pairs(vectors, descriptors, self.hashes)
        known = self._source.rows(self.hashes) >= 0
        new = near_duplicate_pairs(vectors, descriptors, self.hashes, known=known)
        return np.unique(np.concatenate([kept, new]), axis=0)

    def projection(self, dim: int | None) -> Projection | None:
        """Return the projection to `dim` to keep; None to fit one, or to use none."""
        if self._source is None or self._source.manifest.dim != dim:
            return None
        return self._source.projection

    def first_effort(self) -> int | None:
        """Return the engine's effort to try first, None for an engine of other options."""
        before = self._source.options if self._source else None
        if self._source is None or not isinstance(before, dict):
            return None
        same = all(before.get(name) == self.options[name] for name in _OF_THE_ENGINE)
        return self._source.manifest.search_k if same else None

    def places_on_map(self) -> np.ndarray | None:
        """Return the places of kept pictures, float32 (n, 2), NaN for new ones; None to draw it."""
        return self._source.places_on_map(self.hashes) if self._source else None

    def to_json(self) -> dict[str, Any]:
        """Return what report.json says of the update, and `Previous` reads."""
        before = self.previous.manifest.generation if self.previous else None
        counts = asdict(self.changes) if self.changes else {}
        return {"before": before} | counts | {"turnover": self._turnover, "options": self.options}
