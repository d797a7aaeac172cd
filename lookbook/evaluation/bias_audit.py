"""Who is served worse, and who is shown less: a bias audit of an index.

Every sampled item asks for the others. A group is served by its P@10 (are the answers of the kind
that was asked for?) and shown by its exposure: its share of all answers over its share of the
catalogue, 1 where neither favours it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lookbook.evaluation.metrics import RESAMPLES, Estimate, figure
from lookbook.schema.column_names import find_column, normalize_column_name
from lookbook.search.calibration import kind_column
from lookbook.search.index import Index

_NAMED = (
    "gender", "sex", "agegroup", "kids", "indexgroupname", "basecolour", "basecolor", "colour",
    "color", "colourgroupname", "perceivedcolourmastername", "season", "usage", "occasion",
)  # fmt: skip
_FEW, _SHOWN = range(2, 13), 12  # values of a group attribute; those beyond are "other"
_LEAST = 20  # queries behind a group's figure before it counts for a gap
_K = 10


@dataclass(frozen=True)
class Group:
    """One value of an attribute. `precision` is None where nobody of it asked, or kinds lack."""

    name: str
    items: int
    share: float  # of the catalogue
    precision: Estimate | None
    exposure: Estimate


@dataclass(frozen=True)
class Gap:
    """The widest difference between two groups, and the 95 % bootstrap interval around it.

    The two were picked because they differ most, so the interval is somewhat too narrow.
    """

    most: str
    least: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Attribute:
    """The groups of one column, the largest first, and how far they lie apart."""

    column: str
    groups: list[Group]
    precision_gap: Gap | None
    exposure_gap: Gap | None


@dataclass(frozen=True)
class Audit:
    """`kind` says when an answer is right; None where the catalogue names no kinds."""

    kind: str | None
    queries: int
    attributes: list[Attribute]

    def to_json(self) -> dict:
        """Plain values, as JSON has them."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.queries} items asked; an answer is right when its {self.kind} is"]
        if self.kind is None:
            lines = [f"{self.queries} items asked; the catalogue names no kinds"]
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
    served = _short(group.precision) if group.precision else "-"
    return f"  {group.name[:21]:22} {group.share:5.1%}   {served:25} {_short(group.exposure)}"


def _short(f: Estimate) -> str:
    return f"{f.value:.2f} ({f.low:.2f}-{f.high:.2f}) n={f.n}"


def audit(index: Index, *, sample: int = 1000, seed: int = 0) -> Audit:
    """Ask `sample` items, drawn from the seed, for the 10 nearest others; near-duplicates fold.

    Raises ValueError for an index with no group attribute, or without 11 different pictures.
    """
    columns = group_columns(index)
    if not columns:
        raise ValueError(
            "this index has no attribute to group by: columns such as gender, colour or season, or "
            f"any of {_FEW[0]} to {_FEW[-1]} different texts"
        )
    draw = np.random.default_rng(seed)
    asked = np.sort(draw.choice(len(index), min(sample, len(index)), replace=False))
    answers = [[hit.row for hit in index.similar(index.ids[row], k=_K)] for row in asked]
    if min(map(len, answers)) < _K:
        raise ValueError(f"an audit needs 11 different pictures, found {len(index)} items")
    shown, kind = np.array(answers), kind_column(index.columns)
    right = None
    if kind is not None:
        values, codes = index.categorical_codes(kind)
        told = np.array([value is not None for value in values])[codes]
        same = (codes[shown] == codes[asked][:, None]) & told[asked][:, None]
        right = same.mean(axis=1)
    attributes = [_attribute(index, column, asked, shown, right) for column in columns]
    return Audit(kind, len(asked), attributes)


def group_columns(index: Index) -> list[str]:
    """Columns that sort items into few groups, by their name or by their 2 to 12 texts."""
    kind = kind_column(index.columns)
    named = {find_column(index.columns, [name]) for name in _NAMED}
    return [c for c in index.columns if c != kind and _groups_items(index, c, c in named)]


def _groups_items(index: Index, column: str, named: bool) -> bool:
    values = index.values(column)
    texts = all(isinstance(value, str) for value in values)
    return texts and (len(values) in _FEW or (named and len(values) > 1))


