"""The engines of a generation: built, saved and tuned on the vectors as they are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lookbook.index.engines import build_engine, check_metric, check_options
from lookbook.index.engines.by_size import engine_beside
from lookbook.index.engines.contract import Array, engines_of_files
from lookbook.index.engines.tuning import Tuning, tune
from lookbook.index.generation import Generation

Progress = Callable[[str, int, int], None]  # stage, how many are done, of how many


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """The metric of a generation, the engine that is built for it and how that is tuned.

    `engine` is tuned for `recall` ("exact": none is built), `trees` an option of Annoy,
    `first_efforts` what tuning tries first, by engine and kind of query (see `tune`).
    """

    metric: str = "angular"
    engine: str = "annoy"
    trees: int | None = None
    recall: float = 0.99
    first_efforts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    seed: int = 0

    def checked(self) -> dict[str, int]:
        """Return the options of the engine with its defaults.

        Raises ValueError for a metric, engine or option that there is not, EngineUnavailable where
        the package of the engine is not installed.
        """
        check_metric(self.metric)
        given = {} if self.trees is None else {"trees": self.trees}
        return dict(check_options(self.engine, given).options) | given


def write_engine(
    folder: Path,
    vectors: Array,
    queries: Mapping[str, Array],
    options: EngineOptions,
    progress: Progress,
    fields: Callable[[], Mapping[str, Array]],
) -> dict[str, Tuning]:
    """Build, save and tune an engine on the vectors as stored, so that it agrees with exact search.

    Returns a tuning for each kind of query, none for an engine that has no file.
    """

    def built(done: int) -> None:
        progress(options.engine, done, len(vectors))

    name, metric, seed, own = options.engine, options.metric, options.seed, options.checked()
    engine = build_engine(name, vectors, metric, seed=seed, progress=built, fields=fields, **own)
    if engine.file is None:
        return {}
    engine.save(folder / engine.file)
    del engine  # the file is what is read from now on: do not hold both it and the trial of tuning
    progress("tuning", 0, 1)
    first, recall = options.first_efforts.get(name), options.recall
    tunings = tune(
        name, vectors, metric, queries=queries, seed=seed, recall=recall, first=first, **own
    )
    progress("tuning", 1, 1)
    return tunings


def write_engine_beside(
    folder: Path,
    vectors: Array,
    queries: Mapping[str, Array],
    options: EngineOptions,
    progress: Progress,
) -> dict[str, Any]:
    """Build and tune the engine that serves this many photos beside the one that was asked for.

    Returns what the manifest says of it, nothing where there is none (see `engine_beside`).
    """
    found = engine_beside(options.engine, len(vectors))
    if found is None:
        return {}
    name, why = found
    own = replace(options, engine=name, trees=None)
    tunings = write_engine(folder, vectors, queries, own, progress, dict)
    kinds = {kind: one.to_json(name) for kind, one in tunings.items()}
    return {"engine": name, "why": why, "query_kinds": kinds}


def open_engines(folder: Path) -> None:
    """Open a generation and every engine that it holds; raises IndexCorrupt."""
    generation = Generation.open(folder)
    for engine in engines_of_files(generation.manifest.files):
        generation.open_engine(engine.name)
