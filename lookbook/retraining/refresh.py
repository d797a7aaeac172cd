"""Train models from all events, compare them with the published ones, publish where not worse."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lookbook.evaluation.metrics import Estimate
from lookbook.evaluation.recommendation import ground_truth_by_cohort, ranked_rows
from lookbook.evaluation.recommendation_metrics import accuracy_metrics
from lookbook.events import EventStore
from lookbook.index.publishing import delete_generations, prune, publish, published
from lookbook.recommend.base import ModelCorrupt
from lookbook.recommend.data import Interactions
from lookbook.recommend.feed import models_root
from lookbook.recommend.history import interactions_of
from lookbook.recommend.hybrid.model import Hybrid
from lookbook.recommend.items import Items
from lookbook.recommend.model_store import (
    Models,
    knows_forgotten,
    open_published,
    read_manifest,
)
from lookbook.search.index import Index

_TEST_SHARE = 0.2  # of the events, the newest, that a new model is measured on
_MIN_USERS = 5  # a comparison on fewer says nothing
_ATTEMPTS = 3  # to train while nobody is forgotten
MEASURE = "ndcg@12"


@dataclass(frozen=True)
class Report:
    """What a refresh did: `live` says whether the new models answer now, `reason` why.

    `new` and `running`: nDCG@12 on the newest events, which neither was trained on; None where
    there was nothing to measure.
    """

    live: bool
    reason: str
    events: int
    new: Estimate | None = None
    running: Estimate | None = None
    generation: str | None = None

    def __str__(self) -> str:
        parts = [self.reason, f"{self.events} events"]
        parts += [f"new {self.new}"] if self.new else []
        parts += [f"running {self.running}"] if self.running else []
        return "; ".join(parts)


def refresh(
    index: Index,
    store: EventStore,
    root: str | Path | None = None,
    *,
    interactions: Interactions | None = None,
) -> Report:
    """Train on all events (or on `interactions`) and publish under `root`, where not worse.

    A new model, trained without the newest events, is measured on them beside the running one. New
    models go live if its nDCG@12 is at least as high, unmeasured where fewer than five users could
    be measured, or if a visitor who was forgotten is still in the running ones. Models that know a
    forgotten visitor are deleted. Raises OSError, StoreUnavailable.
    """
    items = Items.of_index(index)
    root = models_root(index) if root is None else Path(root)
    for _ in range(_ATTEMPTS):
        if report := _refresh_once(items, store, root, interactions):
            return report
    return Report(False, "visitors were forgotten while the models were trained", store.count())


def _refresh_once(
    items: Items, store: EventStore, root: Path, interactions: Interactions | None
) -> Report | None:
    """Train and publish; None where the new models know a visitor who was forgotten meanwhile."""
    as_of, forgotten = datetime.now(UTC), store.last_forgotten()  # before events are read
    reread = interactions is None
    if interactions is None:
        interactions = interactions_of(store.by_visitor(), items)
    count = len(interactions)
    if not count:
        delete_generations_with_forgotten(root, store)
        return Report(False, "there are no events to learn from yet", 0)
    before = _open_running(root, items)
    new, old = compare(interactions, items, before)
    stale = generations_with_forgotten(root, store)
    if before and before.generation not in stale and new and old and new.value < old.value:
        return Report(False, "the new models are worse: kept the running ones", count, new, old)
    models = Models.fit(interactions, items)
    if reread and store.last_forgotten() != forgotten:
        return None
    details = {
        "as_of": as_of.isoformat(),
        "forgotten": forgotten,
        "events": count,
        "trained_until": float(interactions.day.max()),
        "evaluation": {"measure": MEASURE, "new": _plain(new), "running": _plain(old)},
    }
    folder = models.write(root, details)
    publish(root, folder)
    # whoever was forgotten since is left to the next refresh: models that are live stay
    delete_generations_with_forgotten(root, store, keep=folder.name)
    prune(root)
    return Report(True, _why_live(before, new, old, stale), count, new, old, folder.name)


def _why_live(
    before: Models | None, new: Estimate | None, old: Estimate | None, stale: list[str]
) -> str:
    few = f"fewer than {_MIN_USERS} people took something new in the newest events"
    if before is None:
        return "the first models are live" + ("" if new else f", unmeasured: {few}")
    if before.generation in stale:
        return "the new models are live: the running ones knew somebody who was forgotten"
    if new is None or old is None:
        return f"the new models are live, unmeasured: {few}"
    return "the new models are live: not worse than the running ones"


def _plain(estimate: Estimate | None) -> dict | None:
    return None if estimate is None else asdict(estimate)


def _open_running(root: Path, items: Items) -> Models | None:
    try:
        return open_published(root, items)
    except (ModelCorrupt, FileNotFoundError):
        return None


def compare(
    interactions: Interactions, items: Items, before: Models | None
) -> tuple[Estimate | None, Estimate | None]:
    """Return nDCG@12 of a new model and of the running one on the newest events, unseen by both."""
    split = _split_day(interactions, before)
    train, test = interactions.before(split), interactions.where(interactions.day >= split)
    relevant = ground_truth_by_cohort(train, test)["new"] if len(test) and len(train) else {}
    if len(relevant) < _MIN_USERS:
        return None, None
    new = _measure(Hybrid().fit(train, items), relevant, train, test)
    return new, _measure(before.hybrid, relevant, train, test) if before else None


def _measure(
    model: Hybrid, relevant: dict[str, set[int]], train: Interactions, test: Interactions
) -> Estimate:
    """nDCG@12 of a model on `relevant`: {user: rows of the items to find}."""
    model.interactions = train
    rows = ranked_rows(model, relevant, "new")
    answers = list(relevant.values())
    return accuracy_metrics(rows, list(relevant), answers, train, test)[MEASURE]


def _split_day(interactions: Interactions, before: Models | None) -> float:
    """Where the newest events begin: after all that the running models were trained on."""
    newest = float(np.quantile(interactions.day, 1 - _TEST_SHARE))
    if before is None:
        return newest
    return max(newest, float(np.nextafter(before.manifest.get("trained_until", 0.0), np.inf)))


def generations_with_forgotten(root: Path, store: EventStore) -> list[str]:
    """Return the generations that may know a visitor who was forgotten."""
    last = store.last_forgotten()
    return [name for name in published(root) if _knows_forgotten(root / name, last)]


def _knows_forgotten(folder: Path, last: float) -> bool:
    try:
        return knows_forgotten(read_manifest(folder), last)
    except (ModelCorrupt, OSError):
        return bool(last)  # it is not known whom these models know


def delete_generations_with_forgotten(root: Path, store: EventStore, keep: str = "") -> None:
    """Delete the generations that may know a visitor who was forgotten, but for `keep`."""
    if names := [name for name in generations_with_forgotten(root, store) if name != keep]:
        delete_generations(root, names)
