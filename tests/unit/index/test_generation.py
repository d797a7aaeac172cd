"""A generation on disk: what is written is what is opened, and which one readers open."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from lookbook.index import (
    EngineUnavailable,
    Generation,
    IndexCorrupt,
    IndexMissing,
    current_name,
    project,
    prune,
    publish,
    published,
    rollback,
)
from lookbook.index.engines import by_size, contract, get_engine
from lookbook.index.engines.by_size import LISTS_FROM, engine_beside
from lookbook.index.manifest import Manifest
from lookbook.search.calibration import calibration
from lookbook.search.enrichment import evaluation, projection_2d
from lookbook.search.index import Index
from tests.tiny_index import publish_tiny, random_vectors, small_extras, write_tiny

GOLDEN = Path(__file__).parents[2] / "golden" / "index-schema-1"
GOLDEN_EXTRAS = GOLDEN.with_name("index-schema-1-learnt")
FILES = ["items.parquet", "vectors.npy", "forest.ann", "thumbs.bin", "thumbs.npy"]


def test_what_was_written_is_opened(tmp_path):
    vectors = random_vectors(30, 8, seed=2)
    options = {"metric": "euclidean", "trees": 5, "recall": 0.9, "seed": 2, "dtype": "float32"}
    told = {"source": {"kind": "folder"}, "licence": "CC0", "encoder": {"id": "r", "dim": 8}}
    folder = write_tiny(tmp_path, vectors=vectors, report={"no": ["picture"]}, **options, **told)
    generation = Generation.open(folder)
    manifest = generation.manifest
    assert (manifest.count, manifest.dim, manifest.raw_dim) == (30, 8, 8)
    assert (manifest.metric, manifest.trees, manifest.seed) == ("euclidean", 5, 2)
    assert (manifest.dtype, manifest.recall_target) == ("float32", 0.9)
    assert manifest.recall >= 0.9
    assert (manifest.source, manifest.licence) == ({"kind": "folder"}, "CC0")
    assert manifest.encoder == {"id": "r", "dim": 8}
    assert manifest.generation == folder.name
    assert manifest.engine in ("annoy", "exact")
    assert set(manifest.timings) == {"annoy_ms", "exact_ms"}
    np.testing.assert_array_equal(generation.vectors, vectors)
    assert [generation.thumb(i) for i in (0, 29)] == [b"a-picture-0", b"a-picture-29"]
    assert generation.items["group"].to_pylist() == list(range(30))
    assert json.loads((folder / "report.json").read_text()) == {"no": ["picture"]}
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_generation_of_another_engine_is_served_by_it(tmp_path):
    pytest.importorskip("hnswlib")
    generation = Generation.open(write_tiny(tmp_path, trees=None, engine="hnswlib"))
    manifest = generation.manifest
    assert "graph.hnsw" in manifest.files and "forest.ann" not in manifest.files
    assert (manifest.built, manifest.trees) == ("hnswlib", None)
    assert set(manifest.timings) == {"hnswlib_ms", "exact_ms"}
    exact, approximate = (Index(generation, name) for name in ("exact", "hnswlib"))
    query = random_vectors(1, 8, seed=9)[0]
    hits, expected = (index.search(query, k=5) for index in (approximate, exact))
    assert [hit.id for hit in hits] == [hit.id for hit in expected]
    with pytest.raises(EngineUnavailable, match=r"annoy was asked for, .* for hnswlib and exact"):
        Index(generation, "annoy")


def test_the_engine_that_serves_follows_the_number_of_photos(monkeypatch):
    installed = importlib.util.find_spec
    names = {"faiss": True}
    monkeypatch.setattr(
        contract.importlib.util,
        "find_spec",
        lambda name: names[name] if name in names else installed(name),
    )
    assert engine_beside("annoy", LISTS_FROM - 1) is None
    name, why = engine_beside("annoy", LISTS_FROM)
    assert name == "faiss" and f"{LISTS_FROM:,} photos" in why
    for told in ("exact", "hnswlib", "faiss", "milvus"):
        assert engine_beside(told, 10 * LISTS_FROM) is None
    names["faiss"] = None  # not installed
    assert engine_beside("annoy", LISTS_FROM) is None


def test_a_large_generation_holds_annoy_and_the_engine_that_serves(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(by_size, "LISTS_FROM", 300)
    small = Generation.open(write_tiny(tmp_path / "small", count=299))
    assert (small.manifest.beside, small.manifest.preferred) == ({}, "annoy")
    generation = Generation.open(write_tiny(tmp_path, count=300))
    manifest = generation.manifest
    assert {"forest.ann", get_engine("faiss").file} <= set(manifest.files)
    assert (manifest.built, manifest.preferred) == ("annoy", "faiss")
    assert "300 photos" in manifest.beside["why"]
    assert manifest.beside["query_kinds"]["item"]["recall"] >= manifest.recall_target
    for kind in ("item", "photo"):
        assert manifest.serves(kind) in ("faiss", "exact")
        assert manifest.effort(kind) == manifest.beside["query_kinds"][kind]["effort"]
        assert manifest.effort(kind, "annoy") == manifest.query_kinds[kind]["effort"]
    query = random_vectors(1, 8, seed=9)[0]
    expected = [hit.id for hit in Index(generation, "exact").search(query, k=5)]
    for name in ("faiss", "annoy"):
        index = Index(generation, name)
        assert [hit.id for hit in index.search(query, k=5)] == expected
        assert ("300 photos" in index.describe_engines()) == (name == "faiss")
    with pytest.raises(EngineUnavailable, match="for annoy and faiss and exact"):
        Index(generation, "hnswlib")


def test_annoy_serves_where_the_package_of_the_second_engine_is_not_installed(
    tmp_path, monkeypatch
):
    pytest.importorskip("faiss")
    monkeypatch.setattr(by_size, "LISTS_FROM", 300)
    generation = Generation.open(write_tiny(tmp_path, count=300))
    installed = importlib.util.find_spec
    monkeypatch.setattr(
        contract.importlib.util,
        "find_spec",
        lambda name: None if name == "faiss" else installed(name),
    )
    manifest = generation.manifest
    assert manifest.preferred == "annoy"
    index = Index(generation)
    for kind in ("item", "photo"):
        assert index.serving[kind] == manifest.query_kinds[kind]["engine"]
        assert manifest.effort(kind) == manifest.query_kinds[kind]["effort"]
    assert "300 photos" not in index.describe_engines()


def test_a_manifest_without_the_second_engine_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(by_size, "LISTS_FROM", 30)
    folder = write_tiny(tmp_path, count=30)
    beside = Manifest.read(folder).beside
    plain = json.loads((folder / "manifest.json").read_text())
    del plain["checksum"]
    for changes, message in (
        ({"beside": {}}, "engines annoy and faiss, expected one"),
        ({"beside": beside | {"engine": "hnswlib"}}, "lacks the file .* hnswlib"),
        ({"beside": beside | {"engine": "magic"}}, "magic"),
        ({"beside": beside | {"why": 1}}, "for an engine beside another"),
        ({"beside": beside | {"query_kinds": {}}}, "lacks the file or the efforts"),
        ({"beside": beside | {"query_kinds": {"item": {"effort": 1}}}}, "for queries, 'item'"),
    ):
        with pytest.raises(IndexCorrupt, match=message):
            Manifest.from_json(plain | changes)


def test_a_generation_without_an_approximate_engine_is_searched_exactly(tmp_path):
    generation = Generation.open(write_tiny(tmp_path, trees=None, engine="exact"))
    manifest = generation.manifest
    assert (manifest.engine, manifest.built, manifest.search_k) == ("exact", None, None)
    assert (manifest.recall, manifest.timings) == (1.0, {})
    assert Index(generation).similar("a-3", k=3)
    with pytest.raises(
        EngineUnavailable, match=r"built for exact: run `python embed\.py --engine a"
    ):
        Index(generation, "annoy")


def test_an_index_whose_engine_is_not_installed_says_what_to_do(tmp_path, monkeypatch):
    pytest.importorskip("hnswlib")
    generation = Generation.open(write_tiny(tmp_path, trees=None, engine="hnswlib"))
    monkeypatch.setattr(contract.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match="pip install hnswlib`, or choose --engine exact"):
        Index(generation, "hnswlib")
    assert Index(generation, "exact").similar("a-3", k=3)


def test_extra_files_are_stored_under_names_of_their_own(tmp_path):
    extras = {"colours.json": {"red": 3}, "weights.npy": np.ones(3, np.float32)}
    generation = Generation.open(write_tiny(tmp_path, enrich=lambda _: extras))
    assert generation.read_json("colours.json", dict) == {"red": 3}
    np.testing.assert_array_equal(generation.read_array("weights.npy", (3,), np.float32), 1)
    for name in ("manifest.json", "vectors.npy", "../out.json", "Upper.json", "a.txt"):
        with pytest.raises(ValueError, match="cannot be the name of an extra file"):
            write_tiny(tmp_path, enrich=lambda _, name=name: {name: {}})


def test_same_input_same_files(tmp_path):
    one, other = (write_tiny(tmp_path / name) for name in "xy")
    for name in FILES:
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_vectors_and_thumbs_are_mapped_not_read(tmp_path):
    generation = Generation.open(write_tiny(tmp_path))
    assert isinstance(generation.vectors, np.memmap)
    assert isinstance(generation._thumbs[0], np.memmap)
    assert not generation.vectors.flags.writeable


def test_progress_reaches_the_end_of_every_stage(tmp_path):
    seen = {}
    write_tiny(tmp_path, progress=lambda what, done, total: seen.update({what: (done, total)}))
    expected = dict.fromkeys(("vectors", "annoy", "thumbs"), (30, 30)) | {"tuning": (1, 1)}
    assert seen == expected


def bad_items(**changes):
    items = {"id": ["a", "b"], "title": ["A", "B"]} | changes
    return {"items": {k: v for k, v in items.items() if v is not None}, "thumbs": [b"", b""]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "cosine"}, "unknown metric 'cosine'"),
        ({"dtype": "int8"}, "unknown dtype 'int8'"),
        ({"recall": 0}, "recall must lie"),
        ({"engine": "magic"}, "unknown engine 'magic': expected one of annoy, exact"),
        ({"engine": "exact"}, "engine exact has no option 'trees'; it has: none"),
        (bad_items(id=["a", "a"]), "2 items have 1 ids"),
        (bad_items(title=None), "lack the column 'title'"),
        (bad_items(colour=["red"]), "2 vectors but 1 values in the column 'colour'"),
        ({"thumbs": [b""]}, "2 photos need 2 thumbs, found 1"),
        ({"thumbs": [b""] * 3}, "2 photos need 2 thumbs, found more"),
        ({"vectors": np.array([[1, np.nan], [1, 2]])}, "vector 0 is not finite"),
        ({"vectors": np.array([[1, 2], [1e6, 0]])}, "vector 1 is not finite as float16"),
        ({"vectors": np.array([[1, 2], [0, 0]])}, "vector 1 is zero"),
        ({"projection": (np.ones(3), np.ones((3, 2)))}, r"length 2 needs a mean \(2,\)"),
    ],
)
def test_input_that_cannot_make_an_index_leaves_nothing_behind(options, message, tmp_path):
    good = bad_items() | {"vectors": np.array([[1.0, 2.0], [2.0, 1.0]])}
    with pytest.raises(ValueError, match=message):
        write_tiny(tmp_path, **(good | options))
    assert list(tmp_path.iterdir()) == []


def test_no_items_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="at least one item, found none"):
        write_tiny(tmp_path, count=0)


def test_projection_gives_unit_vectors_and_none_changes_nothing():
    vectors = random_vectors(5, 3)
    assert project(vectors, None) is vectors
    lengths = np.linalg.norm(project(vectors, (vectors.mean(0), np.ones((3, 2)))), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-6)


def test_nothing_published_says_what_to_run(tmp_path):
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(IndexMissing, match=r"run `python embed\.py`"):
            Generation.open(root)
    write_tiny(tmp_path)
    with pytest.raises(IndexMissing, match=r"run `python embed\.py`"):
        Index.open(tmp_path)
    with pytest.raises(IndexMissing, match="not a generation"):
        publish(tmp_path, "nowhere")


def test_publish_roll_back_and_publish_again(tmp_path):
    bad, good = publish_tiny(tmp_path, tag="one"), publish_tiny(tmp_path, tag="two")
    assert published(tmp_path) == [good.name, bad.name]
    assert rollback(tmp_path) == bad.name
    assert Index.open(tmp_path).items[0].id == "one-0"
    three = publish_tiny(tmp_path, tag="three")
    assert published(tmp_path) == [three.name, bad.name]
    assert rollback(tmp_path) == bad.name  # not the one that was stepped back from
    with pytest.raises(IndexMissing, match="no earlier generation"):
        rollback(tmp_path)
    publish(tmp_path, good.name)
    publish(tmp_path, good)
    assert published(tmp_path) == [good.name, bad.name]


def age(*paths):
    long_ago = time.time() - 7200
    for path in paths:
        for part in [*path.rglob("*"), path]:
            os.utime(part, (long_ago, long_ago))


def test_prune_keeps_the_current_and_the_one_before(tmp_path):
    names = [publish_tiny(tmp_path, tag=tag).name for tag in "abcde"]
    assert prune(tmp_path, keep=3) == [names[1], names[0]]
    assert prune(tmp_path, keep=0) == [names[2]]
    assert prune(tmp_path) == []
    assert published(tmp_path) == [names[4], names[3]]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["CURRENT", *names[3:]])
    assert rollback(tmp_path) == names[3]
    assert Index.open(tmp_path).items[0].id == "d-0"


def test_prune_removes_remains_but_not_what_another_writer_is_about_to_publish(tmp_path):
    publish_tiny(tmp_path)
    left, fresh = (tmp_path / f".building-20260101T000000Z-0000000{n}" for n in (1, 2))
    for folder in (left, fresh):
        folder.mkdir()
        (folder / "thumbs.bin").write_bytes(b"half")
    forgotten, coming = write_tiny(tmp_path, tag="forgotten"), write_tiny(tmp_path, tag="coming")
    pointer = tmp_path / ".CURRENT-0123"
    pointer.write_text("half")
    age(left, forgotten, pointer)
    os.utime(fresh, (0, 0))  # its folder is old, but a file in it is being written
    assert prune(tmp_path) == [forgotten.name]
    assert [path.exists() for path in (left, fresh, forgotten, coming)] == [
        False,
        True,
        False,
        True,
    ]
    assert not pointer.exists()
    publish(tmp_path, coming)
    assert Index.open(tmp_path).items[0].id == "coming-0"


def test_what_is_not_ours_is_never_removed(tmp_path):
    """Other programs keep a manifest.json and a CURRENT too."""
    publish(tmp_path, write_tiny(tmp_path))
    foreign = [tmp_path / "webapp" / "manifest.json", tmp_path / ".building-house" / "plan.txt"]
    for path in foreign:
        path.parent.mkdir()
        path.write_text("{}")
        for touched in (path, path.parent):
            os.utime(touched, (0, 0))
    assert prune(tmp_path) == []
    assert all(path.exists() for path in foreign)
    (tmp_path / "CURRENT").write_text("MANIFEST-000001\n")
    with pytest.raises(IndexCorrupt, match="MANIFEST-000001"):
        published(tmp_path)


def test_a_generation_pruned_while_it_is_opened_gives_way_to_the_current_one(tmp_path, monkeypatch):
    first = publish_tiny(tmp_path, tag="first")
    check_files = Manifest.check_files

    def overtaken(manifest, folder, *, hashes):
        if folder == first:
            for tag in ("second", "third"):
                publish_tiny(tmp_path, tag=tag)
            prune(tmp_path)
        check_files(manifest, folder, hashes=hashes)

    monkeypatch.setattr(Manifest, "check_files", overtaken)
    assert Index.open(tmp_path).items[0].id == "third-0"
    assert not first.exists()


def test_publishing_mends_a_damaged_pointer_and_stepping_back_a_lost_generation(tmp_path):
    good, lost = publish_tiny(tmp_path, tag="good"), publish_tiny(tmp_path, tag="lost")
    shutil.rmtree(lost)
    assert rollback(tmp_path) == good.name
    (tmp_path / "CURRENT").write_text("../?")
    publish(tmp_path, good)
    assert published(tmp_path) == [good.name]


@pytest.mark.parametrize("text", ["../elsewhere", "/tmp", ".hidden", "a/b", "x" * 200])
def test_a_pointer_cannot_lead_elsewhere(tmp_path, text):
    publish_tiny(tmp_path)
    (tmp_path / "CURRENT").write_text(text + "\n")
    with pytest.raises(IndexCorrupt, match="expected the name of a generation"):
        Index.open(tmp_path)


def test_a_pointer_survives_a_checkout_with_other_line_ends(tmp_path):
    name = publish_tiny(tmp_path).name
    (tmp_path / "CURRENT").write_bytes(name.encode() + b"\r\n")
    assert current_name(tmp_path) == name
    assert len(Index.open(tmp_path)) == 30


def test_a_pointer_to_nothing_or_to_a_renamed_generation_is_refused(tmp_path):
    generation = publish_tiny(tmp_path)
    other = "20260101T000000Z-00000009"
    generation.rename(tmp_path / other)
    with pytest.raises(IndexCorrupt, match=f"CURRENT names {generation.name}, there is nothing"):
        Index.open(tmp_path)
    (tmp_path / "CURRENT").write_text(f"{other}\n")
    with pytest.raises(IndexCorrupt, match=f"CURRENT names {other}, .* {generation.name}"):
        Index.open(tmp_path)


def test_a_generation_of_schema_1_still_opens():
    """Written when schema 1 was new; whoever changes the format adds a folder beside it."""
    index = Index.open(GOLDEN, engine="annoy")
    assert index.manifest.schema == 1
    assert [item.id for item in index.items] == ["north", "east", "south", "north-again"]
    assert index.item("east").attributes == {"colour": "red", "year": 2012, "price": None}
    hits = index.search([0, 0, 0.9, 0.1])
    assert [(hit.id, round(hit.score, 3)) for hit in hits] == [
        ("north", 0.994),
        ("east", 0.0),
        ("south", -0.994),
    ]
    assert index.thumb("south") == b"picture of south"
    assert (calibration(index), projection_2d(index), evaluation(index)) == (None, None, None)


def test_a_generation_of_schema_1_with_extra_files_still_opens():
    """The same four items, written when generations began to hold what was computed of them."""
    index = Index.open(GOLDEN_EXTRAS, engine="exact")
    assert index.ids == ["north", "east", "south", "north-again"]
    assert [hit.id for hit in index.search([0, 0, 0.9, 0.1])] == ["north", "east", "south"]
    chance = calibration(index).of(0.5)
    assert (chance.probability, chance.label, calibration(index).kind) == (0.75, "close", "colour")
    assert projection_2d(index).tolist() == [[0, 0], [1, -1], [2, -2], [3, -3]]
    assert evaluation(index) == {"note": "learnt"}


def test_enrichment_sees_the_whole_generation_and_is_stored_with_it(tmp_path):
    seen = []

    def enrich(generation):
        seen.append((generation.manifest.count, generation.thumb(3), generation.manifest.search_k))
        return small_extras(generation)

    folder = write_tiny(tmp_path, enrich=enrich)
    index = Index(Generation.open(folder))
    assert seen == [(30, b"a-picture-3", index.manifest.search_k)]
    assert set(small_extras(index.generation)) < set(index.manifest.files)
    assert projection_2d(index).shape == (30, 2)
    assert calibration(index).of(1.0).probability == 1


def test_enrichment_that_fails_leaves_nothing_behind(tmp_path):
    def enrich(generation):
        raise ValueError("no disk")

    with pytest.raises(ValueError, match="no disk"):
        write_tiny(tmp_path, enrich=enrich)
    assert list(tmp_path.iterdir()) == []
