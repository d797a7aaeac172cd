"""What mitigation changes and what it costs: the same queries without and with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lookbook.encoding.encoder import Encoder
from lookbook.evaluation.metrics import Estimate, bootstrap_difference
from lookbook.outfits.completion import complete
from lookbook.schema.column_names import PEOPLE_NAMES, find_column
from lookbook.search.calibration import kind_column
from lookbook.search.index import Index
from lookbook.search.mitigation import Mitigation, check_quota, mitigated, value_groups
from lookbook.search.query import Query, run

_K = 10
_OFF = Mitigation()
_MIN_ITEMS = 5  # of a gender and kind that words ask for together


@dataclass(frozen=True)
class Cost:
    """One measure without and with mitigation, and the difference with its 95 % interval.

    The same queries are measured twice, so the interval is that of a paired bootstrap.
    """

    measure: str
    before: float
    after: float
    difference: Estimate

    def __str__(self) -> str:
        d = self.difference
        change = f"{d.value:+.3f} ({d.low:+.3f} to {d.high:+.3f}, n={d.n})"
        return f"{self.measure:46} {self.before:.3f} {self.after:.3f}  {change}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def mitigation_cost(
    index: Index, chosen: Mitigation, encoder: Encoder | None, *, sample: int = 1000, seed: int = 0
) -> list[Cost]:
    """Measure quota and genderless mode on `sample` items, each asked for what is like it.

    With a quota: how far the shares of ten results are from those of the catalogue, by query and
    in all, and P@10 of the kind. Genderless: words such as "women dresses" (these need `encoder`,
    left out without one) and outfits. Raises FilterError for a quota on no column of the index.
    """
    check_quota(index, chosen)
    draw = np.random.default_rng(seed)
    rows = np.sort(draw.choice(len(index), min(sample, len(index)), replace=False))
    costs = []
    if chosen.quota is not None:
        costs += _of_quota(index, chosen, rows)
    gender = find_column(index.columns, PEOPLE_NAMES)
    if chosen.genderless and gender is not None:
        costs += _of_words(index, chosen, gender, encoder) if encoder is not None else []
        costs += _of_outfits(index, chosen, gender, rows)
    return costs


def _cost(measure: str, before: Sequence[float], after: Sequence[float]) -> list[Cost]:
    known = np.array([(a, b) for a, b in zip(before, after, strict=True) if a == a and b == b])
    if not len(known):
        return []
    one, other = known.T
    difference = Estimate(*bootstrap_difference(other, one, paired=True), len(known))
    return [Cost(measure, float(one.mean()), float(other.mean()), difference)]


def _results(index: Index, queries: Iterable[Query], encoder: Encoder | None) -> list[np.ndarray]:
    return [
        np.array([hit.row for hit in run(query, index, encoder).hits], np.int64)
        for query in queries
    ]


def _before_and_after(
    index: Index, queries: Sequence[Query], chosen: Mitigation, encoder: Encoder | None = None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    with mitigated(_OFF):
        before = _results(index, queries, encoder)
    with mitigated(chosen):
        return before, _results(index, queries, encoder)


def _of_quota(index: Index, chosen: Mitigation, rows: np.ndarray) -> list[Cost]:
    column = str(chosen.quota)
    names, group_of = value_groups(index, column)
    queries = [Query(item=index.ids[row], count=_K, fold="copies") for row in rows]
    both = _before_and_after(index, queries, chosen)
    representatives = index.duplicate_groups == np.arange(len(index))
    shares = np.bincount(group_of[representatives], minlength=len(names)) / representatives.sum()
    found = [
        np.stack([np.bincount(group_of[r], minlength=len(names)) / max(1, len(r)) for r in part])
        for part in both
    ]
    distances = [np.abs(part - shares).sum(axis=1) / 2 for part in found]
    costs = _cost(f"distance of {column} from the catalogue", *map(list, distances))
    for n, name in enumerate(names):
        exposure = [list(part[:, n] / shares[n]) for part in found if shares[n]]
        costs += _cost(f"exposure of {name[:30]}", *exposure) if exposure else []
    kind = kind_column(index.columns)
    return costs + (_share_cost(index, kind, rows, both) if kind else [])


def _share_cost(
    index: Index, column: str, wanted: Sequence[int] | np.ndarray, both: Sequence[list[np.ndarray]]
) -> list[Cost]:
    """P@10 of `column`: the shares of results with the value of the rows `wanted` (q,)."""
    codes = index.categorical_codes(column)[1]
    parts = [
        [float((codes[r] == codes[row]).sum()) / _K for row, r in zip(wanted, part, strict=True)]
        for part in both
    ]
    return _cost(f"P@10 of {column}", *parts)


def _of_words(index: Index, chosen: Mitigation, gender: str, encoder: Encoder) -> list[Cost]:
    """Ask for each gender and kind in words; a row that has both stands for the wanted values."""
    kind = kind_column(index.columns)
    if kind is None:
        return []
    pairs: dict[tuple[object, object], list[int]] = {}
    for row, pair in enumerate(zip(index.column(gender), index.column(kind), strict=True)):
        if None not in pair:
            pairs.setdefault(pair, []).append(row)
    asked = {pair: rows[0] for pair, rows in pairs.items() if len(rows) >= _MIN_ITEMS}
    queries = [Query(words=f"{g} {k}", count=_K, fold="copies") for g, k in asked]
    both = _before_and_after(index, queries, chosen, encoder)
    costs = [_share_cost(index, column, [*asked.values()], both) for column in (kind, gender)]
    named = [(f"words for {gender} and {kind}: ", cost) for part in costs for cost in part]
    return [Cost(name + c.measure, c.before, c.after, c.difference) for name, c in named]


def _of_outfits(index: Index, chosen: Mitigation, gender: str, rows: np.ndarray) -> list[Cost]:
    """Measure the share of an outfit's pieces that are of the gender of the item, and its score."""

    def measured(row: int) -> tuple[float, float]:
        outfits = complete(index, index.ids[row])
        own = index.items[row].attributes[gender]
        same = [item.attributes[gender] == own for outfit in outfits for item in outfit.items]
        scores = [outfit.score for outfit in outfits]
        return (float(np.mean(same)), float(np.mean(scores))) if same else (np.nan, np.nan)

    parts = []
    for one in (_OFF, chosen):
        with mitigated(one):
            parts.append([measured(row) for row in rows[:200].tolist()])
    (same, scores), (same_after, scores_after) = (zip(*part, strict=True) for part in parts)
    costs = _cost(f"outfits: pieces of the item's {gender}", same, same_after)
    return costs + _cost("outfits: score", scores, scores_after)
