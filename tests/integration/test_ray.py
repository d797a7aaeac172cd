"""embed.py --ray on a cluster of this machine, its workers killed on the way."""

from __future__ import annotations

import copy
import json
import os
import signal
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookbook import Encoder, Index
from lookbook.catalog import Downloads, open_catalog
from lookbook.commands.embed import main
from lookbook.indexing import BuildOptions, build, by_ray
from lookbook.indexing.by_ray import EncodeActor, RayError
from lookbook.indexing.parts import PartStore
from tests.integration.picture_server import serving
from tests.integration.test_feeds import png

PICTURES, SLOW, PART_ROWS = 14, 9, 2


@pytest.fixture(scope="module")
def encoder(tiny_model):
    return Encoder.load(tiny_model, precision="float32", backend="torch")


@pytest.fixture
def options(tiny_model):
    return BuildOptions(model=str(tiny_model), draw_map=False)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(by_ray, "PART_ROWS", PART_ROWS)
    monkeypatch.setenv("RAY_TMPDIR", "/tmp/ray")  # a socket's path may have 107 characters


@pytest.fixture
def in_this_process(monkeypatch):
    """The tasks of the actors, one after the other, without Ray; returns the rows they encoded."""
    encoded = []

    class Actor(EncodeActor):
        def _encode(self, part):
            content = super()._encode(part)
            encoded.append(part)
            return content

    def encode(_, work, missing, *__):
        for start in missing:
            if problem := Actor(work)({"starts": np.array([[start]])})["problem"][0]:
                raise RayError(problem)

    class Nothing:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def cluster_resources(self):
            return {"CPU": 2.0}

    monkeypatch.setattr(by_ray, "_cluster", lambda _: Nothing())
    monkeypatch.setattr(by_ray, "_encode_missing", encode)
    return encoded


def same(one: Index, other: Index) -> None:
    """Whether two indexes are the same, but for the time and the last bits of vectors."""
    assert one.generation.items.equals(other.generation.items)
    assert len(one) > 1
    np.testing.assert_allclose(
        *(i.generation.photo_vectors.astype(np.float32) for i in (one, other)), atol=2e-3
    )
    for id in one.ids:
        assert one.thumb(id) == other.thumb(id)
        assert one.photo_rows(id) == other.photo_rows(id)
    first, second = (vars(i.generation.manifest) for i in (one, other))
    for name in ("count", "photos", "dim", "raw_dim", "encoder", "source", "licence", "columns"):
        assert first.get(name) == second.get(name), name
    reports = [json.loads((i.generation.path / "report.json").read_text()) for i in (one, other)]
    for name in ("rejected", "cells", "notes"):
        assert reports[0][name] == reports[1][name]


