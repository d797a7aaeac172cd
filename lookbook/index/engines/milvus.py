"""Search by Milvus: a collection for each generation, in a cluster or in a file of Milvus Lite."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from lookbook.index.engines.contract import (
    Array,
    FilteringEngine,
    RowProgress,
    check_effort,
    check_metric,
    check_queries,
    register,
    stack_hits,
)
from lookbook.index.errors import EngineUnavailable, IndexCorrupt

URI_VARIABLE = "LOOKBOOK_MILVUS_URI"
MAX_HITS = 16_384  # of one search: Milvus's own limit
MAX_LISTED = 20_000  # row numbers in one expression; with more, what is found is filtered here
_MAX_COLUMNS = 60  # Milvus has 64 fields a collection by default
_MAX_EF = 32_768
_FLAT_ROWS = 1024  # up to so many rows a Milvus server builds no graph either
_BLOCK_ROWS = 2048
# What a gRPC server accepts by default. pymilvus pings a silent server every 10 s, and that of
# Milvus Lite then closes the connection ("too_many_pings").
_KEEPALIVE_MS = 300_000
_METRICS = {"angular": "COSINE", "euclidean": "L2", "dot": "IP"}
_RECORD = {
    "collection": str,
    "alias": str,
    "metric": str,
    "count": int,
    "dim": int,
    "columns": list,
}
T = TypeVar("T")


def use_milvus(uri: str | None) -> None:
    """Connect to this address from now on, in the commands that this process starts too.

    `uri` is http://HOST:PORT, with USER:PASSWORD@ before the host where Milvus asks for them, or a
    file for Milvus Lite that ends in .db; None leaves what the environment says.
    """
    if uri:
        os.environ[URI_VARIABLE] = uri


@register
class MilvusEngine(FilteringEngine):
    """HNSW in a collection of Milvus; `effort` is its ef. Small collections are searched exactly.

    The file in the generation names the collection and holds no address: that is given by
    `use_milvus`. A collection has one row for each photo: its number, its vector, and the codes of
    its item's attributes, which filters are expressions of.
    """

    name = "milvus"
    file = "milvus.json"
    package = "pymilvus"
    options: ClassVar[Mapping[str, int]] = {"connectivity": 16, "ef_construction": 200}

    def __init__(self, record: Mapping[str, Any], effort: int) -> None:
        self._record = record
        self.collection: str = record["collection"]
        self.metric: str = record["metric"]
        self.count: int = record["count"]
        self.columns: Sequence[str] = record["columns"]
        self.effort: int = effort
        self._discard: Callable[[], object] = lambda: None

    @classmethod
    def build(
        cls,
        vectors: Array,
        metric: str,
        *,
        seed: int = 0,
        progress: RowProgress | None = None,
        **options: int,
    ) -> Self:
        """Fill a new collection without fields; `seed` is not used: Milvus takes none."""
        return cls.build_with_fields(vectors, metric, {}, progress=progress, **options)

    @classmethod
    def build_with_fields(
        cls,
        vectors: Array,
        metric: str,
        fields: Mapping[str, Array],
        *,
        progress: RowProgress | None = None,
        **options: int,
    ) -> Self:
        """Fill a new collection; it is dropped with the engine unless that is saved."""
        check_metric(metric)
        count, dim = vectors.shape
        kept = dict(list(fields.items())[:_MAX_COLUMNS])
        record = {
            "collection": f"lookbook_{secrets.token_hex(8)}",
            "alias": "",
            "metric": metric,
            "count": count,
            "dim": dim,
            "columns": list(kept),
        }
        engine = cls(record, count)
        finalizer = weakref.finalize(engine, _drop, engine.collection)
        engine._discard = finalizer.detach
        chosen = {**cls.options, **options}
        params = {"M": chosen["connectivity"], "efConstruction": chosen["ef_construction"]}
        _fill(engine.collection, vectors, list(kept.values()), metric, params, progress)
        return engine

    def save(self, path: Path) -> None:
        """Write the file that `open` reads; from now on the collection is kept."""
        root = os.fsencode(path.parent.parent.resolve())
        record = dict(self._record) | {"alias": f"lookbook_{_short_hash(root)}"}
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        self._discard()

    @classmethod
    def open(cls, path: Path, vectors: Array, metric: str, effort: int | None) -> Self:
        """Connect to the collection; raises IndexCorrupt where it is of other vectors.

        Raises EngineUnavailable where Milvus cannot be reached or lacks the collection.
        """
        effort = check_effort(path, effort)
        record = _read_record(path)
        found = (record["count"], record["dim"], record["metric"])
        if found != (expected := (*vectors.shape, metric)):
            raise IndexCorrupt(f"{path.name} is of {found}, the manifest says {expected}")
        engine = cls(record, effort)
        if not _call(lambda client: client.has_collection(engine.collection)):
            raise EngineUnavailable(
                f"Milvus at {_shown(_uri())} has no collection {engine.collection}: give the "
                "--milvus-uri that the index was built with, or run `python embed.py --fresh`"
            )
        _call(lambda client: client.load_collection(engine.collection))
        if (rows := _count(engine.collection)) != engine.count:
            raise IndexCorrupt(
                f"the collection {engine.collection} has {rows} rows, {path.name} says "
                f"{engine.count}"
            )
        return engine

    @classmethod
    def on_publish(cls, path: Path) -> None:
        """Point the alias of this index at the collection of a generation."""
        record = _read_record(path)
        names = {"collection_name": record["collection"], "alias": record["alias"]}

        def point(client: Any) -> None:
            known = _aliases(client)
            (client.alter_alias if names["alias"] in known else client.create_alias)(**names)

        _call(point)

    @classmethod
    def on_delete(cls, path: Path) -> None:
        """Drop the collection of a generation that is deleted; a failure is logged."""
        try:
            record = _read_record(path)
            _drop(record["collection"])
        except (OSError, ValueError) as error:
            logging.getLogger(__name__).warning("a collection of Milvus may be left: %s", error)

    @property
    def max_effort(self) -> int:
        """ef that visits every row, or the largest that Milvus takes."""
        return min(self.count, _MAX_EF)

    def search(
        self, queries: Array, k: int, rows: Array | None = None, *, effort: int | None = None
    ) -> tuple[Array, Array]:
        """Return about the k nearest rows, of `rows` where given.

        Up to `MAX_LISTED` of them, or all but so many, are an expression of Milvus; otherwise what
        it finds is filtered here, so that few may be left.
        """
        queries = check_queries(queries, self._record["dim"])
        if rows is None:
            return self._hits(queries, k, "", effort)
        if len(rows) <= MAX_LISTED:
            return self._hits(queries, k, _listed("row", rows), effort)
        others = np.setdiff1d(np.arange(self.count), rows)
        if len(others) <= MAX_LISTED:
            return self._hits(queries, k, _listed("row", others, "not in"), effort)
        deep = [self._hits(query[None], MAX_HITS, "", effort) for query in queries]
        kept = [(np.isin(hits[0], rows), hits[0], scores[0]) for hits, scores in deep]
        return stack_hits([(hits[keep][:k], scores[keep][:k]) for keep, hits, scores in kept])

    def search_where(
        self,
        query: Array,
        k: int,
        codes: Sequence[tuple[str, Array]],
        without: Array,
        *,
        effort: int | None = None,
    ) -> tuple[Array, Array]:
        """Return about the k nearest rows to `query` (1, dim), filtered in Milvus."""
        query = check_queries(query, self._record["dim"])
        parts = [_listed(f"c{self.columns.index(name)}", allowed) for name, allowed in codes]
        if len(without):
            parts.append(_listed("row", without, "not in"))
        return self._hits(query, k, " and ".join(parts), effort)

    def _hits(
        self, queries: Array, k: int, expression: str, effort: int | None
    ) -> tuple[Array, Array]:
        k = min(k, self.count, MAX_HITS)
        ef = min(max(effort or self.effort, k), _MAX_EF)
        answers = _call(
            lambda client: client.search(
                self.collection,
                data=list(queries),
                limit=k,
                filter=expression,
                output_fields=["row"],
                search_params={"metric_type": _METRICS[self.metric], "params": {"ef": ef}},
                consistency_level="Eventually",  # a collection never changes
            )
        )
        return stack_hits([_rows_and_scores(hits, self.metric) for hits in answers])


def _rows_and_scores(hits: Sequence[Mapping[str, Any]], metric: str) -> tuple[Array, Array]:
    rows = np.array([hit["row"] for hit in hits], np.int64)
    scores = np.array([hit["distance"] for hit in hits], np.float32)
    if metric == "euclidean":  # Milvus gives the square
        scores = -np.sqrt(np.maximum(scores, 0))
    order = np.lexsort((rows, -scores))
    return rows[order], scores[order]


def _listed(field: str, numbers: Array, operator: str = "in") -> str:
    return f"{field} {operator} [{', '.join(map(str, numbers.tolist()))}]"


def _fill(
    collection: str,
    vectors: Array,
    fields: Sequence[Array],
    metric: str,
    params: Mapping[str, int],
    progress: RowProgress | None,
) -> None:
    """Create a collection of `vectors` (n, dim) and `fields` (n,), indexed and loaded."""
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("row", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    names = [f"c{number}" for number in range(len(fields))]
    for name in names:
        schema.add_field(name, DataType.INT64)
    index = MilvusClient.prepare_index_params()
    kind = "FLAT" if len(vectors) <= _FLAT_ROWS else "HNSW"
    index.add_index("vector", index_type=kind, metric_type=_METRICS[metric], params=dict(params))
    _call(lambda client: client.create_collection(collection, schema=schema))
    for start in range(0, len(vectors), _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, len(vectors))
        block = np.asarray(vectors[start:stop], np.float32)
        values = np.array([field[start:stop] for field in fields], np.int64)
        rows = [
            {"row": start + i, "vector": vector}
            | dict(zip(names, values[:, i].tolist() if names else (), strict=True))
            for i, vector in enumerate(block)
        ]
        _call(partial(_insert, collection, rows))
        if progress:
            progress(stop)
    _call(lambda client: client.flush(collection))
    _call(lambda client: client.create_index(collection, index))
    _call(lambda client: client.load_collection(collection))


def _insert(collection: str, rows: list[dict[str, Any]], client: Any) -> None:
    client.insert(collection, rows)


def _uri() -> str:
    uri = os.environ.get(URI_VARIABLE)
    if not uri:
        raise EngineUnavailable(
            "engine milvus needs --milvus-uri: http://HOST:19530, or a file that ends in .db for "
            "Milvus Lite"
        )
    return uri


def _shown(uri: str) -> str:
    """The address without name and password."""
    scheme, mark, rest = uri.partition("://")
    return scheme + mark + rest.rpartition("@")[2]


@cache
def _client(uri: str) -> Any:
    from pymilvus import MilvusClient

    for name in (
        "pymilvus",
        "milvus_lite",
        "grpc._server",
    ):  # an error is raised, and need not be printed as well
        logging.getLogger(name).setLevel(logging.CRITICAL)
    scheme, mark, rest = uri.partition("://")
    user, at, host = rest.rpartition("@")
    if not mark:
        Path(uri).parent.mkdir(parents=True, exist_ok=True)
    options = {"grpc.keepalive_time_ms": _KEEPALIVE_MS, "grpc.keepalive_permit_without_calls": 0}
    return MilvusClient(scheme + mark + host, token=user if at else "", grpc_options=options)


def _call(ask: Callable[[Any], T]) -> T:
    """Ask the client; its errors become EngineUnavailable."""
    from pymilvus.exceptions import MilvusException

    uri = _uri()
    try:
        return ask(_client(uri))
    except MilvusException as error:
        hint = (
            ""
            if "://" in uri
            else (
                "; a file of Milvus Lite is open in one process at a time: for several, run "
                "`milvus-lite server --data-dir FOLDER --host 127.0.0.1`"
            )
        )
        raise EngineUnavailable(f"Milvus at {_shown(uri)}: {error.message}{hint}") from error


def _count(collection: str) -> int:
    rows = _call(lambda client: client.query(collection, filter="", output_fields=["count(*)"]))
    return int(rows[0]["count(*)"])


def _aliases(client: Any) -> set[str]:
    return {
        alias
        for collection in client.list_collections()
        for alias in client.list_aliases(collection)["aliases"]
    }


def _drop(collection: str) -> None:
    """Drop a collection and the aliases that name it."""

    def drop(client: Any) -> None:
        if client.has_collection(collection):
            for alias in client.list_aliases(collection)["aliases"]:
                client.drop_alias(alias)
            client.drop_collection(collection)

    _call(drop)


def _read_record(path: Path) -> dict[str, Any]:
    """Read the file of a generation; raises IndexCorrupt for anything else."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        types = {name: type(value) for name, value in record.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise IndexCorrupt(f"{path.name} cannot be read: {error}") from error
    if types != _RECORD or not all(isinstance(name, str) for name in record["columns"]):
        raise IndexCorrupt(f"{path.name} holds {types}, expected {_RECORD}")
    return dict(record)


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
