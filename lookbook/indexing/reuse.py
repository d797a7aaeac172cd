"""What a published generation gives to the next one: embeddings, the map, the figures.

A generation stores, beside what a search needs, what a later run needs to encode nothing twice: the
content hash of each picture (`hashes.npy`), its thumbnail descriptor (`descriptors.npy`), and the
encoder's own vectors (`embeddings.npy`) where `vectors.npy` holds projected ones. A generation
without these files opens as ever; its pictures are encoded once more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lookbook.images.transforms import DESCRIPTOR_SIZE
from lookbook.index import (
    Generation,
    IndexCorrupt,
    IndexMissing,
    Manifest,
    Projection,
    published,
)
from lookbook.index.manifest import same_encoder

HASHES, DESCRIPTORS, EMBEDDINGS = "hashes.npy", "descriptors.npy", "embeddings.npy"
PAIRS, MAP, REPORT = "duplicate-pairs.npy", "map.npy", "report.json"
PROJECTION, EFFORT = "projection.safetensors", "search_k"
QUERIES = {"photo": "photo-queries.npy", "text": "text-queries.npy"}  # by kind, as stored vectors
FIGURES = CALIBRATION, EVALUATION = "calibration.json", "evaluation.json"
_DIGEST = 32  # bytes of a sha256


@dataclass(frozen=True)
class Changes:
    """Items of a catalogue against those of the published generation, by id.

    `changed`: the same id with another photo, title or attribute.
    """

    added: int
    removed: int
    changed: int
    unchanged: int

    def __str__(self) -> str:
        return (
            f"{self.added:,} added, {self.removed:,} removed, {self.changed:,} changed, "
            f"{self.unchanged:,} as before"
        )

    @property
    def count(self) -> int:
        """How many items are not as before."""
        return self.added + self.removed + self.changed


@dataclass(frozen=True)
class Origin:
    """Where something that is kept was computed: of which generation, when (UTC, ISO 8601).

    `changed` counts the items that have changed since, over all updates in between.
    """

    generation: str
    created: str
    changed: int = 0


class Previous:
    """A published generation that says which pictures it was made of; embeddings by content hash.

    A content hash is 64 hex digits; `hashes` are those of all photos by row, `photos` those of each
    item, its first one first. `options` is what the run was asked for, as `pipeline` wrote
    it; `figures` are the calibration and the evaluation by the names of their files.
    """

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.manifest = generation.manifest
        count, photos = self.manifest.count, self.manifest.photos
        self.hashes = [
            row.tobytes().hex() for row in _required(generation, HASHES, (photos, _DIGEST))
        ]
        self.photos = [[digest] for digest in self.hashes[:count]]
        for digest, item in zip(self.hashes[count:], generation.photo_items[count:], strict=True):
            self.photos[item].append(digest)
        self._descriptors = _required(generation, DESCRIPTORS, (photos, DESCRIPTOR_SIZE))
        shape = (photos, self.manifest.raw_dim)
        self._embeddings = generation.read_array(EMBEDDINGS, shape, np.float16)
        if self._embeddings is None and generation.projection is None:
            self._embeddings = generation.photo_vectors
        self._row_of = {digest: row for row, digest in reversed(list(enumerate(self.hashes)))}
        self.report = generation.read_json(REPORT, _object) or {}
        update = self.report.get("update")
        update = update if isinstance(update, dict) else {}
        self.options: object = update.get("options")
        read = {name: generation.read_json(name, _object) for name in FIGURES}
        self.figures = {name: value for name, value in read.items() if value is not None}

    @classmethod
    def open(cls, root: str | Path) -> Previous | str:
        """Open the published generation of `root`, or return why it cannot be used, "" for none."""
        try:
            generation = Generation.open(root)
            if HASHES not in generation.manifest.files:
                return "the published generation does not say which pictures it was made of"
            return cls(generation)
        except IndexMissing:
            return ""
        except (IndexCorrupt, OSError, ValueError) as error:
            return f"the published generation is damaged: {error}"

    def holds_vectors_of(self, identity: Mapping[str, Any]) -> bool:
        """Whether its embeddings are those that an encoder of this identity would give."""
        return self._embeddings is not None and same_encoder(self.manifest.encoder, identity)

    def __contains__(self, content_hash: str) -> bool:
        return content_hash in self._row_of

    def rows(self, hashes: Sequence[str]) -> np.ndarray:
        """Return int64 (n,): the first item that each picture is the first photo of, else -1."""
        rows = np.array([self._row_of.get(digest, -1) for digest in hashes], np.int64)
        return np.where(rows < self.manifest.count, rows, -1)

    def _known_rows(self, hashes: Sequence[str]) -> list[int]:
        return [self._row_of[digest] for digest in hashes]

    def read_vectors(self, hashes: Sequence[str]) -> np.ndarray:
        """Return the encoder's vectors, float32 (n, raw_dim); KeyError for one that is not here."""
        assert self._embeddings is not None
        return np.asarray(self._embeddings[self._known_rows(hashes)], np.float32)

    def read_descriptors(self, hashes: Sequence[str]) -> np.ndarray:
        """Return thumbnail descriptors, uint8 (n, 768); KeyError for one not here."""
        return np.asarray(self._descriptors[self._known_rows(hashes)])

    def read_thumbnail(self, content_hash: str) -> bytes:
        """Return the thumbnail of a picture, as it was written."""
        return self.generation.thumb(self._row_of[content_hash])

    def read_detail(self, content_hash: str) -> bytes:
        """Return the detail of a picture, as it was written; b"" where there is none."""
        return self.generation.detail(self._row_of[content_hash])

    def is_of(self, ids: Sequence[str], photos: Sequence[list[str]]) -> bool:
        """Whether it holds these items with these photos in this order."""
        return self.photos == list(photos) and self.generation.items["id"].to_pylist() == list(ids)

    def changes(
        self, items: pa.Table, photos: Sequence[list[str]], columns: Collection[str] | None = None
    ) -> Changes:
        """Compare the items of a catalogue (as `items_table` gives them) with the previous ones.

        Only `columns` and the photos count; None: all columns do.
        """
        old = self.generation.items
        old_rows = {id: row for row, id in enumerate(old["id"].to_pylist())}
        pairs = [(row, old_rows.get(id, -1)) for row, id in enumerate(items["id"].to_pylist())]
        kept = [(new, before) for new, before in pairs if before >= 0]
        differs = np.array([photos[new] != self.photos[before] for new, before in kept], bool)
        if columns is None:
            columns = {*items.column_names, *old.column_names} - {"id", "group"}
        for name in columns:
            cells, before = _cells(items, name), _cells(old, name)
            differs |= np.array([cells[n] != before[b] for n, b in kept], bool)
        changed = int(differs.sum())
        return Changes(
            added=len(pairs) - len(kept),
            removed=len(old_rows) - len(kept),
            changed=changed,
            unchanged=len(kept) - changed,
        )

    def drift(self, items: pa.Table, photos: Sequence[list[str]]) -> tuple[int, int | None]:
        """Return how many items have changed in their photos, and how many for the figures.

        For these a value of the columns that they are measured by counts too; None where the
        catalogue has other columns than before, so that other figures can be measured.
        """
        pictures = self.changes(items, photos, columns=()).count
        if set(items.column_names) != set(self.generation.items.column_names):
            return pictures, None
        return pictures, self.changes(items, photos, self._measured_columns()).count

    def _measured_columns(self) -> set[str]:
        """The columns that the calibration and the evaluation go by."""
        calibration, evaluation = (self.figures.get(name, {}) for name in FIGURES)
        audit = evaluation.get("audit") or {}
        names = {calibration.get("kind"), audit.get("kind"), *evaluation.get("evaluation", ())}
        names |= {attribute.get("column") for attribute in audit.get("attributes", ())}
        return {name for name in names if name in self.generation.items.column_names}

    def origins(self) -> dict[str, Origin]:
        """Return where what follows from the whole catalogue was computed, by name."""
        here = Origin(self.manifest.generation, self.manifest.created)
        held = [name for name in (MAP, PROJECTION, *FIGURES) if name in self.manifest.files]
        held += [EFFORT] if self.manifest.search_k is not None else []
        kept = {name: Origin(**origin) for name, origin in self.manifest.kept.items()}
        return {name: kept.get(name, here) for name in held}

    @property
    def says_effort(self) -> bool:
        """Whether its engine, if it has one, was tuned for each kind of query."""
        return self.manifest.built is None or "photo" in self.manifest.query_kinds

    def queries(self) -> dict[str, np.ndarray]:
        """Return the queries that its efforts were tuned on, by kind, float32 (q, dim)."""
        shape = (None, self.manifest.dim)
        stored = {k: self.generation.read_array(n, shape, np.float16) for k, n in QUERIES.items()}
        return {k: np.asarray(v, np.float32) for k, v in stored.items() if v is not None}

    def places_on_map(self, hashes: Sequence[str]) -> np.ndarray | None:
        """Return float32 (n, 2), NaN for pictures that are new; None for one without a map."""
        before = self.generation.read_array(MAP, (self.manifest.count, 2), np.float32)
        if before is None:
            return None
        rows = self.rows(hashes)
        return np.where((rows >= 0)[:, None], before[rows], np.float32(np.nan))

    def duplicate_pairs(self, hashes: Sequence[str]) -> np.ndarray | None:
        """Return its pairs of near-duplicates as (later, earlier) rows of `hashes`, int64 (p, 2).

        `hashes` are those of first photos: only these are compared. None where they were not
        stored. Pairs with a picture that is gone are left out.
        """
        pairs = self.generation.read_array(PAIRS, (None, 2), np.int64)
        if pairs is None:
            return None
        row_of = {digest: row for row, digest in reversed(list(enumerate(hashes)))}
        rows = [(row_of.get(self.hashes[a]), row_of.get(self.hashes[b])) for a, b in pairs.tolist()]
        known = [(max(a, b), min(a, b)) for a, b in rows if a is not None and b is not None]
        return np.array(sorted(set(known)), np.int64).reshape(-1, 2)

    @property
    def projection(self) -> Projection | None:
        """The projection that its vectors went through."""
        return self.generation.projection


