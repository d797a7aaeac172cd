"""Train anew from all events, compare with the running models, publish where not worse."""

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
from lookbook.recommend.model_store import Models, read_manifest, running
from lookbook.search.index import Index

_NEWEST = 0.2  # share of the events, the newest, that a new model is measured on
_ENOUGH = 5  # people to ask; a comparison on fewer says nothing
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

    The new model, trained without the newest events, is measured on them beside the running one;
    it goes live if its nDCG@12 is at least as high, unmeasured where fewer than five people could
    be asked, or if a visitor who was forgotten is still in the running one. Models that know
    somebody who was forgotten are withdrawn. Raises OSError, StoreUnavailable.
    """
    items = Items.of_index(index)
    root = models_root(index) if root is None else Path(root)
    as_of = datetime.now(UTC).isoformat()  # who is forgotten from here on may still be among them
    known = interactions_of(store.all(), items) if interactions is None else interactions
    if not len(known):
        outdated(root, store)
        return Report(False, "there are no events to learn from yet", 0)
    before = _running(root, items)
    new, old = compared(known, items, before)
    stale = set(outdated(root, store, only_name=True))
    if before and before.generation not in stale and new and old and new.value < old.value:
        return Report(
            False, "the new models are worse: kept the running ones", len(known), new, old
        )
    about = {
        "as_of": as_of,
        "events": len(known),
        "trained_until": float(known.day.max()),
        "evaluation": {"measure": MEASURE, "new": _plain(new), "running": _plain(old)},
    }
    folder = Models.fitted(known, items).write(root, about)
    publish(root, folder)
    outdated(root, store)
    prune(root)
    return Report(True, _why(before, new, old, stale), len(known), new, old, folder.name)


def _why(before: Models | None, new: Estimate | None, old: Estimate | None, stale: set[str]) -> str:
    few = f"fewer than {_ENOUGH} people took something new in the newest events"
    if before is None:
        return "the first models are live" + ("" if new else f", unmeasured: {few}")
    if before.generation in stale:
        return "the new models are live: the running ones knew somebody who was forgotten"
    if new is None or old is None:
        return f"the new models are live, unmeasured: {few}"
    return "the new models are live: not worse than the running ones"


def _plain(figure: Estimate | None) -> dict | None:
    return None if figure is None else asdict(figure)


def _running(root: Path, items: Items) -> Models | None:
    try:
        return running(root, items)
    except (ModelCorrupt, FileNotFoundError):
        return None


def compared(
    known: Interactions, items: Items, before: Models | None
) -> tuple[Estimate | None, Estimate | None]:
    """nDCG@12 of a new model and of the running one on the newest events, unseen by both."""
    split = _split(known, before)
    fitted, asked = known.before(split), known.where(known.day >= split)
    wanted = ground_truth_by_cohort(fitted, asked)["new"] if len(asked) and len(fitted) else {}
    if len(wanted) < _ENOUGH:
        return None, None
    figures = []
    for model in (Hybrid().fit(fitted, items), before.hybrid if before else None):
        if model is None:
            figures.append(None)
            continue
        model.interactions = fitted
        rows = ranked_rows(model, wanted, "new")
        right = list(wanted.values())
        figures.append(accuracy_metrics(rows, list(wanted), right, fitted, asked)[MEASURE])
    return figures[0], figures[1]


def _split(known: Interactions, before: Models | None) -> float:
    """The newest part by time begins here: after all that the running models were trained on."""
    newest = float(np.quantile(known.day, 1 - _NEWEST))
    if before is None:
        return newest
    return max(newest, float(np.nextafter(before.about.get("trained_until", 0.0), np.inf)))


def outdated(root: Path, store: EventStore, *, only_name: bool = False) -> list[str]:
    """Generations trained before a visitor was last forgotten; withdrawn unless `only_name`."""
    last = store.last_forgotten()
    if last is None:
        return []
    names = []
    for name in published(root):
        try:
            as_of = datetime.fromisoformat(read_manifest(root / name)["as_of"])
        except (ModelCorrupt, OSError, ValueError, KeyError):
            as_of = None  # nobody can say whom it knows
        if as_of is None or as_of <= last:
            names.append(name)
    if names and not only_name:
        delete_generations(root, names)
    return names
