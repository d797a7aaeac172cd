"""How good an index is by its own attributes: do neighbours share them?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookbook.evaluation.metrics import Estimate, figure, precision_at
from lookbook.search.index import Index

_KINDS = range(2, 201)  # a column with fewer values says nothing, with more it is a name


def evaluate_index(
    index: Index, columns: Sequence[str] = (), *, sample: int = 500, seed: int = 0
) -> dict[str, dict[str, Estimate]]:
    """P@10 of each attribute: {column: {"P@10": Figure}}.

    `sample` items are drawn from the seed; each asks for the others, its own near-duplicates left
    out. `columns`: those to measure; without any, all text columns with 2 to 200 values. Raises
    ValueError for an index of fewer than 11 different pictures, FilterError for an unknown column.
    """
    columns = list(columns) or [c for c in index.columns if _tells_a_kind(index, c)]
    if not columns:
        raise ValueError(
            "this index has no attribute to measure by: class folders, or columns of metadata with "
            "2 to 200 different texts, become attributes"
        )
    draw = np.random.default_rng(seed)
    rows = draw.choice(len(index), min(sample, len(index)), replace=False)
    ids = [index.ids[row] for row in rows]
    hits = [index.similar(id, k=10) for id in ids]
    results = {}
    for column in columns:
        index.values(column)  # raises for a column that is not there
        wanted = np.array([str(index.item(id).attributes[column]) for id in ids])
        found = [[str(hit.item.attributes[column]) for hit in ten] for ten in hits]
        if min(map(len, found)) < 10:
            raise ValueError(f"P@10 needs 11 different pictures, found {len(index)} items")
        results[column] = {"P@10": figure(precision_at(10, np.array(found), wanted))}
    return results


def _tells_a_kind(index: Index, column: str) -> bool:
    values = index.values(column)
    return len(values) in _KINDS and all(isinstance(value, str) for value in values)
