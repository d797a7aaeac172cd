"""A catalogue that changes: only what is new is encoded, and the site shows it while it runs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lookbook import Encoder, Index
from lookbook.catalog import open_catalog
from lookbook.index import published
from lookbook.index.manifest import MANIFEST, add_checksum
from lookbook.indexing import BuildOptions, build, pipeline
from lookbook.indexing.reuse import DESCRIPTORS, EMBEDDINGS, HASHES, PAIRS, Changes
from lookbook.search.enrichment import projection_2d
from lookbook.search.query import Query
from lookbook.ui.services.live_index import LiveIndex
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from tests.shapes import draw_shape

ROOT = Path(__file__).resolve().parents[2]
FOR_REUSE = {HASHES, DESCRIPTORS, PAIRS, EMBEDDINGS}


class Shop:
    """A folder of pictures with a table, as its owner changes it; `pictures`: id -> (colour, n)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.pictures = {
            f"{colour}{n}": (colour, n) for colour in ("red", "blue", "green") for n in range(3)
        }
        self.titles = {id: f"Shape {id}" for id in self.pictures}

    def write(self) -> Path:
        for path in self.folder.glob("*"):
            path.unlink()
        rows = ["file_name,id,title,price"]
        for id, (colour, n) in self.pictures.items():
            draw_shape(colour, n).save(self.folder / f"{id}.png")
            rows.append(f"{id}.png,{id},{self.titles.get(id, id)},9.5")
        (self.folder / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        return self.folder


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop(tmp_path / "shop")


@pytest.fixture(scope="module")
def encoder(tiny_model) -> Encoder:
    return Encoder.load(tiny_model, precision="float32")


def update(shop: Shop, encoder: Encoder, output: Path, *, resume=True, batch_size=32, **options):
    options = BuildOptions(**{"draw_map": False} | options)
    run = {"resume": resume, "batch_size": batch_size, "quiet": True}
    return build(open_catalog(str(shop.write())), encoder, output, options, **run)


def contents(root: Path) -> dict[str, bytes]:
    """Every file of the published generation that follows from the catalogue alone."""
    folder = root / published(root)[0]
    named = {"report.json", MANIFEST}
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name not in named}


def test_each_kind_of_change_is_counted_and_only_new_pictures_are_encoded(shop, encoder, tmp_path):
    first = update(shop, encoder, tmp_path / "index")
    assert (first.encoded, first.changes) == (9, None)
    shop.pictures["yellow0"] = ("yellow", 0)  # added
    shop.pictures["red0"] = ("black", 0)  # another picture under the same id
    shop.titles["blue1"] = "A new name"  # other words
    del shop.pictures["green2"]  # removed
    summary = update(shop, encoder, tmp_path / "index")
    assert summary.changes == Changes(added=1, removed=1, changed=2, unchanged=6)
    assert "1 added, 1 removed, 2 changed, 6 as before" in str(summary)
    assert summary.encoded == 2
    index = Index.open(tmp_path / "index")
    assert index.item("blue1").title == "A new name"
    assert "green2" not in index
    report = json.loads((index.generation.path / "report.json").read_text())
    counts = {name: report["update"][name] for name in ("added", "removed", "changed")}
    assert counts == {"added": 1, "removed": 1, "changed": 2}
    assert report["update"]["before"] == published(tmp_path / "index")[1]


@pytest.mark.parametrize("dim", [None, 4])
def test_an_update_equals_a_run_from_nothing(shop, encoder, tmp_path, dim):
    """Bit for bit: the stored vectors are all that anything is computed from."""
    options = {"dim": dim, "draw_map": True, "batch_size": 1}
    update(shop, encoder, tmp_path / "index", **options)
    shop.pictures = {"yellow0": ("yellow", 0)} | shop.pictures
    del shop.pictures["green2"]
    assert update(shop, encoder, tmp_path / "index", **options).encoded == 1
    assert update(shop, encoder, tmp_path / "anew", **options).encoded == 9
    updated, anew = contents(tmp_path / "index"), contents(tmp_path / "anew")
    assert set(updated) == set(anew)
    assert (EMBEDDINGS in updated) == bool(dim)
    for name in updated:
        assert updated[name] == anew[name], name


def test_the_same_vectors_come_out_however_often_they_are_taken_over(shop, encoder, tmp_path):
    update(shop, encoder, tmp_path)
    before = Index.open(tmp_path)
    for turn in range(3):
        shop.titles["red0"] = f"Turn {turn}"
        assert update(shop, encoder, tmp_path).encoded == 0
    after = Index.open(tmp_path)
    for id in before.ids:
        np.testing.assert_array_equal(before.vector(id), after.vector(id))
        assert before.thumb(id) == after.thumb(id)


