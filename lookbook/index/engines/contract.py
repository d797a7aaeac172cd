"""The contract of an engine for nearest neighbours, and the registry of all engines."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from lookbook.index.errors import EngineUnavailable, IndexCorrupt

METRICS = ("angular", "euclidean", "dot")
AUTO = "auto"  # at serving time: the engine that the build measured as the faster one

Array = np.ndarray[Any, np.dtype[Any]]
RowProgress = Callable[[int], None]  # called with the number of rows added so far


class Engine(ABC):
    """Finds the nearest rows of `vectors` (n, dim); row numbers are the ids.

    A score is higher for a closer row whatever the metric: the cosine for `angular`, minus the
    distance for `euclidean`, the inner product for `dot`. `effort` is the one number that trades
    time for recall (Annoy's search_k, HNSW's ef); None for an engine without such a number.
    Instances are read only once opened, so any number of threads may search one.
    """

    name: ClassVar[str]
    file: ClassVar[str | None] = None  # its file in a generation; None: vectors.npy is enough
    package: ClassVar[str | None] = None  # what has to be installed, None: nothing more
    distribution: ClassVar[str | None] = None  # where pip knows it by another name
    options: ClassVar[Mapping[str, int]] = {}  # of `build`, with their defaults

    metric: str
    effort: int | None = None

    @classmethod
    @abstractmethod
    def build(
        cls,
        vectors: Array,
        metric: str,
        *,
        seed: int = 0,
        progress: RowProgress | None = None,
        **options: int,
    ) -> Self:
        """Build in memory, on one thread: the same vectors, seed and options give the same file."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write what `open` reads; `path` must not be in use."""

    @classmethod
    @abstractmethod
    def open(cls, path: Path, vectors: Array, metric: str, effort: int | None) -> Self:
        """Open the file that was built of `vectors`; only their shape need be true.

        Validates the file first, so that no file whatever crashes the process; raises IndexCorrupt.
        """

    @abstractmethod
    def search(
        self, queries: Array, k: int, rows: Array | None = None, *, effort: int | None = None
    ) -> tuple[Array, Array]:
        """Return rows int64 and scores float32, both (q, at most k), best first.

        `queries` float32 (q, dim); `rows` int64, distinct: only these are returned. An approximate
        engine filters what it has found by `rows`, so that few may be left. Where queries have
        different numbers of hits, all are cut to the shortest.
        """

    @property
    def float_vectors(self) -> Array | None:
        """float32 (n, dim), what it was built of, mapped from its file; None: it has no such."""
        return None

    @property
    def max_effort(self) -> int:
        """The effort at which every row is visited: where tuning stops."""
        return 1

    @classmethod
    def on_publish(cls, path: Path) -> None:
        """Take note that the generation of this file is the published one from now on."""
        return

    @classmethod
    def on_delete(cls, path: Path) -> None:
        """Take note that the generation of this file is about to be deleted."""
        return


class FilteringEngine(Engine):
    """An engine that filters while it searches, by `columns`.

    It serves by itself: no exact search stands in for it.
    """

    columns: Sequence[str]

    @classmethod
    @abstractmethod
    def build_with_fields(
        cls,
        vectors: Array,
        metric: str,
        fields: Mapping[str, Array],
        *,
        progress: RowProgress | None = None,
        **options: int,
    ) -> Self:
        """Build as `build` does, with int64 (n,) by column: the code of each row's value.

        `index.columns.column_codes` gives them.
        """

    @abstractmethod
    def search_where(
        self,
        query: Array,
        k: int,
        codes: Sequence[tuple[str, Array]],
        without: Array,
        *,
        effort: int | None = None,
    ) -> tuple[Array, Array]:
        """Return at most k rows and scores, (1, m), of rows that meet all of `codes`.

        `codes`: a column, and the codes of which a row must have one; `without` int64: rows that
        are left out.
        """


E = TypeVar("E", bound=type[Engine])
_ENGINES: dict[str, type[Engine]] = {}


def register(engine: E) -> E:
    """Enter an engine class in the registry under its `name`; raises ValueError for a taken one."""
    taken = _ENGINES.get(engine.name)
    if taken is not None and taken.__qualname__ != engine.__qualname__:
        raise ValueError(f"two engines are called {engine.name!r}: {taken} and {engine}")
    _ENGINES[engine.name] = engine
    return engine


