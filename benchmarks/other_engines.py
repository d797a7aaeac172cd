"""Engines that are measured beside those of Lookbook, where they are installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lookbook.index.engines import Engine
from lookbook.index.engines.contract import check_queries, stack_hits

_BLOCK = 16384
_K = 24  # what ScaNN is built for


class Usearch(Engine):
    """usearch's HNSW graph, its file memory-mapped; `effort` is the expansion of a search."""

    name = "usearch float16"
    package = "usearch"
    dtype = "f16"

    def __init__(self, graph: Any) -> None:
        self.graph = graph

    @classmethod
    def build(cls, vectors: np.ndarray, metric: str, **options: Any) -> Usearch:
        from usearch.index import Index

        graph = Index(ndim=vectors.shape[1], metric="cos", dtype=cls.dtype, connectivity=16)
        for start in range(0, len(vectors), _BLOCK):
            block = np.asarray(vectors[start : start + _BLOCK], np.float32)
            graph.add(np.arange(start, start + len(block)), block, threads=options["threads"])
        return cls(graph)

    def save(self, path: Path) -> None:
        self.graph.save(str(path))

    @classmethod
    def open(cls, path: Path, vectors: np.ndarray, metric: str, effort: int | None) -> Usearch:
        from usearch.index import Index

        return cls(Index.restore(str(path), view=True))

    def search(
        self, queries: np.ndarray, k: int, rows: np.ndarray | None = None, **options: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        queries = check_queries(queries, self.graph.ndim)
        self.graph.expansion_search = options["effort"]
        found = [self.graph.search(query, k, threads=1) for query in queries]
        return stack_hits([(hits.keys.astype(np.int64), 1 - hits.distances) for hits in found])


class UsearchInt8(Usearch):
    """The same with int8 vectors; candidates are scored again from vectors.npy."""

    name = "usearch int8"
    dtype = "i8"
    vectors: np.ndarray

    @classmethod
    def open(cls, path: Path, vectors: np.ndarray, metric: str, effort: int | None) -> Usearch:
        opened = super().open(path, vectors, metric, effort)
        opened.vectors = vectors
        return opened

    def search(
        self, queries: np.ndarray, k: int, rows: np.ndarray | None = None, **options: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        found, _ = super().search(queries, min(max(2 * k, 64), options["effort"]), **options)
        return stack_hits(
            [
                rescore(self.vectors, query, hits, k)
                for query, hits in zip(queries, found, strict=True)
            ]
        )


class FaissIvf(Engine):
    """faiss's inverted lists of vectors in float16, memory-mapped; `effort` is nprobe."""

    name = "faiss IVF float16"
    package = "faiss"
    codec = "SQfp16"

    def __init__(self, index: Any, vectors: np.ndarray) -> None:
        self.index, self.vectors = index, vectors

    @classmethod
    def build(cls, vectors: np.ndarray, metric: str, **options: Any) -> FaissIvf:
        import faiss

        faiss.omp_set_num_threads(options["threads"])
        lists = 1 << round(np.log2(4 * np.sqrt(len(vectors))))
        index = faiss.index_factory(
            vectors.shape[1], f"IVF{lists},{cls.codec}", faiss.METRIC_INNER_PRODUCT
        )
        sample = np.random.default_rng(0).permutation(len(vectors))[: 40 * lists]
        index.train(np.asarray(vectors[np.sort(sample)], np.float32))
        for start in range(0, len(vectors), _BLOCK):
            index.add(np.asarray(vectors[start : start + _BLOCK], np.float32))
        return cls(index, vectors)

    def save(self, path: Path) -> None:
        import faiss

        faiss.write_index(self.index, str(path))

    @classmethod
    def open(cls, path: Path, vectors: np.ndarray, metric: str, effort: int | None) -> FaissIvf:
        import faiss

        faiss.omp_set_num_threads(1)
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), vectors)

    def search(
        self, queries: np.ndarray, k: int, rows: np.ndarray | None = None, **options: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        import faiss

        selector = None if rows is None else options["selector"]
        how = faiss.SearchParametersIVF(nprobe=options["effort"], sel=selector)
        scores, found = self.index.search(queries, self.depth(k), params=how)
        hits = [row[row >= 0] for row in found]
        return stack_hits(
            [
                self.best(query, row, s, k)
                for query, row, s in zip(queries, hits, scores, strict=True)
            ]
        )

    def depth(self, k: int) -> int:
        return k

    def best(
        self, query: np.ndarray, rows: np.ndarray, scores: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        return rows, scores[: len(rows)]


class FaissIvfInt8(FaissIvf):
    """The same with 8 bits a component, candidates scored again from vectors.npy."""

    name = "faiss IVF int8"
    codec = "SQ8"

    def depth(self, k: int) -> int:
        return max(2 * k, 64)

    def best(
        self, query: np.ndarray, rows: np.ndarray, scores: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        return rescore(self.vectors, query, rows, k)


class Voyager(Engine):
    """Spotify's voyager: an HNSW graph of 8-bit floats in memory; `effort` is its query_ef."""

    name = "voyager float8"
    package = "voyager"

    def __init__(self, index: Any) -> None:
        self.index = index

    @classmethod
    def build(cls, vectors: np.ndarray, metric: str, **options: Any) -> Voyager:
        import voyager

        index = voyager.Index(
            voyager.Space.Cosine,
            num_dimensions=vectors.shape[1],
            M=16,
            ef_construction=200,
            storage_data_type=voyager.StorageDataType.E4M3,
        )
        for start in range(0, len(vectors), _BLOCK):
            block = np.asarray(vectors[start : start + _BLOCK], np.float32)
            index.add_items(block, num_threads=options["threads"])
        return cls(index)

    def save(self, path: Path) -> None:
        self.index.save(str(path))

    @classmethod
    def open(cls, path: Path, vectors: np.ndarray, metric: str, effort: int | None) -> Voyager:
        import voyager

        return cls(voyager.Index.load(str(path)))

    def search(
        self, queries: np.ndarray, k: int, rows: np.ndarray | None = None, **options: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        ef = max(k, options["effort"])
        found, distances = self.index.query(queries, k, num_threads=1, query_ef=ef)
        return found.astype(np.int64), 1 - distances


class Scann(Engine):
    """Google's ScaNN: a tree of quantised vectors, reordered by exact score; effort: leaves."""

    name = "scann"
    package = "scann"

    def __init__(self, searcher: Any) -> None:
        self.searcher = searcher

    @classmethod
    def build(cls, vectors: np.ndarray, metric: str, **options: Any) -> Scann:
        import scann

        leaves = 1 << round(np.log2(2 * np.sqrt(len(vectors))))
        plan = scann.scann_ops_pybind.builder(np.asarray(vectors, np.float32), _K, "dot_product")
        plan = plan.tree(leaves, 10, training_sample_size=40 * leaves)
        plan = plan.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(200)
        plan.set_n_training_threads(options["threads"])
        return cls(plan.build())

    def save(self, path: Path) -> None:
        path.mkdir()
        self.searcher.serialize(str(path))

    @classmethod
    def open(cls, path: Path, vectors: np.ndarray, metric: str, effort: int | None) -> Scann:
        import scann

        return cls(scann.scann_ops_pybind.load_searcher(str(path)))

    def search(
        self, queries: np.ndarray, k: int, rows: np.ndarray | None = None, **options: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        found = [
            self.searcher.search(
                query,
                final_num_neighbors=k,
                pre_reorder_num_neighbors=max(200, 4 * k),
                leaves_to_search=options["effort"],
            )
            for query in queries
        ]
        return stack_hits([(rows.astype(np.int64), scores) for rows, scores in found])


OTHERS: dict[str, type[Engine]] = {
    engine.name: engine for engine in (FaissIvf, FaissIvfInt8, Usearch, UsearchInt8, Voyager, Scann)
}


def rescore(
    vectors: np.ndarray, query: np.ndarray, rows: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best k of `rows` by their inner product with a query (dim,), and it."""
    scores = np.asarray(vectors[rows], np.float32) @ query
    order = np.argsort(-scores)[:k]
    return rows[order], scores[order]
