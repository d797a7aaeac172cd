"""Parts of an encoded catalogue: whole, or refused before anything of them is kept."""

from __future__ import annotations

import io
import json
import pickle

import numpy as np
import pytest
from safetensors.numpy import load, save

from lookbook.catalog import Item, Rejection
from lookbook.indexing.embedding_cache import EmbeddingCache, EncodedImage
from lookbook.indexing.encode_catalog import EncodedCatalog
from lookbook.indexing.parts import PartStore, pack_part, take_part

HASHES = [f"{number:064x}" for number in range(2)]


def part(photos=None) -> bytes:
    images = [
        EncodedImage(digest, np.ones(4, np.float32), np.zeros(768, np.uint8), b"picture", b"detail")
        for digest in HASHES
    ]
    items = [Item(str(n), b"", f"piece {n}", {"size": ("S", "M")}) for n in range(2)]
    photos = photos or [[digest] for digest in HASHES]
    encoded = EncodedCatalog(items, photos, [{"id": "2", "reason": "damaged"}])
    return pack_part(encoded, [Rejection("3", "missing", "There is no picture.")], images)


def changed(**tensors) -> bytes:
    """A part with other tensors, None: without one."""
    content = load(part()) | tensors
    kept = {name: tensor for name, tensor in content.items() if tensor is not None}
    return save(kept, {"catalogue": notes()})


def notes(**changes) -> str:
    whole = {"items": [], "photos": [], "rejected": [], "unreadable": []}
    return json.dumps(whole | changes)


def told(text: str) -> bytes:
    """A part that says something else of its rows."""
    return save(load(part()), {"catalogue": text})


class Bomb:
    """Whoever unpickles it runs a function."""

    def __reduce__(self):
        return run, ()


RAN = []


def run() -> None:
    RAN.append(True)


def archive() -> bytes:
    out = io.BytesIO()
    np.savez(out, hashes=np.array([Bomb()], object))
    return out.getvalue()


FOREIGN = {
    "nothing": b"",
    "a page": b"<html>",
    "a pickle": pickle.dumps(Bomb()),
    "an archive of pickles": archive(),
    "cut short": part()[:-1],
    "longer": part() + b"x",
    "a header without an end": (2**62).to_bytes(8, "little") + b"{}",
    "another model": save({"weight": np.ones((3, 4), np.float32)}),
    "no notes": save(load(part())),
    "no vectors": changed(vectors=None),
    "vectors of fewer pictures": changed(vectors=np.ones((1, 4), np.float32)),
    "flat vectors": changed(vectors=np.ones(8, np.float32)),
    "vectors of another type": changed(vectors=np.ones((2, 4))),
    "a number for hashes": changed(hashes=np.array(3)),
    "hashes of another length": changed(hashes=np.zeros((2, 16), np.uint8)),
    "descriptors of another size": changed(signatures=np.zeros((2, 3), np.uint8)),
    "pictures without offsets": changed(offsets=None),
    "offsets that go back": changed(offsets=np.array([0, 20, 14])),
    "offsets behind the end": changed(offsets=np.array([0, 7, 2**40])),
    "offsets below 0": changed(offsets=np.array([-7, 0, 14])),
    "empty offsets": changed(offsets=np.zeros(0, np.int64)),
    "a tensor more": changed(other=np.zeros(1)),
    "notes that are no JSON": told("{"),
    "notes without an end": told("[" * 100_000),
    "notes that are a list": told("[]"),
    "notes that lack some": told('{"items": []}'),
    "attributes that are none": told(notes(items=[["0", "piece", 3]], photos=[[HASHES[0]]])),
    "an item without photos": told(notes(items=[["0", "piece", {}]], photos=[[]])),
    "photos without an item": told(notes(photos=[[HASHES[0]]])),
    "a rejection of other fields": told(notes(unreadable=[{"command": "x"}])),
    "photos of another part": part(photos=[["f" * 64], [HASHES[1]]]),
}


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache", {"id": "tiny"})


def test_a_part_is_what_was_packed(cache):
    encoded, unreadable = EncodedCatalog(), []
    take_part(part(), encoded, unreadable, cache)
    assert [item.attributes for item in encoded.items] == [{"size": ("S", "M")}] * 2
    assert (encoded.hashes, encoded.rejected) == (HASHES, [{"id": "2", "reason": "damaged"}])
    assert unreadable == [Rejection("3", "missing", "There is no picture.")]
    assert list(cache.read_thumbnails(HASHES)) == [b"picture"] * 2
    assert list(cache.read_details(HASHES)) == [b"detail"] * 2


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_part_is_refused_and_nothing_of_it_is_kept(cache, kind):
    encoded, unreadable = EncodedCatalog(), []
    with pytest.raises(ValueError, match=r"^(damaged|not a part of a catalogue)$"):
        take_part(FOREIGN[kind], encoded, unreadable, cache)
    assert len(cache) == 0 and not list(cache.folder.iterdir())
    assert (encoded, unreadable) == (EncodedCatalog(), [])
    assert RAN == []


def test_a_pickle_would_be_noticed(monkeypatch):
    monkeypatch.setitem(globals(), "RAN", [])
    pickle.loads(pickle.dumps(Bomb()))  # noqa: S301 (that it would run is what is shown)
    assert RAN == [True]


def test_other_files_beside_the_parts_are_left_alone(tmp_path):
    (tmp_path / "key").mkdir()
    names = ("0.safetensors", "000000000000.pkl", "000000000000.safetensors.partial")
    for name in names:
        (tmp_path / "key" / name).write_bytes(pickle.dumps(Bomb()))
    store = PartStore(str(tmp_path), "key")
    assert store.starts() == set()
    store.write(0, b"whole")
    assert store.starts() == {0} and store.read(0) == b"whole"
    store.delete(0)
    assert {file.name for file in (tmp_path / "key").iterdir()} == set(names)
    assert RAN == []
