"""What is learnt of a finished generation and stored in it."""

from __future__ import annotations

import numpy as np

from lookbook.evaluation.index_report import index_report
from lookbook.index import Generation
from lookbook.indexing.projection_2d import project_2d
from lookbook.search import calibration
from lookbook.search.index import Index


def enrich(generation: Generation, *, draw_map: bool = True, seed: int = 0) -> dict:
    """Files for the generation by name: a score's worth, figures and audit, and the map."""
    index = Index(generation, "exact")
    files: dict[str, dict | np.ndarray] = {}
    kind = calibration.kind_column(index.columns)
    worth = calibration.fit(
        generation.vectors,
        generation.manifest.metric,
        kinds=index.column(kind) if kind else None,
        kind=kind,
        duplicate_groups=index.duplicate_groups,
        seed=seed,
    )
    if worth is not None:
        files["calibration.json"] = worth.to_json()
    files["evaluation.json"] = index_report(index, seed=seed)
    if draw_map:
        files["map.npy"] = project_2d(generation.vectors, seed)
    return files
