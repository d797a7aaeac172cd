"""Write a generation: beside, whole, verified, on disk; only then does it get its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lookbook.index.engines.annoy import (
    DEFAULT_TREES,
    AnnoyEngine,
    Tuning,
    check_metric,
    tune_search_k,
)
from lookbook.index.generation import Generation, Projection, project
from lookbook.index.manifest import MANIFEST, SCHEMA, file_record
from lookbook.index.publishing import beside, named

_BLOCK_ROWS = 4096
_RESERVED = ("id", "title", "group")

Progress = Callable[[str, int, int], None]  # what is being done, how many are done, of how many

Learn = Callable[[Generation], Mapping[str, dict | np.ndarray]]  # file name -> what it holds


def write_generation(
    root: str | Path,
    *,
    vectors: np.ndarray,
    items: Mapping[str, list] | pa.Table,
    thumbs: Iterable[bytes],
    encoder: dict,
    metric: str = "angular",
    trees: int = DEFAULT_TREES,
    recall: float = 0.99,
    seed: int = 0,
    source: dict | None = None,
    licence: str | None = None,
    projection: Projection | None = None,
    dtype: str = "float16",
    report: dict | None = None,
    learn: Learn | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a generation under `root` and return its folder; it is not published yet.

    `vectors` (n, raw_dim) are the encoder's own; `projection` is applied here and stored, so that
    a query goes through the same. `items` has columns `id` (distinct), `title`, optionally `group`
    (near-duplicates share a number) and attributes, n rows each; `thumbs` yields n pictures.
    `learn` looks at the generation when all else is written, and gives more files for it.
    Everything is written to a hidden folder, put on disk, opened and verified before it gets its
    name. Raises ValueError for input that cannot make an index.
    """
    check_metric(metric)
    progress = progress or (lambda what, done, total: None)
    table = _items_table(items, len(vectors))
    made = {
        "encoder": encoder,
        "metric": metric,
        "source": source or {},
        "trees": trees,
        "recall_target": recall,
        "seed": seed,
        "licence": licence,
    }
    with beside(Path(root), lambda folder: Generation.open(folder).forest()) as folder:
        stored = _write_vectors(folder, vectors, metric, projection, dtype, progress)
        tuning = _write_forest(folder, stored, metric, trees, recall, seed, progress)
        pq.write_table(table, folder / "items.parquet")
        _write_thumbs(folder, thumbs, len(table), progress)
        if report is not None:
            _write_json(folder / "report.json", report)
        found = _found(folder, stored, table, tuning, vectors.shape[1])
        _write_json(folder / MANIFEST, found | made)
        if learn is not None:
            progress("learning", 0, 1)
            learnt = _write_learnt(folder, learn)
            progress("learning", 1, 1)
            _write_json(folder / MANIFEST, found | made | {"files": found["files"] | learnt})
    return named(folder)


def _items_table(items: Mapping[str, list] | pa.Table, count: int) -> pa.Table:
    columns = items.to_pydict() if isinstance(items, pa.Table) else dict(items)
    if not count:
        raise ValueError("an index needs at least one item, found none")
    if missing := {"id", "title"} - set(columns):
        raise ValueError(f"items lack the column {sorted(missing)[0]!r}; found {list(columns)}")
    columns["id"] = [str(value) for value in columns["id"]]
    columns["title"] = ["" if value is None else str(value) for value in columns["title"]]
    columns.setdefault("group", list(range(count)))
    for name, values in columns.items():
        if len(values) != count:
            raise ValueError(f"{count} vectors but {len(values)} values in the column {name!r}")
    if len(set(columns["id"])) != count:
        raise ValueError(f"ids must be distinct: {count} items have {len(set(columns['id']))} ids")
    attributes = [name for name in columns if name not in _RESERVED]
    arrays = {name: _column(columns[name]) for name in attributes}
    return pa.table(
        {
            "id": pa.array(columns["id"], pa.string()),
            "title": pa.array(columns["title"], pa.string()),
            "group": pa.array(np.asarray(columns["group"], np.int64)),
            **arrays,
        }
    )


def _column(values: list) -> pa.Array:
    try:
        array = pa.array(values, from_pandas=True)
        plain = pa.types.is_primitive(array.type) or pa.types.is_string(array.type)
        if plain or pa.types.is_null(array.type):
            return array
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass  # mixed types in one column, or numbers beyond 64 bits: as text
    return pa.array([None if v is None else str(v) for v in values], pa.string())


