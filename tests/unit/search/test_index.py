"""Search against a brute-force oracle, with filters, exclusions and folds."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookbook.index import publish
from lookbook.index.engines.exact import ExactEngine
from lookbook.index.manifest import add_checksum
from lookbook.schema.filters import FilterError, matches, parse_where
from lookbook.search import index as search_index
from lookbook.search.index import Index, UnknownItem
from lookbook.search.prefix_index import find_titles
from tests.tiny_index import publish_tiny, random_vectors, write_plain, write_tiny

COUNT, DIM = 240, 10
WHERES = [
    None,
    {"colour": "red"},
    {"colour": ["red", "blue"], "price>=": 20},
    {"colour!=": "red", "year": 2011},
    ["price<=3"],
    {"colour": "violet"},
]


def write_shop(root, metric="angular", **options):
    groups = np.random.default_rng(3).integers(0, COUNT // 2, COUNT)
    items = {
        "id": [f"i{n}" for n in range(COUNT)],
        "title": [f"Item {n}" for n in range(COUNT)],
        "group": groups.tolist(),
        "colour": [["red", "blue", None][n % 3] for n in range(COUNT)],
        "price": [n / 4 for n in range(COUNT)],
        "year": [2010 + n % 5 for n in range(COUNT)],
    }
    return publish_tiny(
        root, count=COUNT, dim=DIM, items=items, thumbs=[b""] * COUNT, metric=metric, **options
    )


@pytest.fixture(scope="module", params=["angular", "euclidean", "dot"])
def shop(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("shop")
    write_shop(root, request.param)
    return root


def score(index, query):
    vectors = np.asarray(index.generation.vectors, np.float64)
    if index.manifest.metric == "euclidean":
        return -np.linalg.norm(vectors - query, axis=1)
    if index.manifest.metric == "dot":
        return vectors @ query
    return vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)


def oracle(index, query, where, exclude, fold):
    """Every row that may be shown, the best first, one by one."""
    scores, conditions = score(index, query), parse_where(where)
    groups = index.generation.items["group"].to_pylist()
    shown, seen = [], set()
    for row in np.argsort(-scores, kind="stable"):
        item = index.items[int(row)]
        hidden = item.id in exclude or not matches(conditions, item.attributes)
        if hidden or (fold and groups[row] in seen):
            continue
        seen.add(groups[row])
        shown.append((item.id, scores[row]))
    return shown


queries = st.builds(lambda seed: random_vectors(1, DIM, seed)[0], st.integers(0, 10_000))
excluded = st.sets(st.integers(0, COUNT - 1), max_size=40).map(lambda rows: {f"i{n}" for n in rows})
same_fixture = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)


@same_fixture
@given(
    query=queries,
    k=st.integers(1, COUNT + 20),
    where=st.sampled_from(WHERES),
    exclude=excluded,
    fold=st.booleans(),
)
def test_exact_engine_is_the_oracle(shop, query, k, where, exclude, fold):
    index = Index.open(shop, engine="exact", verify="quick")
    hits = index.search(query, k, where, exclude, fold)
    expected = oracle(index, query, where, exclude, fold)[:k]
    np.testing.assert_allclose([h.score for h in hits], [s for _, s in expected], atol=1e-4)
    # scores nearer than float32 tells apart may stand in either order
    possible = dict(oracle(index, query, where, exclude, fold=False))
    assert all(abs(possible[hit.id] - hit.score) < 1e-4 for hit in hits)
    assert len({hit.id for hit in hits}) == len(hits)


@same_fixture
@given(
    query=queries,
    k=st.integers(1, COUNT + 20),
    where=st.sampled_from(WHERES),
    exclude=excluded,
    fold=st.booleans(),
    few=st.sampled_from([0, 30, 1000]),
)
def test_annoy_with_a_tiny_search_k_still_gives_k(shop, query, k, where, exclude, fold, few):
    index = Index.open(shop, engine="annoy", verify="quick")
    index._approximate_engine.effort = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_index, "_FEW_ROWS", few)
        hits = index.search(query, k, where, exclude, fold)
    possible = dict(oracle(index, query, where, exclude, fold=False))
    folded = oracle(index, query, where, exclude, fold)
    assert len(hits) == min(k, len(folded))
    assert all(abs(possible[hit.id] - hit.score) < 1e-4 for hit in hits)
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    groups = index.generation.items["group"].to_numpy()[[hit.row for hit in hits]]
    assert len(set(groups.tolist() if fold else [h.id for h in hits])) == len(hits)


def test_annoy_at_its_tuned_search_k_finds_what_exact_finds(shop):
    exact, annoy = (Index.open(shop, engine=engine) for engine in ("exact", "annoy"))
    same = 0
    for query in random_vectors(50, DIM, seed=8):
        ids = {hit.id for hit in annoy.search(query, 10)}
        same += len(ids & {hit.id for hit in exact.search(query, 10)})
    assert same >= 0.95 * 500


def test_the_shown_member_of_a_group_is_its_best_match_that_is_allowed(tmp_path):
    vectors = np.array([[1, 0], [0.9, 0.1], [0.8, 0.2], [0, 1]], np.float32)
    items = {
        "id": ["best", "second", "third", "other"],
        "title": [""] * 4,
        "group": [7, 7, 7, 1],
        "colour": ["red", "blue", "blue", "blue"],
    }
    publish_tiny(tmp_path, count=4, vectors=vectors, items=items, thumbs=[b""] * 4)
    index = Index.open(tmp_path)

    def ids(**options):
        return [hit.id for hit in index.search(vectors[0], **options)]

    assert ids() == ["best", "other"]
    assert ids(where={"colour": "blue"}) == ["second", "other"]
    assert ids(exclude=["best", "nobody"]) == ["second", "other"]
    assert ids(fold=False) == ["best", "second", "third", "other"]
    assert [hit.id for hit in index.similar("best")] == ["other"]
    assert [hit.id for hit in index.similar("best", fold=False)] == ["second", "third", "other"]


@pytest.mark.parametrize("engine", ["annoy", "exact"])
def test_a_crowd_of_copies_takes_one_place_only(tmp_path, engine):
    vectors = random_vectors(200, 8)
    vectors[:120] = vectors[0]
    items = {"id": [str(n) for n in range(200)], "title": [""] * 200}
    items["group"] = [0 if n < 120 else n for n in range(200)]
    publish_tiny(tmp_path, count=200, vectors=vectors, items=items, thumbs=[b""] * 200)
    index = Index.open(tmp_path, engine=engine)
    expected = oracle(index, vectors[0], None, (), fold=True)
    assert [hit.id for hit in index.search(vectors[0], 5)] == [id for id, _ in expected[:5]]
    assert len(index.search(vectors[0], 100)) == 81


@pytest.mark.parametrize("engine", ["annoy", "exact"])
def test_similar_searches_from_the_stored_vector(shop, engine):
    index = Index.open(shop, engine=engine)
    groups = index.generation.items["group"].to_pylist()
    same = {f"i{n}" for n in range(COUNT) if groups[n] == groups[5]}
    hits = index.similar("i5", k=COUNT, where={"colour": "red"}, exclude=["i0"])
    expected = oracle(index, index.vector("i5"), {"colour": "red"}, {"i0"} | same, fold=True)
    assert {hit.id for hit in hits} == {id for id, _ in expected}
    assert len(hits) == len(expected)


@pytest.mark.parametrize("engine", ["annoy", "exact"])
def test_one_item_answers_every_search(tmp_path, engine):
    publish_tiny(tmp_path, count=1)
    index = Index.open(tmp_path, engine=engine)
    (hit,) = index.search(index.vector("a-0"), k=24)
    assert (hit.id, hit.row, hit.item.title) == ("a-0", 0, "a shirt 0")
    assert hit.score == pytest.approx(1)
    assert index.similar("a-0") == []


def test_what_an_index_tells_of_its_items(shop):
    index = Index.open(shop)
    assert (len(index), index.dim, len(index.items)) == (COUNT, DIM, COUNT)
    assert index.columns == ["colour", "price", "year"]
    assert index.item("i4") == index.items[4]
    assert index.item("i4").attributes == {"colour": "blue", "price": 1.0, "year": 2014}
    assert index.items[-1].id == "i239"
    assert index.values("colour") == {"red": 80, "blue": 80}
    assert index.values("year") == dict.fromkeys(range(2010, 2015), 48)
    assert index.row_of("i17") == 17
    with pytest.raises(UnknownItem, match="no item 'i999' among the 240"):
        index.vector("i999")


def test_attributes_of_every_kind_come_back(tmp_path):
    columns = {
        "none": [None] * 4,
        "flag": [True, False, None, True],
        "number": [1.5, float("nan"), 2, None],
        "mixed": [1, "one", None, 2.5],
        "whole": [1, 2, None, 4],
    }
    items = {"id": [1, 2, 3, 4], "title": ["é", None, "", "d"], **columns}
    publish_tiny(tmp_path, count=4, items=items, thumbs=[b""] * 4)
    index = Index.open(tmp_path)
    assert [item.id for item in index.items] == ["1", "2", "3", "4"]
    assert index.titles == ["é", "", "", "d"]
    read = {name: [item.attributes[name] for item in index.items] for name in columns}
    assert read == columns | {"number": [1.5, None, 2, None], "mixed": ["1", "one", None, "2.5"]}
    assert len(index.search([1] * 8, where={"whole": 4, "flag": True})) == 1


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.ones(7), r"shape \(7,\), this index takes vectors of length 10"),
        (np.ones((2, DIM)), r"shape \(2, 10\)"),
        (np.full(DIM, np.nan), "not finite"),
        (np.full(DIM, np.inf), "not finite"),
        (np.zeros(DIM), "is zero"),
    ],
)
def test_a_vector_that_no_search_can_use_is_refused(shop, vector, message):
    with pytest.raises(ValueError, match=message):
        Index.open(shop, verify="quick").search(vector)


def test_other_wrong_requests_are_refused(shop):
    index = Index.open(shop, verify="quick")
    with pytest.raises(
        FilterError, match="no column 'color'; the columns are: colour, price, year"
    ):
        index.search(np.ones(DIM), where={"color": "red"})
    with pytest.raises(FilterError, match="'shape'"):
        index.values("shape")
    with pytest.raises(ValueError, match="k must be at least 1, found 0"):
        index.search(np.ones(DIM), k=0)
    with pytest.raises(ValueError, match="unknown engine 'fast'"):
        Index.open(shop, engine="fast")


def clustered_index(folder, **options):
    """Publish rows in tight clusters; return text queries, which lie between them, and more."""
    rng = np.random.default_rng(0)
    centres, noise = rng.normal(size=(60, 48)), rng.normal(size=(60, 50, 48))
    vectors = (centres[:, None] + 0.1 * noise).reshape(-1, 48).astype(np.float32)
    tuned, fresh = rng.normal(size=(2, 100, 48)).astype(np.float32)
    publish_tiny(folder, count=len(vectors), vectors=vectors, queries={"text": tuned}, **options)
    return tuned, fresh


def without_query_kinds(folder):
    """Make the manifest of the published index as earlier versions wrote it."""
    path = next(folder.glob("*/manifest.json"))
    manifest = json.loads(path.read_text())
    del manifest["query_kinds"], manifest["checksum"]
    path.write_text(json.dumps(manifest))


def shared(some, others):
    """Share of the ids in `others` that are in `some`, over all pairs of answers."""
    pairs = zip(some, others, strict=True)
    return np.mean([len({hit.id for hit in a} & {hit.id for hit in b}) / len(b) for a, b in pairs])


def test_each_kind_of_query_gets_the_effort_that_it_needs(tmp_path, monkeypatch):
    _, fresh = clustered_index(tmp_path, recall=0.95)
    forest, exact = (Index.open(tmp_path, engine) for engine in ("annoy", "exact"))
    kinds = forest.manifest.query_kinds
    assert set(kinds) == {"item", "photo", "text"}
    assert all(kind["recall"] >= 0.95 for kind in kinds.values())
    assert kinds["text"]["effort"] > 4 * kinds["item"]["effort"]
    true = [exact.search(query, 24) for query in fresh]
    monkeypatch.setattr(ExactEngine, "search", None)  # whatever is found, the forest has found
    as_texts = [forest.search(query, 24, kind="text") for query in fresh]
    as_items = [forest.search(query, 24, kind="item") for query in fresh]
    assert shared(as_texts, true) > 0.9
    assert shared(as_items, true) < 0.9


def test_auto_takes_for_each_kind_the_engine_that_was_measured_as_faster(tmp_path):
    clustered_index(tmp_path)
    path = next(tmp_path.glob("*/manifest.json"))
    manifest = json.loads(path.read_text())
    for kind, engine in (("item", "annoy"), ("photo", "exact"), ("text", "exact")):
        manifest["query_kinds"][kind] |= {"engine": engine, "effort": 99, "recall": 0.995}
    path.write_text(json.dumps(add_checksum(manifest)))
    index = Index.open(tmp_path)
    assert index.engine == "annoy"
    assert index.serving == {"item": "annoy", "photo": "exact", "text": "exact"}
    expected = "items: annoy, effort 99, recall 0.9950; photos, texts: exact search"
    assert index.describe_engines() == expected
    assert set(Index.open(tmp_path, "annoy").serving.values()) == {"annoy"}
    assert Index.open(tmp_path, "exact").describe_engines() == "items, photos, texts: exact search"


def test_an_index_of_an_earlier_version_searches_photos_and_texts_exactly_and_says_so(tmp_path):
    _, fresh = clustered_index(tmp_path)
    without_query_kinds(tmp_path)
    old, exact = Index.open(tmp_path), Index.open(tmp_path, "exact")
    assert (old.serving["photo"], old.serving["text"]) == ("exact", "exact")
    assert old.serving["item"] == old.manifest.engine
    for query in fresh[:5]:
        found, expected = old.search(query, 10), exact.search(query, 10)
        assert [hit.id for hit in found] == [hit.id for hit in expected]
        np.testing.assert_allclose([h.score for h in found], [h.score for h in expected], atol=1e-6)
    assert "annoy is not tuned for them: run `python -m lookbook tune`" in old.describe_engines()


def test_an_engine_that_is_asked_for_serves_an_index_of_an_earlier_version_with_ample_effort(
    tmp_path,
):
    _, fresh = clustered_index(tmp_path)
    without_query_kinds(tmp_path)
    old, exact = Index.open(tmp_path, "annoy"), Index.open(tmp_path, "exact")
    assert old.manifest.effort("text") == 20 * old.manifest.search_k
    answers = [[index.search(query, 24) for query in fresh] for index in (old, exact)]
    assert shared(*answers) > 0.8
    assert "texts: annoy, effort" in old.describe_engines()
    assert "recall not measured" in old.describe_engines()


def test_the_kind_of_a_query_is_one_that_is_tuned_for(shop):
    with pytest.raises(ValueError, match="one of item, photo, text, found 'dream'"):
        Index.open(shop).search(np.ones(DIM), kind="dream")


def test_a_projection_is_applied_to_catalogue_and_query_alike(tmp_path):
    vectors, rng = random_vectors(50, 12), np.random.default_rng(1)
    mean, matrix = rng.normal(size=12), rng.normal(size=(12, 4))
    publish_tiny(tmp_path, count=50, vectors=vectors, projection=(mean, matrix), dtype="float32")
    index = Index.open(tmp_path)
    assert (index.dim, index.manifest.dim, index.manifest.raw_dim) == (12, 4, 12)
    for row in (0, 20, 49):
        hit = index.search(vectors[row], k=1)[0]
        assert (hit.id, hit.score) == (f"a-{row}", pytest.approx(1))
    expected = (vectors[3] - mean) @ matrix
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(index.vector("a-3"), expected, atol=1e-5)
    assert index.similar("a-3", k=1)[0].id != "a-3"


def test_refreshed_opens_what_was_published_and_the_old_index_goes_on(tmp_path):
    publish_tiny(tmp_path, tag="old")
    index = Index.open(tmp_path, engine="annoy")
    assert index.reload_if_stale() is index
    generation = write_tiny(tmp_path, tag="new", count=12)
    assert index.reload_if_stale() is index
    publish(tmp_path, generation)
    renewed = index.reload_if_stale()
    assert (renewed.items[0].id, len(renewed), renewed.engine) == ("new-0", 12, "annoy")
    assert index.search(np.ones(8), k=3)[0].id.startswith("old-")
    alone = Index.open(generation)
    assert alone.reload_if_stale() is alone


def test_threads_get_what_one_reader_gets(shop):
    index = Index.open(shop, engine="annoy")
    queries = random_vectors(200, DIM, seed=4)

    def ask(query):
        return [hit.id for hit in index.search(query, 12, {"colour": "red"})]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, queries)) == [ask(query) for query in queries]


TITLES = [
    "Café au Lait Blouse",
    "Blue Jeans",
    "Men's Blue Shirt",
    "Bluebell Print Dress",
    "Women Bluish Blue Jeans Jacket",
    "NAÏVE Red Shirt",
    "",
]


@pytest.fixture(scope="module")
def titled(tmp_path_factory):
    root = tmp_path_factory.mktemp("titles")
    items = {"id": [str(n) for n in range(len(TITLES))], "title": TITLES}
    publish_tiny(root, count=len(TITLES), items=items, thumbs=[b""] * len(TITLES))
    return Index.open(root)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe", [0]),
        ("CAFÉ bl", [0]),
        ("blu", [1, 3, 2, 4]),
        ("blue", [1, 2, 4, 3]),
        ("jean blue", [1, 4]),
        ("mens", [2]),
        ("men’s shirt", [2]),
        ("naive", [5]),
        ("shirt re", [5]),
        ("lue", []),
        ("blue violet", []),
        ("", [0, 1, 2, 3, 4, 5, 6]),
        ("?!", [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_titles_are_found_by_typing(titled, text, expected):
    assert [int(item.id) for item in find_titles(titled, text)] == expected
    assert [int(item.id) for item in find_titles(titled, text, limit=1)] == expected[:1]


def test_items_of_a_table_are_the_items_of_its_columns(tmp_path):
    import pyarrow as pa

    columns = {"id": ["x", "y"], "title": ["X", "Y"], "size": [1, 2]}
    for name, items in (("dict", columns), ("table", pa.table(columns))):
        generation = write_plain(
            tmp_path / name,
            vectors=random_vectors(2, 4),
            items=items,
            thumbs=[b"x", b"y"],
            encoder={},
        )
        index = Index.open(generation)
        assert [item.attributes for item in index.items] == [{"size": 1}, {"size": 2}]
        assert [index.thumb(id) for id in "xy"] == [b"x", b"y"]


@pytest.mark.parametrize("metric", ["angular", "euclidean", "dot"])
def test_items_have_unit_vectors_and_the_copy_of_exact_search_is_the_only_one(tmp_path, metric):
    further = np.arange(7)
    vectors = random_vectors(30 + len(further), 8)
    publish_tiny(
        tmp_path, vectors=vectors, further_items=further, thumbs=[b"x"] * 37, metric=metric
    )
    index = Index.open(tmp_path, "exact")
    stored = np.asarray(index.generation.vectors, np.float32)
    expected = stored / np.linalg.norm(stored, axis=1, keepdims=True)
    assert index.unit_vectors.shape == (30, 8)
    assert np.allclose(index.unit_vectors, expected, atol=1e-6)
    shared = index._exact.unit_vectors
    assert (shared is not None) == (metric == "angular")
    assert shared is None or np.shares_memory(index.unit_vectors.array, shared.array)


def test_exact_search_beside_annoy_reads_the_vectors_in_its_file_and_copies_none(tmp_path):
    publish_tiny(tmp_path, count=300, vectors=5 * random_vectors(300, 8))
    index, exact = Index.open(tmp_path, "annoy"), Index.open(tmp_path, "exact")
    query = random_vectors(1, 8, seed=1)[0]
    for allowed in (None, np.arange(300) % 2 == 0, np.arange(300) < 20):
        rows, scores = index.rank_rows(query, 12, allowed, exact=True)
        expected, cosines = exact.rank_rows(query, 12, allowed)
        np.testing.assert_array_equal(rows, expected)
        np.testing.assert_allclose(scores, cosines, atol=1e-6)
    in_file = index._approximate_engine.float_vectors
    assert isinstance(in_file, np.memmap)
    np.testing.assert_array_equal(in_file, np.asarray(index.generation.vectors, np.float32))
    assert np.shares_memory(index._exact._prepared, in_file)
    assert np.shares_memory(index.unit_vectors.array, in_file)
    np.testing.assert_allclose(index.unit_vectors, exact.unit_vectors, atol=1e-6)
