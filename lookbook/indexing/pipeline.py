"""From a catalogue to a published generation: encode, group, write, enrich, publish."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lookbook.catalog import Catalog
from lookbook.encoding.encoder import Encoder
from lookbook.images.transforms import QUALITIES, check_format
from lookbook.index import (
    EngineOptions,
    GenerationContent,
    Projection,
    prune,
    publish,
    published,
    write_generation,
)
from lookbook.index.near_duplicates import group_pairs
from lookbook.index.writing import items_table
from lookbook.indexing.by_ray import RayRun, encode_by_ray
from lookbook.indexing.embedding_cache import EmbeddingCache
from lookbook.indexing.encode_catalog import EncodedCatalog, PictureOptions, encode_catalog, record
from lookbook.indexing.enrichment import enrich
from lookbook.indexing.parts import PartStore
from lookbook.indexing.reuse import Previous, files_for_reuse
from lookbook.indexing.summary import Summary
from lookbook.indexing.tuning_queries import queries_by_kind
from lookbook.indexing.update import Update

WORK, LOCK = ".work", ".lock"
# options of stored pictures; indexes of earlier versions say nothing of the format
_OF_PICTURES = {"detail_size": None, "picture_quality": None, "picture_format": "webp"}
_VERSION = ("fingerprint", "revision")  # of a source: says when it was changed, not what it is


class BuildError(ValueError):
    """A catalogue that cannot become an index."""


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What a run makes of its catalogue; report.json records it.

    `model` is where the encoder is found again (folder or Hub id; None: the shipped one). `dim`
    projects the vectors (None: they stay as they are). `licence` None is the catalogue's own.
    `detail_size`, `picture_quality` and `picture_format` are those of `PictureOptions`; photos that
    are taken from the published generation stay as they are stored there. The others are those of
    `EngineOptions` and `enrich`.
    """

    metric: str = "angular"
    engine: str = "annoy"
    trees: int | None = None
    recall: float = 0.99
    seed: int = 0
    dim: int | None = None
    near_duplicates: bool = True
    draw_map: bool = True
    licence: str | None = None
    model: str | None = None
    detail_size: int = 1024
    picture_quality: int | None = None
    picture_format: str = "webp"

    def engine_options(
        self, first_efforts: Mapping[str, Mapping[str, int]] | None = None
    ) -> EngineOptions:
        """Return the options of the engine; `first_efforts` are those of `EngineOptions`."""
        return EngineOptions(
            metric=self.metric,
            engine=self.engine,
            trees=self.trees,
            recall=self.recall,
            first_efforts=first_efforts or {},
            seed=self.seed,
        )

    def picture_options(self) -> PictureOptions:
        """Return how photos are stored."""
        return PictureOptions(self.detail_size, self.picture_quality, self.picture_format)


def build(
    catalog: Catalog,
    encoder: Encoder,
    output: str | Path,
    options: BuildOptions | None = None,
    *,
    batch_size: int = 32,
    resume: bool = True,
    quiet: bool = False,
    ray: str | None = None,
    parts: str | None = None,
) -> Summary:
    """Encode `catalog`, write a generation under `output` and publish it.

    What was encoded stays in `output`/.work until the generation is published, so an interrupted
    run is resumed; what the previous generation holds is taken from it, and where nothing has
    changed that one stays published. Without `resume` all is computed anew. `ray` is the address of
    a cluster that encodes, "local" for processes of this machine; these write to `parts`, a path or
    an address of fsspec that all of them reach, None for `output`/.work. Raises BuildError when no
    picture can be used, ValueError for options that do not fit.
    """
    output, options = Path(output), _checked(options or BuildOptions(), catalog, encoder)
    with exclusive_lock(output):
        published(output)  # refuses a CURRENT of another program now, not after hours
        previous, source, note = _previous(output, encoder, resume)
        cache = EmbeddingCache(output / WORK, encoder.identity, source)
        if not resume:
            cache.clear()
        started = time.monotonic()
        parts = parts or str((output / WORK).resolve())
        cluster = None if ray is None else RayRun(ray, parts, options.model, resume)
        encoded, store = _encode(catalog, encoder, cache, options, cluster, batch_size, quiet)
        encoding_done = time.monotonic()
        update = _update(catalog, encoded, previous, source, options)
        generation = update.published_generation
        if generation is None:
            content = _content(catalog, encoder, encoded, cache, update, options)
            generation = _write(output, content, update, options, quiet)
            publish(output, generation)
        prune(output)
        if store:
            store.delete()
        cache.delete()
    return Summary.of(
        generation,
        catalog.roles,
        encoded,
        encoding_done - started,
        time.monotonic() - encoding_done,
        [*catalog.notes, *_on_stored_pictures(source, options)],
        changes=update.changes,
        note=note,
        published=not update.published_generation,
    )


