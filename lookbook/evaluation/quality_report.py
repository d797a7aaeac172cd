"""Quality report of an index: how well it finds what has the attributes of the query.

Sampled items are queries, one of each group of near-duplicates; the query and its near-duplicates
are left out of the results, so that no item finds itself. A result is relevant for an attribute if
it has the query's value, jointly if it has the query's kind, gender and colour.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lookbook.evaluation.metrics import (
    Estimate,
    bootstrap_difference,
    bootstrap_means,
    ranking_measures,
)
from lookbook.schema.column_names import (
    COLOUR_NAMES,
    PEOPLE_NAMES,
    find_column,
    is_categorical,
)
from lookbook.search.calibration import kind_column
from lookbook.search.index import Hit, Index
from lookbook.search.intents import item_as_query
from lookbook.search.item_calibration import calibration_error, item_calibration
from lookbook.search.query import Query, run

SCHEMA = 1
DEPTH = 100  # ranks that are looked at
JOINTLY = "jointly"
_CATEGORIES = range(2, 201)  # a column of one value tells nothing apart, one of more is a name
_SHOWN = 24  # results on the first page: what calibration and confusion are measured on
_BINS = 10
_MAX_CONFUSED = 20  # kinds of a confusion matrix
_EXAMPLES, _EXAMPLE_RESULTS = 5, 6  # best and worst queries, and results shown of each

Values = dict[str, dict[str, list[float | None]]]  # {attribute: {measure: one for each query}}


@dataclass(frozen=True)
class Ranking:
    """Rows int (q, DEPTH) of the results of each query, -1 where there are no more; seconds."""

    rows: np.ndarray
    seconds: np.ndarray


def quality_report(index: Index, *, sample: int = 500, seed: int = 0) -> dict[str, Any]:
    """Measure an index: plain values, as they are written beside the page.

    `values` holds one number for each query of `queries`, None where the query has no such value,
    so that two reports can be compared query by query. Raises ValueError for an index without
    attributes or with fewer than 11 different pictures.
    """
    representatives = np.flatnonzero(index.duplicate_groups == np.arange(len(index)))
    columns = _measured_columns(index)
    if len(representatives) < 11:
        raise ValueError(f"a report needs 11 different pictures, found {len(representatives)}")
    draw = np.random.default_rng(seed)
    count = min(sample, len(representatives))
    queries = np.sort(draw.choice(representatives, count, replace=False))
    served, hits = _served(index, queries)
    values = _values(index, columns, queries, served.rows, representatives)
    joint = columns[JOINTLY]
    return {
        "schema": SCHEMA,
        "generation": index.manifest.generation,
        "items": len(index),
        "near_duplicates_removed": len(index) - len(representatives),
        "seed": seed,
        "depth": DEPTH,
        "joint_columns": joint,
        "queries": [index.ids[row] for row in queries],
        "values": values,
        "attributes": estimates(values),
        "engines": _engines(index, queries, columns, representatives, served),
        "calibration": _calibration(index, queries),
        "confusion": _confusion(index, queries, served.rows),
        "examples": _examples(index, queries, hits, values),
    }


def estimates(values: Values) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the mean of each measure with its interval: {attribute: {measure: {"value", ...}}}."""
    table = {}
    for attribute, measures in values.items():
        known = {m: np.array([v for v in row if v is not None]) for m, row in measures.items()}
        if len(next(iter(known.values()))):
            table[attribute] = {m: asdict(e) for m, e in bootstrap_means(known).items()}
    return table


def _measured_columns(index: Index) -> dict[str, list[str]]:
    """Return what is measured: {name: columns whose values must all agree}."""
    single = [
        c for c in index.columns if is_categorical(index.categorical_codes(c)[0], _CATEGORIES)
    ]
    if not single:
        raise ValueError(
            "this index has no attribute to measure by: class folders, or columns of metadata with "
            "2 to 200 different texts, become attributes"
        )
    found = (kind_column(single), find_column(single, PEOPLE_NAMES))
    joint = [c for c in (*found, find_column(single, COLOUR_NAMES)) if c is not None]
    return {c: [c] for c in single} | {JOINTLY: list(dict.fromkeys(joint)) or single}


def _served(index: Index, queries: np.ndarray) -> tuple[Ranking, list[list[Hit]]]:
    """Ask as the site does for items like one: adapted query, colour kept, copies folded."""
    hits, seconds = [], []
    for row in queries.tolist():
        answer = run(Query(item=index.ids[row], count=DEPTH, fold="copies"), index)
        hits.append(answer.hits)
        seconds.append(answer.seconds)
    return Ranking(np.stack([_padded(h.row for h in own) for own in hits]), np.array(seconds)), hits


