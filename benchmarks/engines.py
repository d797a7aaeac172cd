"""Compare engines for nearest neighbours on item, photo and text queries, appended to a CSV.

python -m benchmarks.engines --set FOLDER [--engine NAME ...]

A set is a folder that `python -m benchmarks.engine_vectors` writes: the vectors and 200 queries of
each kind. Each engine is built in one process and asked in another, whose memory is measured. The
engines that Lookbook has come from its registry; faiss, usearch, voyager and scann are measured
where they are installed, and are not engines of Lookbook unless the registry names them.
`python -m benchmarks.tables` renews the tables of docs/ENGINES.md.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.other_engines import OTHERS
from benchmarks.rows import append
from lookbook.index.engines import Engine, get_engine, names
from lookbook.index.engines.exact import ExactEngine

RESULTS = Path(__file__).with_name("engines.csv")
COLUMNS = (
    *("date", "machine", "cores", "load", "python", "lookbook", "vectors", "count", "dim"),
    *("engine", "threads", "build_s", "file_mb", "open_s", "rss_mb", "kind", "target", "effort"),
    *("recall", "p50_ms", "p99_ms", "filter"),
)
KINDS = ("item", "photo", "text")
K = 24
TARGETS = (0.95, 0.99)
FILTERS = (0.5, 0.05, 0.005)
_FEW_ROWS = 20_000  # as `lookbook.search.index` has it
_SLOWEST_MS = 400  # a query at this time ends tuning: exact search is no slower


def engine_class(name: str) -> type[Engine]:
    return OTHERS[name] if name in OTHERS else get_engine(name)


def load(folder: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the vectors of a set, memory-mapped, and its queries by kind."""
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    return vectors, {kind: np.load(folder / f"{kind}.npy").astype(np.float32) for kind in KINDS}


def truth(folder: Path) -> dict[str, np.ndarray]:
    """Return by "kind" and "kind filter" the true K nearest rows (q, K); kept beside the set."""
    path = folder / "truth.npz"
    if not path.exists():
        vectors, queries = load(folder)
        exact = ExactEngine(vectors, "angular", prepared_bytes=0)
        found = {kind: exact.search(queries[kind], K)[0] for kind in KINDS}
        for share in FILTERS:
            rows = filtered(len(vectors), share)
            found[f"photo {share}"] = exact.search(queries["photo"], K, rows)[0]
        np.savez(path, **found)
    return dict(np.load(path))


def filtered(count: int, share: float) -> np.ndarray:
    """The rows that a filter of this share lets through: int64, sorted, the same at each call."""
    rng = np.random.default_rng(int(share * 1000))
    return np.sort(rng.permutation(count)[: max(K, int(share * count))])


def build(name: str, folder: Path, path: Path, threads: int) -> dict[str, Any]:
    """Build and save an engine; return seconds and megabytes."""
    vectors, _ = load(folder)
    extra = {"threads": threads} if name in OTHERS else {}
    with threadpool_limits(threads):
        started = time.perf_counter()
        built = engine_class(name).build(vectors, "angular", **extra)
        seconds = time.perf_counter() - started
        built.save(path)
    files = [path] if path.is_file() else list(path.glob("*")) if path.is_dir() else []
    size = sum(file.stat().st_size for file in files)
    return {"build_s": f"{seconds:.1f}", "file_mb": f"{size / 1e6:.0f}"}


def ask(name: str, folder: Path, path: Path) -> list[dict[str, Any]]:
    """Open an engine and return a row for each kind of query, target of recall and filter."""
    vectors, queries = load(folder)
    true = truth(folder)
    started = time.perf_counter()
    engine = engine_class(name).open(path, vectors, "angular", K)
    engine.search(queries["item"][:1], K, effort=K)
    about = {"open_s": f"{time.perf_counter() - started:.2f}"}
    rows = []
    if name == "exact":  # recall is 1 and the time that of any query
        queries = {kind: vectors[:20] for kind, vectors in queries.items()}
        true = {kind: rows[:20] for kind, rows in true.items()}
    for kind in KINDS:
        for target in TARGETS[:1] if name == "exact" else TARGETS:
            effort = least_effort(engine, queries[kind], true[kind], target)
            recall, times = asked(engine, queries[kind], true[kind], effort, rounds=3)
            figures = {"kind": kind, "target": target, "effort": effort, "recall": recall}
            rows.append(about | figures | times | {"rss_mb": rss_mb()})
            if kind == "photo" and target == TARGETS[0]:
                rows += [
                    about
                    | figures
                    | with_filter(name, engine, vectors, queries[kind], s, effort, true)
                    for s in FILTERS
                ]
    return rows


