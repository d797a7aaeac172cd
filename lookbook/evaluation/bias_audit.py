"""Bias audit of an index: which groups get worse results, and which are shown less.

Sampled items are the queries. The quality of a group is its P@10 (share of the ten results that
have the category of the query). Its exposure is its share of all results over its share of the
catalogue: 1 where the ranking favours neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lookbook.evaluation.metrics import Estimate, bootstrap_difference, bootstrap_mean
from lookbook.schema.column_names import find_column, is_categorical, normalize_column_name
from lookbook.search.calibration import kind_column
from lookbook.search.index import Index
from lookbook.search.mitigation import value_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUP_COLUMNS = (
    "gender", "sex", "agegroup", "kids", "indexgroupname", "basecolour", "basecolor", "colour",
    "color", "colourgroupname", "perceivedcolourmastername", "season", "usage", "occasion",
)  # fmt: skip
_GROUP_COUNTS = range(2, 13)  # values of any other column that make its values groups
_MIN_QUERIES = 20  # a group with fewer takes no part in a gap
_K = 10


@dataclass(frozen=True)
class Group:
    """One value of an attribute, and its `share` of the catalogue.

    `precision` is None where no query is of this group, or the catalogue has no categories.
    """

    name: str
    items: int
    share: float
    precision: Estimate | None
    exposure: Estimate


@dataclass(frozen=True)
class Gap:
    """The largest difference between two groups and its 95 % bootstrap interval.

    The two were picked because they differ most, so the interval is somewhat too narrow.
    """

    most: str
    least: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Attribute:
    """The groups of one column, largest first, and the gaps between them."""

    column: str
    groups: list[Group]
    precision_gap: Gap | None
    exposure_gap: Gap | None


@dataclass(frozen=True)
class Audit:
    """The audit of all attributes.

    A result is relevant if it has the query's value of `category_column`; None where the catalogue
    has no such column.
    """

    category_column: str | None
    queries: int
    attributes: list[Attribute]

    def to_json(self) -> dict[str, Any]:
        """Plain values, under the keys of evaluation.json."""
        values = asdict(self)
        return {"kind": values.pop("category_column"), **values}

    def __str__(self) -> str:
        lines = [f"{self.queries} queries; the catalogue has no category column"]
        if self.category_column is not None:
            category = self.category_column
            lines = [f"{self.queries} queries; a result with the query's {category} is relevant"]
        for attribute in self.attributes:
            lines += ["", f"{attribute.column:24} share   P@10                      exposure"]
            lines += [_line(group) for group in attribute.groups]
            gaps = (("P@10", attribute.precision_gap), ("exposure", attribute.exposure_gap))
            lines += [
                f"  largest gap in {name}: {gap.most} over {gap.least} by {gap.value:.3f} "
                f"({gap.low:.3f}-{gap.high:.3f})"
                for name, gap in gaps
                if gap
            ]
        return "\n".join(lines)


def _line(group: Group) -> str:
    precision = f"{group.precision:.2f}" if group.precision else "-"
    return f"  {group.name[:21]:22} {group.share:5.1%}   {precision:25} {group.exposure:.2f}"


def audit(index: Index, *, sample: int = 1000, seed: int = 0) -> Audit:
    """Audit an index with `sample` items, drawn with `seed`, as queries of 10 results each.

    The query and its near-duplicates are left out, and of a group of near-duplicates one result is
    shown. Raises ValueError for an index without a column of groups, or with fewer than 11
    different pictures.
    """
    columns = group_columns(index)
    if not columns:
        raise ValueError(
            "this index has no attribute to group by: columns such as gender, colour or season, or "
            f"any of {_GROUP_COUNTS[0]} to {_GROUP_COUNTS[-1]} different texts"
        )
    draw = np.random.default_rng(seed)
    queries = np.sort(draw.choice(len(index), min(sample, len(index)), replace=False))
    ranked = [[hit.row for hit in index.similar(index.ids[row], k=_K)] for row in queries]
    if min(map(len, ranked)) < _K:
        raise ValueError(f"an audit needs 11 different pictures, found {len(index)} items")
    results, category_column = np.array(ranked), kind_column(index.columns)
    precision = None
    if category_column is not None:
        precision = _precision(index, category_column, queries, results)
    attributes = [_attribute(index, column, queries, results, precision) for column in columns]
    return Audit(category_column, len(queries), attributes)


def _precision(index: Index, column: str, queries: np.ndarray, results: np.ndarray) -> np.ndarray:
    """float (q,): share of each query's results that have its category; 0 where it has none."""
    values, codes = index.categorical_codes(column)
    has_value = np.array([value is not None for value in values])[codes]
    same = (codes[results] == codes[queries][:, None]) & has_value[queries][:, None]
    return same.mean(axis=1)


