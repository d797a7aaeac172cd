"""Time and memory of fitting the recommenders, by number of events, on synthetic events.

python -m benchmarks.recommend_scale --events 1000000 10000000

Every model is fitted in a process of its own; memory is the most that this process held, the events
and the interpreter included. "read" is the way from events stored in SQLite to arrays; another
process stores them in a temporary folder, 0.4 GB a million. Appends to recommend_scale.csv.

There is a user for 20 events, whose number of events is log-normal (sigma 1). Items are in 500
groups, inside which their popularity falls as 1 / rank. Four of five interactions of a user are
with three groups of their own, one is with any. Times are uniform over 90 days. 70 % are views of
weight 0.2, the others likes and purchases of weight 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.rows import append
from lookbook.events import Event, EventStore
from lookbook.recommend import MODELS, Items
from lookbook.recommend.data import Interactions, Labels
from lookbook.recommend.history import EVENT_WEIGHTS, interactions_of
from lookbook.schema.batches import batches

T = TypeVar("T")
RESULTS = Path(__file__).with_name("recommend_scale.csv")
COLUMNS = (
    *("date", "machine", "cores", "lookbook", "events", "users", "items", "model"),
    *("seconds", "cpu_s", "memory_mb", "load"),
)
READ = "read"
_GROUPS, _OWN_GROUPS, _OWN_SHARE = 500, 3, 0.8
_EVENTS_PER_USER, _DAYS, _DIM = 20, 90, 64
_TYPES, _SHARES = ("view", "like", "buy"), (0.7, 0.2, 0.1)


def synthetic(events: int, items: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return user, item, day and event type of each event, as the module says they are drawn."""
    rng = np.random.default_rng(seed)
    users = max(1, events // _EVENTS_PER_USER)
    activity = rng.lognormal(sigma=1.0, size=users)
    user = rng.choice(users, events, p=activity / activity.sum())
    own = rng.integers(_GROUPS, size=(users, _OWN_GROUPS))
    group = own[user, rng.integers(_OWN_GROUPS, size=events)]
    anywhere = rng.random(events) > _OWN_SHARE
    group[anywhere] = rng.integers(_GROUPS, size=int(anywhere.sum()))
    size = items // _GROUPS
    popularity = 1 / np.arange(1, size + 1)
    rank = rng.choice(size, events, p=popularity / popularity.sum())
    day = rng.uniform(0, _DAYS, events)
    return user, group * size + rank, day, rng.choice(len(_TYPES), events, p=_SHARES)


def catalogue(count: int) -> Items:
    """Return items with vectors and a kind: those of one group lie near each other."""
    rng = np.random.default_rng(1)
    group = np.arange(count) // (count // _GROUPS)
    vectors = rng.normal(size=(_GROUPS, _DIM))[group] + rng.normal(size=(count, _DIM))
    kinds = [f"kind {g % 25}" for g in group]
    ids = [str(n) for n in range(count)]
    return Items.of_columns(ids, {"kind": kinds}, vectors=vectors.astype(np.float32))


def interactions(events: int, items: int) -> Interactions:
    """Return the synthetic events as arrays."""
    user, item, day, kind = synthetic(events, items)
    weights = np.array([EVENT_WEIGHTS[name] for name in _TYPES], np.float32)
    names = [f"{n:07}" for n in range(int(user.max()) + 1)]
    return Interactions(
        *(names, items, user.astype(np.int32), item.astype(np.int32), day, weights[kind]),
        event_type=Labels(_TYPES, kind.astype(np.int32)),
    )


def as_recorded(events: int, items: int) -> Iterator[Event]:
    """Yield the synthetic events one by one, in the order of their times."""
    user, item, day, kind = synthetic(events, items)
    tokens = [secrets.token_urlsafe(16) for _ in range(int(user.max()) + 1)]
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for row in np.argsort(day):
        when = begin + timedelta(days=float(day[row]))
        yield Event(tokens[user[row]], _TYPES[kind[row]], str(item[row]), time=when, id=str(row))


def store_events(url: str, events: int, items: int) -> None:
    """Write the synthetic events into a database."""
    store = EventStore(url)
    for batch in batches(as_recorded(events, items), 10_000):
        store.record(batch)
    store.close()


def measure(model: str, events: int, count: int, url: str) -> dict[str, object]:
    """Fit one model, or read the events of `url`, in this process; return the cells of its row."""
    items = catalogue(count)
    if model == READ:
        store = EventStore(url)
        begun, cpu = time.perf_counter(), time.process_time()
        users = len(interactions_of(store.by_visitor(), items).users)
    else:
        known = interactions(events, count)
        users = len(known.users)
        begun, cpu = time.perf_counter(), time.process_time()
        MODELS[model]().fit(known, items)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        **{"events": events, "users": users, "items": count, "model": model},
        **{"seconds": round(seconds, 1), "cpu_s": round(cpu, 1), "memory_mb": round(memory)},
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--models", nargs="+", default=[READ, *MODELS], choices=[READ, *MODELS])
    args = parser.parse_args()
    fresh = multiprocessing.get_context("spawn")

    def apart(function: Callable[..., T], *given: object) -> T:
        with fresh.Pool(1) as process:
            return process.apply(function, given)

    for events in args.events:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/events.sqlite"
            if READ in args.models:
                apart(store_events, url, events, args.items)
            for model in args.models:
                row = apart(measure, model, events, args.items, url)
                append(RESULTS, COLUMNS, row)
                print(row, flush=True)


if __name__ == "__main__":
    main()