def workers() -> list[int]:
    """Processes of Ray's actors below this one."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            names[int(folder.name)] = (folder / "cmdline").read_text()
        except OSError:
            continue  # it has ended meanwhile
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])

    def below(process):
        while process in parents and process != os.getpid():
            process = parents[process]
        return process == os.getpid()

    return [p for p, name in names.items() if "EncodeActor" in name and below(p)]


@pytest.fixture
def shop(tmp_path):
    """A feed of pictures by address, one of which is none and one of which is missing."""
    with serving() as pictures:
        for number in range(PICTURES):
            pictures.files[f"/{number}.png"] = png(number)
        pictures.files["/3.png"] = b"\x89PNG this was a picture once"
        del pictures.files["/5.png"]
        rows = [f"{n},Piece {n},{pictures.address}/{n}.png" for n in range(PICTURES)]
        pictures.feed = tmp_path / "feed.csv"
        pictures.feed.write_text("id,title,image\n" + "\n".join(rows) + "\n")
        pictures.downloads = Downloads(
            allow_local=True, cache=tmp_path / "cache", rate=1000, timeout=300, deadline=300
        )
        yield pictures


def kill_workers(pictures, killed: list[int]) -> None:
    """Kill the workers once one of them waits for the slow picture."""
    deadline = time.monotonic() + 300
    while not pictures.asked[f"/{SLOW}.png"] and time.monotonic() < deadline:
        time.sleep(0.02)
    for worker in workers():
        os.kill(worker, signal.SIGKILL)
        killed.append(worker)
    pictures.delay.clear()


@pytest.mark.skipif(
    find_spec("ray") is None, reason="ray is not installed: pip install 'ray[data]'"
)
def test_the_index_is_that_without_ray_though_workers_are_killed(
    shop, encoder, options, tmp_path, monkeypatch
):
    monkeypatch.setattr(by_ray, "_TRIES", 6)  # a busy machine is slow, not wrong
    catalog = open_catalog(str(shop.feed), downloads=shop.downloads)
    parts = tmp_path / "shared"
    killed: list[int] = []
    shop.delay[f"/{SLOW}.png"] = 3600.0
    killer = threading.Thread(target=kill_workers, args=(shop, killed), daemon=True)
    killer.start()
    summary = build(
        *(catalog, encoder, tmp_path / "ray", options),
        quiet=True,
        ray="local",
        parts=parts.as_uri(),
    )
    killer.join()
    assert killed
    assert summary.to_json()["items"] == PICTURES - 2
    build(
        open_catalog(str(shop.feed), downloads=shop.downloads),
        *(encoder, tmp_path / "plain", options),
        quiet=True,
    )
    same(Index.open(tmp_path / "ray"), Index.open(tmp_path / "plain"))
    assert not list(parts.iterdir())
    assert not (tmp_path / "ray" / ".work").exists()


def run(catalog, encoder, output, options, parts, **how):
    return build(catalog, encoder, output, options, quiet=True, ray="local", parts=parts, **how)


def fail_at(number: int, monkeypatch) -> None:
    """Writing part `number`, counted from 0, fails."""
    write, written = PartStore.write, []

    def failing(store, start, content):
        if len(written) == number:
            raise OSError("the store is full")
        written.append(start)
        write(store, start, content)

    monkeypatch.setattr(PartStore, "write", failing)


def test_a_run_that_ended_is_resumed_and_no_part_is_encoded_twice(
    shapes, encoder, options, tmp_path, in_this_process, monkeypatch, capsys
):
    parts, plain = (tmp_path / "parts").as_uri(), tmp_path / "plain"
    with monkeypatch.context() as patch:
        fail_at(5, patch)
        with pytest.raises(RayError, match="full"):
            run(open_catalog(str(shapes)), encoder, tmp_path / "ray", options, parts)
    files = sorted((tmp_path / "parts").rglob("*.safetensors"))
    assert len(files) == 5
    del in_this_process[:]
    flags = {"dataset": shapes, "output": tmp_path / "ray", "model": options.model, "parts": parts}
    flags |= {"precision": "float32", "backend": "torch"}
    given = [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    assert main([*given, "--no-map", "--json", "--ray"]) == 0
    assert len(in_this_process) == 16 / PART_ROWS - 5
    # the picture that is none is of a part before
    assert json.loads(capsys.readouterr().out)["encoded"] == 15 - (5 * PART_ROWS - 1)
    build(open_catalog(str(shapes)), encoder, plain, options, quiet=True)
    same(Index.open(tmp_path / "ray"), Index.open(plain))


def test_parts_of_another_run_are_not_taken(
    shapes, encoder, options, tmp_path, in_this_process, monkeypatch
):
    parts = str(tmp_path / "parts")
    with monkeypatch.context() as patch:
        fail_at(6, patch)
        with pytest.raises(RayError, match="full"):
            run(open_catalog(str(shapes)), encoder, tmp_path / "ray", options, parts)
    del in_this_process[:]
    some = open_catalog(str(shapes), where="colour=red|blue")
    assert run(some, encoder, tmp_path / "ray", options, parts).to_json()["items"] == 6
    assert len(in_this_process) == 16 / PART_ROWS


def test_a_damaged_part_is_deleted_and_named(
    shapes, encoder, options, tmp_path, in_this_process, monkeypatch
):
    parts, output = str(tmp_path / "parts"), tmp_path / "ray"
    with monkeypatch.context() as patch:
        fail_at(5, patch)
        with pytest.raises(RayError, match="full"):
            run(open_catalog(str(shapes)), encoder, output, options, parts)
    file = sorted((tmp_path / "parts").rglob("*.safetensors"))[1]
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(RayError, match=r"the part of row 2 is damaged .*run the same"):
        run(open_catalog(str(shapes)), encoder, output, options, parts)
    assert run(open_catalog(str(shapes)), encoder, output, options, parts).to_json()["items"] == 15


def test_an_update_encodes_only_what_the_published_index_lacks(
    shapes, encoder, options, tmp_path, in_this_process
):
    parts, output = str(tmp_path / "parts"), tmp_path / "ray"
    before = open_catalog(str(shapes), where="colour!=green")
    build(before, encoder, output, options, quiet=True)
    summary = run(open_catalog(str(shapes)), encoder, output, options, parts)
    assert summary.to_json()["encoded"] == 3
    build(open_catalog(str(shapes)), encoder, tmp_path / "plain", options, quiet=True)
    same(Index.open(output), Index.open(tmp_path / "plain"))


@pytest.mark.parametrize("group_rows", [1, 3, 100])
def test_each_part_of_a_parquet_file_has_its_own_pictures(shapes, tmp_path, group_rows):
    files = sorted(shapes.glob("*.png"))
    table = {"id": ["same" for _ in files], "image": [f.read_bytes() for f in files]}
    path = tmp_path / "shop.parquet"
    pq.write_table(pa.table(table), path, row_group_size=group_rows)
    whole = list(open_catalog(str(path)))
    starts = [4, 8, 14]
    parts = [list(part) for part in open_catalog(str(path)).parts(starts, 2)]
    expected = [whole[4:6], whole[8:10], whole[14:]]
    assert [[(i.id, i.image) for i in part] for part in parts] == [
        [(i.id, i.image) for i in part] for part in expected
    ]
    assert [i.image for i in expected[0]] == table["image"][4:6]


def test_processes_that_read_another_catalogue_or_encoder_are_refused(
    shapes, encoder, options, tmp_path, in_this_process
):
    parts = str(tmp_path / "parts")
    catalog = open_catalog(str(shapes))
    catalog.reopen = lambda: open_catalog(str(shapes), where="colour=red")
    with pytest.raises(RayError, match="another catalogue"):
        run(catalog, encoder, tmp_path / "ray", options, parts)
    with pytest.raises(RayError, match="another encoder"):
        run(open_catalog(str(shapes)), _renamed(encoder), tmp_path / "ray", options, parts)


def _renamed(encoder: Encoder) -> Encoder:
    again = copy.copy(encoder)
    again.revision = "another"
    return again


def test_what_cannot_be_done_is_said(shapes, encoder, options, tmp_path, monkeypatch, capsys):
    parts = str(tmp_path / "parts")
    with pytest.raises(RayError, match="leave out --limit"):
        run(open_catalog(str(shapes), limit=3), encoder, tmp_path / "ray", options, parts)
    with pytest.raises(ValueError, match="--parts nonsense://x: "):
        run(open_catalog(str(shapes)), encoder, tmp_path / "ray", options, "nonsense://x")
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(RayError, match=r"not installed: run `pip install 'ray\[data\]'`"):
        run(open_catalog(str(shapes)), encoder, tmp_path / "ray", options, parts)
    assert main(["--dataset", str(shapes), "--output", str(tmp_path), "--parts", parts]) == 2
    assert "--parts would change nothing without --ray" in capsys.readouterr().err
