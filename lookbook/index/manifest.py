"""The manifest of a generation: what it holds, how it was made, and the sum of every file."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from pathlib import Path

from lookbook.index.engines.annoy import METRICS, IndexCorrupt

SCHEMA = 1
MANIFEST = "manifest.json"
_REQUIRED = ("items.parquet", "vectors.npy", "forest.ann", "thumbs.bin", "thumbs.npy")
_LEARNT = ("calibration.json", "map.npy", "evaluation.json")
_OPTIONAL = ("projection.safetensors", "report.json", *_LEARNT)
_MAX_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TYPES = {
    "str": str,
    "int": int,
    "float": (int, float),
    "dict": dict,
    "str | None": (str, type(None)),
}
_CHOICES = {"metric": METRICS, "dtype": ("float16", "float32"), "engine": ("annoy", "exact")}
_RANGES = {
    "dim": (1, 1 << 16),
    "raw_dim": (1, 1 << 16),
    "count": (1, 2**31 - 2),  # Annoy numbers its nodes with int32
    "search_k": (1, 2**31 - 1),
    "trees": (1, 1 << 20),
}


@dataclass(frozen=True)
class Manifest:
    """`manifest.json` as it stands on disk; every field is required."""

    schema: int
    generation: str
    created: str  # UTC, ISO 8601
    encoder: dict  # id, revision, hash of the preprocessing, precision, pooling
    dim: int  # length of the stored vectors
    raw_dim: int  # length of the encoder's vectors, before the projection if there is one
    dtype: str
    metric: str
    count: int
    source: dict
    trees: int
    search_k: int
    recall: float  # measured on held-out queries at this search_k
    recall_target: float
    engine: str  # the faster one when the index was built
    timings: dict  # milliseconds of one query, one thread: annoy_ms, exact_ms
    seed: int
    licence: str | None
    files: dict  # name -> {"sha256", "bytes"}

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read and check the manifest of a generation; raises IndexCorrupt."""
        path = folder / MANIFEST
        if path.stat().st_size > _MAX_BYTES:
            raise IndexCorrupt(f"{MANIFEST} has {path.stat().st_size} bytes, at most {_MAX_BYTES}")
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise IndexCorrupt(f"{MANIFEST} is not JSON: {error}") from error
        return cls.from_json(value)

    @classmethod
    def from_json(cls, value: object) -> Manifest:
        """Check a parsed manifest; fields that this version does not know are passed over."""
        schema = value.get("schema") if isinstance(value, dict) else None
        if schema != SCHEMA:
            raise IndexCorrupt(f"{MANIFEST} has schema {schema!r}, this version reads {SCHEMA}")
        for field in fields(cls):
            _check_field(field.name, field.type, value.get(field.name, _check_field))
        manifest = cls(**{field.name: value[field.name] for field in fields(cls)})
        manifest._check_names()
        return manifest

    def _check_names(self) -> None:
        for name in _REQUIRED:
            if name not in self.files:
                raise IndexCorrupt(f"{MANIFEST} does not name {name}")
        for name, record in self.files.items():
            if name not in _REQUIRED + _OPTIONAL:
                raise IndexCorrupt(f"{MANIFEST} names {name[:80]!r}, which no generation holds")
            sha256, size = (
                (record.get("sha256"), record.get("bytes")) if isinstance(record, dict) else (0, 0)
            )
            if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256) and type(size) is int):
                raise IndexCorrupt(f"{MANIFEST} has {record!r} for {name}: expected sha256, bytes")

    def check_files(self, folder: Path, *, hashes: bool) -> None:
        """Compare every file's size and, if `hashes`, its sha256; raises IndexCorrupt."""
        for name, record in self.files.items():
            path = folder / name
            if path.is_symlink() or not path.is_file():
                raise IndexCorrupt(
                    f"{name} is not there, the manifest says {record['bytes']} bytes"
                )
            found = path.stat().st_size
            if found != record["bytes"]:
                hint = " (a Git LFS pointer: run `git lfs pull`)" if _is_pointer(path) else ""
                raise IndexCorrupt(
                    f"{name} has {found} bytes, the manifest says {record['bytes']}{hint}"
                )
            if hashes and (found := file_record(path)["sha256"]) != record["sha256"]:
                raise IndexCorrupt(
                    f"{name} has sha256 {found}, the manifest says {record['sha256']}"
                )


def _check_field(name: str, kind: str, value: object) -> None:
    if value is _check_field:
        raise IndexCorrupt(f"{MANIFEST} lacks {name!r}")
    if not isinstance(value, _TYPES[kind]) or isinstance(value, bool):
        raise IndexCorrupt(f"{MANIFEST} has {name} = {value!r}: expected {kind}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise IndexCorrupt(f"{MANIFEST} has {name} = {value!r}: expected one of {_CHOICES[name]}")
    low, high = _RANGES.get(name, (None, None))
    if low is not None and not low <= value <= high:
        raise IndexCorrupt(f"{MANIFEST} has {name} = {value}: expected {low} to {high}")


def file_record(path: Path) -> dict:
    """{"sha256", "bytes"} of a file."""
    with path.open("rb") as file:
        return {
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
            "bytes": path.stat().st_size,
        }


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(24).startswith(b"version https://git-lfs")
