"""What a run has encoded so far, on disk by content hash, so that a killed run loses little.

A store belongs to one encoder identity: its folder is named by it, so vectors of two encoders can
never meet. Shards are written beside and renamed, so a shard is whole or not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file


@dataclass(frozen=True)
class Encoded:
    """One picture after the encoder: float32 (dim,), uint8 (768,) and the WebP of the gallery."""

    hash: str
    vector: np.ndarray
    thumbnail_descriptor: np.ndarray
    thumb: bytes


class EmbeddingCache:
    """Append-only: `add` shards of Encoded, ask `in`, read back by hash."""

    def __init__(self, work: Path, identity: dict) -> None:
        key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
        self.folder = work / key
        self.folder.mkdir(parents=True, exist_ok=True)
        self._where: dict[str, tuple[Path, int]] = {}
        self._open = lru_cache(maxsize=8)(lambda path: safe_open(path, framework="numpy"))
        paths = sorted(self.folder.glob("*.safetensors"))
        # a name is never used twice: a file that is open must not be written over
        self._shards = max((int(path.stem) for path in paths), default=0)
        for path in paths:
            self._take_in(path)

    def _take_in(self, path: Path) -> None:
        try:
            hashes = self._open(path).get_tensor("hashes")
        except (SafetensorError, OSError):
            path.unlink()  # a disk that lied about a rename: encode these again
            return
        for row, digest in enumerate(hashes):
            self._where[digest.tobytes().hex()] = (path, row)

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, content_hash: str) -> bool:
        return content_hash in self._where

    def add(self, shard: list[Encoded]) -> None:
        """Write what is new of one shard; after return its pictures need no encoding again."""
        shard = [e for e in {e.hash: e for e in shard}.values() if e.hash not in self]
        if not shard:
            return
        self._shards += 1
        path = self.folder / f"{self._shards:09d}.safetensors"
        partial = path.with_suffix(".part")
        save_file(
            {
                "hashes": np.stack([np.frombuffer(bytes.fromhex(e.hash), np.uint8) for e in shard]),
                "vectors": np.stack([e.vector for e in shard]),
                "signatures": np.stack([e.thumbnail_descriptor for e in shard]),
                "offsets": np.cumsum([0, *(len(e.thumb) for e in shard)], dtype=np.int64),
                "thumbs": np.frombuffer(b"".join(e.thumb for e in shard), np.uint8),
            },
            partial,
        )
        partial.replace(path)
        self._take_in(path)

    def _gather(self, name: str, hashes: list[str]) -> np.ndarray:
        """Rows of the tensor `name` in the order of `hashes`, read shard by shard."""
        places: dict[Path, list[tuple[int, int]]] = {}
        for i, digest in enumerate(hashes):
            path, row = self._where[digest]
            places.setdefault(path, []).append((i, row))
        out: np.ndarray | None = None
        for path, pairs in places.items():
            tensor = self._open(path).get_tensor(name)
            if out is None:
                out = np.empty((len(hashes), tensor.shape[1]), tensor.dtype)
            to, rows = np.array(pairs).T
            out[to] = tensor[rows]
        return out

    def vectors(self, hashes: list[str]) -> np.ndarray:
        """float32 (n, dim) in the order of `hashes`."""
        return self._gather("vectors", hashes)

    def signatures(self, hashes: list[str]) -> np.ndarray:
        """uint8 (n, 768) in the order of `hashes`."""
        return self._gather("signatures", hashes)

    def thumbs(self, hashes: list[str]) -> Iterator[bytes]:
        """The gallery pictures in the order of `hashes`, one at a time."""
        for digest in hashes:
            path, row = self._where[digest]
            shard = self._open(path)
            start, end = shard.get_slice("offsets")[row : row + 2]
            yield shard.get_slice("thumbs")[int(start) : int(end)].tobytes()

    def clear(self) -> None:
        """Forget everything."""
        self._open.cache_clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._where = {}

    def remove(self) -> None:
        """Take the folder away, and the one around it if nothing else is in it."""
        self.clear()
        self.folder.rmdir()
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()
