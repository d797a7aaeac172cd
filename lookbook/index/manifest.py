"""The manifest of a generation: what it holds, how it was made, and the sha256 of every file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lookbook.index.engines import METRICS, Engine, get_engine, names
from lookbook.index.engines.contract import engines_of_files, is_installed
from lookbook.index.engines.tuning import KINDS
from lookbook.index.errors import REBUILD, IndexCorrupt

SCHEMA = 1
MANIFEST = "manifest.json"
CHECKSUM = "checksum"  # of the manifest itself; those of earlier versions have none
_REQUIRED = ("items.parquet", "vectors.npy", "thumbs.bin", "thumbs.npy")
_OPTIONAL = ("projection.safetensors", "details.bin", "details.npy")
_EXTRA = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}\.(json|npy)")  # stored for others, never interpreted
_MAX_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "dict[str, Any]": dict,
    "str | None": (str, type(None)),
    "int | None": (int, type(None)),
}
_ORIGIN = {"generation": str, "created": str, "changed": int}  # of what is kept
_OF_KIND = {"effort": int, "recall": float, "engine_ms": float, "exact_ms": float, "engine": str}
_BESIDE = {"engine": str, "why": str, "query_kinds": dict}
_PICTURES = {"detail_size": int, "picture_quality": int, "picture_format": str}
_UNMEASURED = 20  # times search_k: texts needed up to 17 times the effort of items at one recall
_CHOICES: dict[str, Callable[[], tuple[str, ...]]] = {
    "metric": lambda: METRICS,
    "dtype": lambda: ("float16", "float32"),
    "engine": names,
}
_RANGES: dict[str, tuple[int, int]] = {
    "dim": (1, 1 << 16),
    "raw_dim": (1, 1 << 16),
    "count": (1, 2**31 - 2),
    "photos": (1, 2**31 - 2),  # Annoy numbers its nodes with int32
    "search_k": (1, 2**31 - 1),
    "trees": (1, 1 << 20),
}


@dataclass(frozen=True)
class Manifest:
    """`manifest.json` as it stands on disk.

    Every field but `photos`, `kept`, `query_kinds`, `beside` and `pictures` is required.
    """

    schema: int
    generation: str
    created: str  # UTC, ISO 8601
    encoder: dict[str, Any]  # id, revision, hash of the preprocessing, precision, pooling
    dim: int  # length of the stored vectors
    raw_dim: int  # length of the encoder's vectors, before the projection if there is one
    dtype: str
    metric: str
    count: int  # items
    photos: int  # of all items; `count`, one each, where an older generation does not say it
    source: dict[str, Any]
    trees: int | None  # of the Annoy forest, None where another engine was built
    search_k: int | None  # effort of the built engine for item queries, None where none was
    recall: float  # measured on held-out items at this effort
    recall_target: float
    engine: str  # the faster one for item queries when the index was built
    timings: dict[str, Any]  # milliseconds of one query, one thread: NAME_ms of each engine
    seed: int
    licence: str | None
    files: dict[str, Any]  # name -> {"sha256", "bytes"}
    kept: dict[str, Any] = field(default_factory=dict)  # computed of an earlier generation, by name
    # kind of query -> effort, recall, engine_ms, exact_ms, engine; earlier versions wrote none
    query_kinds: dict[str, Any] = field(default_factory=dict)
    # an engine that was built too and serves in place of `built`: "engine", "why", "query_kinds"
    beside: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, Any] = field(default_factory=dict)  # options of embed.py for new ones

    @property
    def built(self) -> str | None:
        """Name of the approximate engine that was asked for and built, None without one."""
        engine = _built_engine(self.files, self.beside)
        return engine.name if engine else None

    @property
    def preferred(self) -> str | None:
        """Name of the approximate engine that serves by default, None without one.

        `built` where the package of the one beside it is not installed on this machine.
        """
        beside = self.beside.get("engine")
        return beside if beside and is_installed(beside) else self.built

    def kinds_of(self, engine: str | None) -> dict[str, Any]:
        """Return what was measured of an engine, as `query_kinds` has it."""
        beside = engine is not None and engine == self.beside.get("engine")
        return dict(self.beside["query_kinds"] if beside else self.query_kinds)

    def serves(self, kind: str) -> str:
        """Name of the engine that is faster for a kind of query at the recall asked for.

        Exact search where nothing was measured for photos and texts: they need more effort than
        items do. Texts are as photos where the encoder has no texts.
        """
        if measured := self._measured(kind, self.preferred):
            return str(measured["engine"])
        return self.engine if kind == "item" else "exact"

    def effort(self, kind: str, engine: str | None = None) -> int | None:
        """Effort of an engine (None: `preferred`) for a kind of query; ample where not tuned."""
        if measured := self._measured(kind, engine or self.preferred):
            return int(measured["effort"])
        if self.search_k is None or kind == "item":
            return self.search_k
        return min(_UNMEASURED * self.search_k, _RANGES["search_k"][1])

    def recall_of(self, kind: str, engine: str | None = None) -> float | None:
        """Recall of an engine (None: `preferred`) for a kind of query at its effort, if known."""
        measured = self.kinds_of(engine or self.preferred).get(kind)
        return measured["recall"] if measured else self.recall if kind == "item" else None

    def _measured(self, kind: str, engine: str | None) -> dict[str, Any] | None:
        kinds = self.kinds_of(engine)
        return kinds.get("photo") if kind == "text" and kind not in kinds else kinds.get(kind)

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
        """Check a parsed manifest; fields that this version does not know are ignored."""
        stored: dict[str, Any] = value if isinstance(value, dict) else {}
        content = {"kept": {}, "query_kinds": {}, "beside": {}, "pictures": {}} | stored
        if content.get("schema") != SCHEMA:
            raise IndexCorrupt(
                f"{MANIFEST} has schema {content.get('schema')!r}, this version reads {SCHEMA}"
            )
        content = {"photos": content.get("count")} | content
        for one in fields(cls):
            if one.name not in content:
                raise IndexCorrupt(f"{MANIFEST} lacks {one.name!r}")
            _check_field(one.name, str(one.type), content[one.name])
        manifest = cls(**{one.name: content[one.name] for one in fields(cls)})
        manifest._check_names()
        if not checksum_fits(stored):
            raise IndexCorrupt(f"{MANIFEST} was changed: its checksum is of another content")
        return manifest

    def _check_names(self) -> None:
        engine = get_engine(self.engine)
        for name in (*_REQUIRED, *([engine.file] if engine.file else [])):
            if name not in self.files:
                raise IndexCorrupt(f"{MANIFEST} does not name {name}")
        for name, record in self.files.items():
            known = name in _REQUIRED + _OPTIONAL or is_extra(name) or engines_of_files([name])
            if not known:
                raise IndexCorrupt(f"{MANIFEST} names {name[:80]!r}, which no generation holds")
            sha256, size = (
                (record.get("sha256"), record.get("bytes")) if isinstance(record, dict) else (0, 0)
            )
            if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256) and type(size) is int):
                raise IndexCorrupt(f"{MANIFEST} has {record!r} for {name}: expected sha256, bytes")
        for name, origin in self.kept.items():
            values = origin if isinstance(origin, dict) else {}
            if {n: type(v) for n, v in values.items()} != _ORIGIN:
                raise IndexCorrupt(f"{MANIFEST} has {origin!r} for what is kept, {name[:80]!r}")
        self._check_beside()
        built = _built_engine(self.files, self.beside)
        self._check_query_kinds(self.query_kinds, self.built)
        self._check_pictures()
        if built and self.search_k is None:
            raise IndexCorrupt(f"{MANIFEST} has search_k = None, engine {built.name} needs one")

    def _check_beside(self) -> None:
        values = self.beside
        if not values:
            return
        engine = values.get("engine")
        if {
            name: type(value) for name, value in values.items()
        } != _BESIDE or engine not in names():
            raise IndexCorrupt(f"{MANIFEST} has {str(values)[:200]} for an engine beside another")
        if not _is_there(engine, self.files) or "item" not in values["query_kinds"]:
            raise IndexCorrupt(f"{MANIFEST} lacks the file or the efforts of the engine {engine}")
        self._check_query_kinds(values["query_kinds"], engine)

    def _check_query_kinds(self, kinds: dict[str, Any], built: str | None) -> None:
        low, high = _RANGES["search_k"]
        there = ("exact", built)
        for kind, measured in kinds.items():
            values = measured if isinstance(measured, dict) else {}
            known = kind in KINDS and {n: type(v) for n, v in values.items()} == _OF_KIND
            if not known or not low <= values["effort"] <= high:
                raise IndexCorrupt(f"{MANIFEST} has {measured!r} for queries, {kind[:80]!r}")
            if values["engine"] not in there:
                raise IndexCorrupt(
                    f"{MANIFEST} has engine {values['engine']!r} for {kind} queries: expected one "
                    f"of {there}"
                )

    def _check_pictures(self) -> None:
        for name, value in self.pictures.items():
            if _PICTURES.get(name) is not type(value):
                raise IndexCorrupt(f"{MANIFEST} has {name[:80]!r} = {value!r} for pictures")

    def check_files(self, folder: Path, *, hashes: bool) -> None:
        """Compare every file's size and, if `hashes`, its sha256; raises IndexCorrupt."""
        for name, record in self.files.items():
            path = folder / name
            if path.is_symlink() or not path.is_file():
                raise IndexCorrupt(
                    f"{name} is not there, the manifest says {record['bytes']} bytes"
                )
            size = path.stat().st_size
            if size != record["bytes"]:
                remedy = "run `git lfs pull`, it is a pointer" if _is_lfs_pointer(path) else REBUILD
                raise IndexCorrupt(
                    f"{name} has {size} bytes, the manifest says {record['bytes']}", remedy
                )
            if hashes and (sha256 := file_record(path)["sha256"]) != record["sha256"]:
                raise IndexCorrupt(
                    f"{name} has sha256 {sha256}, the manifest says {record['sha256']}"
                )


