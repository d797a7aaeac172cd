"""What the project ships belongs together: collection, encoder, index, examples."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from house_collection import products
from lookbook import Encoder, Index, doctor
from lookbook.catalog import open_catalog
from lookbook.doctor import diagnose
from lookbook.events import Event, EventStore, new_visitor
from lookbook.images.loading import load_rgb
from lookbook.indexing import build
from lookbook.search.opening import load_matching_encoder

ROOT = Path(__file__).resolve().parents[2]
MIB = 2**20


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.open(ROOT / "index")


@pytest.fixture(scope="module")
def encoder(index) -> Encoder:
    return load_matching_encoder(index)


def test_the_index_holds_the_house_collection_and_is_small_enough(index):
    assert len(index) == 1500
    assert index.manifest.source["kind"] == "house"
    assert index.manifest.encoder["precision"] == "float32", "any machine computes in it"
    assert sum(file.stat().st_size for file in (ROOT / "index").rglob("*")) < 28 * MIB


def test_the_model_is_small_enough():
    weights = [*(ROOT / "models").rglob("*.safetensors"), *(ROOT / "models").rglob("*.json")]
    assert sum(file.stat().st_size for file in weights) < 60e6


def test_a_small_index_built_anew_is_a_part_of_the_shipped_one(index, encoder, tmp_path):
    build(open_catalog(None, limit=24), encoder, tmp_path, quiet=True)
    anew = Index.open(tmp_path)
    assert anew.ids == index.ids[:24]
    assert anew.titles == index.titles[:24]
    closeness = [float(anew.vector(id) @ index.vector(id)) for id in anew.ids]
    # the index is in float32, queries are in int8 where that is faster
    assert min(closeness) > 0.998 and np.mean(closeness) > 0.999
    assert anew.manifest.encoder["revision"] == index.manifest.encoder["revision"]


def test_a_drawn_product_finds_itself(index, encoder):
    drawn = list(islice(products(60, 0), 0, 60, 5))
    vectors = encoder.encode([product.draw() for product in drawn])
    for product, vector in zip(drawn, vectors, strict=True):
        assert str(product.row()["id"]) in [hit.id for hit in index.search(vector, k=2)]


def test_words_find_what_they_name(index, encoder):
    vector = encoder.encode_text(["watch"])[0]
    kinds = [hit.item.attributes["articleType"] for hit in index.search(vector, k=10)]
    share = np.mean(
        [kind == "Watches" for kind in index.generation.items["articleType"].to_pylist()]
    )
    assert np.mean([kind == "Watches" for kind in kinds]) > 5 * share


def test_examples_are_eight_street_shots_and_two_plain_pictures():
    names = [path.name for path in sorted((ROOT / "examples").glob("*.jpg"))]
    assert len([name for name in names if name.startswith("street-")]) == 8
    assert len([name for name in names if name.startswith("studio-")]) == 2
    for name in names:
        load_rgb(ROOT / "examples" / name)


def test_doctor_finds_nothing_wrong(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert diagnose(Path("index")) == 0
    printed = capsys.readouterr().out
    assert printed.count("ok ") == 9
    assert "WRONG" not in printed


def test_doctor_tells_of_events_models_and_disks(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert diagnose(Path("index"), state=tmp_path) == 0
    printed = capsys.readouterr().out
    assert "none recorded yet" in printed and "none trained yet" in printed
    assert not list(tmp_path.iterdir()), "nothing is created"
    with closing(EventStore.for_index(tmp_path)) as store:
        store.record(Event(new_visitor(), "like", "100001"))
    (tmp_path / "models").mkdir()
    (tmp_path / "models/CURRENT").write_text("no generation")
    assert diagnose(Path("index"), state=tmp_path) == 1
    printed = capsys.readouterr().out
    assert "events    1 recorded in sqlite" in printed and "WRONG   models" in printed
    (tmp_path / "events.sqlite").write_bytes(b"no database" * 500)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**6))
    assert diagnose(Path("index"), state=tmp_path) == 1
    printed = capsys.readouterr().out
    assert "WRONG   events" in printed
    assert "WRONG   space     1 MB are free in index: expected 200" in printed


def test_doctor_says_what_is_wrong(capsys, tmp_path):
    assert diagnose(tmp_path) == 1
    printed = capsys.readouterr().out
    assert printed.count("run `python embed.py`") == 1
    assert printed.count("WRONG") == 3 and printed.count("as index\n") == 2