def _write_vectors(
    folder: Path,
    vectors: np.ndarray,
    metric: str,
    projection: Projection | None,
    dtype: str,
    progress: Progress,
) -> np.ndarray:
    if dtype not in ("float16", "float32"):
        raise ValueError(f"unknown dtype {dtype!r}: expected float16 or float32")
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise ValueError(f"expected vectors of shape (n, dim), found {vectors.shape}")
    count, dim = len(vectors), vectors.shape[1]
    if projection is not None:
        dim = _write_projection(folder, projection, dim)
    path = folder / "vectors.npy"
    out = np.lib.format.open_memmap(path, "w+", dtype=dtype, shape=(count, dim))
    for start in range(0, count, _BLOCK_ROWS):
        block = project(vectors[start : start + _BLOCK_ROWS], projection)
        with np.errstate(over="ignore"):
            out[start : start + len(block)] = block
        _refuse_unusable(out[start : start + len(block)], start, metric, dtype)
        progress("vectors", start + len(block), count)
    out.flush()
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _refuse_unusable(block: np.ndarray, start: int, metric: str, dtype: str) -> None:
    bad = ~np.isfinite(block).all(axis=1)
    if bad.any():
        raise ValueError(f"vector {start + bad.argmax()} is not finite as {dtype}")
    zero = ~block.any(axis=1)
    if metric == "angular" and zero.any():
        raise ValueError(f"vector {start + zero.argmax()} is zero: it has no angle to any other")


def _write_projection(folder: Path, projection: Projection, raw_dim: int) -> int:
    from safetensors.numpy import save

    mean, matrix = (np.ascontiguousarray(part, np.float32) for part in projection)
    if mean.shape != (raw_dim,) or matrix.ndim != 2 or matrix.shape[0] != raw_dim:
        raise ValueError(
            f"a projection of vectors of length {raw_dim} needs a mean ({raw_dim},) and a matrix "
            f"({raw_dim}, dim), found {mean.shape} and {matrix.shape}"
        )
    content = save({"mean": mean, "matrix": matrix})  # its save_file lets only the owner read
    (folder / "projection.safetensors").write_bytes(content)
    return matrix.shape[1]


def _write_forest(
    folder: Path,
    vectors: np.ndarray,
    metric: str,
    trees: int,
    recall: float,
    seed: int,
    progress: Progress,
) -> Tuning:
    """The forest holds the vectors as stored, rounded like them, so that both engines agree."""
    count = len(vectors)
    AnnoyEngine.build(
        vectors,
        folder / "forest.ann",
        metric,
        trees,
        seed,
        lambda done: progress("forest", done, count),
    )
    progress("tuning", 0, 1)
    tuning = tune_search_k(vectors, metric, trees, seed, recall)
    progress("tuning", 1, 1)
    return tuning


def _write_thumbs(folder: Path, thumbs: Iterable[bytes], count: int, progress: Progress) -> None:
    offsets = np.zeros(count + 1, np.int64)
    done = 0
    with (folder / "thumbs.bin").open("wb") as out:
        for done, thumb in enumerate(thumbs, 1):
            if done > count:
                break
            offsets[done] = offsets[done - 1] + out.write(thumb)
            progress("thumbnails", done, count)
    if done != count:
        found = "more" if done > count else str(done)
        raise ValueError(f"{count} items need {count} thumbnails, found {found}")
    np.save(folder / "thumbs.npy", offsets, allow_pickle=False)


def _write_learnt(folder: Path, learn: Learn) -> dict:
    """Records of the files, for the manifest."""
    learnt = learn(Generation.open(folder, verify="quick"))
    for name, value in learnt.items():
        if isinstance(value, np.ndarray):
            np.save(folder / name, value, allow_pickle=False)
        else:
            _write_json(folder / name, value)
    return {name: file_record(folder / name) for name in sorted(learnt)}


def _found(folder: Path, stored: np.ndarray, table: pa.Table, tuning: Tuning, raw_dim: int) -> dict:
    """The part of the manifest that was measured or counted, not asked for."""
    files = {path.name: file_record(path) for path in sorted(folder.iterdir())}
    faster = tuning.reached and tuning.annoy_ms < tuning.exact_ms
    return {
        "schema": SCHEMA,
        "generation": named(folder).name,
        "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "dim": stored.shape[1],
        "raw_dim": raw_dim,
        "dtype": str(stored.dtype),
        "count": len(table),
        "search_k": tuning.search_k,
        "recall": round(tuning.recall, 6),
        "engine": "annoy" if faster else "exact",
        "timings": {"annoy_ms": tuning.annoy_ms, "exact_ms": tuning.exact_ms},
        "files": files,
    }


def _write_json(path: Path, value: dict) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
