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

from lookbook.index.engines.annoy import IndexCorrupt
from lookbook.index.manifest import MANIFEST

CURRENT = "CURRENT"
BUILDING = ".building-"  # how the folder of a generation is called until it is whole
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")  # what `beside` calls them
_MAX_CURRENT = 1 << 16  # bytes, some thousand names
_STALE_SECONDS = 3600  # a folder half written, and untouched for this long, has no writer any more


class IndexMissing(FileNotFoundError):  # noqa: N818
    """There is no index where one was looked for; the message says what to run."""


@contextmanager
def beside(root: Path, check: Callable[[Path], object]) -> Iterator[Path]:
    """A hidden folder to write a generation in; it gets its name once it is whole and on disk.

    `check` opens what was written, and raises where it is not as it should be.
    """
    root.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    folder = root / f"{BUILDING}{name}"
    folder.mkdir()
    try:
        yield folder
        fsync_folder(folder)
        check(folder)
        folder.rename(named(folder))
        fsync(root)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def named(folder: Path) -> Path:
    """What the folder of a generation is called once it is whole."""
    return folder.with_name(folder.name.removeprefix(BUILDING))


def published(root: str | Path) -> list[str]:
    """Names of the generations published under `root` and still there, the current one first.

    [] if none was published yet; the current one is named whether it is there or not. Raises
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
        earlier = []  # a damaged pointer is mended by the next publication
    _point(root, [name, *(other for other in earlier if other != name)])


def rollback(root: str | Path) -> str:
    """Publish again the generation that was current before this one; returns its name."""
    earlier = published(root)[1:]
    if not earlier:
        raise IndexMissing(f"{root} has no earlier generation to step back to")
    _point(root, earlier)
    return earlier[0]


def delete_generations(root: str | Path, generations: list[str]) -> None:
    """Remove generations for good, published or not; the newest of the others becomes current."""
    left = [name for name in published(root) if name not in generations]
    _point(root, left)
    for name in generations:
        if _hide(Path(root) / name):
            shutil.rmtree(Path(root) / f"{BUILDING}{name}", ignore_errors=True)


def _is_generation(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def _point(root: str | Path, names: list[str]) -> None:
    beside = Path(root) / f".{CURRENT}-{secrets.token_hex(4)}"
    beside.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    fsync(beside)
    os.replace(beside, Path(root) / CURRENT)  # noqa: PTH105 (the one call that publishes)
    fsync(Path(root))


def prune(root: str | Path, keep: int = 2) -> list[str]:
    """Remove generations published before the last `keep` (at least two); returns their names.

    What was never published, stepped back from, or left half written by a killed writer goes once
    it is an hour old: until then another writer may be about to publish it.
    """
    root = Path(root)
    names = published(root)
    if not names:
        return []
    kept = max(2, keep)
    old = [root / name for name in names[kept:]]
    loose = [path.parent for path in root.glob(f"*/{MANIFEST}") if path.parent.name not in names]
    # others keep manifests too: only what is named like ours is ours to remove
    ours = [path for path in loose if _NAME.fullmatch(path.name)]
    unwanted = [*old, *(path for path in ours if _stale(path))]
    removed = [path.name for path in unwanted if _hide(path)]
    for path in root.glob(f"{BUILDING}*"):
        if not _NAME.fullmatch(path.name.removeprefix(BUILDING)):
            continue
        if _stale(path) or path.name.removeprefix(BUILDING) in removed:
            shutil.rmtree(path, ignore_errors=True)
    for path in root.glob(f".{CURRENT}-*"):
        if _stale(path):
            path.unlink(missing_ok=True)
    return removed


def _hide(generation: Path) -> bool:
    """Out of sight in one step, so that no half generation is seen; False if another was faster."""
    try:
        generation.rename(generation.with_name(f"{BUILDING}{generation.name}"))
    except FileNotFoundError:
        return False
    return True


def _stale(path: Path) -> bool:
    try:
        inside = list(path.iterdir()) if path.is_dir() else []
        touched = max(part.stat().st_mtime for part in [path, *inside])
    except FileNotFoundError:
        return False  # another writer has just moved or removed it
    return time.time() - touched > _STALE_SECONDS


def current_name(root: str | Path) -> str:
    """Name of the published generation of `root`; raises IndexMissing where there is none."""
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
