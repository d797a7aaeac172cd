"""Extra files of a generation, computed once all else of it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from lookbook.evaluation.index_report import index_report
from lookbook.index import Generation
from lookbook.index.mapped import release_pages
from lookbook.indexing.projection_2d import place_new, project_2d
from lookbook.indexing.reuse import CALIBRATION, EVALUATION, MAP
from lookbook.search import calibration, item_calibration
from lookbook.search.index import Index


def enrich(
    generation: Generation,
    *,
    draw_map: bool = True,
    places: np.ndarray | None = None,
    kept: Mapping[str, dict] | None = None,
    seed: int = 0,
) -> dict[str, dict | np.ndarray]:
    """Return files by name: the calibration of scores, evaluation and bias audit, the 2-D map.

    calibration.json is left out where there are too few items to fit it, map.npy unless `draw_map`.
    `places` (n, 2) are those of the previous map, NaN for new items, which are placed among them;
    None: all are projected. `kept` files are returned as they are, but for what calibration.json
    says of results for items: that is fitted anew where it says nothing, or these are in another
    order since.
    """
    files: dict[str, dict | np.ndarray] = dict(kept or {})
    index = Index(generation, "exact")
    if curve := (kept or {}).get(CALIBRATION) or _calibration(index, seed):
        files[CALIBRATION] = curve | _of_items(index, curve, seed)
    if EVALUATION not in files:
        files[EVALUATION] = index_report(index, seed=seed)
    del index  # with its copy of the vectors: the map takes much memory of its own
    release_pages(generation.vectors)
    if draw_map:
        vectors = generation.vectors
        files[MAP] = project_2d(vectors, seed) if places is None else place_new(vectors, places)
    return files


def _of_items(index: Index, curve: dict, seed: int) -> dict[str, dict | None]:
    """Return what calibration.json says of results for items, beside its `curve`."""
    items = item_calibration.kept_or_fitted(index, curve, seed=seed) if curve.get("kind") else None
    return {item_calibration.KEY: asdict(items) if items else None}


def _calibration(index: Index, seed: int) -> dict | None:
    """Return the curve as it is stored, None where there are too few items to fit it."""
    manifest, kind = index.manifest, calibration.kind_column(index.columns)
    fitted = calibration.fit(
        index.generation.vectors,
        manifest.metric,
        kinds=index.column(kind) if kind else None,
        kind=kind,
        duplicate_groups=index.duplicate_groups,
        seed=seed,
        engine=index.first_photos,
    )
    return fitted.to_json() if fitted else None
