"""Encode a catalogue by Ray Data: actors that encode ranges of its rows and write them as parts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lookbook.catalog import Catalog
from lookbook.encoding.encoder import Encoder
from lookbook.indexing.embedding_cache import EmbeddingCache, EncodedImage
from lookbook.indexing.encode_catalog import EncodedCatalog, PictureOptions, encode_catalog
from lookbook.indexing.parts import PartStore, pack_part, take_part

LOCAL = "local"
PART_ROWS = 512  # the most that a killed actor has to do again
_TASKS_OF_AN_ACTOR = 4  # each reads the source from its beginning, but evens out slow ones
_CPU_SHARE = 0.45  # of a core that an actor asks for: with more, none is left for Ray's own tasks
_TRIES = 3  # of starting Ray, which gives its helpers 15 s: too few on a busy machine
_STORE_BYTES = 256 * 2**20  # of Ray's memory on this machine: only row numbers pass through it


class RayError(ValueError):
    """Ray is not installed, its cluster cannot be used, or one of its actors failed."""


@dataclass(frozen=True)
class RayRun:
    """Where Ray encodes, and where the actors write their parts.

    `address` is that of a cluster, "local" for one of this machine that ends with the run. `parts`
    is a folder or an address of fsspec that all machines reach; without `resume` what a previous
    run has left there is deleted. `model` is the encoder's folder or Hub id, None: the shipped.
    """

    address: str
    parts: str
    model: str | None = None
    resume: bool = True


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What an actor needs to know. `known`: content hashes that need no encoding, sorted S32."""

    reopen: Callable[[], Catalog]
    source: dict[str, Any]
    encoder: dict[str, Any]
    identity: dict[str, Any]
    known: np.ndarray
    pictures: PictureOptions
    batch_size: int
    threads: int
    parts: PartStore
    part_rows: int
    folder: str