def _padded(rows: Any) -> np.ndarray:
    found = np.fromiter(rows, np.int64)[:DEPTH]
    return np.append(found, np.full(DEPTH - len(found), -1))


def _by_vectors(index: Index, queries: np.ndarray) -> Ranking:
    """Rank by vectors alone with the engine of `index`."""
    groups, rows, seconds = index.duplicate_groups, [], []
    for row in queries.tolist():
        query, own = item_as_query(index, index.ids[row], "item"), groups == groups[row]
        started = time.perf_counter()
        found, _ = index.rank_rows(query, DEPTH, None, np.flatnonzero(own), groups, "item")
        seconds.append(time.perf_counter() - started)
        rows.append(_padded(found.tolist()))
    return Ranking(np.stack(rows), np.array(seconds))


def _joint_codes(index: Index, columns: Sequence[str]) -> np.ndarray:
    """int (n,): equal where all of the columns are; -1 where one of them is missing."""
    parts, known = [], np.ones(len(index), bool)
    for column in columns:
        values, codes = index.categorical_codes(column)
        known &= np.array([value is not None for value in values])[codes]
        parts.append(codes)
    codes = np.unique(np.column_stack(parts), axis=0, return_inverse=True)[1].ravel()
    return np.where(known, codes, -1)


def _values(
    index: Index,
    columns: Mapping[str, Sequence[str]],
    queries: np.ndarray,
    rows: np.ndarray,
    representatives: np.ndarray,
) -> Values:
    table: Values = {}
    for name, members in columns.items():
        codes = _joint_codes(index, members)
        own = codes[queries]
        sizes = np.bincount(codes[representatives] + 1, minlength=codes.max() + 2)
        totals = sizes[own + 1] - 1  # the query itself is not to be found
        measured = (own >= 0) & (totals > 0)
        relevant = (codes[rows] == own[:, None]) & (rows >= 0)
        found = ranking_measures(relevant, np.maximum(totals, 1))
        table[name] = {
            measure: [round(float(v), 5) if m else None for v, m in zip(row, measured, strict=True)]
            for measure, row in found.items()
        }
    return table


def _engines(
    index: Index,
    queries: np.ndarray,
    columns: Mapping[str, Sequence[str]],
    representatives: np.ndarray,
    served: Ranking,
) -> list[dict[str, Any]]:
    """Compare exact search, the engine that was built, and what the site serves."""
    exact = _by_vectors(Index(index.generation, "exact"), queries)
    rankings = {"exact": exact}
    if index.manifest.built:
        built = Index(index.generation, index.manifest.built)
        rankings[index.manifest.built] = _by_vectors(built, queries)
    joint = {JOINTLY: columns[JOINTLY]}
    table = []
    for name, ranking in (rankings | {"as served": served}).items():
        values = _values(index, joint, queries, ranking.rows, representatives)
        row: dict[str, Any] = {"name": name, "measures": estimates(values).get(JOINTLY, {})}
        row["median_ms"] = round(float(np.median(ranking.seconds)) * 1000, 3)
        if name != "as served":
            same = [
                np.isin(one[one >= 0], other[other >= 0]).mean()
                for one, other in zip(exact.rows[:, :_SHOWN], ranking.rows[:, :_SHOWN], strict=True)
            ]
            row["recall_of_exact"] = asdict(bootstrap_means({"recall": np.array(same)})["recall"])
        table.append(row)
    return table


def _calibration(index: Index, queries: np.ndarray) -> dict[str, Any] | None:
    """Compare the probabilities of the first page with the shares that they predict.

    None where the page shows none: the catalogue has no kinds, or nothing is calibrated well
    enough. `ece` is the expected calibration error, the mean difference of the two over all
    results.
    """
    kind = kind_column(index.columns)
    if kind is None or item_calibration(index) is None:
        return None
    said, true = _said_and_true(index, kind, queries)
    if not len(said):
        return None
    bin_of = np.minimum((said * _BINS).astype(int), _BINS - 1)
    bins = [
        {
            "said": round(float(said[bin_of == b].mean()), 4),
            "true": round(float(true[bin_of == b].mean()), 4),
            "results": int((bin_of == b).sum()),
        }
        for b in np.unique(bin_of)
    ]
    error = calibration_error(said, true)
    brier = float(((said - true) ** 2).mean())
    return {"kind": kind, "bins": bins, "ece": round(error, 4), "brier": round(brier, 4)}


