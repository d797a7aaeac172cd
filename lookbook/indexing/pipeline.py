"""From a catalogue to a published generation: encode, group, write, enrich, publish."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lookbook.catalog import Catalog, Rejection
from lookbook.encoding.encoder import Encoder
from lookbook.index import prune, publish, published, write_generation
from lookbook.index.engines import check_options
from lookbook.index.near_duplicates import group_near_duplicates
from lookbook.indexing.embedding_cache import EmbeddingCache
from lookbook.indexing.encode_catalog import EncodedCatalog, encode_catalog
from lookbook.indexing.enrichment import enrich
from lookbook.indexing.summary import Summary

WORK, LOCK = ".work", ".lock"


class BuildError(ValueError):
    """A catalogue that cannot become an index."""


def build(
    catalog: Catalog,
    encoder: Encoder,
    output: str | Path,
    *,
    model: str | None = None,
    dim: int | None = None,
    metric: str = "angular",
    engine: str = "annoy",
    trees: int | None = None,
    recall: float = 0.99,
    near_duplicates: bool = True,
    licence: str | None = None,
    seed: int = 0,
    draw_map: bool = True,
    batch_size: int = 32,
    resume: bool = True,
    quiet: bool = False,
) -> Summary:
    """Encode `catalog`, write a generation under `output` and publish it.

    `model` is where the encoder is found again (folder or Hub id; None: the shipped one). What was
    encoded stays in `output`/.work until the generation is published, so an interrupted run is
    resumed. Raises BuildError when no picture can be used, ValueError for options that do not fit.
    """
    output = Path(output)
    check_options(engine, [] if trees is None else ["trees"])  # now, not after hours
    with _exclusive_lock(output):
        published(output)  # refuses a CURRENT of another program now, not after hours
        cache = EmbeddingCache(output / WORK, encoder.identity)
        if not resume:
            cache.clear()
        started = time.monotonic()
        encoded = encode_catalog(catalog, encoder, cache, batch_size=batch_size, quiet=quiet)
        encoded.rejected += [_record(rejection) for rejection in catalog.rejected]
        if not encoded.items:
            raise BuildError(_nothing_usable(catalog, encoded))
        encoding_done = time.monotonic()
        vectors = cache.read_vectors(encoded.hashes)
        groups = _duplicate_groups(vectors, cache, encoded) if near_duplicates else None
        generation = write_generation(
            output,
            vectors=vectors,
            items=_columns(encoded, groups),
            thumbs=cache.read_thumbnails(encoded.hashes),
            encoder=encoder.identity | {"model": model},
            metric=metric,
            engine=engine,
            trees=trees,
            recall=recall,
            seed=seed,
            source=catalog.source,
            licence=licence or catalog.licence,
            projection=whitening(vectors, dim) if dim else None,
            report=_report(catalog, encoded),
            enrich=lambda generation: enrich(generation, draw_map=draw_map, seed=seed),
            progress=None if quiet else _ProgressBars(),
        )
        publish(output, generation)
        prune(output)
        cache.delete()
    finished = time.monotonic()
    return Summary.of(
        generation,
        catalog.roles,
        encoded,
        encoding_done - started,
        finished - encoding_done,
        catalog.notes,
    )


def _record(rejection: Rejection) -> dict[str, Any]:
    return {name: value for name, value in vars(rejection).items() if value is not None}


def _report(catalog: Catalog, encoded: EncodedCatalog) -> dict[str, list[Any]]:
    """What `report.json` holds: the refused rows and cells by line, and how columns were read."""
    cells = [vars(refusal) for refusal in catalog.cell_refusals]
    return {"rejected": encoded.rejected, "cells": cells, "notes": catalog.notes}


@contextmanager
def _exclusive_lock(output: Path) -> Iterator[None]:
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


def _duplicate_groups(
    vectors: np.ndarray, cache: EmbeddingCache, encoded: EncodedCatalog
) -> np.ndarray:
    descriptors = cache.read_descriptors(encoded.hashes)
    return group_near_duplicates(vectors, descriptors, encoded.hashes)


def _columns(encoded: EncodedCatalog, groups: np.ndarray | None) -> dict[str, list]:
    items = encoded.items
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

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.bar is None or self.bar.desc.rstrip(": ") != stage:
            self.bar = tqdm(total=total, desc=stage, leave=False)
        self.bar.update(done - self.bar.n)
        if done >= total:
            self.bar.close()
            self.bar = None