def group_columns(index: Index) -> list[str]:
    """Columns whose values are groups: by their name, or because they have 2 to 12 texts."""
    category_column = kind_column(index.columns)
    by_name = {find_column(index.columns, [name]) for name in GROUP_COLUMNS}
    return [
        column
        for column in index.columns
        if column != category_column and _has_groups(index, column, column in by_name)
    ]


def _has_groups(index: Index, column: str, by_name: bool) -> bool:
    values, _ = index.categorical_codes(column)  # several values of one item are no group
    counts = range(2, len(values) + 1) if by_name else _GROUP_COUNTS
    return is_categorical(values, counts)


def _attribute(
    index: Index,
    column: str,
    queries: np.ndarray,
    results: np.ndarray,
    precision: np.ndarray | None,
) -> Attribute:
    names, group_of = value_groups(index, column)
    # one of a group of near-duplicates is shown, so that the share counts one of them
    representatives = index.duplicate_groups == np.arange(len(index))
    groups: list[Group] = []
    precisions: dict[str, np.ndarray] = {}  # by group, one value for each query of the group
    exposures: dict[str, np.ndarray] = {}  # by group, one value for each query
    for code, name in enumerate(names):
        share = float((group_of[representatives] == code).mean())
        if not share:
            continue
        exposure = (group_of[results] == code).mean(axis=1) / share
        own = None if precision is None else precision[group_of[queries] == code]
        estimate = bootstrap_mean(own) if own is not None and len(own) else None
        items = int((group_of == code).sum())
        groups.append(Group(name, items, items / len(index), estimate, bootstrap_mean(exposure)))
        if (group_of[queries] == code).sum() >= _MIN_QUERIES:
            exposures[name] = exposure
            if own is not None:
                precisions[name] = own
    return Attribute(column, groups, _gap(precisions, paired=False), _gap(exposures, paired=True))


def _gap(values: dict[str, np.ndarray], *, paired: bool) -> Gap | None:
    """The gap between the groups of the highest and the lowest mean; None if they are one."""
    if len(values) < 2:
        return None
    most = max(values, key=lambda name: values[name].mean())
    least = min(values, key=lambda name: values[name].mean())
    if most == least:
        return None
    return Gap(most, least, *bootstrap_difference(values[most], values[least], paired=paired))


def plot(result: Audit, folder: str | Path) -> list[Path]:
    """Write one PNG for each attribute, audit-COLUMN.png: P@10 and exposure of each group."""
    from matplotlib.figure import Figure

    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    for attribute in result.attributes:
        figure = Figure(figsize=(9, 1.2 + 0.3 * len(attribute.groups)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        precisions = [(g.name, g.precision) for g in attribute.groups if g.precision]
        _plot_estimates(left, precisions, f"P@10 by {attribute.column}")
        _plot_estimates(right, [(g.name, g.exposure) for g in attribute.groups], "exposure")
        right.axvline(1, color="0.7", linewidth=1, zorder=0)
        left.invert_yaxis()
        paths.append(Path(folder) / f"audit-{normalize_column_name(attribute.column)}.png")
        figure.savefig(paths[-1], dpi=120)
    return paths


def _plot_estimates(axes: Axes, rows: Iterable[tuple[str, Estimate]], title: str) -> None:
    for name, estimate in rows:
        axes.plot([estimate.low, estimate.high], [name, name], color="#8a8178", linewidth=2)
        axes.plot([estimate.value], [name], "o", color="#2b2b2b", markersize=5)
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
