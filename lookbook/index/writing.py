"""Write a generation: staged, whole, verified, on disk; only then does it get its name."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lookbook.index.columns import RESERVED, column_codes
from lookbook.index.engine_files import (
    EngineOptions,
    Progress,
    open_engines,
    write_engine,
    write_engine_beside,
)
from lookbook.index.engines.contract import Array, engines_of_files
from lookbook.index.engines.tuning import Tuning
from lookbook.index.generation import PHOTO_ITEMS, Generation, Projection, project
from lookbook.index.manifest import MANIFEST, SCHEMA, add_checksum, file_record, is_extra
from lookbook.index.publishing import final_path, staged_generation

_BLOCK_ROWS = 4096

Extras = Mapping[str, "dict[str, Any] | Array"]  # file name (*.json, *.npy) -> its content


@dataclass(frozen=True, kw_only=True)
class GenerationContent:
    """What a generation holds of a catalogue: n items, the vectors and pictures of their p photos.

    `vectors` (p, raw_dim) are the encoder's own; `projection` is applied when they are written and
    stored, so that a query goes through the same. The first n are of the first photo of each item,
    the others of further photos: `further_items` int64 (p - n,) are the rows of their items, None
    where p is n. `items` has columns `id` (distinct), `title`, optionally `group` (near-duplicates
    share a number) and attributes, n rows each; `thumbs` yields p thumbnails, `details` p larger
    pictures, b"" for a photo without one; None for none at all; `pictures` says how they were
    encoded. `encoder`, `source` and `licence`
    stand in the manifest; `report` becomes report.json; `extras` are stored by name. `kept` says
    what was computed of an earlier generation: file name, or `search_k` for the effort, ->
    {"generation", "created", "changed"}. `queries` are what the engine is tuned on, by kind, as
    stored vectors (see `tune`).
    """

    vectors: Array
    items: Mapping[str, list[Any]] | pa.Table
    thumbs: Iterable[bytes]
    encoder: dict[str, Any]
    further_items: Array | None = None
    details: Iterable[bytes] | None = None
    pictures: Mapping[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    licence: str | None = None
    projection: Projection | None = None
    dtype: str = "float16"
    report: dict[str, Any] | None = None
    extras: Extras = field(default_factory=dict)
    kept: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    queries: Mapping[str, Array] = field(default_factory=dict)


def write_generation(
    root: str | Path,
    content: GenerationContent,
    options: EngineOptions | None = None,
    *,
    enrich: Callable[[Generation], Extras] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a generation under `root` and return its folder; it is not published yet.

    `enrich` is called with the generation when all else is written, and returns more extra files.
    Everything is written to a hidden folder, put on disk, opened and verified before it gets its
    name. Raises ValueError for input that cannot make an index, EngineUnavailable where the package
    of the engine is not installed.
    """
    options = options or EngineOptions()
    options.checked()
    progress = progress or (lambda stage, done, total: None)
    further = _further_items(content)
    table = items_table(content.items, len(content.vectors) - len(further))
    if len(further) and not 0 <= further.min() <= further.max() < len(table):
        raise ValueError(f"expected further photos of items 0 to {len(table) - 1}")
    with staged_generation(Path(root), open_engines) as folder:
        vectors = _write_vectors(folder, content, options.metric, progress)
        photo_items = np.concatenate([np.arange(len(table)), further])
        fields = functools.partial(column_codes, table, photo_items)
        tunings = write_engine(folder, vectors, content.queries, options, progress, fields)
        efforts = {kind: one.effort for kind, one in tunings.items()}
        kept = efforts == options.first_efforts.get(options.engine, {})
        if not kept:  # the manifest counts the changes since both were tuned: so both are now
            options = replace(options, first_efforts={})
        beside = write_engine_beside(folder, vectors, content.queries, options, progress)
        _write_items(folder, content, table, further, progress)
        manifest = _measured(folder, vectors, content.vectors.shape[1], options.engine, tunings)
        manifest |= {"count": len(table), "photos": len(vectors), "beside": beside}
        manifest |= _requested(content, options)
        if not kept:
            manifest["kept"].pop("search_k", None)  # the previous one was not enough
        _write_json(folder / MANIFEST, add_checksum(manifest))
        if enrich is not None:
            _enrich(folder, manifest, enrich, progress)
    return final_path(folder)