def _attribute(
    index: Index, column: str, asked: np.ndarray, shown: np.ndarray, right: np.ndarray | None
) -> Attribute:
    values, codes = index.categorical_codes(column)
    names = list(index.values(column))[:_SHOWN]
    numbers = {name: n for n, name in enumerate(names)}
    places = np.array([numbers.get(value, len(names)) for value in values])[codes]
    if (places == len(names)).any():
        names.append("other or none")
    one_each = index.duplicate_groups == np.arange(len(index))  # what folds is shown once at most
    groups, served, seen = [], {}, {}
    for n, name in enumerate(names):
        share = float((places[one_each] == n).mean())
        if not share:
            continue
        exposure = (places[shown] == n).mean(axis=1) / share
        own = None if right is None else right[places[asked] == n]
        precision = figure(own) if own is not None and len(own) else None
        items = int((places == n).sum())
        groups.append(Group(str(name), items, items / len(index), precision, figure(exposure)))
        if (places[asked] == n).sum() >= _LEAST:
            seen[str(name)] = exposure
            served |= {} if own is None else {str(name): own}
    return Attribute(column, groups, _gap(served, False), _gap(seen, True))


def _gap(values: dict[str, np.ndarray], paired: bool) -> Gap | None:
    """`paired`: the arrays are about the same queries, so that they are drawn together."""
    if len(values) < 2:
        return None
    most = max(values, key=lambda name: values[name].mean())
    least = min(values, key=lambda name: values[name].mean())
    if most == least:
        return None
    draw = np.random.default_rng(0)
    a, b = values[most], values[least]
    first = draw.integers(0, len(a), (RESAMPLES, len(a)))
    second = first if paired else draw.integers(0, len(b), (RESAMPLES, len(b)))
    low, high = np.quantile(a[first].mean(axis=1) - b[second].mean(axis=1), [0.025, 0.975])
    return Gap(most, least, float(a.mean() - b.mean()), float(low), float(high))


def summary(index: Index, *, sample: int = 500, seed: int = 0) -> dict:
    """Figures and audit as the build stores them; `notes` say what could not be measured and why.

    {"sample", "seed", "evaluation": {column: {"P@10": {...}}}, "audit": {...} or None, "notes"}.
    """
    from lookbook.evaluation import evaluate_index

    found: dict = {"sample": min(sample, len(index)), "seed": seed, "notes": []}
    try:
        measured = evaluate_index(index, sample=sample, seed=seed)
        found["evaluation"] = {
            column: {name: asdict(f) for name, f in row.items()} for column, row in measured.items()
        }
    except ValueError as error:
        found["evaluation"] = {}
        found["notes"].append(str(error))
    try:
        found["audit"] = audit(index, sample=sample, seed=seed).to_json()
    except ValueError as error:
        found["audit"] = None
        found["notes"].append(str(error))
    return found


def plot(audited: Audit, folder: str | Path) -> list[Path]:
    """One PNG an attribute, audit-COLUMN.png: each group's P@10 and exposure with intervals."""
    from matplotlib.figure import Figure as Sheet

    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    for attribute in audited.attributes:
        sheet = Sheet(figsize=(9, 1.2 + 0.3 * len(attribute.groups)), layout="constrained")
        left, right = sheet.subplots(1, 2, sharey=True)
        served = [(g.name, g.precision) for g in attribute.groups if g.precision]
        _dots(left, served, f"P@10 by {attribute.column}")
        _dots(right, [(g.name, g.exposure) for g in attribute.groups], "exposure")
        right.axvline(1, color="0.7", linewidth=1, zorder=0)
        left.invert_yaxis()
        paths.append(Path(folder) / f"audit-{normalize_column_name(attribute.column)}.png")
        sheet.savefig(paths[-1], dpi=120)
    return paths


def _dots(axes: object, rows: Iterable[tuple[str, Estimate]], title: str) -> None:
    for name, f in rows:
        axes.plot([f.low, f.high], [name, name], color="#8a8178", linewidth=2)
        axes.plot(f.value, name, "o", color="#2b2b2b", markersize=5)
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
