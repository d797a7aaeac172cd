"""Keep an index current: run again whenever the data change."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable
from pathlib import Path

from lookbook.catalog.files import all_files, fingerprint

_SETTLING = 2.0  # seconds for which data must not change before they are read
_LONGEST = 600.0  # seconds between two tries of what fails


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
    run: Callable[[], None],
    *,
    done: object,
    seconds: float,
    failed: Callable[[Exception, float], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Call `run` whenever `version()` is another than `done`, looking every `seconds`, for ever.

    What changes while it is looked at is being copied: `run` waits until it is the same twice. What
    changes during a run makes it run again. An OSError or ValueError of either ends nothing:
    `failed` gets it with the seconds until the next try, which double with each failure up to ten
    minutes, or `seconds` where that is more. A run that failed is tried sooner on other data.
    """
    longest = max(seconds, _LONGEST)
    wait, looks_left = seconds, 0
    tried, tries = done, 0  # the version that a run last failed on, and how often
    while True:
        sleep(wait)
        try:
            now = _settled(version, done, min(_SETTLING, seconds), sleep)
        except (OSError, ValueError) as error:
            wait = min(2 * wait, longest)
            failed(error, wait)
            continue
        wait = seconds
        looks_left -= 1
        if now == done or (now == tried and looks_left > 0):
            continue
        try:
            run()
        except (OSError, ValueError) as error:
            tries = tries + 1 if now == tried else 1
            tried, looks_left = now, max(1, int(min(seconds * 2**tries, longest) / seconds))
            failed(error, looks_left * seconds)
        else:
            done = tried = now


def _settled(
    version: Callable[[], object], done: object, seconds: float, sleep: Callable[[float], None]
) -> object:
    """Return a version that stays the same for some seconds, or `done`."""
    now = version()
    while now != done:
        sleep(seconds)
        before, now = now, version()
        if now == before:
            break
    return now