def add_checksum(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest with the sha256 of its content, which tells when a byte of it changes."""
    plain = {name: value for name, value in manifest.items() if name != CHECKSUM}
    text = json.dumps(plain, sort_keys=True, ensure_ascii=True)
    return plain | {CHECKSUM: hashlib.sha256(text.encode()).hexdigest()}


def checksum_fits(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest is as it was written; true where an earlier version wrote no checksum."""
    return CHECKSUM not in manifest or add_checksum(manifest)[CHECKSUM] == manifest[CHECKSUM]


def same_encoder(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two records of an encoder give the same vectors; where it lies does not count."""
    ignored = {"id", "model"}
    parts = [{k: v for k, v in record.items() if k not in ignored} for record in (one, other)]
    return parts[0] == parts[1]


def is_extra(name: str) -> bool:
    """Whether `name` may be a file that a generation stores without knowing what it holds."""
    return bool(_EXTRA.fullmatch(name)) and name not in (*_REQUIRED, MANIFEST)


def _is_there(engine: str, files: dict[str, Any]) -> bool:
    return get_engine(engine) in engines_of_files(files)


def _built_engine(files: dict[str, Any], beside: dict[str, Any]) -> type[Engine] | None:
    built = [e for e in engines_of_files(files) if e.name != beside.get("engine")]
    if len(built) > 1:
        raise IndexCorrupt(
            f"{MANIFEST} names files of the engines {' and '.join(e.name for e in built)}, "
            "expected one"
        )
    return built[0] if built else None


def _check_field(name: str, type_name: str, value: Any) -> None:
    if not isinstance(value, _TYPES[type_name]) or isinstance(value, bool):
        expected = type_name.removesuffix("[str, Any]")
        raise IndexCorrupt(f"{MANIFEST} has {name} = {value!r}: expected {expected}")
    if name in _CHOICES and value not in (choices := _CHOICES[name]()):
        raise IndexCorrupt(f"{MANIFEST} has {name} = {value!r}: expected one of {choices}")
    if name in _RANGES and isinstance(value, int):
        low, high = _RANGES[name]
        if not low <= value <= high:
            raise IndexCorrupt(f"{MANIFEST} has {name} = {value}: expected {low} to {high}")


def file_record(path: Path) -> dict[str, str | int]:
    """Return {"sha256", "bytes"} of a file."""
    with path.open("rb") as file:
        return {
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
            "bytes": path.stat().st_size,
        }


def _is_lfs_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(24).startswith(b"version https://git-lfs")