def _checked(options: BuildOptions, catalog: Catalog, encoder: Encoder) -> BuildOptions:
    """Return the options with the catalogue's licence; raise now what would fail after hours."""
    options.engine_options().checked()
    if options.dim and not encoder.normalize:
        raise BuildError("--dim gives vectors of norm 1: leave out --dim or --no-normalize")
    check_format(options.picture_format)
    return replace(
        options,
        licence=options.licence or catalog.licence,
        picture_quality=options.picture_quality or QUALITIES[options.picture_format],
    )


def _encode(
    catalog: Catalog,
    encoder: Encoder,
    cache: EmbeddingCache,
    options: BuildOptions,
    cluster: RayRun | None,
    batch_size: int,
    quiet: bool,
) -> tuple[EncodedCatalog, PartStore | None]:
    """Encode here or by Ray; return the parts that Ray has left, too."""
    store, pictures = None, options.picture_options()
    how: dict[str, Any] = {"batch_size": batch_size, "quiet": quiet, "pictures": pictures}
    if cluster is None:
        encoded = encode_catalog(catalog, encoder, cache, parallel=catalog.parallel, **how)
    else:
        encoded, store = encode_by_ray(cluster, catalog, encoder, cache, **how)
    encoded.rejected += [record(rejection) for rejection in catalog.rejected]
    if not encoded.items:
        raise BuildError(_nothing_usable(catalog, encoded))
    return encoded, store


def _previous(
    output: Path, encoder: Encoder, resume: bool
) -> tuple[Previous | None, Previous | None, str]:
    """Return the generation to compare with, the one to take embeddings from, and why not."""
    before = Previous.open(output)
    if isinstance(before, str):
        return None, None, before
    if not resume:
        return before, None, ""
    if not before.holds_vectors_of(encoder.identity):
        return before, None, "the published generation is of another encoder"
    return before, before, ""


def _update(
    catalog: Catalog,
    encoded: EncodedCatalog,
    previous: Previous | None,
    source: Previous | None,
    options: BuildOptions,
) -> Update:
    """Return what was encoded against the published generation."""
    items = items_table(_columns(encoded, None), len(encoded.items))
    recorded, report = _recorded(options, catalog), _report(catalog, encoded)
    return Update(items, encoded.photos, previous, source, recorded, report)


def _on_stored_pictures(source: Previous | None, options: BuildOptions) -> list[str]:
    """A note where known photos were stored otherwise than this run stores new ones."""
    if source is None:
        return []
    before = source.options if isinstance(source.options, dict) else {}
    if all(before.get(name, old) == getattr(options, name) for name, old in _OF_PICTURES.items()):
        return []
    return [
        "photos from earlier runs keep the sizes and the format that they were stored in; --fresh "
        "stores all of them again"
    ]


def _write(
    output: Path, content: GenerationContent, update: Update, options: BuildOptions, quiet: bool
) -> Path:
    return write_generation(
        output,
        content,
        options.engine_options(update.first_efforts()),
        enrich=lambda generation: enrich(
            generation,
            draw_map=options.draw_map,
            places=update.places_on_map(),
            kept=update.figures(),
            seed=options.seed,
        ),
        progress=None if quiet else _ProgressBars(),
    )


def _recorded(options: BuildOptions, catalog: Catalog) -> dict[str, Any]:
    """Return what report.json records of a run: a run of the same may leave the index as it is."""
    source = {name: value for name, value in catalog.source.items() if name not in _VERSION}
    return asdict(options) | {"source": source}


def _report(catalog: Catalog, encoded: EncodedCatalog) -> dict[str, list[Any]]:
    """What `report.json` holds: the refused rows and cells by line, and how columns were read."""
    cells = [vars(refusal) for refusal in catalog.cell_refusals]
    return {"rejected": encoded.rejected, "cells": cells, "notes": catalog.notes}


