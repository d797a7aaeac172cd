"""Compare the engines for nearest neighbours, appended to a CSV; prints docs/ENGINES.md's table.

python -m benchmarks.engines            measure all engines on three sets of vectors
python -m benchmarks.engines --table    print the table of what the CSV holds
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.rows import append
from lookbook.index import Generation
from lookbook.index.engines import Engine, get_engine, names
from lookbook.index.engines.contract import check_queries, stack_hits
from lookbook.index.engines.exact import ExactEngine
from lookbook.index.engines.tuning import TUNED_FOR, Trial

RESULTS = Path(__file__).with_name("engines.csv")
COLUMNS = (
    *("date", "machine", "cores", "python", "lookbook", "vectors", "count", "dim", "engine"),
    *("build_s", "file_mib", "open_ms", "effort", "recall", "p50_ms"),
)
SETS = {"shipped index": None, "overlapping clusters": 0.4, "separate clusters": 1.0}
HELD_OUT = 200
ROUNDS = 5  # of all queries; the fastest one counts, as other programs only ever slow one down


class Usearch(Engine):
    """usearch 2, float16: measured beside the engines, and not one of them."""

    name = "usearch float16"

    def __init__(self, graph: Any, metric: str) -> None:
        self.graph, self.metric, self.effort = graph, metric, TUNED_FOR

    @classmethod
    def build(cls, vectors: np.ndarray, metric: str, **options: Any) -> Usearch:
        from usearch.index import Index

        graph = Index(ndim=vectors.shape[1], metric="cos", dtype="f16", connectivity=16)
        graph.add(np.arange(len(vectors)), np.asarray(vectors, np.float32), threads=1)
        return cls(graph, metric)

    def save(self, path: Path) -> None:
        self.graph.save(str(path))

    @classmethod
    def open(cls, path: Path, vectors: np.ndarray, metric: str, effort: int | None) -> Usearch:
        from usearch.index import Index

        return cls(Index.restore(str(path)), metric)

    @property
    def max_effort(self) -> int:
        return len(self.graph)

    def search(
        self, queries: np.ndarray, k: int, rows: np.ndarray | None = None, **options: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        queries = check_queries(queries, self.graph.ndim)
        self.graph.expansion_search = options.get("effort") or self.effort
        found = [self.graph.search(query, k, threads=1) for query in queries]
        return stack_hits([(hits.keys.astype(np.int64), 1 - hits.distances) for hits in found])


def clusters(count: int, dim: int, distance: float, seed: int = 0) -> np.ndarray:
    """float16 (count, dim): 400 normal clusters; `distance` of their centres by their spread."""
    rng = np.random.default_rng(seed)
    centres = distance * rng.normal(size=(400, dim)).astype(np.float32)
    noise = rng.normal(size=(count, dim)).astype(np.float32)
    return (centres[rng.integers(len(centres), size=count)] + noise).astype(np.float16)


def measure(engine: type[Engine], vectors: np.ndarray, folder: Path) -> dict[str, object]:
    """Build on all rows but the held-out ones, tune for recall 0.99 at k = 24, time queries."""
    held_out = np.sort(np.random.default_rng(0).permutation(len(vectors))[:HELD_OUT])
    rest = np.delete(np.asarray(vectors), held_out, axis=0)
    queries = np.asarray(vectors[held_out], np.float32)
    started = time.perf_counter()
    built = engine.build(rest, "angular")
    build_s = time.perf_counter() - started
    path = folder / "engine"
    built.save(path)
    size = path.stat().st_size if path.exists() else 0
    started = time.perf_counter()
    opened = engine.open(path, rest, "angular", TUNED_FOR)
    opened.search(queries[:1], TUNED_FOR)
    open_ms = 1000 * (time.perf_counter() - started)
    tuned = Trial(opened, ExactEngine(rest, "angular"), queries, TUNED_FOR).walk(0.99)
    return {
        "build_s": f"{build_s:.1f}",
        "file_mib": f"{size / 2**20:.1f}",
        "open_ms": f"{open_ms:.0f}",
        "effort": tuned.effort if size else "",
        "recall": f"{tuned.recall:.4f}",
        "p50_ms": f"{fastest_median_ms(opened, queries, tuned.effort):.3f}",
    }


def fastest_median_ms(engine: Engine, queries: np.ndarray, effort: int) -> float:
    medians = []
    for _ in range(ROUNDS):
        times = []
        for query in queries:
            started = time.perf_counter()
            engine.search(query[None], TUNED_FOR, effort=effort)
            times.append(time.perf_counter() - started)
        medians.append(1000 * float(np.median(times)))
    return min(medians)


def table() -> str:
    """A Markdown table of the CSV."""
    lines = [
        "| vectors | engine | build, s | file, MiB | open, ms | effort | recall@24 | p50, ms |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    with RESULTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            vectors = f"{row['vectors']}, {int(row['count']):,} x {row['dim']}"
            figures = [row[name] for name in COLUMNS[COLUMNS.index("build_s") :]]
            lines.append(f"| {vectors} | {row['engine']} | {' | '.join(figures)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--count", type=int, default=44_000, help="rows of the synthetic vectors")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--vectors", choices=SETS, action="append", help="only these")
    args = parser.parse_args()
    if args.table:
        print(table())
        return
    shipped = np.asarray(Generation.open(args.index).vectors)
    engines = [*map(get_engine, names()), Usearch]
    for label in args.vectors or SETS:
        distance = SETS[label]
        vectors = clusters(args.count, shipped.shape[1], distance) if distance else shipped
        for engine in engines:
            with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
                figures = measure(engine, vectors, Path(folder))
            about = {"vectors": label, "count": len(vectors), "dim": vectors.shape[1]}
            append(RESULTS, COLUMNS, about | {"engine": engine.name} | figures)
            print(label, engine.name, figures, flush=True)


if __name__ == "__main__":
    main()
