"""The whole way from a catalogue to a published generation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lookbook.catalog import Catalog
from lookbook.encoding.encoder import Encoder
from lookbook.index import prune, publish, published, write_generation
from lookbook.index.near_duplicates import fold
from lookbook.indexing.embedding_cache import EmbeddingCache
from lookbook.indexing.encode_catalog import EncodedCatalog, encode_catalogue
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
    trees: int = 50,
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

    `model` is how the encoder is found again (folder or Hub id; None: the shipped one). What was
    encoded stays in `output`/.work until the generation is published, so a killed run goes on
    where it was. Raises BuildError when no picture can be used.
    """
    output = Path(output)
    with _exclusive_lock(output):
        published(output)  # a CURRENT that is not ours is refused now, not after hours
        store = EmbeddingCache(output / WORK, encoder.identity)
        if not resume:
            store.clear()
        started = time.monotonic()
        kept = encode_catalogue(catalog, encoder, store, batch_size=batch_size, quiet=quiet)
        kept.rejected += [vars(rejection) for rejection in catalog.rejected]
        if not kept.items:
            raise BuildError(_nothing_usable(catalog, kept))
        encoded = time.monotonic()
        vectors = store.vectors(kept.hashes)
        groups = _groups(vectors, store, kept, near_duplicates)
        generation = write_generation(
            output,
            vectors=vectors,
            items=_columns(kept, groups),
            thumbs=store.thumbs(kept.hashes),
            encoder=encoder.identity | {"model": model},
            metric=metric,
            trees=trees,
            recall=recall,
            seed=seed,
            source=catalog.source,
            licence=licence or catalog.licence,
            projection=whitening(vectors, dim) if dim else None,
            report={"rejected": kept.rejected},
            learn=lambda generation: enrich(generation, draw_map=draw_map, seed=seed),
            progress=None if quiet else _Bars(),
        )
        publish(output, generation)
        prune(output)
        store.remove()
    return Summary.of(
        generation, catalog.roles, kept, groups, encoded - started, time.monotonic() - encoded
    )


@contextmanager
def _exclusive_lock(output: Path) -> Iterator[None]:
    """One writer at a time: two would clear away each other's half-done work."""
    try:
        import fcntl
    except ImportError:  # Windows: nothing to lock with, as before
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
    """Mean (d,) and matrix (d, dim) of a PCA-whitening learnt on `vectors` (n, d).

    Jégou & Chum 2012, "Negative evidences and co-occurences in image retrieval". Directions that
    hold next to nothing are damped, not blown up. Raises BuildError when `dim` is out of reach.
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


def _groups(
    vectors: np.ndarray, store: EmbeddingCache, kept: EncodedCatalog, near_duplicates: bool
) -> np.ndarray:
    if not near_duplicates:
        return np.arange(len(vectors))
    return fold(vectors, store.signatures(kept.hashes), kept.hashes)


def _columns(kept: EncodedCatalog, groups: np.ndarray) -> dict[str, list]:
    names = dict.fromkeys(name for item in kept.items for name in item.attributes)
    own = {
        "id": [item.id for item in kept.items],
        "title": [item.title for item in kept.items],
        "group": groups.tolist(),
    }
    attributes = {
        name + "_" * (name in own): [item.attributes.get(name) for item in kept.items]
        for name in names
    }
    return own | attributes


def _nothing_usable(catalog: Catalog, kept: EncodedCatalog) -> str:
    if not kept.rejected:
        return "the catalogue is empty: found no item to index (check --where and --limit)"
    first = kept.rejected[0]
    return (
        f"no usable picture among {len(kept.rejected)}: expected at least one. "
        f"The first, {first['id']}: {first['sentence']}"
    )


class _Bars:
    """A progress bar for each stage of writing, in turn."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.bar is None or self.bar.desc.rstrip(": ") != what:
            self.bar = tqdm(total=total, desc=what, leave=False)
        self.bar.update(done - self.bar.n)
        if done >= total:
            self.bar.close()
            self.bar = None
