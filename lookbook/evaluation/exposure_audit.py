"""Exposure audit of a recommender: which groups of items are shown more or less than their share.

Groups are the values of a column, and how often items were bought before. Each group is compared
with its share of the catalogue and of what people bought next; its quality is the share of what
they bought of it that they were shown. Lists are those of `recommendation.ranked_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lookbook.evaluation.bias_audit import GROUP_COLUMNS
from lookbook.evaluation.metrics import Estimate, bootstrap_mean
from lookbook.evaluation.recommendation_metrics import assert_no_leakage
from lookbook.recommend import Interactions, Items
from lookbook.schema.column_names import KIND_NAMES, find_column

POPULARITY = "popularity"
_MAX_GROUPS = 12  # the largest values are groups of their own, all others are one
_FIFTHS = ("never bought", "least bought", "fewer", "middle", "more", "most bought fifth")


@dataclass(frozen=True)
class GroupExposure:
    """One group of items: shares of the catalogue, of purchases in the test part and of the lists.

    `recall` is None where nobody bought anything of it.
    """

    name: str
    items: int
    share: float
    bought: float
    shown: Estimate
    recall: Estimate | None

    @property
    def exposure(self) -> float:
        """Share of the lists over share of the catalogue: 1 where neither is favoured."""
        return self.shown.value / self.share if self.share else 0.0


@dataclass(frozen=True)
class Leakage:
    """What a test part shares with the train part, as shares of its (user, item) pairs.

    `repeats`: the user took the item before; `other_colours`: not it but its product in another
    colour; `repeated_rows`: rows of the test part that are the same pair again.
    """

    repeats: float
    other_colours: float
    repeated_rows: float


def exposure_by_group(
    ranked: np.ndarray, relevant: Sequence[set[int]], train: Interactions, items: Items
) -> dict[str, list[GroupExposure]]:
    """Return {column: groups, largest first} of lists `ranked` (q, k), -1 for none.

    `relevant` are the rows that each user took. Columns of people, colour, season and use, of the
    kind of garment, and POPULARITY.
    """
    names = [find_column(items.columns, [name]) for name in GROUP_COLUMNS]
    names.append(find_column(items.columns, KIND_NAMES))
    columns = {name: _grouped(*items.columns[name]) for name in dict.fromkeys(names) if name}
    columns[POPULARITY] = _fifths(np.bincount(train.item, minlength=train.item_count))
    return {
        column: _exposures(labels, group_of, ranked, relevant)
        for column, (labels, group_of) in columns.items()
    }


def _exposures(
    labels: Sequence[str], group_of: np.ndarray, ranked: np.ndarray, relevant: Sequence[set[int]]
) -> list[GroupExposure]:
    counts = np.bincount(group_of, minlength=len(labels))
    of_list = np.where(ranked >= 0, group_of[ranked], -1)
    lengths = np.maximum((ranked >= 0).sum(axis=1), 1)
    taken = [group_of[list(rows)] for rows in relevant]
    found = [
        group_of[[row for row in own.tolist() if row in rows]] if rows else np.zeros(0, int)
        for own, rows in zip(ranked, relevant, strict=True)
    ]
    bought = np.bincount(np.concatenate(taken), minlength=len(labels))
    groups = []
    for code in np.flatnonzero(counts).tolist():
        shown = bootstrap_mean((of_list == code).sum(axis=1) / lengths)
        pairs = [
            ((hit == code).sum(), (own == code).sum())
            for hit, own in zip(found, taken, strict=True)
            if (own == code).any()
        ]
        recall = bootstrap_mean(np.array([hit / own for hit, own in pairs])) if pairs else None
        share, part = counts[code] / len(group_of), bought[code] / bought.sum()
        name = labels[code]
        groups.append(
            GroupExposure(name, int(counts[code]), float(share), float(part), shown, recall)
        )
    return groups


def _grouped(values: Sequence[object], codes: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return the names of groups, largest first, and int (n,) the group of each row."""
    counts = np.bincount(codes, minlength=len(values))
    named = [code for code in np.argsort(-counts, kind="stable") if values[code] is not None]
    group = np.full(len(values), min(len(named), _MAX_GROUPS))
    for place, code in enumerate(named[:_MAX_GROUPS]):
        group[code] = place
    names = [str(values[code]) for code in named[:_MAX_GROUPS]]
    return [*names, "other or none"], group[codes]


def _fifths(counts: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Group items by how often they were bought: never, and fifths of those that were."""
    group, bought = np.zeros(len(counts), int), np.flatnonzero(counts)
    order = bought[np.argsort(counts[bought], kind="stable")]
    group[order] = 1 + 5 * np.arange(len(order)) // max(1, len(order))
    return list(_FIFTHS), group


def leakage(train: Interactions, test: Interactions, product_groups: np.ndarray) -> Leakage:
    """Measure what the parts share; `product_groups` int (n,) of items.

    Raises LeakageError where `test` is not later than `train`.
    """
    assert_no_leakage(train, test)
    before = {(train.users[u], int(i)) for u, i in zip(train.user, train.item, strict=True)}
    products = {(user, int(product_groups[item])) for user, item in before}
    rows = [(test.users[u], int(i)) for u, i in zip(test.user, test.item, strict=True)]
    pairs = set(rows)
    again = {pair for pair in pairs if pair in before}
    colours = {p for p in pairs - again if (p[0], int(product_groups[p[1]])) in products}
    count = max(1, len(pairs))
    return Leakage(len(again) / count, len(colours) / count, 1 - len(pairs) / max(1, len(rows)))


def table(columns: Mapping[str, Sequence[GroupExposure]]) -> str:
    """Return the audit as a table in Markdown."""
    lines = [
        "| column | group | share of items | of purchases | of what is shown | exposure | recall |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for column, groups in columns.items():
        for g in groups:
            recall = "-" if g.recall is None else str(g.recall)
            shown = f"{g.shown.value:.3f} ({g.shown.low:.3f}-{g.shown.high:.3f})"
            lines.append(
                f"| {column} | {g.name} | {g.share:.3f} | {g.bought:.3f} | {shown} "
                f"| {g.exposure:.2f} | {recall} |"
            )
    return "\n".join(lines)
