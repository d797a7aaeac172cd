"""Evaluation of recommenders on interactions: split by time, ranking of all items.

The users are measured in four cohorts, see `ground_truth_by_cohort`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from lookbook.evaluation.metrics import Estimate
from lookbook.evaluation.recommendation_metrics import (
    MEASURES,
    K,
    accuracy_metrics,
    assert_no_leakage,
    diversity_metrics,
)
from lookbook.recommend import MODELS, Interactions, Items, Recommender
from lookbook.recommend.hybrid.model import Hybrid
from lookbook.recommend.interaction_files import day_number, read_interactions
from lookbook.search.mitigation import Mitigation, mitigated

GroundTruth = dict[str, set[int]]  # {user: rows of the relevant items}
Table = dict[str, dict[str, Estimate]]  # {cohort: {measure: estimate}}
_BLOCK = 128  # users ranked at once, whose scores (128, n) are in memory
_NOT_MEASURED = Estimate(0.0, 0.0, 0.0, 0)


def ground_truth_by_cohort(train: Interactions, test: Interactions) -> dict[str, GroundTruth]:
    """Collect the relevant items of each user of `test`: {cohort: {user: rows}}.

    Cohorts: `new`, users of both parts, with items that they had not taken before; `repeat`, the
    same users with all items that they take; `cold_items`, the same users with items that nobody
    had taken before; `cold_users`, users who are not in `train`.
    """
    counts = np.bincount(train.user, minlength=len(train.users))
    train_users = {user for user, count in zip(train.users, counts, strict=True) if count}
    taken = {(train.users[u], i) for u, i in zip(train.user, train.item, strict=True)}
    is_cold = np.bincount(train.item, minlength=train.item_count) == 0
    cohorts: dict[str, GroundTruth] = {
        cohort: {} for cohort in ("new", "repeat", "cold_items", "cold_users")
    }
    for number, row in zip(test.user, test.item, strict=True):
        user = test.users[number]
        if user not in train_users:
            cohorts["cold_users"].setdefault(user, set()).add(int(row))
            continue
        cohorts["repeat"].setdefault(user, set()).add(int(row))
        if (user, row) not in taken:
            cohorts["new"].setdefault(user, set()).add(int(row))
        if is_cold[row]:
            cohorts["cold_items"].setdefault(user, set()).add(int(row))
    return cohorts


def ranked_rows(model: Recommender, users: Iterable[str], cohort: str) -> np.ndarray:
    """int64 (q, K): rows of the items recommended to each user, -1 where there are no more.

    All items of the catalogue are ranked for every cohort; what a user took before is left out,
    except for `repeat`.
    """
    users = list(users)
    if cohort == "cold_users":  # nothing is known of any of them: one answer for all
        return np.tile(_padded(model.recommend(None, K).items), (len(users), 1))
    ranked = []
    for start in range(0, len(users), _BLOCK):
        block = users[start : start + _BLOCK]
        answers = model.recommend_many(block, K, repeats=cohort == "repeat")
        ranked += [_padded(answer.items) for answer in answers]
    return np.array(ranked, np.int64).reshape(-1, K)


def _padded(recommendations: Iterable) -> list[int]:
    rows = [recommendation.row for recommendation in recommendations]
    return rows + [-1] * (K - len(rows))


def evaluate_model(
    model: Recommender, test: Interactions, cohorts: Mapping[str, GroundTruth]
) -> Table:
    """Measure a fitted model: {cohort: {measure: Estimate}}.

    Raises ValueError for a model that was not fitted, LeakageError where `test` is not later than
    what it was fitted on.
    """
    train = model.interactions
    if train is None:
        raise ValueError("expected a model fitted on interactions, found one without any")
    assert_no_leakage(train, test)
    table: Table = {}
    for cohort, relevant in cohorts.items():
        if not relevant:
            table[cohort] = dict.fromkeys(MEASURES, _NOT_MEASURED)
            continue
        ranked = ranked_rows(model, relevant, cohort)
        users, rows = list(relevant), list(relevant.values())
        table[cohort] = accuracy_metrics(ranked, users, rows, train, test)
        table[cohort] |= diversity_metrics(ranked, train, model.items.vectors)
    return table


def evaluate_interactions(
    interactions: Interactions,
    items: Items,
    split_day: float,
    models: Mapping[str, Recommender] | None = None,
    damping: float = 0.0,
) -> dict[str, Table]:
    """Fit each model before `split_day` and test it from then on: {model: Table}.

    `split_day`: days since 1970; `models`: all of `lookbook.recommend.MODELS` without any;
    `damping`: the hybrid is measured with popularity damped, too. Raises
    ValueError where one of the two parts is empty.
    """
    train = interactions.before(split_day)
    test = interactions.where(interactions.day >= split_day)
    if not len(train) or not len(test):
        raise ValueError(
            f"{len(train)} interactions before the split day and {len(test)} from it on: both "
            "parts need some"
        )
    from threadpoolctl import threadpool_limits

    cohorts = ground_truth_by_cohort(train, test)
    results = {}
    with threadpool_limits(1, "blas"):  # one small product a user: threads would only wait
        for name, model in (models or {n: kind() for n, kind in MODELS.items()}).items():
            if name == "visual" and items.vectors is None:
                continue
            results[name] = evaluate_model(model.fit(train, items), test, cohorts)
            if damping and isinstance(model, Hybrid):
                with mitigated(Mitigation(damping=damping)):
                    results[f"{name} damped"] = evaluate_model(model, test, cohorts)
    return results


def evaluate_files(
    interactions: Path,
    items: str | None,
    split_day: str,
    *,
    index: Path | None = None,
    encoder: str | None = None,
    id_column: str | None = None,
    columns: Mapping[str, str | None] | None = None,
    damping: float = 0.0,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Table]:
    """Evaluate all models on a file of interactions: {model: Table}.

    The catalogue is that of a built `index`, or `items` (whatever embed.py takes), whose images are
    encoded with `encoder` first. `split_day`: YYYY-MM-DD; `columns`: as `read_interactions` takes
    them; `tell` gets a sentence on dropped rows. Raises ValueError that says what is wrong with a
    file.
    """
    day = day_number(split_day)
    if index is not None:
        from lookbook.search.index import Index

        catalogue = Items.of_index(Index.open(index))
    else:
        catalogue = encoded_items(str(items), encoder, id_column)
    return evaluate_interactions(
        read_interactions(interactions, catalogue, columns, tell), catalogue, day, damping=damping
    )


def encoded_items(name: str, model: str | None, id_column: str | None = None) -> Items:
    """Encode a catalogue's images for recommenders; an image that cannot be decoded is zero."""
    from lookbook.catalog import Columns, open_catalog
    from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
    from lookbook.evaluation.retrieval import decodable_items

    items = list(open_catalog(name, columns=Columns(id=id_column)))
    encoder = Encoder.load(model or DEFAULT_MODEL)
    vectors = np.zeros((len(items), encoder.dim), np.float32)
    decodable = [(item.id, data) for item, _, data in decodable_items(items)]
    row_of = {item.id: row for row, item in enumerate(items)}
    vectors[[row_of[id] for id, _ in decodable]] = encoder.encode([data for _, data in decodable])
    if encoder.query_adapter is not None:
        vectors = encoder.query_adapter.between_items(vectors)
    attributes = {name: [i.attributes[name] for i in items] for name in items[0].attributes}
    return Items.of_columns(
        [item.id for item in items], attributes, [item.title for item in items], vectors
    )


def to_json(results: Mapping[str, Table]) -> dict[str, Any]:
    """Results as plain data: {model: {cohort: {measure: {"value", "low", "high", "n"}}}}."""
    return {
        model: {
            cohort: {measure: asdict(estimate) for measure, estimate in row.items()}
            for cohort, row in table.items()
        }
        for model, table in results.items()
    }
