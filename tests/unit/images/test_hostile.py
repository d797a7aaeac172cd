"""Hostile pictures: each a picture or a sentence, within 2 s of CPU time and 500 MB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAX_SECONDS, MAX_MEMORY = 2.0, 500  # CPU seconds, MB
REFUSED = {  # reasons that follow from how a picture was made
    "gif-empty-comments": "metadata",
    "gif-comment-of-tiny-parts": "metadata",
    "gif-comments-without-picture": "truncated",
    "png-unknown": "metadata",
    "webp-unknown": "metadata",
    "webp-icc-15mb": "metadata",
    "gif-comments-15mb": "metadata",
    "jpeg-app1-15mb": "metadata",
    "avif-item-table-15mb": "metadata",
    "avif-free-boxes": "metadata",
    "webp-7000": "too-many-pixels",
    "webp-lossless-7000": "too-many-pixels",
    "webp-canvas-7000": "too-many-pixels",
    "webp-animated-7000": "too-many-pixels",
    "gif-20000": "too-many-pixels",
    "jpeg-20000": "too-many-pixels",
    "png-12000": "too-many-pixels",
    "avif-small-says-huge": "too-many-pixels",
    "jpeg-1x20000": "too-small",
    "too-many-bytes": "too-many-bytes",
    "pdf": "format",
    "svg": "format",
}
READ = (  # metadata alone does not spoil a picture
    *("gif-comments-1mb", "gif-comments-3mb", "jpeg-app1-exif-64k"),
    *("jpeg-app1-xmp-64k", "jpeg-mpf", "jpeg-fill-bytes", "png-text"),
    *("png-colour-profiles", "png-exif-15mb", "webp-exif-15mb", "webp-xmp-15mb", "avif-animated"),
    *("gif-animated", "webp-animated", "png-animated", "gif-many-frames", "jpeg-exif-loop"),
    *("png-exif-itself", "webp-exif-many-tags", "jpeg-cmyk", "zip-behind-jpeg", "html-in-gif"),
)
MEASURE = r"""
import json, re, sys, time
from pathlib import Path
sys.path.insert(0, "tests/unit/images")
import hostile
from lookbook.images import sandbox
from lookbook.images.loading import ImageError, load_rgb

def peak(pid, reset=False):
    if reset:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024

def child_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100

load_rgb(hostile.encoded(hostile.photo(), "AVIF"))  # starts the child
for name, data in hostile.corpus():
    processes = ["self", *(child.pid for child in sandbox._idle)]
    before = sum(peak(p, reset=True) for p in processes)
    spent = time.process_time() + sum(child_seconds(p) for p in processes[1:])
    reason = sentence = ""
    try:
        assert load_rgb(data, min_side_hint=None).mode == "RGB"
    except ImageError as error:
        reason, sentence = error.reason, str(error)
    alive = ["self", *(child.pid for child in sandbox._idle)]
    gone = alive != processes
    seconds = time.process_time() - spent + (0 if gone else sum(map(child_seconds, alive[1:])))
    memory = 0 if gone else sum(peak(p) for p in alive) - before
    print(json.dumps([name, reason, sentence, seconds, memory]), flush=True)
"""


@pytest.fixture(scope="module")
def measured():
    """(name, reason or "", sentence, CPU seconds, MB) of each picture, read in another process."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("measures with Linux's /proc")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURE], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_is_a_picture_or_a_sentence_within_time_and_memory(measured):
    assert len(measured) >= 200
    slow = [row for row in measured if row[3] > MAX_SECONDS]
    large = [row for row in measured if row[4] > MAX_MEMORY]
    mute = [row for row in measured if row[1] and not row[2].endswith(".")]
    assert (slow, large, mute) == ([], [], [])


def test_reasons_follow_from_how_they_are_made(measured):
    reasons = {name: reason for name, reason, *_ in measured}
    assert {name: reasons[name] for name in REFUSED} == REFUSED


def test_metadata_does_not_spoil_a_picture(measured):
    reasons = {name: reason for name, reason, *_ in measured}
    assert {name: reasons[name] for name in READ if reasons.get(name)} == {}
