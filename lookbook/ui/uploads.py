"""Where visitors' pictures lie for a few seconds, and that they do not lie there longer.

gradio writes an upload to disk before any code of ours sees it, and the visitor's page fetches it
once to show it. So it is read, and removed soon after, whatever the page does meanwhile.
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

UPLOAD_TTL = 10  # how long the page may take to fetch what was uploaded
ORPHAN_TTL = 120  # after this an upload that nobody searched with is gone too


def private_folder() -> Path:
    """A folder for this process alone, gone when it ends; uploads lie in it unless told."""
    folder = Path(tempfile.mkdtemp(prefix="lookbook-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.setdefault("GRADIO_TEMP_DIR", str(folder / "uploads"))
    with contextlib.suppress(ValueError):  # not on the main thread: whoever started us stops us
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # an orderly end
    return folder


def read_upload(path: str | None) -> bytes:
    """The bytes of an upload, which is removed soon; raises ImageError for any other file."""
    if not path or not _is_upload(Path(path)):
        raise ImageError("no-file", "No picture arrived.")
    file = Path(path)
    with contextlib.suppress(OSError):
        os.utime(file)  # the same picture may come twice: the last one counts
    timer = threading.Timer(UPLOAD_TTL, _remove_if_older, (file, UPLOAD_TTL - 1))
    timer.daemon = True
    timer.start()
    return read_bytes(file)


def clean_periodically() -> None:
    """Look again and again, on a thread of its own, for uploads that were left behind."""

    def look() -> None:
        while True:
            time.sleep(ORPHAN_TTL / 4)
            clean(Path(get_upload_folder()), ORPHAN_TTL)

    threading.Thread(target=look, daemon=True).start()


def clean(folder: Path, seconds: float) -> None:
    """Remove what has lain in `folder` for so long: uploads, saved states, and empty folders."""
    for path in sorted(folder.rglob("*"), reverse=True):  # what is inside a folder before it
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime < seconds:
                continue
            if path.is_dir() and not path.is_symlink():
                path.rmdir()  # only an empty one goes
            else:
                path.unlink()


def _is_upload(path: Path) -> bool:
    """Uploads lie two folders down: any other path is not ours to read or to remove."""
    uploads = Path(get_upload_folder()).resolve()
    return path.resolve().parent.parent == uploads and path.resolve().is_file()


def _remove_if_older(file: Path, seconds: float) -> None:
    with contextlib.suppress(OSError):
        if time.time() - file.stat().st_mtime >= seconds and _is_upload(file):
            file.unlink()
            file.parent.rmdir()  # its name is the hash of the picture