def _write_items(
    folder: Path, content: GenerationContent, table: pa.Table, further: Array, progress: Progress
) -> None:
    """Write the table, the pictures, which item each further photo is of, report and extras."""
    photos = len(content.vectors)
    pq.write_table(table, folder / "items.parquet")
    _write_pictures(folder, "thumbs", content.thumbs, photos, progress)
    if content.details is not None:
        _write_pictures(folder, "details", content.details, photos, progress)
    if len(further):
        np.save(folder / PHOTO_ITEMS, further, allow_pickle=False)
    if content.report is not None:
        _write_json(folder / "report.json", content.report)
    _write_extras(folder, content.extras)


def _enrich(
    folder: Path,
    manifest: dict[str, Any],
    enrich: Callable[[Generation], Extras],
    progress: Progress,
) -> None:
    """Write the files that `enrich` makes of a generation, and the manifest with them in it."""
    progress("enrichment", 0, 1)
    enriched = _write_extras(folder, enrich(Generation.open(folder, verify="quick")))
    progress("enrichment", 1, 1)
    files = {"files": manifest["files"] | enriched}
    _write_json(folder / MANIFEST, add_checksum(manifest | files))


def rewrite_engine(
    root: Path,
    generation: Generation,
    queries: Mapping[str, Array],
    options: EngineOptions,
    extras: Extras,
    progress: Progress | None = None,
) -> Path:
    """Write a generation again with an engine built and tuned anew; all else is as it was.

    Returns its folder; it is not published yet. `extras` replace the files of their names. Files
    that stay are shared with the old generation where the disk can. Raises as `write_generation`.
    """
    options.checked()
    progress = progress or (lambda stage, done, total: None)
    m, vectors = generation.manifest, generation.photo_vectors
    replaced = {engine.file for engine in engines_of_files(m.files)} | set(extras)
    with staged_generation(root, open_engines) as folder:
        for name in m.files.keys() - replaced:
            _share(generation.path / name, folder / name)
        fields = functools.partial(column_codes, generation.items, generation.photo_items)
        tunings = write_engine(folder, vectors, queries, options, progress, fields)
        beside = write_engine_beside(folder, vectors, queries, options, progress)
        _write_extras(folder, extras)
        manifest = asdict(m) | _measured(folder, vectors, m.raw_dim, options.engine, tunings)
        manifest |= {"created": m.created, "recall_target": options.recall, "beside": beside}
        manifest |= {"trees": options.checked().get("trees")}
        manifest["kept"] = {name: one for name, one in m.kept.items() if name != "search_k"}
        _write_json(folder / MANIFEST, add_checksum(manifest))
    return final_path(folder)


def _share(file: Path, copy: Path) -> None:
    """Give a file, which nobody changes, another name; copy it where the disk has no such links."""
    try:
        copy.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, copy)


def _further_items(content: GenerationContent) -> Array:
    none = np.zeros(0, np.int64)
    return none if content.further_items is None else np.asarray(content.further_items, np.int64)


def items_table(items: Mapping[str, list[Any]] | pa.Table, count: int) -> pa.Table:
    """Return columns of `count` items as a generation stores them; raises ValueError."""
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
    attributes = [name for name in columns if name not in RESERVED]
    arrays = {name: _column(columns[name]) for name in attributes}
    return pa.table(
        {
            "id": pa.array(columns["id"], pa.string()),
            "title": pa.array(columns["title"], pa.string()),
            "group": pa.array(np.asarray(columns["group"], np.int64)),
            **arrays,
        }
    )


def _column(values: list[Any]) -> pa.Array:
    if any(isinstance(v, tuple) for v in values):  # several values of one item
        lists = [v if v is None or isinstance(v, tuple) else (v,) for v in values]
        return pa.array([v and [str(one) for one in v] for v in lists], pa.list_(pa.string()))
    try:
        array = pa.array(values, from_pandas=True)
        plain = pa.types.is_primitive(array.type) or pa.types.is_string(array.type)
        if plain or pa.types.is_null(array.type):
            return array
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass  # mixed types in one column, or numbers beyond 64 bits: as text
    return pa.array([None if v is None else str(v) for v in values], pa.string())


