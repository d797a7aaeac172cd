"""The folder of uploads, and their removal after a few seconds.

gradio writes an upload to disk before any code of ours runs, and the visitor's page fetches it once
to show it. So an upload is removed soon after it is read, whatever the page does meanwhile.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

from gradio.utils import get_upload_folder

from lookbook.images.loading import ImageError, read_bytes
from lookbook.schema.message import Message
from lookbook.ui.retention import ORPHAN_TTL, UPLOAD_TTL

MAX_TOTAL = 500 * 2**20  # bytes of all uploads together
_PREFIX = "lookbook-"
_LOCK = "in-use"
_log = logging.getLogger(__name__)
_locks: list[IO[str]] = []  # held as long as the process lives


def private_folder() -> Path:
    """Create a folder of this process for uploads, readable by its user alone; return it.

    It lies in GRADIO_TEMP_DIR, or else where the system keeps temporary files, and is removed at
    the end. Those of processes that were killed are removed first; nothing else there is touched.
    """
    base = _base()
    base.mkdir(parents=True, exist_ok=True)
    sweep(base)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    lock = (folder / _LOCK).open("w")
    _lock(lock)
    _locks.append(lock)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    with contextlib.suppress(ValueError):  # not on the main thread: its owner handles signals
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that atexit runs
    return folder


@functools.cache
def _base() -> Path:
    """The folder that the owner chose, read before GRADIO_TEMP_DIR is set to one inside it."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())


def sweep(base: Path) -> None:
    """Remove the folders of processes that ended without removing theirs."""
    for lock in base.glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError), lock.open("r+") as file:
            if _lock(file):
                shutil.rmtree(lock.parent, ignore_errors=True)


def _lock(file: IO[str]) -> bool:
    """Take the lock on a file, which lasts until it is closed or its process ends."""
    try:
        import fcntl
    except ImportError:  # Windows: nothing is swept
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def read_upload(path: str | None) -> bytes:
    """Return the bytes of an upload, and remove it soon; raises ImageError for any other file."""
    if not path or not _is_upload(Path(path)):
        raise ImageError("no-file", Message("No picture arrived."))
    file = Path(path)
    with contextlib.suppress(OSError):
        os.utime(file)  # the same picture may be uploaded twice: the last time counts
    timer = threading.Timer(UPLOAD_TTL, _remove_if_older, (file, UPLOAD_TTL - 1))
    timer.daemon = True
    timer.start()
    return read_bytes(file)


def clean_periodically(seconds: float = ORPHAN_TTL / 4) -> None:
    """Start a thread that removes uploads that nobody searched with."""
    folder = Path(get_upload_folder())

    def run() -> None:
        while True:
            time.sleep(seconds)
            try:
                clean(folder, ORPHAN_TTL)
            except Exception:  # the next round may succeed
                _log.exception("the folder of uploads cannot be cleaned")

    threading.Thread(target=run, daemon=True).start()


def clean(folder: Path, seconds: float) -> None:
    """Remove files and empty folders under `folder` that are older than so many seconds."""
    for parent, folders, files in os.walk(folder, topdown=False):  # contents before their folder
        for name in (*files, *folders):
            path = Path(parent, name)
            with contextlib.suppress(OSError):  # gone meanwhile, or a folder that is not empty
                if time.time() - path.lstat().st_mtime < seconds:
                    continue
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
                else:
                    path.unlink()


def room() -> int:
    """Return how many more bytes of uploads there is room for."""
    total = 0
    for parent, _, files in os.walk(get_upload_folder()):
        for name in files:
            with contextlib.suppress(OSError):
                total += Path(parent, name).lstat().st_size
    return max(0, MAX_TOTAL - total)


def _is_upload(path: Path) -> bool:
    """Whether a file lies where gradio puts uploads, two folders down: no other may be touched."""
    uploads = Path(get_upload_folder()).resolve()
    return path.resolve().parent.parent == uploads and path.resolve().is_file()


def _remove_if_older(file: Path, seconds: float) -> None:
    with contextlib.suppress(OSError):
        if time.time() - file.stat().st_mtime >= seconds and _is_upload(file):
            file.unlink()
            file.parent.rmdir()  # its name is the hash of the picture
