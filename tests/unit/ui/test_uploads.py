"""Uploads: an own folder, swept of what killed processes left, cleaned, with a total."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lookbook.ui import uploads

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import time
from gradio.utils import get_upload_folder
from lookbook.ui.uploads import private_folder
folder = private_folder()
(folder / "uploads/hash").mkdir(parents=True)
(folder / "uploads/hash/photo.jpg").write_bytes(b"photo")
print(folder, flush=True)
print(get_upload_folder(), flush=True)
time.sleep(60)
"""


def holder(base: Path) -> tuple[subprocess.Popen, Path]:
    """A process that holds an upload in its own folder under `base`."""
    environment = os.environ | {"GRADIO_TEMP_DIR": str(base), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True
    )
    return process, Path(process.stdout.readline().strip())


def test_a_killed_process_leaves_nothing_once_another_starts_and_others_keep_theirs(tmp_path):
    mine = tmp_path / "report.txt"
    mine.write_text("somebody's own")
    os.utime(mine, (0, 0))
    killed, left = holder(tmp_path)
    alive, kept = holder(tmp_path)
    assert left.parent == kept.parent == tmp_path
    assert left.stat().st_mode & 0o077 == 0, "no other user may look"
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert (left / "uploads/hash/photo.jpg").exists()
    uploads.sweep(tmp_path)
    assert not left.exists()
    assert (kept / "uploads/hash/photo.jpg").exists()
    assert mine.read_text() == "somebody's own"
    alive.terminate()
    assert alive.wait(20) != 0
    assert not kept.exists(), "a process that is stopped removes its own"


def test_folders_that_vanish_do_not_stop_the_cleaning(tmp_path):
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            folders = [tmp_path / str(n) / "a" for n in range(20)]
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            for folder in folders:
                folder.rmdir()
                folder.parent.rmdir()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            uploads.clean(tmp_path, 60)
    finally:
        stop.set()
        thread.join()


def test_the_cleaning_goes_on_after_a_failure(monkeypatch, tmp_path):
    rounds = []

    def failing(folder, seconds):
        rounds.append(folder)
        raise RuntimeError("for once")

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(uploads, "clean", failing)
    uploads.clean_periodically(0.01)
    deadline = time.monotonic() + 10
    while len(rounds) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert rounds[:3] == [tmp_path] * 3


@pytest.mark.parametrize(("size", "left"), [(0, 1000), (400, 600), (5000, 0)])
def test_room_counts_all_uploads(monkeypatch, tmp_path, size, left):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(uploads, "MAX_TOTAL", 1000)
    (tmp_path / "hash").mkdir()
    (tmp_path / "hash/photo.jpg").write_bytes(bytes(size))
    assert uploads.room() == left


def test_the_cleaning_leaves_other_files_of_the_chosen_folder(tmp_path):
    mine = tmp_path / "reports/report.txt"
    mine.parent.mkdir()
    mine.write_text("somebody's own")
    os.utime(mine, (0, 0))
    process, folder = holder(tmp_path)
    try:
        upload = folder / "uploads/hash/photo.jpg"
        os.utime(upload, (0, 0))
        where = Path(process.stdout.readline().strip())
        uploads.clean(where, 60)
        assert not upload.exists()
        assert mine.read_text() == "somebody's own"
    finally:
        process.kill()
        process.wait()