def _write_vectors(
    folder: Path, content: GenerationContent, metric: str, progress: Progress
) -> Array:
    """Write the vectors, projected; return them (n, dim) as stored, memory-mapped."""
    vectors, dtype = content.vectors, content.dtype
    if dtype not in ("float16", "float32"):
        raise ValueError(f"unknown dtype {dtype!r}: expected float16 or float32")
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise ValueError(f"expected vectors of shape (n, dim), found {vectors.shape}")
    count, dim = len(vectors), vectors.shape[1]
    if content.projection is not None:
        dim = _write_projection(folder, content.projection, dim)
    path = folder / "vectors.npy"
    header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (count, dim)}
    with path.open("wb") as file:  # on a full disk, writing to a memory map ends the process
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, count, _BLOCK_ROWS):
            with np.errstate(over="ignore"):
                block = project(vectors[start : start + _BLOCK_ROWS], content.projection)
                block = block.astype(dtype)
            _refuse_unusable(block, start, metric, dtype)
            file.write(block.tobytes())
            progress("vectors", start + len(block), count)
    stored: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    return stored


def _refuse_unusable(block: Array, start: int, metric: str, dtype: str) -> None:
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
    return int(matrix.shape[1])


def _write_pictures(
    folder: Path, name: str, pictures: Iterable[bytes], count: int, progress: Progress
) -> None:
    """Write NAME.bin and NAME.npy, where each picture begins; no details where all are b""."""
    offsets = np.zeros(count + 1, np.int64)
    done = 0
    with (folder / f"{name}.bin").open("wb") as out:
        for done, picture in enumerate(pictures, 1):
            if done > count:
                break
            offsets[done] = offsets[done - 1] + out.write(picture)
            progress(name, done, count)
    if done != count:
        given = "more" if done > count else str(done)
        raise ValueError(f"{count} photos need {count} {name}, found {given}")
    if name == "details" and not offsets[-1]:
        (folder / f"{name}.bin").unlink()
        return
    np.save(folder / f"{name}.npy", offsets, allow_pickle=False)


def _write_extras(folder: Path, extras: Extras) -> dict[str, Any]:
    """Write extra files; return their records for the manifest."""
    for name, value in extras.items():
        if not is_extra(name) or (folder / name).exists():
            raise ValueError(f"{name!r} cannot be the name of an extra file of a generation")
        if isinstance(value, np.ndarray):
            np.save(folder / name, value, allow_pickle=False)
        else:
            _write_json(folder / name, value)
    return {name: file_record(folder / name) for name in sorted(extras)}


def _measured(
    folder: Path, vectors: Array, raw_dim: int, engine: str, tunings: Mapping[str, Tuning]
) -> dict[str, Any]:
    """Return the part of the manifest that was measured or counted, not requested."""
    tuning = tunings.get("item")
    timings = {f"{engine}_ms": tuning.engine_ms, "exact_ms": tuning.exact_ms} if tuning else {}
    return {
        "schema": SCHEMA,
        "generation": final_path(folder).name,
        "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "dim": vectors.shape[1],
        "raw_dim": raw_dim,
        "dtype": str(vectors.dtype),
        "search_k": tuning.effort if tuning else None,
        "recall": round(tuning.recall, 6) if tuning else 1.0,
        "engine": engine if tuning and tuning.faster_than_exact else "exact",
        "timings": timings,
        "query_kinds": {kind: one.to_json(engine) for kind, one in tunings.items()},
        "files": {path.name: file_record(path) for path in sorted(folder.iterdir())},
    }


def _requested(content: GenerationContent, options: EngineOptions) -> dict[str, Any]:
    """Return the part of the manifest that the caller has given."""
    return {
        "encoder": content.encoder,
        "metric": options.metric,
        "source": content.source,
        "trees": options.checked().get("trees"),
        "recall_target": options.recall,
        "seed": options.seed,
        "licence": content.licence,
        "kept": dict(content.kept),
        "pictures": dict(content.pictures),
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
