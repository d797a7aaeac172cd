"""The store of half-done work: whole shards, no name twice, nothing lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lookbook.indexing.embedding_cache import EmbeddingCache, EncodedImage

IDENTITY = {"id": "tiny"}


def encoded(number: int) -> EncodedImage:
    """A picture whose every part tells its number."""
    thumbnail_descriptor = np.full(768, number, np.uint8)
    vector = np.full(4, number, np.float32)
    return EncodedImage(
        f"{number:064x}", vector, thumbnail_descriptor, f"picture {number}".encode()
    )


def assert_holds(cache: EmbeddingCache, *numbers: int) -> None:
    hashes = [encoded(number).hash for number in numbers]
    assert cache.read_vectors(hashes)[:, 0].tolist() == list(numbers)
    assert cache.read_descriptors(hashes)[:, 0].tolist() == list(numbers)
    assert list(cache.read_thumbnails(hashes)) == [
        f"picture {number}".encode() for number in numbers
    ]


def test_what_was_added_is_there_in_any_order_and_after_a_restart(tmp_path):
    cache = EmbeddingCache(tmp_path, IDENTITY)
    cache.add_shard([encoded(1), encoded(2)])
    cache.add_shard([encoded(3)])
    assert_holds(cache, 3, 1, 2, 3)
    assert_holds(EmbeddingCache(tmp_path, IDENTITY), 2, 3, 1)
    assert encoded(4).hash not in cache


def test_details_are_read_where_there_are_some(tmp_path):
    cache = EmbeddingCache(tmp_path, IDENTITY)
    cache.add_shard([encoded(1), encoded(2)])  # as a shard of an earlier version: without any
    cache.add_shard([encoded(3), replace(encoded(4), detail=b"large 4"), encoded(5)])
    hashes = [encoded(number).hash for number in (4, 1, 3, 5)]
    assert list(EmbeddingCache(tmp_path, IDENTITY).read_details(hashes)) == [b"large 4", *[b""] * 3]
    assert_holds(cache, 4, 3, 1)


def test_a_shard_that_brings_nothing_new_overwrites_nothing(tmp_path):
    cache = EmbeddingCache(tmp_path, IDENTITY)
    for number in (1, 1, 2):
        cache.add_shard([encoded(number)])
        assert_holds(cache, number)
    assert_holds(EmbeddingCache(tmp_path, IDENTITY), 1, 2)


def test_after_a_lost_shard_no_name_is_used_twice(tmp_path):
    cache = EmbeddingCache(tmp_path, IDENTITY)
    for number in (1, 2, 3):
        cache.add_shard([encoded(number)])
    first, *_ = sorted(cache.folder.glob("*.safetensors"))
    first.write_bytes(b"cut short")
    again = EmbeddingCache(tmp_path, IDENTITY)
    assert encoded(1).hash not in again
    again.add_shard([encoded(4)])
    assert_holds(again, 2, 3, 4)
    assert_holds(EmbeddingCache(tmp_path, IDENTITY), 2, 3, 4)


def test_another_identity_is_another_store(tmp_path):
    EmbeddingCache(tmp_path, IDENTITY).add_shard([encoded(1)])
    assert encoded(1).hash not in EmbeddingCache(tmp_path, {"id": "other"})


def test_removing_one_leaves_the_others_work(tmp_path):
    work = tmp_path / ".work"
    mine, other = EmbeddingCache(work, IDENTITY), EmbeddingCache(work, {"id": "other"})
    other.add_shard([encoded(1)])
    mine.delete()
    assert_holds(EmbeddingCache(work, {"id": "other"}), 1)
    other.delete()
    assert not work.exists()


def test_no_hash_gives_no_rows(tmp_path):
    with pytest.raises(KeyError):
        EmbeddingCache(tmp_path, IDENTITY).read_vectors(["ab" * 32])
