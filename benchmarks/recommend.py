"""How good and how fast recommendations are, appended to a CSV.

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
from lookbook.index import publish, write_generation
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
KINDS = {"view": "view", "like": "like", "purchase": "buy"}
VARIANTS: dict[str, Callable] = {
    **MODELS,
    "als, alpha 1": lambda: ALS(alpha=1),
    "als, alpha 40": lambda: ALS(alpha=40),
    "als, 32 factors": lambda: ALS(size=32),
    "item_knn, bm25": lambda: ItemKNN(weighting="bm25"),
    "hybrid, weights nearly free": lambda: Hybrid(strength=3),
    "hybrid, weights not learnt": lambda: Hybrid(strength=1e9),
    "hybrid, no newcomers": lambda: Hybrid(cold_start_slots=0),
    "hybrid, 2 newcomers": lambda: Hybrid(cold_start_slots=2),
}

Row = tuple  # group, measure, value, low, high, n, unit


def record(data: str, variant: str, rows: list[Row]) -> None:
    """Write rows with date and machine, and print them."""
    names = COLUMNS[COLUMNS.index("group") :]
    for row in rows:
        told = [f"{cell:.4f}" if isinstance(cell, float) else cell for cell in row]
        about = {"data": data, "variant": variant}
        append(RESULTS, COLUMNS, about | dict(zip(names, told, strict=True)))
        print(variant, *row)


def rows_of(table: Table) -> list[Row]:
    """The figures of one model as rows."""
    return [
        (group, measure, f.value, f.low, f.high, f.n, "")
        for group, figures in table.items()
        for measure, f in figures.items()
    ]


def quality(args: argparse.Namespace, items: Items) -> None:
    """Every variant on one split by time; `--until` keeps later days out, for choosing."""
    known = read_interactions(args.interactions, items)
    if args.until:
        known = known.before(day_number(args.until))
    data = f"{args.data}, split {args.split_day}" + f", until {args.until}" * bool(args.until)
    for name in args.variant or MODELS:
        models = {name: VARIANTS[name]()}
        results = evaluate_interactions(known, items, day_number(args.split_day), models)
        record(data, name, rows_of(results[name]))


def written_index(root: Path, items: Items) -> Index:
    """An index of `items` with nothing to see."""
    columns = {n: [values[c] for c in codes] for n, (values, codes) in items.columns.items()}
    folder = write_generation(
        root,
        vectors=items.vectors,
        items={"id": items.ids, "title": items.titles} | columns,
        thumbs=(b"." for _ in items.ids),
        encoder={"id": "benchmark"},
        trees=4,
    )
    publish(root, folder)
    return Index.open(root)


def refresh_time(args: argparse.Namespace, items: Items) -> None:
    """Two refreshes on all purchases: the second also measures the running models."""
    known = read_interactions(args.interactions, items)
    with tempfile.TemporaryDirectory() as folder:
        index, store = written_index(Path(folder), items), EventStore.beside(folder)
        for turn in ("first", "second"):
            part = known.before(known.day.max()) if turn == "first" else known
            started = time.perf_counter()
            report = refresh(index, store, interactions=part)
            took = time.perf_counter() - started
            rows = [("refresh", "seconds", took, "", "", len(part), "s")]
            record(args.data, f"{turn} refresh: {report.reason}", rows)
        store.close()


def mall() -> tuple[Items, list[Event]]:
    """SHOPS copies of a house shop with its own visitors, each copy with looks of its own."""
    products = list(drawn(SHOP_ITEMS))
    rows = [p.row() for p in products]
    told = list(simulate_events(products, SHOP_VISITORS, visits=1.0))
    place = {int(row["id"]): n for n, row in enumerate(rows)}
    draw = np.random.default_rng(0)
    kinds = np.unique([r["articleType"] for r in rows], return_inverse=True)[1]
    centres = draw.normal(size=(kinds.max() + 1, 256))
    looks = np.tile(centres[kinds], (SHOPS, 1)) + draw.normal(size=(SHOPS * len(rows), 256))
    names = [n for n in rows[0] if n not in ("id", "style_id", "description")]
    attributes = {n: [r[n] for r in rows] * SHOPS for n in names}
    attributes["style_id"] = [f"{s}-{r['style_id']}" for s in range(SHOPS) for r in rows]
    ids = [f"{s}-{n}" for s in range(SHOPS) for n in range(len(rows))]
    items = Items.of_columns(ids, attributes, vectors=looks.astype(np.float32))
    return items, list(_copied(told, place))


def _copied(told: list, place: dict[int, int]) -> Iterator[Event]:
    for shop in range(SHOPS):
        tokens = [new_visitor() for _ in range(SHOP_VISITORS)]
        for e in told:
            yield Event(
                tokens[e.visitor],
                KINDS[e.event_type],
                f"{shop}-{place[e.item]}",
                time=e.time,
                season=e.season,
                occasion=e.occasion,
            )


def answers(count: int) -> None:
    """Milliseconds of one answer with 100,000 visitors and 50,000 items."""
    items, told = mall()
    with tempfile.TemporaryDirectory() as folder:
        index, store = written_index(Path(folder), items), EventStore.beside(folder)
        started = time.perf_counter()
        for start in range(0, len(told), 20_000):
            store.record(told[start : start + 20_000])
        rate = len(told) / (time.perf_counter() - started)
        data = f"{len(items)} items, {SHOPS * SHOP_VISITORS} visitors, {len(told)} events"
        record(data, "events in batches", [("events", "rate", rate, "", "", len(told), "events/s")])
        started = time.perf_counter()
        feed = Feed(index, store)
        fitted = time.perf_counter() - started
        record(data, "fit", [("refresh", "seconds", fitted, "", "", len(told), "s")])
        people = [told[i].visitor for i in np.random.default_rng(1).integers(len(told), size=count)]
        for name, ask in {
            "answer": lambda v: feed.for_you(v),
            "answer to a stranger": lambda v: feed.for_you(),
            "answer within a filter": lambda v: feed.for_you(v, where={"gender": "Women"}),
        }.items():
            record(data, name, [_milliseconds(ask, people)])
        store.close()


def _milliseconds(ask: Callable, people: list[str]) -> Row:
    took = []
    for person in people[:10] + people:
        started = time.perf_counter()
        ask(person)
        took.append((time.perf_counter() - started) * 1000)
    took = took[10:]
    p50, p95 = float(np.median(took)), float(np.quantile(took, 0.95))
    return ("answer", "p50; p95 as high", p50, "", p95, len(took), "ms")


def event_rates(threads: int = 4, each: int = 1000) -> None:
    """Events a second, one transaction each, from one thread and from several."""
    url = os.environ.get("LOOKBOOK_DATABASE_URL")
    with tempfile.TemporaryDirectory() as folder:
        store = EventStore.beside(folder)

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
            kind = "PostgreSQL" if url else "SQLite"
            rows = [("events", "rate", rate, "", "", count * each, "events/s")]
            record(kind, f"single events, {count} threads", rows)
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
