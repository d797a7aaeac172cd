"""Which generation readers open: the file CURRENT, and what may be removed.

CURRENT holds the names published so far, newest first; its first line is the one that readers
open. Publishing replaces that small file in one step, so a reader sees the old generation or the
new one, and keeps the one it holds.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lookbook.index.engines.contract import Engine, engines_of_files
from lookbook.index.errors import IndexCorrupt, IndexMissing
from lookbook.index.manifest import MANIFEST

CURRENT = "CURRENT"
BUILDING = ".building-"  # prefix of a staged folder's name
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")  # as `staged_generation` makes it
_MAX_CURRENT = 1 << 16  # bytes, some thousand names
_STALE_SECONDS = 3600  # a half-written folder not modified for this long has lost its writer


@contextmanager
def staged_generation(root: Path, check: Callable[[Path], object]) -> Iterator[Path]:
    """Yield a hidden folder to write a generation in; it is renamed once it is whole and on disk.

    `check` opens what was written and raises where it is not as it should be; then, as after any
    other error, the folder is removed.
    """
    root.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    folder = root / f"{BUILDING}{name}"
    folder.mkdir()
    try:
        yield folder
        fsync_folder(folder)
        check(folder)
        folder.rename(final_path(folder))
        fsync(root)
    except BaseException:
        _remove(folder)
        raise


def final_path(folder: Path) -> Path:
    """Return the path that a staged folder gets once it is whole."""
    return folder.with_name(folder.name.removeprefix(BUILDING))


def published(root: str | Path) -> list[str]:
    """Return the names of the published generations that still exist, the current one first.

    [] if none was published yet; the current one is listed whether it exists or not. Raises
    IndexCorrupt if CURRENT holds anything but names.
    """
    try:
        with (Path(root) / CURRENT).open("rb") as file:
            text = file.read(_MAX_CURRENT).decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    names = text.split()
    for name in names:
        if not _NAME.fullmatch(name):
            raise IndexCorrupt(f"{CURRENT} holds {name[:80]!r}: expected the name of a generation")
    return names[:1] + [name for name in names[1:] if _is_generation(Path(root) / name)]


def publish(root: str | Path, generation: str | Path) -> None:
    """Make `generation` (a folder under `root`, or its name) the one that readers open."""
    name = Path(generation).name
    if not _is_generation(Path(root) / name):
        raise IndexMissing(f"{Path(root) / name} is not a generation: it has no {MANIFEST}")
    try:
        earlier = published(root)
    except IndexCorrupt:
        earlier = []  # the next publication repairs a damaged pointer
    _point(root, [name, *(other for other in earlier if other != name)])


def rollback(root: str | Path) -> str:
    """Publish the generation before the current one again and return its name.

    Raises IndexMissing where there is none.
    """
    earlier = published(root)[1:]
    if not earlier:
        raise IndexMissing(f"{root} has no earlier generation to roll back to")
    _point(root, earlier)
    return earlier[0]


def delete_generations(root: str | Path, generations: list[str]) -> None:
    """Delete generations, published or not; the newest of the others becomes current."""
    remaining = [name for name in published(root) if name not in generations]
    _point(root, remaining)
    for name in generations:
        if _hide(Path(root) / name):
            _remove(Path(root) / f"{BUILDING}{name}")


def _is_generation(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def _engine_files(folder: Path) -> list[tuple[type[Engine], Path]]:
    """Return the engines that were built in a folder, with their files; none if it is gone."""
    if not folder.is_dir():
        return []
    engines = engines_of_files(path.name for path in folder.iterdir())
    return [(engine, folder / str(engine.file)) for engine in engines]


def _remove(folder: Path) -> None:
    """Delete the folder of a generation, and what its engine keeps elsewhere."""
    for engine, file in _engine_files(folder):
        engine.on_delete(file)
    shutil.rmtree(folder, ignore_errors=True)


def _point(root: str | Path, names: list[str]) -> None:
    for engine, file in _engine_files(Path(root) / names[0]) if names else ():
        engine.on_publish(file)
    temporary = Path(root) / f".{CURRENT}-{secrets.token_hex(4)}"
    temporary.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    fsync(temporary)
    os.replace(temporary, Path(root) / CURRENT)  # noqa: PTH105 (the one call that publishes)
    fsync(Path(root))


def prune(root: str | Path, keep: int = 2) -> list[str]:
    """Delete generations published before the last `keep` (at least two); return their names.

    What was never published, rolled back from, or left half written by a killed writer is deleted
    once it is an hour old: until then another writer may be about to publish it.
    """
    root = Path(root)
    names = published(root)
    if not names:
        return []
    kept = max(2, keep)
    old = [root / name for name in names[kept:]]
    unlisted = [path.parent for path in root.glob(f"*/{MANIFEST}") if path.parent.name not in names]
    # other programs write manifests too: only what is named like a generation is one
    unpublished = [path for path in unlisted if _NAME.fullmatch(path.name)]
    obsolete = [*old, *(path for path in unpublished if _stale(path))]
    removed = [path.name for path in obsolete if _hide(path)]
    for path in root.glob(f"{BUILDING}*"):
        if not _NAME.fullmatch(path.name.removeprefix(BUILDING)):
            continue
        if _stale(path) or path.name.removeprefix(BUILDING) in removed:
            _remove(path)
    for path in root.glob(f".{CURRENT}-*"):
        if _stale(path):
            path.unlink(missing_ok=True)
    return removed


def _hide(generation: Path) -> bool:
    """Hide a generation in one step, so that none is seen half deleted; False if it is gone."""
    try:
        generation.rename(generation.with_name(f"{BUILDING}{generation.name}"))
    except FileNotFoundError:
        return False
    return True


def _stale(path: Path) -> bool:
    try:
        children = list(path.iterdir()) if path.is_dir() else []
        modified = max(part.stat().st_mtime for part in [path, *children])
    except FileNotFoundError:
        return False  # another writer has just moved or removed it
    return time.time() - modified > _STALE_SECONDS


def current_name(root: str | Path) -> str:
    """Return the name of the published generation of `root`; raises IndexMissing."""
    names = published(root)
    if not names:
        raise IndexMissing(f"there is no index in {root}: run `python embed.py` to build one")
    return names[0]


def fsync_folder(folder: Path) -> None:
    """Wait until every file of `folder`, and the folder, would survive a power cut."""
    for path in folder.iterdir():
        fsync(path)
    fsync(folder)


def fsync(path: Path) -> None:
    """Wait until the file or folder `path` is on disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
