"""The folder of uploads, and their removal after a few seconds.

gradio writes an upload to disk before any code of ours runs, and the visitor's page fetches it once
to show it. So an upload is removed soon after it is read, whatever the page does meanwhile.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

from gradio.utils import get_upload_folder

from lookbook.images.loading import ImageError, read_bytes

UPLOAD_TTL = 10  # seconds after it was read: the page has fetched it by then
ORPHAN_TTL = 120  # seconds for an upload that is never searched with


def private_folder() -> Path:
    """Create a folder for this process, removed at its end; uploads go there by default."""
    folder = Path(tempfile.mkdtemp(prefix="lookbook-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.setdefault("GRADIO_TEMP_DIR", str(folder / "uploads"))
    with contextlib.suppress(ValueError):  # not on the main thread: its owner handles signals
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that atexit runs
    return folder


def read_upload(path: str | None) -> bytes:
    """Return the bytes of an upload, and remove it soon; raises ImageError for any other file."""
    if not path or not _is_upload(Path(path)):
        raise ImageError("no-file", "No picture arrived.")
    file = Path(path)
    with contextlib.suppress(OSError):
        os.utime(file)  # the same picture may be uploaded twice: the last time counts
    timer = threading.Timer(UPLOAD_TTL, _remove_if_older, (file, UPLOAD_TTL - 1))
    timer.daemon = True
    timer.start()
    return read_bytes(file)


def clean_periodically() -> None:
    """Start a thread that removes uploads that nobody searched with."""

    def run() -> None:
        while True:
            time.sleep(ORPHAN_TTL / 4)
            clean(Path(get_upload_folder()), ORPHAN_TTL)

    threading.Thread(target=run, daemon=True).start()


def clean(folder: Path, seconds: float) -> None:
    """Remove files and empty folders under `folder` that are older than so many seconds."""
    for path in sorted(folder.rglob("*"), reverse=True):  # contents before their folder
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime < seconds:
                continue
            if path.is_dir() and not path.is_symlink():
                path.rmdir()  # raises OSError unless it is empty
            else:
                path.unlink()


def _is_upload(path: Path) -> bool:
    """Whether a file lies where gradio puts uploads, two folders down: no other may be touched."""
    uploads = Path(get_upload_folder()).resolve()
    return path.resolve().parent.parent == uploads and path.resolve().is_file()


def _remove_if_older(file: Path, seconds: float) -> None:
    with contextlib.suppress(OSError):
        if time.time() - file.stat().st_mtime >= seconds and _is_upload(file):
            file.unlink()
            file.parent.rmdir()  # its name is the hash of the picture
