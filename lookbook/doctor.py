"""Check the installation, model, index, events and disks: one line a check, and what to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import gettempdir

PACKAGES = (
    "torch",
    "transformers",
    "datasets",
    "annoy",
    "gradio",
    "pillow",
    "pyarrow",
    "safetensors",
    "openTSNE",
    "plotly",
    "sqlalchemy",
    "implicit",
    "matplotlib",
)


_LEAST_FREE = 200 * 10**6  # bytes: a small index is written beside the one it replaces


def diagnose(
    index: Path,
    device: str = "auto",
    backend: str = "auto",
    state: Path | None = None,
    database_url: str | None = None,
) -> int:
    """Print the result of every check; return 0 when all pass, 1 otherwise.

    `state` and `database_url` are those that the site is given. Nothing is created.
    """
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("pictures", _pictures),
        ("index", lambda: _index(index)),
        ("encoder", lambda: _encoder(index, device, backend)),
        ("query", lambda: _query(index, device, backend)),
        ("events", lambda: _events(index, state, database_url)),
        ("models", lambda: _models(index, state)),
        ("space", lambda: _space(index, state)),
    )
    failures: dict[str, str] = {}  # sentence -> the check that failed with it first
    for name, check in checks:
        _report(name, check, failures)
    return min(1, len(failures))


def _report(name: str, check: Callable[[], str], failures: dict[str, str]) -> None:
    try:
        print(f"ok      {name:9} {check()}")
    except Exception as error:  # reports whatever can be wrong with an installation
        first = failures.setdefault(str(error), name)
        print(f"WRONG   {name:9} {error if first == name else f'as {first}'}")


def _python() -> str:
    return sys.version.split()[0]


def _packages() -> str:
    installed, missing = [], []
    for name in PACKAGES:
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        raise RuntimeError(f"{', '.join(missing)} missing: run pip install -r requirements.txt")
    return ", ".join(installed)


def _pictures() -> str:
    from lookbook.images.loading import accepted_formats

    return accepted_formats()


def _index(path: Path) -> str:
    from lookbook.search.index import Index

    opened = Index.open(path)
    m = opened.manifest
    return f"{len(opened):,} items of dim {m.dim}, {m.generation}; {opened.describe_engines()}"


def _encoder(path: Path, device: str, backend: str) -> str:
    from lookbook.search.index import Index
    from lookbook.search.opening import load_matching_encoder
    from lookbook.search.photo_calibration import read_photo_calibration

    index = Index.open(path, verify="quick")
    encoder = load_matching_encoder(index, device=device, backend=backend)
    read_photo_calibration(index)
    size = encoder.preprocessing.size
    return (
        f"{encoder.name} {encoder.revision}, {size} px, {encoder.precision} on {encoder.device}, "
        f"run by {encoder.backend.name}"
    )


def _query(path: Path, device: str, backend: str) -> str:
    """Search the index with one of its own pictures, which must find itself."""
    from lookbook.search.index import Index
    from lookbook.search.opening import load_matching_encoder

    index = Index.open(path, verify="quick")
    encoder = load_matching_encoder(index, device=device, backend=backend)
    query_id = index.ids[0]
    vector = encoder.encode([index.thumb(query_id)])[0]
    ids = [hit.id for hit in index.search(vector, k=10, fold=False, kind="item")]
    if query_id not in ids:
        raise RuntimeError(
            f"the picture of {query_id!r} does not find itself: the index and the encoder do not "
            "belong together; run python embed.py again"
        )
    return f"the picture of {query_id!r} finds itself at place {ids.index(query_id) + 1}"


def _events(index: Path, state: Path | None, url: str | None) -> str:
    """Ask the database of events, without its address, which may hold a password."""
    from lookbook.events import EventStore
    from lookbook.events.store import DATABASE_FILE, database_url

    found = url or database_url(state or index)
    if found.startswith("sqlite") and not Path(found.removeprefix("sqlite:///")).exists():
        return f"none recorded yet: {DATABASE_FILE} is created by the site"
    store = EventStore(found)
    try:
        return f"{store.count():,} recorded in {found.partition(':')[0]}"
    finally:
        store.close()


def _models(index: Path, state: Path | None) -> str:
    """Open the models that the feed uses; raises what is wrong with them."""
    from lookbook.index.publishing import published
    from lookbook.recommend.items import Items
    from lookbook.recommend.model_store import MODELS_FOLDER, Models
    from lookbook.search.index import Index

    root = (state or index) / MODELS_FOLDER
    names = published(root)
    if not names:
        return "none trained yet: the feed follows likes and what is popular"
    items = Items.of_index(Index.open(index, verify="quick"))
    return f"{Models.open(root / names[0], items).generation}"


def _space(index: Path, state: Path | None) -> str:
    """Look for space where the site and `embed.py` write; raises RuntimeError."""
    told = []
    for name, folder in (("index", index), ("state", state), ("temporary", gettempdir())):
        if folder is None or not Path(folder).is_dir():
            continue
        free = shutil.disk_usage(folder).free
        if free < _LEAST_FREE:
            raise RuntimeError(
                f"{free / 10**6:,.0f} MB are free in {folder}: expected {_LEAST_FREE / 10**6:,.0f}"
            )
        told.append(f"{name} {free / 10**9:,.1f} GB")
    return "free: " + ", ".join(told)
