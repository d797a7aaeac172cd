"""Embeddings that a run has computed so far, on disk by content hash, so that it can be resumed.

A cache belongs to one encoder identity: its folder is named by it, so vectors of two encoders can
never meet. Shards are written under another name and renamed, so a shard is whole or not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from lookbook.indexing.reuse import Previous


@dataclass(frozen=True)
class EncodedImage:
    """One encoded picture: float32 (dim,), its descriptor uint8 (768,), and what is shown of it.

    `thumbnail` and `detail` are WebP or AVIF; `detail` is b"" where there is none.
    """

    hash: str
    vector: np.ndarray
    thumbnail_descriptor: np.ndarray
    thumbnail: bytes
    detail: bytes = b""


class EmbeddingCache:
    """Append-only: `add_shard` of EncodedImage, ask `hash in cache`, read back by hash.

    What `published`, the previous generation, holds is in the cache too, and is never added. The
    readers raise KeyError for a hash that is not in the cache.
    """

    def __init__(self, folder: Path, identity: dict, published: Previous | None = None) -> None:
        key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
        self.folder = folder / key
        self.folder.mkdir(parents=True, exist_ok=True)
        self._published = published
        self._location: dict[str, tuple[Path, int]] = {}  # hash -> shard, row
        self._open = lru_cache(maxsize=8)(lambda path: safe_open(path, framework="numpy"))
        paths = sorted(self.folder.glob("*.safetensors"))
        # a name is never used twice: a file that is open must not be written over
        self._last_shard = max((int(path.stem) for path in paths), default=0)
        for path in paths:
            self._register_shard(path)

    def _register_shard(self, path: Path) -> None:
        try:
            hashes = self._open(path).get_tensor("hashes")
        except (SafetensorError, OSError):
            path.unlink()  # damaged: its pictures are encoded again
            return
        for row, digest in enumerate(hashes):
            self._location.setdefault(digest.tobytes().hex(), (path, row))

    def __len__(self) -> int:
        return len(self._location)

    def __contains__(self, content_hash: str) -> bool:
        published = self._published is not None and content_hash in self._published
        return published or content_hash in self._location

    def published_hashes(self) -> list[str]:
        """Return the content hashes of `published`, none without it."""
        return self._published.hashes if self._published is not None else []

    def add_shard(self, images: list[EncodedImage]) -> None:
        """Write the images that are new; once this returns they need no encoding again."""
        images = [e for e in {e.hash: e for e in images}.values() if e.hash not in self]
        if not images:
            return
        self._write_shard(pack(images))

    def add_packed(self, content: bytes) -> None:
        """Take what `pack` gave and `unpack` has checked."""
        self._write_shard(content)

    def _write_shard(self, content: bytes) -> Path:
        self._last_shard += 1
        path = self.folder / f"{self._last_shard:09d}.safetensors"
        partial = path.with_suffix(".part")
        partial.write_bytes(content)  # save_file raises no OSError where the disk is full
        partial.replace(path)
        self._register_shard(path)
        return path

    def _read(
        self, hashes: list[str], tensor_name: str, read: Callable[[Previous, list[str]], np.ndarray]
    ) -> np.ndarray:
        """Rows in the order of `hashes`: of `published` where it holds them, else of a shard."""
        of_before = [i for i, digest in enumerate(hashes) if digest not in self._location]
        if not of_before or self._published is None:
            return self._read_rows(tensor_name, hashes)
        rows = read(self._published, [hashes[i] for i in of_before])
        if len(of_before) == len(hashes):
            return rows
        out = np.empty((len(hashes), rows.shape[1]), rows.dtype)
        out[of_before] = rows
        others = np.setdiff1d(np.arange(len(hashes)), of_before)
        out[others] = self._read_rows(tensor_name, [hashes[i] for i in others])
        return out

    def _read_rows(self, tensor_name: str, hashes: list[str]) -> np.ndarray:
        """Rows of a tensor in the order of `hashes`, read shard by shard."""
        by_shard: dict[Path, list[tuple[int, int]]] = {}
        for i, digest in enumerate(hashes):
            path, row = self._location[digest]
            by_shard.setdefault(path, []).append((i, row))
        out = np.empty((0, 0))
        for path, pairs in by_shard.items():
            tensor = self._open(path).get_tensor(tensor_name)
            if not out.size:
                out = np.empty((len(hashes), tensor.shape[1]), tensor.dtype)
            targets, rows = np.array(pairs).T
            out[targets] = tensor[rows]
        return out

    def read_vectors(self, hashes: list[str]) -> np.ndarray:
        """Return float32 (n, dim) in the order of `hashes`, rounded to the precision of float16.

        That is what an index stores: so all that is computed of vectors is the same whether they
        were just encoded or come from a published generation.
        """
        vectors = self._read(hashes, "vectors", Previous.read_vectors)
        with np.errstate(over="ignore"):  # what float16 cannot hold is refused when it is written
            return vectors.astype(np.float16).astype(np.float32)

    def read_descriptors(self, hashes: list[str]) -> np.ndarray:
        """Return thumbnail descriptors, uint8 (n, 768), in the order of `hashes`."""
        return self._read(hashes, "signatures", Previous.read_descriptors)

    def read_thumbnails(self, hashes: list[str]) -> Iterator[bytes]:
        """Yield the thumbnails in the order of `hashes`."""
        return self._read_pictures(hashes, "offsets", "thumbs", Previous.read_thumbnail)

    def read_details(self, hashes: list[str]) -> Iterator[bytes]:
        """Yield the details in the order of `hashes`, b"" where there is none."""
        return self._read_pictures(hashes, "detail_offsets", "details", Previous.read_detail)

    def _read_pictures(
        self,
        hashes: list[str],
        offsets: str,
        pictures: str,
        read: Callable[[Previous, str], bytes],
    ) -> Iterator[bytes]:
        """Yield pictures: of `published` where it holds them, else of the tensors of a shard."""
        for digest in hashes:
            if digest not in self._location and self._published is not None:
                yield read(self._published, digest)
                continue
            path, row = self._location[digest]
            shard = self._open(path)
            start, end = 0, 0
            if pictures in shard.keys():  # noqa: SIM118 (it is no mapping)
                start, end = (int(offset) for offset in shard.get_slice(offsets)[row : row + 2])
            # safetensors refuses an empty slice at the end
            yield shard.get_slice(pictures)[start:end].tobytes() if end > start else b""

    def clear(self) -> None:
        """Delete all shards."""
        self._open.cache_clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._location = {}

    def delete(self) -> None:
        """Delete the folder of this cache, and the one around it if nothing else is in it."""
        self.clear()
        self.folder.rmdir()
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()


def pack(images: list[EncodedImage], notes: dict[str, str] | None = None) -> bytes:
    """Return images, of which there may be none, and notes about them as one safetensors file."""
    if not images:
        return save({"hashes": np.empty((0, 32), np.uint8)}, notes)
    return save(
        {
            "hashes": np.stack([np.frombuffer(bytes.fromhex(e.hash), np.uint8) for e in images]),
            "vectors": np.stack([e.vector for e in images]),
            "signatures": np.stack([e.thumbnail_descriptor for e in images]),
            **_joined([e.thumbnail for e in images], "offsets", "thumbs"),
            **_joined([e.detail for e in images], "detail_offsets", "details"),
        },
        notes,
    )


def unpack(content: bytes) -> tuple[set[str], dict[str, str]]:
    """Return the hashes and the notes of what `pack` gave; raises ValueError for anything else."""
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        is_whole = _fit(tensors)
    except (SafetensorError, LookupError, TypeError, ValueError, RecursionError):
        is_whole = False
    if not is_whole:
        raise ValueError("damaged")
    return {digest.tobytes().hex() for digest in tensors["hashes"]}, header.get("__metadata__", {})


def _fit(tensors: dict[str, np.ndarray]) -> bool:
    """Whether tensors are those that `pack` makes."""
    count = len(tensors["hashes"])
    kinds: dict[str, tuple[type, tuple[int, ...]]] = {"hashes": (np.uint8, (count, 32))}
    if count:
        width = tensors["vectors"].shape[-1]
        kinds["vectors"] = np.float32, (count, width)
        kinds["signatures"] = np.uint8, (count, 768)
    for offsets, pictures in (("offsets", "thumbs"), ("detail_offsets", "details")):
        if pictures in tensors:
            ends = tensors[offsets]
            kinds[offsets] = np.int64, (count + 1,)
            kinds[pictures] = np.uint8, (int(ends[-1]),)
            if ends[0] != 0 or (np.diff(ends) < 0).any():
                return False
    found = {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}
    return found == kinds


def _joined(pictures: list[bytes], offsets: str, name: str) -> dict[str, np.ndarray]:
    """Return pictures as tensors, their bytes and where each begins; none where all are empty."""
    if not any(pictures):
        return {}
    ends = np.cumsum([0, *map(len, pictures)], dtype=np.int64)
    return {offsets: ends, name: np.frombuffer(b"".join(pictures), np.uint8)}