def test_a_picture_under_a_new_id_is_not_encoded(shop, encoder, tmp_path):
    update(shop, encoder, tmp_path)
    shop.pictures["renamed"] = shop.pictures.pop("red0")
    summary = update(shop, encoder, tmp_path)
    assert summary.changes == Changes(added=1, removed=1, changed=0, unchanged=8)
    assert summary.encoded == 0


def test_rows_with_one_picture_stay_near_duplicates(shop, encoder, tmp_path):
    shop.pictures["again"] = shop.pictures["red0"]
    assert update(shop, encoder, tmp_path).encoded == 9
    shop.pictures["third"] = shop.pictures["red0"]
    summary = update(shop, encoder, tmp_path)
    assert summary.encoded == 0
    index = Index.open(tmp_path)
    groups = {id: index.duplicate_groups[index.row_of(id)] for id in ("red0", "again", "third")}
    assert len(set(groups.values())) == 1


def test_where_nothing_has_changed_the_generation_stays(shop, encoder, tmp_path):
    update(shop, encoder, tmp_path)
    [name] = published(tmp_path)
    summary = update(shop, encoder, tmp_path)
    assert summary.changes.count == 0 and not summary.published
    assert "0 added, 0 removed, 0 changed, 9 as before" in str(summary)
    assert published(tmp_path) == [name]
    assert update(shop, encoder, tmp_path, licence="CC0").published
    assert Index.open(tmp_path).manifest.licence == "CC0"
    assert update(shop, encoder, tmp_path, licence="CC0", resume=False).encoded == 9


def test_another_encoder_takes_nothing_over(shop, encoder, tiny_model, tmp_path):
    update(shop, encoder, tmp_path)
    other = Encoder.load(tiny_model, precision="float32", pooling="max")
    summary = update(shop, other, tmp_path)
    assert summary.encoded == 9
    assert "of another encoder: nothing was taken from it" in str(summary)
    assert summary.changes.unchanged == 9


def test_a_generation_without_hashes_opens_and_is_encoded_once_more(shop, encoder, tmp_path):
    update(shop, encoder, tmp_path)
    folder = tmp_path / published(tmp_path)[0]
    manifest = json.loads((folder / MANIFEST).read_text())
    for name in FOR_REUSE & set(manifest["files"]):
        (folder / name).unlink()
        del manifest["files"][name]
    (folder / MANIFEST).write_text(json.dumps(add_checksum(manifest)))
    assert len(Index.open(tmp_path)) == 9
    summary = update(shop, encoder, tmp_path)
    assert (summary.encoded, summary.changes) == (9, None)
    assert "does not say which pictures it was made of" in str(summary)
    assert update(shop, encoder, tmp_path).encoded == 0


def test_a_damaged_generation_gives_nothing(shop, encoder, tmp_path):
    update(shop, encoder, tmp_path)
    vectors = tmp_path / published(tmp_path)[0] / "vectors.npy"
    data = bytearray(vectors.read_bytes())
    data[-1] ^= 1
    vectors.write_bytes(data)
    summary = update(shop, encoder, tmp_path)
    assert summary.encoded == 9
    assert "damaged" in str(summary)


@pytest.mark.parametrize("step", ["write_generation", "publish", "prune"])
def test_a_run_killed_between_steps_encodes_nothing_twice(
    shop, encoder, tmp_path, monkeypatch, step
):
    update(shop, encoder, tmp_path)
    shop.pictures["yellow0"] = ("yellow", 0)
    with monkeypatch.context() as patched:

        def killed(*args, **kwargs):
            raise KeyboardInterrupt

        patched.setattr(pipeline, step, killed)
        with pytest.raises(KeyboardInterrupt):
            update(shop, encoder, tmp_path)
    assert ("yellow0" in Index.open(tmp_path)) == (step == "prune")
    assert update(shop, encoder, tmp_path).encoded == 0
    assert "yellow0" in Index.open(tmp_path)


def test_few_changes_keep_the_effort_and_the_places_on_the_map(
    shop, encoder, tmp_path, monkeypatch
):
    monkeypatch.setattr("lookbook.indexing.update.MAX_CHANGED", 0.3)
    update(shop, encoder, tmp_path, draw_map=True)
    before = Index.open(tmp_path)
    shop.pictures["yellow0"] = ("yellow", 0)
    update(shop, encoder, tmp_path, draw_map=True)
    after = Index.open(tmp_path)
    for id in before.ids:
        place = projection_2d(before)[before.row_of(id)]
        np.testing.assert_array_equal(projection_2d(after)[after.row_of(id)], place)
    assert np.isfinite(projection_2d(after)).all()
    assert after.manifest.search_k == before.manifest.search_k
    for n in range(3):  # turnover adds up: in the end all is computed anew
        shop.pictures[f"black{n}"] = ("black", n)
        update(shop, encoder, tmp_path, draw_map=True)
    last = Index.open(tmp_path)
    moved = [
        id
        for id in before.ids
        if (projection_2d(last)[last.row_of(id)] != projection_2d(before)[before.row_of(id)]).any()
    ]
    assert moved


