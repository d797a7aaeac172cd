"""Shared by the browser tests: a running site, and functions that read its pages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
RESULTS = "#results .card"


def examples() -> list[Path]:
    return sorted((ROOT / "examples").glob("*.jpg"))


def camera_film(path: Path, photo: Path) -> Path:
    """Write a photo as the film of a fake webcam: raw YUV 4:2:0, which keeps the colours."""
    with Image.open(photo) as image:
        frame = Image.new("RGB", (640, 480), (120, 110, 100))
        image.thumbnail((480, 480))
        frame.paste(image, ((640 - image.width) // 2, (480 - image.height) // 2))
    y, u, v = (np.asarray(channel) for channel in frame.convert("YCbCr").split())
    planes = y.tobytes() + u[::2, ::2].tobytes() + v[::2, ::2].tobytes()
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + b"FRAME\n" + planes)
    return path


def is_outside(url: str, site: str) -> bool:
    return not url.startswith((site, site.replace("http", "ws"), "data:", "blob:"))


def titles(page) -> list[str]:
    """Return the titles of the results, in order."""
    return page.eval_on_selector_all(f"{RESULTS} .open img", "all => all.map(one => one.alt)")


def ids(page) -> list[str]:
    """Return the ids of the results, in order."""
    return page.eval_on_selector_all(f"{RESULTS} .open", "all => all.map(one => one.dataset.id)")


def wait_for_line(page, pattern: str) -> str:
    """Return the line above the results, once it matches a pattern."""
    page.wait_for_function(
        "pattern => new RegExp(pattern).test(document.querySelector('#line').innerText)",
        arg=pattern,
    )
    return page.inner_text("#line")


def wait_for_change(page, before: list[str]) -> list[str]:
    """Return the ids of the results, once they differ from `before`."""
    page.wait_for_function(
        """before => {
          const now = [...document.querySelectorAll('#results .card .open')].map(e => e.dataset.id);
          return now.join() !== before.join();
        }""",
        arg=before,
    )
    return ids(page)


def open_result(page, place: int) -> list[str]:
    """Search from the result at this place; return the ids of the new results."""
    before = ids(page)
    page.click(f"{RESULTS} >> nth={place} >> .open")
    return wait_for_change(page, before)


@contextmanager
def running_site(log: Path, *options: str, **environment: str) -> Iterator[str]:
    """Run `python app.py` on the shipped index; yield its address, fail on tracebacks."""
    port = free_port()
    with log.open("w") as out:
        running = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port), *options],
            cwd=ROOT,
            env=os.environ | {"HF_HUB_OFFLINE": "1"} | environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            # a shell starts background jobs this way: SIGTERM must end the site nevertheless
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(240):
            assert running.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
        assert "Traceback" not in log.read_text()
    finally:
        running.terminate()
        running.wait(20)
