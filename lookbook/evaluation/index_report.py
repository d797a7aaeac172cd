"""How good an index is by its own attributes: the share of neighbours with the same value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from lookbook.evaluation.bias_audit import audit
from lookbook.evaluation.metrics import Estimate, bootstrap_mean, precision_at
from lookbook.schema.column_names import is_categorical
from lookbook.search.index import Index

_CATEGORIES = range(2, 201)  # a column of one value tells nothing apart, one of more is a name
_K = 10


def evaluate_index(
    index: Index, columns: Sequence[str] = (), *, sample: int = 500, seed: int = 0
) -> dict[str, dict[str, Estimate]]:
    """Measure P@10 of attributes: {column: {"P@10": Estimate}}.

    `sample` items are drawn as queries; a result is relevant if it has the query's value. The query
    and its near-duplicates are left out. `columns`: those to measure; without any, all text columns
    with 2 to 200 values. Raises ValueError for an index of fewer than 11 different pictures or
    without such columns, FilterError for an unknown column.
    """
    columns = list(columns) or [
        c for c in index.columns if is_categorical(index.categorical_codes(c)[0], _CATEGORIES)
    ]
    if not columns:
        raise ValueError(
            "this index has no attribute to measure by: class folders, or columns of metadata with "
            "2 to 200 different texts, become attributes"
        )
    draw = np.random.default_rng(seed)
    rows = draw.choice(len(index), min(sample, len(index)), replace=False)
    ids = [index.ids[row] for row in rows]
    hits_by_query = [index.similar(id, k=_K) for id in ids]
    results = {}
    for column in columns:
        index.values(column)  # raises for a column that is not there
        relevant = np.array([str(index.item(id).attributes[column]) for id in ids])
        ranked = [[str(hit.item.attributes[column]) for hit in hits] for hits in hits_by_query]
        if min(map(len, ranked)) < _K:
            raise ValueError(f"P@10 needs 11 different pictures, found {len(index)} items")
        results[column] = {"P@10": bootstrap_mean(precision_at(_K, np.array(ranked), relevant))}
    return results


def index_report(index: Index, *, sample: int = 500, seed: int = 0) -> dict[str, Any]:
    """Measure an index as its generation stores it in evaluation.json.

    {"sample", "seed", "evaluation": {column: {"P@10": {...}}}, "audit": {...} or None, "notes"};
    `notes` says what could not be measured and why.
    """
    report: dict[str, Any] = {"sample": min(sample, len(index)), "seed": seed, "notes": []}
    try:
        results = evaluate_index(index, sample=sample, seed=seed)
        report["evaluation"] = {
            column: {measure: asdict(estimate) for measure, estimate in row.items()}
            for column, row in results.items()
        }
    except ValueError as error:
        report["evaluation"] = {}
        report["notes"].append(str(error))
    try:
        report["audit"] = audit(index, sample=sample, seed=seed).to_json()
    except ValueError as error:
        report["audit"] = None
        report["notes"].append(str(error))
    return report
