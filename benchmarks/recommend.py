"""Measure quality and speed of recommendations; append the figures to a CSV.

python -m benchmarks.recommend --interactions PURCHASES --items ARTICLES --split-day DAY
python -m benchmarks.recommend --interactions PURCHASES --items ARTICLES --refresh
python -m benchmarks.recommend --answers
python -m benchmarks.recommend --events
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.rows import append
from house_collection.collection import products as drawn
from house_collection.simulated_events import simulate_events
from lookbook import Index
from lookbook.evaluation.recommendation import Table, encoded_items, evaluate_interactions
from lookbook.events import Event, EventStore, new_visitor
from lookbook.index import EngineOptions, GenerationContent, publish, write_generation
from lookbook.recommend import ALS, MODELS, Hybrid, ItemKNN, Items
from lookbook.recommend.feed import Feed
from lookbook.recommend.interaction_files import day_number, read_interactions
from lookbook.retraining import refresh

RESULTS = Path(__file__).with_name("recommend.csv")
COLUMNS = (
    *("date", "machine", "cores", "python", "lookbook", "data", "variant", "group", "measure"),
    *("value", "low", "high", "n", "unit"),
)
SHOPS, SHOP_ITEMS, SHOP_VISITORS = 50, 1000, 2000  # 50,000 items and 100,000 visitors in all
EVENT_TYPES = {"view": "view", "like": "like", "purchase": "buy"}
VARIANTS: dict[str, Callable] = {
    **MODELS,
    "als, alpha 1": lambda: ALS(alpha=1),
    "als, alpha 40": lambda: ALS(alpha=40),
    "als, 32 factors": lambda: ALS(size=32),
    "item_knn, bm25": lambda: ItemKNN(weighting="bm25"),
    "hybrid, weights nearly free": lambda: Hybrid(strength=3),
    "hybrid, weights not learnt": lambda: Hybrid(strength=1e9),
    "hybrid, no cold-start slots": lambda: Hybrid(cold_start_slots=0),
    "hybrid, 2 cold-start slots": lambda: Hybrid(cold_start_slots=2),
}

Row = tuple  # group, measure, value, low, high, n, unit


def record(data: str, variant: str, rows: list[Row]) -> None:
    """Append rows to the CSV with date and machine, and print them."""
    names = COLUMNS[COLUMNS.index("group") :]
    for row in rows:
        cells = [f"{cell:.4f}" if isinstance(cell, float) else cell for cell in row]
        about = {"data": data, "variant": variant}
        append(RESULTS, COLUMNS, about | dict(zip(names, cells, strict=True)))
        print(variant, *row)


def rows_of(table: Table) -> list[Row]:
    """Return the figures of one model as rows."""
    return [
        (group, measure, e.value, e.low, e.high, e.n, "")
        for group, estimates in table.items()
        for measure, e in estimates.items()
    ]


def quality(args: argparse.Namespace, items: Items) -> None:
    """Measure every variant on one split by time; `--until` leaves later days out, for tuning."""
    known = read_interactions(args.interactions, items)
    if args.until:
        known = known.before(day_number(args.until))
    data = f"{args.data}, split {args.split_day}" + f", until {args.until}" * bool(args.until)
    for name in args.variant or MODELS:
        models = {name: VARIANTS[name]()}
        results = evaluate_interactions(known, items, day_number(args.split_day), models)
        record(data, name, rows_of(results[name]))


def written_index(root: Path, items: Items) -> Index:
    """Write and open an index of `items` without pictures."""
    columns = {n: [values[c] for c in codes] for n, (values, codes) in items.columns.items()}
    content = GenerationContent(
        vectors=items.vectors,
        items={"id": items.ids, "title": items.titles} | columns,
        thumbs=(b"." for _ in items.ids),
        encoder={"id": "benchmark"},
    )
    folder = write_generation(root, content, EngineOptions(trees=4))
    publish(root, folder)
    return Index.open(root)


def refresh_time(args: argparse.Namespace, items: Items) -> None:
    """Time two refreshes on all purchases: the second also measures the running models."""
    known = read_interactions(args.interactions, items)
    with tempfile.TemporaryDirectory() as folder:
        index, store = written_index(Path(folder), items), EventStore.for_index(folder)
        for order in ("first", "second"):
            part = known.before(known.day.max()) if order == "first" else known
            started = time.perf_counter()
            report = refresh(index, store, interactions=part)
            seconds = time.perf_counter() - started
            rows = [("refresh", "seconds", seconds, "", "", len(part), "s")]
            record(args.data, f"{order} refresh: {report.reason}", rows)
        store.close()


def mall() -> tuple[Items, list[Event]]:
    """Return items and events of SHOPS copies of a house shop, each with its own vectors."""
    products = list(drawn(SHOP_ITEMS))
    rows = [p.row() for p in products]
    simulated_events = list(simulate_events(products, SHOP_VISITORS, visits=1.0))
    row_of = {int(row["id"]): n for n, row in enumerate(rows)}
    random = np.random.default_rng(0)
    types = np.unique([r["articleType"] for r in rows], return_inverse=True)[1]
    centres = random.normal(size=(types.max() + 1, 256))
    vectors = np.tile(centres[types], (SHOPS, 1)) + random.normal(size=(SHOPS * len(rows), 256))
    names = [n for n in rows[0] if n not in ("id", "style_id", "description")]
    attributes = {n: [r[n] for r in rows] * SHOPS for n in names}
    attributes["style_id"] = [f"{s}-{r['style_id']}" for s in range(SHOPS) for r in rows]
    ids = [f"{s}-{n}" for s in range(SHOPS) for n in range(len(rows))]
    items = Items.of_columns(ids, attributes, vectors=vectors.astype(np.float32))
    return items, list(_copied(simulated_events, row_of))


def _copied(simulated_events: list, row_of: dict[int, int]) -> Iterator[Event]:
    for shop in range(SHOPS):
        tokens = [new_visitor() for _ in range(SHOP_VISITORS)]
        for e in simulated_events:
            yield Event(
                tokens[e.visitor],
                EVENT_TYPES[e.event_type],
                f"{shop}-{row_of[e.item]}",
                time=e.time,
                season=e.season,
                occasion=e.occasion,
            )


def answers(count: int) -> None:
    """Time one answer with 100,000 visitors and 50,000 items."""
    items, events = mall()
    with tempfile.TemporaryDirectory() as folder:
        index, store = written_index(Path(folder), items), EventStore.for_index(folder)
        started = time.perf_counter()
        for start in range(0, len(events), 20_000):
            store.record(events[start : start + 20_000])
        rate = len(events) / (time.perf_counter() - started)
        data = f"{len(items)} items, {SHOPS * SHOP_VISITORS} visitors, {len(events)} events"
        record(
            data, "events in batches", [("events", "rate", rate, "", "", len(events), "events/s")]
        )
        started = time.perf_counter()
        feed = Feed(index, store)
        fit_seconds = time.perf_counter() - started
        record(data, "fit", [("refresh", "seconds", fit_seconds, "", "", len(events), "s")])
        chosen = np.random.default_rng(1).integers(len(events), size=count)
        visitors = [events[i].visitor for i in chosen]
        for name, ask in {
            "answer": lambda v: feed.for_you(v),
            "answer to a stranger": lambda v: feed.for_you(),
            "answer within a filter": lambda v: feed.for_you(v, where={"gender": "Women"}),
        }.items():
            record(data, name, [_milliseconds(ask, visitors)])
        store.close()


def _milliseconds(ask: Callable, visitors: list[str]) -> Row:
    """Time `ask` for each visitor, after ten calls to warm up."""
    warm_up, times = visitors[:10], []
    for visitor in warm_up + visitors:
        started = time.perf_counter()
        ask(visitor)
        times.append((time.perf_counter() - started) * 1000)
    times = times[len(warm_up) :]
    p50, p95 = float(np.median(times)), float(np.quantile(times, 0.95))
    return ("answer", "p50; p95 as high", p50, "", p95, len(times), "ms")


def event_rates(threads: int = 4, each: int = 1000) -> None:
    """Measure events a second, one transaction each, from one thread and from several."""
    url = os.environ.get("LOOKBOOK_DATABASE_URL")
    with tempfile.TemporaryDirectory() as folder:
        store = EventStore.for_index(folder)

        def write() -> None:
            visitor = new_visitor()
            for number in range(each):
                store.record(Event(visitor, "view", str(number)))

        for count in (1, threads):
            workers = [threading.Thread(target=write) for _ in range(count)]
            started = time.perf_counter()
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            rate = count * each / (time.perf_counter() - started)
            database = "PostgreSQL" if url else "SQLite"
            rows = [("events", "rate", rate, "", "", count * each, "events/s")]
            record(database, f"single events, {count} threads", rows)
        store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--interactions", type=Path)
    parser.add_argument("--items", help="anything that embed.py takes")
    parser.add_argument("--data", default="hm-week", help="what to call them in the table")
    parser.add_argument("--split-day")
    parser.add_argument("--until", help="leave out what came from this day on")
    parser.add_argument("--variant", action="append", choices=list(VARIANTS))
    parser.add_argument("--refresh", action="store_true", help="time refreshes")
    parser.add_argument("--answers", action="store_true", help="time answers")
    parser.add_argument("--events", action="store_true", help="time single events")
    parser.add_argument("--count", type=int, default=300, help="answers to time")
    args = parser.parse_args()
    if args.interactions:
        items = encoded_items(args.items, None)
        if args.split_day:
            quality(args, items)
        if args.refresh:
            refresh_time(args, items)
    if args.answers:
        answers(args.count)
    if args.events:
        event_rates()


if __name__ == "__main__":
    main()