def _said_and_true(index: Index, kind: str, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return float (m,) the probability of each shown result, and whether it is of the kind.

    Of what the page shows: one card for a product in several colours.
    """
    codes = _joint_codes(index, [kind])
    said, true = [], []
    for row in queries[codes[queries] >= 0].tolist():
        for hit in run(Query(item=index.ids[row], count=_SHOWN), index).hits:
            if hit.same_kind is not None:
                said.append(hit.same_kind)
                true.append(codes[hit.row] == codes[row])
    return np.array(said, float), np.array(true, float)


def _confusion(index: Index, queries: np.ndarray, rows: np.ndarray) -> list[dict[str, Any]]:
    """Of kind, gender and colour: the shares of values among the first results, by the query's.

    The largest values have a row and a column each, all others share one.
    """
    found = []
    for column in _measured_columns(index)[JOINTLY]:
        values, codes = index.categorical_codes(column)
        largest = [v for v in index.values(column) if v is not None][:_MAX_CONFUSED]
        code_of = {value: n for n, value in enumerate(largest)}
        group = np.array([code_of.get(value, len(largest)) for value in values])[codes]
        names = [str(value) for value in largest]
        if (group == len(largest)).any():
            names.append("other or none")
        table = np.zeros((len(names), len(names)))
        shown = rows[:, :10]
        for own, results in zip(group[queries], shown, strict=True):
            table[own] += np.bincount(group[results[results >= 0]], minlength=len(names))
        shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        queries_of = np.bincount(group[queries], minlength=len(names)).tolist()
        shares_of = shares.round(4).tolist()
        found.append({"column": column, "names": names, "queries": queries_of, "shares": shares_of})
    return found


def _examples(
    index: Index, queries: np.ndarray, hits: Sequence[Sequence[Hit]], values: Values
) -> dict[str, list[dict[str, Any]]]:
    """Return the queries of the best and of the worst joint nDCG, each with its first results."""
    scores = next(row for name, row in values[JOINTLY].items() if name.startswith("nDCG"))
    measured = [n for n, score in enumerate(scores) if score is not None]
    order = sorted(measured, key=lambda n: -(scores[n] or 0.0))
    ends = {"best": order[:_EXAMPLES], "worst": order[::-1][:_EXAMPLES]}
    joint = _joint_codes(index, _measured_columns(index)[JOINTLY])

    def example(n: int) -> dict[str, Any]:
        row, shown = int(queries[n]), hits[n][:_EXAMPLE_RESULTS]
        return {
            "id": index.ids[row],
            "nDCG": scores[n],
            "results": [
                {"id": hit.id, "relevant": bool(joint[hit.row] == joint[row])} for hit in shown
            ],
        }

    return {end: [example(n) for n in numbers] for end, numbers in ends.items()}


def compare(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Compare two reports on the queries that both have: {attribute: {measure: row}} and counts.

    A row has the two means, and `difference` (the second minus the first) with the ends of its
    95 % interval by paired bootstrap. Raises ValueError without a common query.
    """
    places = {id: n for n, id in enumerate(other["queries"])}
    pairs = [(n, places[id]) for n, id in enumerate(one["queries"]) if id in places]
    table: dict[str, dict[str, Any]] = {}
    for attribute in (a for a in one["values"] if a in other["values"]):
        first, second = one["values"][attribute], other["values"][attribute]
        for measure in (m for m in first if m in second):
            both = [(first[measure][a], second[measure][b]) for a, b in pairs]
            known = np.array([row for row in both if None not in row], float).reshape(-1, 2)
            if len(known):
                before, after = known.T
                value, low, high = bootstrap_difference(after, before, paired=True)
                table.setdefault(attribute, {})[measure] = {
                    "a": float(before.mean()),
                    "b": float(after.mean()),
                    "difference": asdict(Estimate(value, low, high, len(known))),
                }
    if not table:
        raise ValueError("the two reports have no query in common: are they of one catalogue?")
    return {"queries": len(pairs), "attributes": table}


def read_report(path: Path, *, sample: int = 500, seed: int = 0) -> dict[str, Any]:
    """Return the report of a JSON file, of the JSON beside a page, or measure an index.

    Raises ValueError for a file that is no report, and as `Index.open` does.
    """
    if path.is_dir():
        return quality_report(Index.open(path), sample=sample, seed=seed)
    file = path.with_suffix(".json")
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: expected the JSON of a quality report: {error}") from None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA or "values" not in report:
        raise ValueError(f"{file}: expected a quality report of schema {SCHEMA}")
    return report
