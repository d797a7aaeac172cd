"""Recommenders measured on real interactions: split by time, full ranking over all items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from lookbook.evaluation.metrics import Estimate
from lookbook.evaluation.recommendation_metrics import (
    MEASURES,
    K,
    accuracy_figures,
    diversity_figures,
    guard,
)
from lookbook.recommend import MODELS, Interactions, Items, Recommender

Wanted = dict[str, set[int]]
Table = dict[str, dict[str, Estimate]]
_BLOCK = 128  # people ranked at once: (128, n) scores are in memory
_NONE = Estimate(0.0, 0.0, 0.0, 0)


def questions(fitted: Interactions, asked: Interactions) -> dict[str, Wanted]:
    """Who is asked for what: {group: {person: rows of the right answers}}.

    `new`: people of both parts, what they had not taken before; `repeat`: all that they take;
    `cold_items`: what nobody had taken before; `cold_users`: people whom the fit part lacks.
    """
    before = {name for name, n in zip(fitted.users, _counts(fitted), strict=True) if n}
    had = {(fitted.users[u], i) for u, i in zip(fitted.user, fitted.item, strict=True)}
    cold = np.bincount(fitted.item, minlength=fitted.item_count) == 0
    groups: dict[str, Wanted] = {g: {} for g in ("new", "repeat", "cold_items", "cold_users")}
    for number, row in zip(asked.user, asked.item, strict=True):
        person = asked.users[number]
        if person not in before:
            groups["cold_users"].setdefault(person, set()).add(int(row))
            continue
        groups["repeat"].setdefault(person, set()).add(int(row))
        if (person, row) not in had:
            groups["new"].setdefault(person, set()).add(int(row))
        if cold[row]:
            groups["cold_items"].setdefault(person, set()).add(int(row))
    return groups


def _counts(interactions: Interactions) -> np.ndarray:
    return np.bincount(interactions.user, minlength=len(interactions.users))


def ranked_rows(model: Recommender, people: Iterable[str], group: str) -> np.ndarray:
    """int64 (q, K): rows of the items that the model shows each person, -1 where it has no more.

    All items of the catalogue are ranked in every group; except in `repeat`, what a person had is
    left out.
    """
    people = list(people)
    if group == "cold_users":  # they are all alike: nothing is known of them
        return np.tile(_rows(model.recommend(None, K).items), (len(people), 1))
    found = []
    for start in range(0, len(people), _BLOCK):
        block = people[start : start + _BLOCK]
        answers = model.recommend_many(block, K, repeats=group == "repeat")
        found += [_rows(answer.items) for answer in answers]
    return np.array(found, np.int64).reshape(-1, K)


def _rows(items: Iterable) -> list[int]:
    rows = [one.row for one in items]
    return rows + [-1] * (K - len(rows))


def measure(model: Recommender, asked: Interactions, groups: Mapping[str, Wanted]) -> Table:
    """{group: {measure: Figure}} of a fitted model; raises Leakage."""
    guard(model.interactions, asked)
    table: Table = {}
    for group, wanted in groups.items():
        if not wanted:
            table[group] = dict.fromkeys(MEASURES, _NONE)
            continue
        ranked = ranked_rows(model, wanted, group)
        right = list(wanted.values())
        table[group] = accuracy_figures(ranked, list(wanted), right, model.interactions, asked)
        table[group] |= diversity_figures(ranked, model.interactions, model.items.vectors)
    return table


def evaluate_interactions(
    interactions: Interactions,
    items: Items,
    split_day: float,
    models: Mapping[str, Recommender] | None = None,
) -> dict[str, Table]:
    """{model: {group: {measure: Figure}}}, fitted before `split_day`, asked for what came after.

    Raises ValueError where one of the two parts is empty.
    """
    fitted = interactions.before(split_day)
    asked = interactions.where(interactions.day >= split_day)
    if not len(fitted) or not len(asked):
        raise ValueError(
            f"{len(fitted)} interactions before the split day and {len(asked)} from it on: both "
            "parts need some"
        )
    from threadpoolctl import threadpool_limits

    groups = questions(fitted, asked)
    results = {}
    with threadpool_limits(1, "blas"):  # each person is a small product: threads only wait
        for name, model in (models or {n: kind() for n, kind in MODELS.items()}).items():
            if name == "visual" and items.vectors is None:
                continue
            results[name] = measure(model.fit(fitted, items), asked, groups)
    return results