def _content(
    catalog: Catalog,
    encoder: Encoder,
    encoded: EncodedCatalog,
    cache: EmbeddingCache,
    update: Update,
    options: BuildOptions,
) -> GenerationContent:
    hashes, dim, count = encoded.hashes, options.dim, len(encoded.items)
    vectors, descriptors = cache.read_vectors(hashes), cache.read_descriptors(hashes)
    pairs = None
    if options.near_duplicates:
        pairs = update.duplicate_pairs(vectors[:count], descriptors[:count])
    projection = update.projection() or whitening(vectors, dim) if dim else None
    embeddings = vectors if projection else None
    queries = _queries(*(encoder, encoded, cache, options), vectors, projection, update.queries())
    return GenerationContent(
        vectors=vectors,
        items=_columns(encoded, pairs),
        thumbs=cache.read_thumbnails(hashes),
        details=cache.read_details(hashes) if options.detail_size else None,
        pictures={name: getattr(options, name) for name in _OF_PICTURES},
        encoder=encoder.identity | {"model": options.model},
        further_items=encoded.further_items,
        source=catalog.source,
        licence=options.licence,
        projection=projection,
        report=_report(catalog, encoded) | {"update": update.to_json()},
        extras=files_for_reuse(hashes, descriptors, embeddings, pairs, queries),
        kept={name: asdict(origin) for name, origin in update.origins.items()},
        queries=queries,
    )


def _queries(
    encoder: Encoder,
    encoded: EncodedCatalog,
    cache: EmbeddingCache,
    options: BuildOptions,
    vectors: np.ndarray,
    projection: Projection | None,
    kept: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return the queries that the engine is tuned on, by kind; `kept` ones stay as they are."""
    if options.engine == "exact":
        return {}
    return queries_by_kind(
        encoder,
        vectors,
        lambda rows: [encoded.items[row] for row in rows if row < len(encoded.items)],
        lambda rows: cache.read_thumbnails([encoded.hashes[row] for row in rows]),
        projection,
        options.seed,
        kept,
    )


@contextmanager
def exclusive_lock(output: Path) -> Iterator[None]:
    """Allow one writer at a time: two would delete each other's unfinished work."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock
        yield
        return
    output.mkdir(parents=True, exist_ok=True)
    with (output / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BuildError(
                f"{output}: another embed.py is writing here; wait for it, or give another --output"
            ) from None
        yield


def whitening(vectors: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (d,) and matrix (d, dim) of a PCA-whitening fitted on `vectors` (n, d).

    Jégou & Chum 2012, "Negative evidences and co-occurences in image retrieval". A variance floor
    keeps near-constant directions from being amplified. Raises BuildError when `dim` is too large.
    """
    n, d = vectors.shape
    if not 1 <= dim <= min(n - 1, d):
        raise BuildError(
            f"--dim {dim}: {n} pictures with vectors of length {d} allow 1 to {min(n - 1, d)}"
        )
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors.astype(np.float64) - mean
    values, directions = np.linalg.eigh(centred.T @ centred / n)
    values, directions = values[::-1][:dim], directions[:, ::-1][:, :dim]
    matrix = directions / np.sqrt(np.maximum(values, 0) + 1e-3 * values[0])
    return mean.astype(np.float32), matrix.astype(np.float32)


def _columns(encoded: EncodedCatalog, pairs: np.ndarray | None) -> dict[str, list]:
    items = encoded.items
    groups = None if pairs is None else group_pairs(pairs, encoded.hashes[: len(items)])
    reserved = {
        "id": [item.id for item in items],
        "title": [item.title for item in items],
        "group": list(range(len(items))) if groups is None else groups.tolist(),
    }
    attributes = dict.fromkeys(name for item in items for name in item.attributes)
    return reserved | {
        name + "_" * (name in reserved): [item.attributes.get(name) for item in items]
        for name in attributes
    }


def _nothing_usable(catalog: Catalog, encoded: EncodedCatalog) -> str:
    if not encoded.rejected:
        return "the catalogue is empty: found no item to index (check --where and --limit)"
    first = encoded.rejected[0]
    return (
        f"no usable picture among {len(encoded.rejected)}: expected at least one. "
        f"The first, {first['id']}: {first['sentence']}"
    )


class _ProgressBars:
    """Show a progress bar for each stage of writing, one after the other."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None
        self.stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.bar is None or self.stage != stage:
            self.stage = stage
            self.bar = tqdm(total=total, desc=stage, leave=False, disable=None)  # on a terminal
        self.bar.update(done - self.bar.n)
        if done >= total:
            self.bar.close()
            self.bar = None
