"""An index that Milvus serves: the answers of exact search, and collections that follow it."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from lookbook.index import (
    EngineUnavailable,
    Generation,
    IndexCorrupt,
    prune,
    publish,
    rollback,
)
from lookbook.index.engines import milvus
from lookbook.search.index import Index
from lookbook.search.product_groups import product_groups
from lookbook.search.query import Query, run
from tests.tiny_index import random_vectors, write_tiny

pytest.importorskip("pymilvus")
pytestmark = pytest.mark.usefixtures("milvus_lite")
ITEMS, PHOTOS, DIM = 400, 900, 8
FEW = {"count": 20, "photos": 40}  # where only the collections count
FILTERS = (
    None,
    ["colour=red"],
    ["colour!=RED"],
    ["price<=40", "colour=green|blue"],
    ["sizes=m"],
    ["price>=1000"],
)


def shop(root, count=ITEMS, photos=PHOTOS, **options):
    """Items in three colours, with sizes, prices (some unknown), products of four, 900 photos."""
    rng = np.random.default_rng(5)
    items = {
        "id": [f"i{n}" for n in range(count)],
        "title": [f"piece {n}" for n in range(count)],
        "colour": [("red", "blue", "green")[n % 3] for n in range(count)],
        "price": [float(n) if n % 5 else None for n in range(count)],
        "sizes": [("s", "m") if n % 2 else ("l",) for n in range(count)],
        "style_id": [f"p{n // 4}" for n in range(count)],
        "group": [n - n % 2 if n < 40 else n for n in range(count)],
    }
    content = {
        "vectors": random_vectors(photos, DIM),
        "further_items": rng.integers(0, count, photos - count),
        "thumbs": [b""] * photos,
        "items": items,
    }
    return write_tiny(root, **(content | {"engine": "milvus", "trees": None} | options))


@pytest.fixture(scope="module")
def generation(tmp_path_factory, milvus_file):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(milvus.URI_VARIABLE, str(milvus_file))
        return Generation.open(shop(tmp_path_factory.mktemp("shop")))


@pytest.fixture
def served(generation) -> Index:
    return Index(generation, "milvus")


def pairs(hits):
    return [(hit.row, round(hit.score, 3)) for hit in hits]


@pytest.mark.parametrize("where", FILTERS, ids=str)
def test_searches_agree_with_exact_search(served, generation, where):
    exact = Index(generation, "exact")
    products = product_groups(exact)
    assert len(set(products.tolist())) == ITEMS // 4
    for query in random_vectors(8, DIM, seed=7):
        for groups in (None, exact.duplicate_groups, products):
            allowed = None if where is None else served.matching(where)
            found = served.search_rows(query, 12, allowed, [0, 3], groups)
            expected = exact.search_rows(query, 12, allowed, [0, 3], groups)
            assert pairs(found) == pairs(expected)
        ids = ["i1", "i2"]
        found = served.search(query, 12, where, ids), served.similar("i7", 12, where)
        assert [pairs(hits) for hits in found] == [
            pairs(exact.search(query, 12, where, ids)),
            pairs(exact.similar("i7", 12, where)),
        ]


def test_whole_queries_agree_too(served, generation):
    exact = Index(generation, "exact")
    for query in (
        Query(item="i5", where=["colour=red"], count=12),
        Query(item="i5", positive=("i9",), negative=("i2",), count=12, diversity=0.4),
    ):
        assert pairs(run(query, served).hits) == pairs(run(query, exact).hits)


def test_filters_are_expressions_and_vectors_stay_on_disk(served, monkeypatch):
    asked = []
    hits = milvus.MilvusEngine._hits
    monkeypatch.setattr(
        milvus.MilvusEngine,
        "_hits",
        lambda self, queries, k, expression, effort: (
            asked.append(expression) or hits(self, queries, k, expression, effort)
        ),
    )
    query = random_vectors(1, DIM, seed=3)[0]
    assert all(h.item.attributes["colour"] == "red" for h in served.search(query, 5, "colour=red"))
    assert asked == ["c0 in [0]"]
    photos = served.photo_rows("i4")
    served.search(query, 5, exclude=["i4"])
    assert asked[-1] == f"row not in {photos}"
    assert served._exact._prepared is None


def test_a_graph_finds_the_neighbours_under_filters(tmp_path, monkeypatch):
    """2,000 rows lie in 100 clusters of 20, of which every second row is red."""
    monkeypatch.setattr(milvus, "MAX_LISTED", 100)  # long lists of rows are filtered in the app
    count = 2000
    centres = random_vectors(100, 16, seed=1) * 10
    vectors = np.repeat(centres, 20, axis=0) + random_vectors(count, 16, seed=2)
    colours = ["red" if n % 2 else "blue" for n in range(count)]
    items = {"id": [f"i{n}" for n in range(count)], "title": [""] * count, "colour": colours}
    given = {"vectors": vectors, "items": items, "thumbs": [b""] * count, "further_items": None}
    index = Index(Generation.open(shop(tmp_path, **given)), "milvus")
    manifest = index.manifest
    assert (manifest.built, manifest.recall >= 0.99) == ("milvus", True)
    for cluster in (3, 50, 99):
        rows = range(20 * cluster, 20 * cluster + 20)
        query = centres[cluster]
        assert {hit.row for hit in index.search(query, 20)} == set(rows)
        red = index.search(query, 10, "colour=red")
        assert {hit.row for hit in red} == set(rows[1::2])
        mask = np.arange(count) % 4 == 1  # no condition says that
        assert {hit.row for hit in index.search_rows(query, 5, mask)} == set(rows[1::4])


def collection_of(generation):
    return json.loads((generation / "milvus.json").read_text())["collection"]


def collections():
    return milvus._call(lambda client: set(client.list_collections()))


def test_the_alias_follows_the_published_generation(tmp_path):
    def named():
        alias = json.loads((first / "milvus.json").read_text())["alias"]
        answer = milvus._call(lambda client: client.describe_alias(alias))
        return answer["collection_name"]

    first = shop(tmp_path, seed=0, **FEW)
    publish(tmp_path, first)
    assert named() == collection_of(first)
    second = shop(tmp_path, seed=1, **FEW)
    assert named() == collection_of(first)
    publish(tmp_path, second)
    assert named() == collection_of(second)
    rollback(tmp_path)
    assert named() == collection_of(first)


def test_collections_are_dropped_with_their_generations(tmp_path):
    before = collections()
    generations = [shop(tmp_path, seed=seed, **FEW) for seed in range(3)]
    for generation in generations:
        publish(tmp_path, generation)
    # those of tuning are gone already
    assert collections() - before == {collection_of(generation) for generation in generations}
    gone = collection_of(generations[0])
    assert prune(tmp_path) == [generations[0].name]
    assert collections() - before == {collection_of(g) for g in generations[1:]}
    assert gone not in collections()


def test_a_build_that_fails_leaves_no_collection(tmp_path):
    before = collections()

    def fail(generation):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shop(tmp_path, enrich=fail, **FEW)
    deadline = time.monotonic() + 10  # a busy server lists what was dropped for a moment
    while collections() != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert collections() == before


def test_what_cannot_be_opened_says_why(tmp_path, monkeypatch, generation):
    monkeypatch.delenv(milvus.URI_VARIABLE)
    with pytest.raises(EngineUnavailable, match="needs --milvus-uri"):
        Index(generation, "milvus")
    milvus.use_milvus(str(tmp_path / "empty.db"))
    with pytest.raises(EngineUnavailable, match=r"has no collection lookbook_\w+: give"):
        Index(generation, "milvus")
    assert Index(generation, "exact").engine == "exact"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"collection": 3}', '{"count": 9}'])
def test_a_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "milvus.json"
    path.write_text(content)
    with pytest.raises(IndexCorrupt, match=r"milvus\.json"):
        milvus.MilvusEngine.open(path, np.empty((9, 4)), "angular", 9)


def test_a_collection_of_other_vectors_is_refused(generation):
    with pytest.raises(IndexCorrupt, match=r"\(900, 8, 'angular'\), the manifest says \(899"):
        milvus.MilvusEngine.open(
            generation.path / "milvus.json", generation.photo_vectors[1:], "angular", 9
        )


def test_the_password_of_an_address_is_not_shown():
    assert milvus._shown("http://root:secret@milvus:19530") == "http://milvus:19530"
    assert milvus._shown("shop/milvus.db") == "shop/milvus.db"