def with_filter(
    name: str,
    engine: Engine,
    vectors: np.ndarray,
    queries: np.ndarray,
    share: float,
    effort: int,
    true: dict[str, np.ndarray],
) -> dict[str, Any]:
    """Ask with a filter, as `Index` does: faiss within its lists, few rows exactly, else deeper."""
    rows = filtered(len(vectors), share)
    allowed = np.zeros(len(vectors), bool)
    allowed[rows] = True
    few = ExactEngine(vectors, "angular")

    def search(query: np.ndarray, effort: int) -> np.ndarray:
        if name in OTHERS and name.startswith("faiss") and len(rows) > _FEW_ROWS:
            effort = min(int(effort / share), engine.index.nlist)  # type: ignore[attr-defined]
            return engine.search(query, K, rows, effort=effort, selector=bitmap(allowed))[0][0]
        if len(rows) <= _FEW_ROWS or (engine.effort is None and name == "exact"):
            return few.search(query, K, rows)[0][0]
        depth = int(K / share)
        found: np.ndarray = engine.search(query, depth, effort=effort * max(1, depth // K))[0][0]
        return found[allowed[found]][:K]

    recall, times = timed(
        search, queries[:50], true[f"photo {share}"][: min(50, len(queries))], effort, rounds=1
    )
    return {"filter": share, "recall": recall, "rss_mb": rss_mb()} | times


def bitmap(allowed: np.ndarray) -> Any:
    import faiss

    bits = np.packbits(allowed, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
    selector.bits_kept = bits  # faiss keeps a pointer only
    return selector


def least_effort(engine: Engine, queries: np.ndarray, true: np.ndarray, target: float) -> int:
    """Double the effort until `target` is reached or queries are too slow, bisect to a tenth."""
    if engine.name == "exact":
        return K
    low, effort = 0, K if engine.package not in ("faiss", "scann") else 1

    def measure(effort: int) -> tuple[float, float]:
        recall, times = asked(engine, queries, true, effort, rounds=1)
        return float(recall), float(times["p50_ms"])

    recall, ms = measure(effort)
    while recall < target and ms < _SLOWEST_MS and effort < engine_limit(engine, true):
        low, effort = effort, 2 * effort
        recall, ms = measure(effort)
    while recall >= target and effort - low > max(1, effort // 10):
        middle = (low + effort) // 2
        if measure(middle)[0] >= target:
            effort = middle
        else:
            low = middle
    return effort


def engine_limit(engine: Engine, true: np.ndarray) -> int:
    return 1 << 30 if engine.package == "annoy" else 1 << 17


def asked(
    engine: Engine, queries: np.ndarray, true: np.ndarray, effort: int, rounds: int
) -> tuple[str, dict[str, str]]:
    def search(query: np.ndarray, effort: int) -> np.ndarray:
        return engine.search(query, K, effort=effort)[0][0]

    return timed(search, queries, true, effort, rounds)


def timed(
    search: Any, queries: np.ndarray, true: np.ndarray, effort: int, rounds: int
) -> tuple[str, dict[str, str]]:
    """Return recall@K, p50 and p99 of single queries: the fastest of `rounds`, by its median."""
    best: np.ndarray | None = None
    hits = 0
    for _ in range(rounds):
        times, hits = [], 0
        for query, nearest in zip(queries, true, strict=True):
            started = time.perf_counter()
            found = search(query[None], effort)
            times.append(1000 * (time.perf_counter() - started))
            hits += len(np.intersect1d(found, nearest))
        if best is None or np.median(times) < np.median(best):
            best = np.array(times)
    assert best is not None
    p50, p99 = np.percentile(best, (50, 99))
    return f"{hits / true.size:.4f}", {"p50_ms": f"{p50:.3f}", "p99_ms": f"{p99:.3f}"}


def rss_mb() -> str:
    """Memory of this process in megabytes, mapped pages of files in it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return f"{kib * 1024 / 1e6:.0f}"


def measure(name: str, folder: Path, threads: int) -> None:
    """Build in one process, ask in another, append the rows."""
    vectors, _ = load(folder)
    truth(folder)
    about = {"vectors": folder.name, "count": len(vectors), "dim": vectors.shape[1]}
    about |= {"engine": name, "threads": threads}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / "engine"
        common = [sys.executable, "-m", "benchmarks.engines", "--set", str(folder)]
        common += ["--engine", name, "--file", str(path), "--threads", str(threads)]
        built = json.loads(_run([*common, "--phase", "build"]))
        for row in json.loads(_run([*common, "--phase", "ask"])):
            load_1 = f"{os.getloadavg()[0]:.1f}"
            append(RESULTS, COLUMNS, about | built | {"load": load_1} | row)
            print(about["count"], name, built, row, flush=True)


def _run(command: list[str]) -> str:
    one = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS")}
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | one
    )
    return done.stdout.splitlines()[-1]


def table(count: int) -> str:
    """The tables of docs/ENGINES.md for the set of `count` vectors, without and with filters."""
    with RESULTS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["count"]) == count]
    newest = {row["engine"]: row["dim"] for row in rows}  # rows are in the order of measuring
    rows = [row for row in rows if row["dim"] == newest[row["engine"]]]
    return "\n".join([*_queries_table(rows), "", *_filters_table(rows)])


def _queries_table(rows: list[dict[str, str]]) -> list[str]:
    lines = [
        "| engine | dimensions | build, s | file, MB | open, s | memory, MB | recall | "
        + " | ".join(f"{kind}: effort, p50, p99 ms" for kind in KINDS)
        + " |",
        "| --- " * (7 + len(KINDS)) + "|",
    ]
    for engine in dict.fromkeys(row["engine"] for row in rows):
        for target in TARGETS:
            mine = [r for r in rows if r["engine"] == engine and float(r["target"]) == target]
            plain = {r["kind"]: r for r in mine if not r["filter"]}
            if not plain:
                continue
            first = plain["item"]
            memory = max(int(r["rss_mb"]) for r in plain.values())
            cells = [engine, first["dim"], first["build_s"], first["file_mb"], first["open_s"]]
            cells += [memory, target]
            cells += [_cell(plain[kind], target) for kind in KINDS]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def _cell(row: dict[str, str], target: float) -> str:
    missed = f" (recall {float(row['recall']):.2f})" if float(row["recall"]) < target else ""
    return f"{row['effort']}, {float(row['p50_ms']):.2f}, {float(row['p99_ms']):.2f}{missed}"


def _filters_table(rows: list[dict[str, str]]) -> list[str]:
    head = [f"{100 * share:g} %: p50 ms, recall" for share in FILTERS]
    lines = ["| photos, filter of | " + " | ".join(head) + " |", "| --- " * (1 + len(head)) + "|"]
    for engine in dict.fromkeys(row["engine"] for row in rows):
        mine = {float(r["filter"]): r for r in rows if r["engine"] == engine and r["filter"]}
        cells = [f"{float(r['p50_ms']):.2f}, {float(r['recall']):.3f}" for r in mine.values()]
        lines.append(f"| {engine} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, help="folder of benchmarks.engine_vectors")
    parser.add_argument("--engine", action="append", help="only these (default: all installed)")
    parser.add_argument("--threads", type=int, default=1, help="of building, where an engine can")
    parser.add_argument("--phase", choices=("build", "ask"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.phase == "build":
        print(json.dumps(build(args.engine[0], args.set, args.file, args.threads)))
    elif args.phase == "ask":
        with threadpool_limits(1):
            print(json.dumps(ask(args.engine[0], args.set, args.file)))
    else:
        for name in args.engine or [*names(), *OTHERS]:
            package = engine_class(name).package
            if package is None or importlib.util.find_spec(package):
                measure(name, args.set, args.threads)


if __name__ == "__main__":
    main()