def precision_to_keep(root: str | Path, identity: Mapping[str, Any]) -> str | None:
    """Return the precision of the published generation of `root`.

    None where it is of another encoder than that of `identity`, whatever the precision, or where
    there is none that can be read.
    """
    try:
        (name,) = published(root)[:1]
        built = Manifest.read(Path(root) / name).encoder
    except (ValueError, OSError):
        return None
    precision = built.get("precision")
    # what says by which calibration is in the identity of int8 only
    built = {name: value for name, value in built.items() if name != "int8"}
    return precision if same_encoder({**identity, "precision": precision}, built) else None


def files_for_reuse(
    hashes: Sequence[str],
    descriptors: np.ndarray,
    embeddings: np.ndarray | None = None,
    pairs: np.ndarray | None = None,
    queries: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Return the files, by name, that `Previous` reads.

    `embeddings` float32 (n, raw_dim), None where vectors.npy holds them; `pairs` of
    near-duplicates (p, 2), None where they were not sought; `queries` those that the engine was
    tuned on, by kind.
    """
    digests = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(-1, _DIGEST)
    files = {HASHES: digests, DESCRIPTORS: descriptors}
    if embeddings is not None:
        files[EMBEDDINGS] = embeddings.astype(np.float16)
    files |= query_files(queries or {})
    return files if pairs is None else files | {PAIRS: pairs}


def query_files(queries: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the files, by name, of the queries that an engine was tuned on, by kind.

    Those of items are rows of the catalogue, and have none.
    """
    return {QUERIES[k]: rows.astype(np.float16) for k, rows in queries.items() if k in QUERIES}


def _required(generation: Generation, name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = generation.read_array(name, shape, np.uint8)
    if array is None:
        raise IndexCorrupt(f"the manifest names {HASHES} but not {name}")
    return array


def _cells(table: pa.Table, name: str) -> list[Any]:
    return table[name].to_pylist() if name in table.column_names else [None] * len(table)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, found {type(value).__name__}")
    return value
