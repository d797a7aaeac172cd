"""Keep an index current: run again whenever the data change."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable
from pathlib import Path

from lookbook.catalog.files import all_files, fingerprint

_SETTLING = 2.0  # seconds for which data must not change before they are read


def local_fingerprint(dataset: str, output: Path) -> str | None:
    """Return what changes with the names, sizes and times of the files of a data set.

    Nothing is read but the folder; files under `output` do not count. None for what is not on this
    machine.
    """
    path = Path(dataset).expanduser()
    if path.is_dir():
        inside = output.resolve()
        names = all_files(path)
        if inside.is_relative_to(path.resolve()):
            prefix = inside.relative_to(path.resolve()).as_posix() + "/"
            names = [name for name in names if not name.startswith(prefix)]
        return fingerprint(path, names)
    names = [dataset] if path.exists() else glob.glob(dataset)  # noqa: PTH207 (any pattern)
    return fingerprint(Path(), names) if names else None


def watch(
    version: Callable[[], object],
    run: Callable[[], bool],
    *,
    done: object,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Call `run` whenever `version()` is another than `done`, looking every `seconds`, for ever.

    A run that returns False has failed, and is tried again at the next look. What changes while it
    is looked at is being copied: `run` waits until it is the same twice. What changes during a run
    makes it run again. An OSError or ValueError of `version` counts as no change: the data may be
    back at the next look.
    """
    while True:
        sleep(seconds)
        now = _settled(version, done, min(_SETTLING, seconds), sleep)
        if now != done and run():
            done = now


def _settled(
    version: Callable[[], object], done: object, seconds: float, sleep: Callable[[float], None]
) -> object:
    """Return a version that stays the same for some seconds, or `done`."""
    now = _looked_up(version, done)
    while now != done:
        sleep(seconds)
        before, now = now, _looked_up(version, done)
        if now == before:
            break
    return now


def _looked_up(version: Callable[[], object], done: object) -> object:
    try:
        return version()
    except (OSError, ValueError):
        return done
