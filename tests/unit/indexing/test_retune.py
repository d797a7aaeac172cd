"""An index gets efforts for each kind of query, or another engine, without being built again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lookbook.__main__ import main
from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import Encoder
from lookbook.index import Generation
from lookbook.index.manifest import MANIFEST, add_checksum
from lookbook.indexing import BuildOptions, build
from lookbook.indexing.retune import retune
from lookbook.search.index import Index


@pytest.fixture(scope="module")
def encoder(tiny_model) -> Encoder:
    return Encoder.load(tiny_model, precision="float32", device="cpu", backend="torch")


@pytest.fixture(scope="module")
def built(shapes, encoder, tiny_model, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("built") / "index"
    options = BuildOptions(model=str(tiny_model), draw_map=False)
    build(open_catalog(str(shapes)), encoder, root, options, quiet=True)
    return root


@pytest.fixture
def old(built, tmp_path) -> Path:
    """The same index as an earlier version left it: tuned for items only."""
    root = tmp_path / "index"
    shutil.copytree(built, root)
    generation = Generation.open(root)
    manifest = json.loads((generation.path / MANIFEST).read_text())
    manifest["query_kinds"] = {}
    manifest["files"] = {n: f for n, f in manifest["files"].items() if "queries" not in n}
    (generation.path / MANIFEST).write_text(json.dumps(add_checksum(manifest)))
    assert "not tuned" in Index.open(root).describe_engines()
    return root


def test_an_old_index_gets_the_efforts_of_a_new_build(built, old, encoder):
    before, new = Generation.open(old), Generation.open(built)
    folder = retune(old, encoder)
    after = Generation.open(old)
    assert after.path == folder != before.path
    kinds = after.manifest.query_kinds
    assert set(kinds) == {"item", "photo"}, "the model has no texts"
    expected = {kind: one["effort"] for kind, one in new.manifest.query_kinds.items()}
    assert {kind: one["effort"] for kind, one in kinds.items()} == expected
    assert "not tuned" not in Index.open(old).describe_engines()
    # all else is as it was, the day of the catalogue too
    assert after.manifest.created == before.manifest.created
    same = before.manifest.files.keys() - {"forest.ann"}
    files = after.manifest.files
    assert {n: files[n] for n in same} == {n: before.manifest.files[n] for n in same}
    assert (files["forest.ann"], set(files) - same) == (
        before.manifest.files["forest.ann"],
        {"forest.ann", "photo-queries.npy"},
    )
    np.testing.assert_array_equal(after.photo_vectors, before.photo_vectors)
    before.manifest.check_files(before.path, hashes=True)


def test_another_engine_takes_the_place_of_the_one_there_is(old, encoder):
    pytest.importorskip("faiss")
    wanted = Index.open(old, "exact")
    query = wanted.generation.photo_vectors[3].astype(np.float32)
    retune(old, encoder, "faiss", 0.9)
    index = Index.open(old, "faiss")
    assert index.manifest.built == "faiss"
    assert (index.manifest.recall_target, index.manifest.trees) == (0.9, None)
    assert [hit.id for hit in index.search(query, 5)] == [h.id for h in wanted.search(query, 5)]
    assert not (index.generation.path / "forest.ann").exists()


def test_an_update_after_it_keeps_what_was_measured(old, encoder, shapes, tiny_model):
    retune(old, encoder)
    tuned = Generation.open(old).manifest
    options = BuildOptions(model=str(tiny_model), draw_map=False)
    build(open_catalog(str(shapes)), encoder, old, options, quiet=True)
    assert Generation.open(old).manifest == tuned, "nothing has changed, and nothing is missing"


def test_the_command_says_what_serves_now(old, tiny_model, capsys):
    own = ["--index", str(old), "--model", str(tiny_model)]
    assert main(["tune", *own]) == 0
    said = capsys.readouterr().out
    assert "items, photos: annoy, effort" in said
    assert "not tuned" not in said
    assert main(["tune", *own, "--engine", "exact"]) == 2
    assert "give --engine annoy" in capsys.readouterr().err