@cache
def _import_engines() -> None:
    package = importlib.import_module("lookbook.index.engines")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


def _registered() -> dict[str, type[Engine]]:
    _import_engines()
    return _ENGINES


def names() -> tuple[str, ...]:
    """Names of all engines, sorted, whether their packages are installed or not."""
    return tuple(sorted(_registered()))


def serving_choices() -> tuple[str, ...]:
    """What an index may be opened with: "auto", or an engine by name."""
    return (AUTO, *names())


def get_engine(name: str) -> type[Engine]:
    """Return the class of an engine; raises ValueError, naming those there are."""
    engines = _registered()
    if name not in engines:
        raise ValueError(f"unknown engine {name!r}: expected one of {', '.join(names())}")
    return engines[name]


def engines_of_files(files: Iterable[str]) -> list[type[Engine]]:
    """Return the engines whose file is among the names `files`, in the order of their names."""
    listed = set(files)
    return [engine for _, engine in sorted(_registered().items()) if engine.file in listed]


def build_engine(
    name: str,
    vectors: Array,
    metric: str,
    *,
    seed: int = 0,
    progress: RowProgress | None = None,
    fields: Callable[[], Mapping[str, Array]] | None = None,
    **options: int,
) -> Engine:
    """Build an engine in memory; raises ValueError for an unknown option, EngineUnavailable.

    A `FilteringEngine` is given what `fields` returns, which no other engine asks for.
    """
    check_metric(metric)
    engine = check_options(name, options)
    if fields is not None and issubclass(engine, FilteringEngine):
        return engine.build_with_fields(vectors, metric, fields(), progress=progress, **options)
    return engine.build(vectors, metric, seed=seed, progress=progress, **options)


def open_engine(name: str, folder: Path, vectors: Array, metric: str, effort: int | None) -> Engine:
    """Open an engine on the generation in `folder`; raises IndexCorrupt, EngineUnavailable."""
    engine = available(name)
    return engine.open(folder / (engine.file or ""), vectors, metric, effort)


def is_installed(name: str) -> bool:
    """Whether the package that an engine needs, if any, is installed here."""
    package = get_engine(name).package
    return package is None or importlib.util.find_spec(package) is not None


def available(name: str) -> type[Engine]:
    """Return the class of an engine that can be used here; raises EngineUnavailable."""
    engine = get_engine(name)
    if not is_installed(name):
        raise EngineUnavailable(
            f"engine {name} needs the package {engine.package}, which is not installed: run "
            f"`pip install {engine.distribution or engine.package}`, or choose --engine exact"
        )
    return engine


def check_options(name: str, options: Iterable[str]) -> type[Engine]:
    """Return the class of an engine that can be built here with options of these names.

    Raises ValueError for an option that it does not have, EngineUnavailable.
    """
    engine = available(name)
    for option in sorted(set(options) - set(engine.options)):
        raise ValueError(
            f"engine {name} has no option {option!r}; it has: {', '.join(engine.options) or 'none'}"
        )
    return engine


def check_metric(metric: str) -> None:
    """Raise ValueError, naming the metrics there are, if `metric` is not one of them."""
    if metric not in METRICS:
        raise ValueError(f"unknown metric {metric!r}: expected one of {', '.join(METRICS)}")


def check_effort(path: Path, effort: int | None) -> int:
    """Return the effort that an engine's file is searched with; raises IndexCorrupt for None."""
    if effort is None:
        raise IndexCorrupt(f"{path.name} was built, but the manifest has no search_k for it")
    return effort


def check_queries(queries: Array, dim: int) -> Array:
    """Return queries as float32 (q, dim); raises ValueError for another shape."""
    queries = np.asarray(queries, dtype=np.float32)
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise ValueError(f"expected queries of shape (q, {dim}), found {queries.shape}")
    return queries


def stack_hits(hits: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Rows and scores of single queries -> int64 and float32 (q, m), m the fewest of them."""
    fewest = min((len(rows) for rows, _ in hits), default=0)
    rows = np.array([found[:fewest] for found, _ in hits], np.int64)
    scores = np.array([score[:fewest] for _, score in hits], np.float32)
    return rows.reshape(len(hits), fewest), scores.reshape(len(hits), fewest)