def encode_by_ray(
    run: RayRun,
    catalog: Catalog,
    encoder: Encoder,
    cache: EmbeddingCache,
    *,
    batch_size: int,
    quiet: bool,
    pictures: PictureOptions,
) -> tuple[EncodedCatalog, PartStore]:
    """Return what `encode_catalog` returns, encoded by the actors of a cluster, and their parts.

    Each actor opens the catalogue and loads the model itself, so all machines must reach both by
    the same names. Parts that a previous run has left are not encoded again, nor are pictures of
    the published generation in `cache`; Ray repeats what an actor that died has not written. Raises
    RayError, and OSError or ValueError for a store that cannot be used.
    """
    _check_catalog(catalog)
    known = cache.published_hashes()
    parts = PartStore(run.parts, _key(catalog, encoder, pictures, known))
    if not run.resume:
        parts.delete()
    starts = range(0, catalog.count_rows(), PART_ROWS)
    there = parts.starts()
    missing = [start for start in starts if start not in there]
    if missing:
        with _cluster(run.address) as ray:
            gpus, cpus = (int(ray.cluster_resources().get(name, 0)) for name in ("GPU", "CPU"))
            _check_precision(encoder.precision, gpus)
            actors = min(max(1, gpus or cpus), len(missing))
            work = _Work(
                **_opened_by_actors(catalog, encoder, run.model, on_gpu=bool(gpus)),
                known=np.array(sorted(map(bytes.fromhex, known)), "S32"),
                pictures=pictures,
                batch_size=batch_size,
                threads=max(1, cpus // actors),
                parts=parts,
                part_rows=PART_ROWS,
            )
            _encode_missing(ray, work, missing, actors, gpus, quiet)
    return _merged(catalog, parts, starts, there, cache), parts


def _check_catalog(catalog: Catalog) -> None:
    """Raise RayError for a catalogue that actors cannot open, or would not read as far."""
    if catalog.reopen is None:
        raise RayError("--ray needs a catalogue of open_catalog, which each process opens itself")
    if catalog.source["limit"] is not None:
        raise RayError("--ray encodes a whole catalogue: leave out --limit, or --ray")


def _check_precision(precision: str, gpus: int) -> None:
    """Raise RayError for a precision that the GPUs of a cluster do not compute."""
    if precision == "int8" and gpus:
        raise RayError(
            f"--ray found {gpus} GPUs, which do not compute int8: add --precision bfloat16 or "
            "--precision float32"
        )


def _opened_by_actors(
    catalog: Catalog, encoder: Encoder, model: str | None, on_gpu: bool
) -> dict[str, Any]:
    """Return the part of `_Work` by which an actor opens the catalogue and loads the encoder."""
    return {
        "reopen": catalog.reopen,
        "source": catalog.source,
        "encoder": _loading(encoder, model, on_gpu),
        "identity": encoder.identity,
        "folder": str(Path.cwd()),
    }


def _key(catalog: Catalog, encoder: Encoder, pictures: PictureOptions, known: list[str]) -> str:
    """Name the parts by all that they depend on: those of another run are never taken."""
    inputs = [catalog.source, encoder.identity, asdict(pictures), PART_ROWS, sorted(known)]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def _loading(encoder: Encoder, model: str | None, on_gpu: bool) -> dict[str, Any]:
    """Return what `Encoder.load` needs to load the same encoder in another process."""
    # without a name: the shipped model, which may lie elsewhere on another machine
    named: dict[str, Any] = {"model": model} if model else {}
    return named | {
        "pooling": encoder.pooling,
        "precision": encoder.precision,
        "device": "auto" if on_gpu else "cpu",
        "backend": "torch" if on_gpu else encoder.backend.name,
        "denoise": encoder.preprocessing.denoise,
        "normalize": encoder.normalize,
    }


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Connect to a cluster, or start one of this machine's processes; end what was started."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 would starve them beside other work
    if address == LOCAL:  # without this Ray takes 127.0.0.1 below for the outward address
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray.data
    except ImportError:
        raise RayError(
            "--ray needs the package ray, which is not installed: run `pip install 'ray[data]'`"
        ) from None
    if ray.is_initialized():  # by the caller, who ends it, too
        yield ray
        return
    try:
        _connect(ray, address)
        yield ray
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    own: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    own |= {"object_store_memory": _STORE_BYTES}
    options = own if address == LOCAL else {}
    for tries_left in reversed(range(_TRIES if address == LOCAL else 1)):
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
            return
        except Exception as error:  # Ray raises Exception itself where its processes start slowly
            ray.shutdown()
            if not tries_left:
                raise RayError(f"--ray {address}: {error}") from None


def _encode_missing(
    ray: Any, work: _Work, missing: list[int], actors: int, gpus: int, quiet: bool
) -> None:
    """Encode and write the parts that begin with the rows `missing`; raises RayError."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    count = math.ceil(len(missing) / (_TASKS_OF_AN_ACTOR * actors))
    tasks = [{"starts": missing[i : i + count]} for i in range(0, len(missing), count)]
    cpus = _CPU_SHARE * work.threads
    written = ray.data.from_items(tasks, override_num_blocks=len(tasks)).map_batches(
        EncodeActor,
        fn_constructor_args=(work,),
        batch_size=1,
        num_cpus=cpus if cpus < 1 else int(cpus),  # above one Ray wants whole numbers
        num_gpus=1 if gpus else 0,
        compute=ray.data.ActorPoolStrategy(size=actors),
    )
    with tqdm(total=len(missing), unit=" parts", disable=quiet or None) as bar:
        try:
            for row in written.iter_rows():
                if row["problem"]:
                    raise RayError(row["problem"])
                bar.update(int(row["parts"]))
        except ray.exceptions.RayError as error:
            raise RayError(f"Ray failed: {error}") from None


def _merged(
    catalog: Catalog, parts: PartStore, starts: range, old: set[int], cache: EmbeddingCache
) -> EncodedCatalog:
    """Take all parts into the cache, in the order of the catalogue."""
    encoded = EncodedCatalog()
    catalog.rejected = list(catalog.refusals)
    for start in starts:
        before = len(cache)
        try:
            take_part(parts.read(start), encoded, catalog.rejected, cache)
        except FileNotFoundError:
            raise RayError(
                f"the part of row {start} is not where this machine reads the parts: --parts must "
                "be a folder or a store that all machines share"
            ) from None
        except ValueError as error:
            parts.delete(start)
            raise RayError(
                f"the part of row {start} is {error} and was deleted; run the same command again "
                "to encode it"
            ) from None
        encoded.newly_encoded += 0 if start in old else len(cache) - before
    return encoded


class EncodeActor:
    """Encodes ranges of rows; the catalogue and the encoder are loaded once, when first used."""

    def __init__(self, work: _Work) -> None:
        self.work = work
        with contextlib.suppress(OSError):
            os.chdir(work.folder)  # relative paths mean the same in all processes

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Write the parts of a task; return how many, int64 (1,), and what went wrong, str (1,)."""
        starts, problem = [int(start) for start in batch["starts"][0]], ""
        try:
            self._write(starts)
        except (ValueError, OSError) as error:  # every error of the library is one of these
            problem = str(error) or type(error).__name__
        return {"parts": np.array([len(starts)]), "problem": np.array([problem])}

    def _write(self, starts: list[int]) -> None:
        work = self.work
        there = work.parts.starts()  # of an actor that died with this task
        missing = [start for start in starts if start not in there]
        if missing:
            parts = self.catalog.parts(missing, work.part_rows)
            for start, part in zip(missing, parts, strict=True):
                work.parts.write(start, self._encode(part))

    def _encode(self, part: Catalog) -> bytes:
        work, store = self.work, _PartEmbeddings(self.work.known)
        encoded = encode_catalog(
            *(part, self.encoder, store),
            batch_size=work.batch_size,
            quiet=True,
            parallel=max(part.parallel, work.threads),
            pictures=work.pictures,
        )
        return pack_part(encoded, part.rejected, store.images)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue, which must be the one that the run began with."""
        catalog = self.work.reopen()
        if catalog.source != self.work.source:
            raise RayError(
                f"a process reads another catalogue than the command: found {catalog.source}, "
                f"expected {self.work.source}; it was changed, or machines see different folders"
            )
        return catalog

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder, which must give the vectors of the command's own."""
        encoder = Encoder.load(**self.work.encoder)
        if encoder.identity != self.work.identity:
            raise RayError(
                f"a process loaded another encoder than the command: found {encoder.identity}, "
                f"expected {self.work.identity}; all machines need the same model"
            )
        return encoder


class _PartEmbeddings:
    """The embeddings of one part, in memory; `known` (n,) S32 are content hashes to leave out."""

    def __init__(self, known: np.ndarray) -> None:
        self._known = known
        self._hashes: set[str] = set()
        self.images: list[EncodedImage] = []

    def __contains__(self, content_hash: str) -> bool:
        digest = np.array(bytes.fromhex(content_hash), "S32")
        row = np.searchsorted(self._known, digest)
        known = row < len(self._known) and self._known[row] == digest
        return bool(known) or content_hash in self._hashes

    def add_shard(self, images: list[EncodedImage]) -> None:
        """Keep the images."""
        self.images += images
        self._hashes.update(image.hash for image in images)