# the running site


@pytest.fixture
def site(shop, encoder, tmp_path):
    """Services of a running site on the shop's index, and what looks for a new generation."""
    update(shop, encoder, tmp_path / "index")
    index = Index.open(tmp_path / "index")
    search = SearchService(index, lambda: encoder, tmp_path / "thumbs")
    visitor = VisitorService(index, tmp_path / "state", tmp_path / "spare")
    return search, visitor, LiveIndex(index, [search.prepare, visitor.prepare], seconds=0.05)


def test_a_running_site_answers_from_a_new_generation(shop, encoder, tmp_path, site):
    search, visitor, live = site
    token, _ = visitor.toggle_like(visitor.ensure_token(None), "red0")
    picture = Path(search.thumb_file("blue0"))
    shown = picture.read_bytes()
    live.start()
    try:
        shop.pictures = {"yellow0": ("yellow", 0)} | shop.pictures
        del shop.pictures["green0"]
        old = search.index
        update(shop, encoder, tmp_path / "index")
        deadline = time.monotonic() + 30
        while search.index is old and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        live.stop()
    ids = [card.id for card in search.search(Query(item="red0", count=20)).cards]
    assert "yellow0" in ids and "green0" not in ids
    assert visitor.liked(token) == {"red0"}
    assert {item.id for item in visitor.for_you(token, 20, visitor.context())} <= set(ids)
    assert search.thumb_file("blue0") == str(picture)
    assert picture.read_bytes() == shown, "rows have moved, the address shows the same"
    # a page that is still open may ask for what is gone
    assert search.item_view("green0").item.title == "Shape green0"
    assert Path(search.thumb_file("green0")).read_bytes() == old.thumb("green0")


def test_a_query_under_way_keeps_its_index(shop, encoder, tmp_path, site):
    search, _, live = site
    old, hits = search.index, search.search(Query(item="red0", count=20)).hits
    shop.pictures = {"yellow0": ("yellow", 0)}
    update(shop, encoder, tmp_path / "index")
    assert live.check()
    cards = [search.card(hit) for hit in hits]
    assert [Path(card.file).read_bytes() for card in cards] == [old.thumb(h.id) for h in hits]


def test_a_generation_of_another_encoder_is_named_once_and_not_shown(
    shop, encoder, tiny_model, tmp_path, site, capsys
):
    search, _, live = site
    old = search.index
    other = Encoder.load(tiny_model, precision="float32", pooling="max")
    update(shop, other, tmp_path / "index")
    assert not live.check() and not live.check()
    assert search.index is old
    assert capsys.readouterr().err.count("was built with the encoder") == 1
    update(shop, encoder, tmp_path / "index")
    assert live.check()


def test_a_generation_that_cannot_be_opened_is_not_shown(shop, encoder, tmp_path, site, capsys):
    search, _, live = site
    old = search.index
    shop.titles["red0"] = "Other"
    update(shop, encoder, tmp_path / "index")
    (tmp_path / "index" / published(tmp_path / "index")[0] / "vectors.npy").write_bytes(b"")
    assert not live.check()
    assert search.index is old
    assert "is not shown, the one before stays" in capsys.readouterr().err


# the command


def test_the_command_watches_a_folder_until_it_is_interrupted(shop, tiny_model, tmp_path):
    output = tmp_path / "index"
    command = [sys.executable, str(ROOT / "embed.py"), "--dataset", str(shop.write()), "--no-map"]
    command += ["--model", str(tiny_model), "--output", str(output)]
    watching = subprocess.Popen(
        [*command, "--watch", "--watch-seconds", "1", "--json"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        first = json.loads(watching.stdout.readline())
        assert (first["items"], first["encoded"], first["changes"]) == (9, 9, None)
        shop.pictures["yellow0"] = ("yellow", 0)
        shop.write()
        second = json.loads(watching.stdout.readline())
        assert second["encoded"] == 1
        assert second["changes"] == {"added": 1, "removed": 0, "changed": 0, "unchanged": 9}
        shutil.move(shop.folder, tmp_path / "away")  # a share that is not mounted just now
        time.sleep(3)
        shutil.move(tmp_path / "away", shop.folder)
        watching.send_signal(signal.SIGINT)
        _, errors = watching.communicate(timeout=60)
    finally:
        watching.kill()
    assert watching.returncode == 0
    assert "Traceback" not in errors
    assert len(Index.open(output)) == 10
