"""A generation, opened: verified against its manifest, memory-mapped, read only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lookbook.index.engines import Engine, get_engine, open_engine
from lookbook.index.errors import EngineUnavailable, IndexCorrupt
from lookbook.index.manifest import MANIFEST, Manifest
from lookbook.index.normalization import unit_vectors
from lookbook.index.publishing import CURRENT, current_name
from lookbook.schema.tensors import read_tensors

T = TypeVar("T")
Array = np.ndarray[Any, np.dtype[Any]]
PHOTO_ITEMS = "photo-items.npy"  # int64 (photos - count,): the rows of items of further photos
Projection = tuple[Array, Array]  # mean (raw_dim,), matrix (raw_dim, dim)


def project(vectors: Array, projection: Projection | None) -> Array:
    """Project float32 (n, raw_dim) to (n, dim), L2 norm 1; unchanged where `projection` is None.

    The same step for the catalogue and for a query.
    """
    vectors = np.asarray(vectors, np.float32)
    if projection is None:
        return vectors
    mean, matrix = projection
    return unit_vectors((vectors - mean) @ matrix)


class Generation:
    """One opened generation: verified, its vectors and thumbnails memory-mapped.

    `manifest`; `items`, a table with `id`, `title`, `group` and the attributes; `photo_vectors`
    (photos, dim), of which the first `count` rows, `vectors`, are the first photo of each item, in
    the order of `items`, and the others their further photos; `photo_items` int64 (photos,), the
    row of the item that each is of; `projection` (mean, matrix) or None; `root` where it was found
    through CURRENT.
    `read_json` and `read_array` give what else was stored with it.
    """

    def __init__(self, path: Path, verify: str) -> None:
        self.path = path
        self.root: Path | None = None
        self.manifest = Manifest.read(path)
        self.manifest.check_files(path, hashes=verify == "full")
        with _refusing(path / "vectors.npy"):
            vectors: Array = np.load(path / "vectors.npy", mmap_mode="r", allow_pickle=False)
        self.photo_vectors = vectors
        items = path / "items.parquet"
        with _refusing(items), pq.ParquetFile(items) as file:  # `read_table` imports pandas
            self.items = file.read()
        pa.default_memory_pool().release_unused()  # what decoding the file took
        self.projection = self._read_projection()
        self._check_shapes()
        self.vectors: Array = vectors[: self.manifest.count]
        self.photo_items = self._read_photo_items()
        self._thumbs = self._map_pictures("thumbs")
        details = "details.bin" in self.manifest.files
        self._details = self._map_pictures("details") if details else None

    @classmethod
    def open(cls, path: str | Path, verify: str = "full") -> Generation:
        """Open the generation in folder `path`, or the current one of the root `path`.

        `verify="full"` compares every file's sha256 with the manifest, "quick" its size only.
        Raises IndexMissing where there is none, IndexCorrupt where anything does not match.
        """
        if verify not in ("full", "quick"):
            raise ValueError(f"unknown verify {verify!r}: expected 'full' or 'quick'")
        path = Path(path)
        if (path / MANIFEST).is_file():
            return cls(path, verify)
        for _ in range(5):  # a writer may publish twice and prune between our two steps
            name = current_name(path)
            try:
                generation = cls(path / name, verify)
            except (IndexCorrupt, FileNotFoundError):
                if current_name(path) != name:
                    continue
                if not (path / name / MANIFEST).is_file():
                    raise IndexCorrupt(f"{CURRENT} names {name}, there is nothing there") from None
                raise
            generation._came_from(path, name)
            return generation
        raise IndexCorrupt(f"{CURRENT} in {path} changes faster than a generation opens")

    def _came_from(self, root: Path, name: str) -> None:
        if self.manifest.generation != name:
            raise IndexCorrupt(
                f"{CURRENT} names {name}, the manifest there says {self.manifest.generation}"
            )
        self.root = root

    def open_engine(self, name: str) -> Engine:
        """Open the engine `name` on this generation.

        Raises EngineUnavailable where this generation was built without it or its package is not
        installed, IndexCorrupt where its file is damaged, ValueError for an unknown name.
        """
        m = self.manifest
        engine = get_engine(name)
        if engine.file and engine.file not in m.files:
            built = " and ".join(dict.fromkeys(e for e in (m.built, m.preferred, "exact") if e))
            raise EngineUnavailable(
                f"engine {name} was asked for, this index was built for {built}: run "
                f"`python embed.py --engine {name}`, or choose another --engine"
            )
        effort = m.search_k if name == m.built else m.effort("item", name)
        return open_engine(name, self.path, self.photo_vectors, m.metric, effort)

    def thumb(self, row: int) -> bytes:
        """Return the thumbnail of a photo by its row (that of its item for a first photo)."""
        return _picture(self._thumbs, row)

    def detail(self, row: int) -> bytes:
        """Return the larger picture of a photo by its row; b"" where there is none."""
        return b"" if self._details is None else _picture(self._details, row)

    def _read_projection(self) -> Projection | None:
        path = self.path / "projection.safetensors"
        if path.name not in self.manifest.files:
            return None
        with _refusing(path):
            parts = read_tensors(path)
            mean, matrix = parts["mean"], parts["matrix"]
        expected = (self.manifest.raw_dim, self.manifest.dim)
        if mean.shape != expected[:1] or matrix.shape != expected:
            raise IndexCorrupt(f"{path.name} maps {matrix.shape}, the manifest says {expected}")
        return mean, matrix

    def read_json(self, name: str, read: Callable[[object], T]) -> T | None:
        """Parse a JSON file of this generation with `read`; None where the manifest lists none.

        Raises IndexCorrupt where it is no JSON or `read` raises.
        """
        if name not in self.manifest.files:
            return None
        with _refusing(self.path / name):
            return read(json.loads((self.path / name).read_text(encoding="utf-8")))

    def read_array(
        self, name: str, shape: tuple[int | None, ...], dtype: type[np.generic]
    ) -> Array | None:
        """Memory-map an array file of this generation; None where the manifest lists none.

        Raises IndexCorrupt for another shape (None: any length) or type, and for values that are
        not finite.
        """
        if name not in self.manifest.files:
            return None
        path = self.path / name
        with _refusing(path):
            array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        fits = len(array.shape) == len(shape) and all(
            expected in (None, length) for expected, length in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype != dtype or not np.isfinite(array).all():
            raise IndexCorrupt(
                f"{name} holds {array.shape} of {array.dtype}, expected finite "
                f"{shape} of {np.dtype(dtype)}"
            )
        return array

    def _read_photo_items(self) -> Array:
        count, further = self.manifest.count, self.manifest.photos - self.manifest.count
        rows = np.arange(count)
        if not further:
            return rows
        items = self.read_array(PHOTO_ITEMS, (further,), np.int64)
        if items is None or items.min() < 0 or items.max() >= count:
            raise IndexCorrupt(
                f"{PHOTO_ITEMS} does not say which of the {count} items {further} photos are of"
            )
        return np.concatenate([rows, items])

    def _check_shapes(self) -> None:
        m = self.manifest
        stored, expected = (
            (self.photo_vectors.shape, str(self.photo_vectors.dtype)),
            ((m.photos, m.dim), m.dtype),
        )
        if stored != expected:
            raise IndexCorrupt(f"vectors.npy holds {stored}, the manifest says {expected}")
        if self.projection is None and m.raw_dim != m.dim:
            raise IndexCorrupt(f"raw_dim {m.raw_dim} is not dim {m.dim}, but nothing projects")
        if self.items.num_rows != m.count:
            raise IndexCorrupt(
                f"items.parquet has {self.items.num_rows} rows, the manifest says {m.count}"
            )
        if m.photos < m.count:
            raise IndexCorrupt(f"{MANIFEST} says {m.photos} photos of {m.count} items")
        for name, dtype in (("id", pa.string()), ("title", pa.string()), ("group", pa.int64())):
            if name not in self.items.column_names or self.items[name].type != dtype:
                raise IndexCorrupt(f"items.parquet has no column {name!r} of type {dtype}")
            if self.items[name].null_count:
                raise IndexCorrupt(f"items.parquet has rows without {name!r}")

    def _map_pictures(self, name: str) -> tuple[Array, Array]:
        """Map the pictures in NAME.bin; return their bytes, and where each photo's begin."""
        path = self.path / f"{name}.bin"
        with _refusing(self.path / f"{name}.npy"):
            offsets: Array = np.load(self.path / f"{name}.npy", allow_pickle=False)
        size, count = path.stat().st_size, self.manifest.photos
        if offsets.shape != (count + 1,) or offsets.dtype != np.int64:
            raise IndexCorrupt(
                f"{name}.npy holds {offsets.shape} of {offsets.dtype}, expected {(count + 1,)}"
            )
        if offsets[0] != 0 or offsets[-1] != size or (np.diff(offsets) < 0).any():
            raise IndexCorrupt(f"{name}.npy ends at {offsets[-1]}, {name}.bin has {size} bytes")
        return np.memmap(path, np.uint8, "r") if size else np.empty(0, np.uint8), offsets


def _picture(pictures: tuple[Array, Array], row: int) -> bytes:
    content, offsets = pictures
    return bytes(content[offsets[row] : offsets[row + 1]].tobytes())


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn whatever a parser raises for a damaged file into IndexCorrupt."""
    try:
        yield
    except (FileNotFoundError, IndexCorrupt):
        raise
    except Exception as error:  # numpy alone has four ways to say that a header is damaged
        raise IndexCorrupt(f"{path.name} cannot be read: {error}") from error
