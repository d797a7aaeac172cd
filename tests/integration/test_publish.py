"""Publication is atomic: a reader beside a writer, and a writer killed at every step."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lookbook.index import Generation, prune, published
from lookbook.search.index import Index
from tests.tiny_index import publish_tiny

REPOSITORY = Path(__file__).parents[2]

_WRITER = """
import sys
from lookbook.index import Generation, prune
from tests.tiny_index import publish_tiny
for turn in range(20):
    tag = f"turn{turn}"
    publish_tiny(sys.argv[1], tag=tag, seed=turn, count=20 + turn)
    prune(sys.argv[1], keep=2)
"""

# Publishes once for each step there is, in a copy of its own of the root, and is killed just before
# that step; a step is a call that changes what is on disk. Prints how many steps there are.
_KILLED = """
import os, shutil, signal, sys
import lookbook.index
from tests.tiny_index import publish_tiny

start, work = sys.argv[1:]

def die_before(last):
    steps = 0
    def step():
        nonlocal steps
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
    def counted(call):
        def wrapper(*args, **kwargs):
            step()
            return call(*args, **kwargs)
        return wrapper
    for name in ("replace", "rename", "fsync", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))
    def thumbs():
        for row in range(30):
            if row % 10 == 5:
                step()
            yield f"new-picture-{row}".encode()
    def progress(what, done, total):
        if what != "thumbnails":
            step()
    publish_tiny(f"{work}/{last}", tag="new", thumbs=thumbs(), progress=progress)
    lookbook.index.prune(f"{work}/{last}")
    step()
    os._exit(0)

last, status = -1, signal.SIGKILL
while status == signal.SIGKILL:
    last += 1
    shutil.copytree(start, f"{work}/{last}")
    child = os.fork()
    if not child:
        try:
            die_before(last)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
assert status == 0, status
print(last)
"""


def python(code, *arguments):
    return [sys.executable, "-c", code, *map(str, arguments)]


def tag_of_everything(index):
    """The one tag that every part of an index carries, searched as a visitor would."""
    hits = index.search(np.ones(8), k=5)
    tags = {hit.id.split("-")[0] for hit in hits}
    tags |= {hit.item.title.split()[0] for hit in hits}
    tags |= {index.thumb(hit.id).decode().split("-")[0] for hit in hits}
    tags |= {item.id.split("-")[0] for item in index.items}
    tags.add(index.manifest.encoder["id"])
    assert len(tags) == 1, f"a mixture of {tags}"
    return tags.pop()


@pytest.mark.parametrize("engine", ["annoy", "exact"])
def test_a_reader_beside_a_writer_sees_whole_generations_only(tmp_path, engine):
    publish_tiny(tmp_path, tag="first")
    writer = subprocess.Popen(python(_WRITER, tmp_path), cwd=REPOSITORY)
    seen, held = [], Index.open(tmp_path, engine=engine)
    while writer.poll() is None:
        index = Index.open(tmp_path, engine=engine)
        seen.append(tag_of_everything(index))
        assert tag_of_everything(held) == "first"  # removed meanwhile, and still whole for us
    assert writer.returncode == 0
    assert tag_of_everything(Index.open(tmp_path)) == "turn19"
    assert tag_of_everything(held.reload_if_stale()) == "turn19"
    assert len(set(seen)) > 3
    assert seen == sorted(
        seen, key=lambda tag: int(tag.removeprefix("turn") if "turn" in tag else -1)
    )
    assert len(published(tmp_path)) == 2
    assert len(list(tmp_path.iterdir())) == 3


def test_a_writer_killed_at_every_step_leaves_the_old_or_the_new_generation(tmp_path):
    start, work = tmp_path / "start", tmp_path / "work"
    publish_tiny(start, tag="old")
    run = subprocess.run(
        python(_KILLED, start, work), cwd=REPOSITORY, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    outcomes = []
    for step in range(int(run.stdout) + 1):
        root = work / str(step)
        outcomes.append(tag_of_everything(Index.open(root, engine="annoy")))
        for folder in root.glob("[!.]*/"):  # whatever has its name is whole, published or not
            Generation.open(folder)
        publish_tiny(root, tag="after")  # and the next run is not disturbed by the remains
        assert tag_of_everything(Index.open(root)) == "after"
        prune(root)
    changed = outcomes.index("new")
    assert outcomes == ["old"] * changed + ["new"] * (len(outcomes) - changed)
    assert 15 < changed < len(outcomes) - 1


def test_two_writers_at_once_leave_a_whole_generation(tmp_path):
    writers = [subprocess.Popen(python(_WRITER, tmp_path), cwd=REPOSITORY) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert tag_of_everything(Index.open(tmp_path)) == "turn19"
