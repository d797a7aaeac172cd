"""Composed queries against brute force: vectors, feedback, diversity, colourways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookbook.schema.filters import Condition, FilterError, matches, parse_where
from lookbook.search.index import Index, UnknownItem
from lookbook.search.lexical_index import lexical_index
from lookbook.search.mmr import maximal_marginal_relevance
from lookbook.search.query import Query, query_vector, run
from lookbook.search.query_text import parse_negation
from lookbook.search.understanding import understand
from tests.tiny_index import publish_tiny, random_vectors

COUNT, DIM = 120, 6
WORDS = {"red": 0, "striped": 1, "wool": 2}
same_fixture = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)


class Speaker:
    """An encoder's words, each an axis of the space."""

    def knows(self, text):
        return any(word in WORDS for word in text.split())

    def unknown_words(self, text):
        return [word for word in text.split() if word not in WORDS]

    def encode_text(self, texts):
        axes = np.eye(DIM, dtype=np.float32)
        sums = [np.sum([axes[WORDS[w]] for w in t.split() if w in WORDS], axis=0) for t in texts]
        return np.stack([v / np.linalg.norm(v) for v in sums])


def write_shop(root, **options):
    draw = np.random.default_rng(5)
    items = {
        "id": [f"i{n}" for n in range(COUNT)],
        "title": [f"Item {n}" for n in range(COUNT)],
        "group": [n - n % 2 if n % 10 < 2 else n for n in range(COUNT)],
        "style_id": [f"s{n}" for n in draw.integers(0, COUNT // 3, COUNT)],
        "colour": [["red", "blue", "green"][n % 3] for n in range(COUNT)],
    }
    publish_tiny(root, count=COUNT, dim=DIM, items=items, thumbs=[b""] * COUNT, **options)
    return Index.open(root, engine="exact")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return write_shop(tmp_path_factory.mktemp("shop"))


def unit(vector):
    return vector / np.linalg.norm(vector)


def oracle_products(index):
    """Union of copies and style ids, found by walking until nothing changes."""
    first_of = index.generation.items["group"].to_pylist()
    return [index.items[row].attributes["style_id"] for row in first_of]


def oracle(query, index, vector, scores=None):
    """Every card in order: one row after the other, with nothing but loops."""
    copies, style = index.generation.items["group"].to_pylist(), oracle_products(index)
    vectors = np.asarray(index.generation.vectors, np.float64)
    if scores is None:
        scores = vectors @ vector / np.linalg.norm(vectors, axis=1)
    own = [index.row_of(id) for id in (query.item, *query.positive, *query.negative) if id]
    hidden = {row for row in range(COUNT) for o in own if row == o or copies[row] == copies[o]}
    if query.fold is None:
        hidden = set(own)
    conditions, key = parse_where(query.where), {"colourways": style, "copies": copies}
    keys, shown, seen = key.get(query.fold, range(COUNT)), [], set()
    for row in np.argsort(-scores, kind="stable"):
        allowed = row not in hidden and matches(conditions, index.items[int(row)].attributes)
        if allowed and keys[row] not in seen:
            seen.add(keys[row])
            shown.append((int(row), scores[row]))
    return shown


ids = st.integers(0, COUNT - 1).map(lambda n: f"i{n}")
queries = st.builds(
    lambda seeds, item, more, less, where, count, fold: Query(
        pictures=tuple(unit(random_vectors(1, DIM, s)[0]) for s in seeds),
        item=item,
        positive=tuple(more),
        negative=tuple(less - more),
        where=where,
        count=count,
        fold=fold,
    ),
    st.lists(st.integers(0, 999), max_size=3),
    st.none() | ids,
    st.sets(ids, max_size=3),
    st.sets(ids, max_size=3),
    st.sampled_from([(), ("colour=red",), ("colour=red|blue",), ("colour!=green",)]),
    st.integers(1, COUNT),
    st.sampled_from(["colourways", "copies", None]),
).filter(lambda query: not query.empty)


@same_fixture
@given(query=queries)
def test_an_answer_is_the_brute_force_answer(shop, query):
    answer = run(query, shop)
    expected = oracle(query, shop, query_vector(query, shop))[: query.count]
    assert [hit.row for hit in answer.hits] == [row for row, _ in expected]
    np.testing.assert_allclose([h.score for h in answer.hits], [s for _, s in expected], atol=1e-4)
    conditions = parse_where(query.where)
    assert answer.total_searched == sum(matches(conditions, i.attributes) for i in shop.items)


@same_fixture
@given(query=queries, words=st.sampled_from(["red", "in blue, without red", "not green", "red 7"]))
def test_lexical_scores_add_to_the_cosine(shop, query, words):
    query = Query(**{**vars(query), "words": words, "where": ()})
    alone = replace(query, words="").empty
    colours = np.array(shop.column("colour"))
    bonus = (colours == {"in blue, without red": "blue", "not green": None}.get(words, "red")) * 4.0
    if words == "red 7":
        bonus += (0.8 if alone else 0.3) * lexical_index(shop).share("7")
    left_out = {"in blue, without red": "red", "not green": "green"}.get(words)
    scores = np.asarray(shop.generation.vectors, np.float64) @ query_vector(query, shop, Speaker())
    scores /= np.linalg.norm(np.asarray(shop.generation.vectors, np.float64), axis=1)
    total = scores + bonus
    hits = run(query, shop, Speaker()).hits
    got = [hit.row for hit in hits]
    np.testing.assert_allclose([hit.score for hit in hits], scores[got], atol=1e-4)
    kept = np.where(colours == left_out, -np.inf, total)
    expected = [row for row, s in oracle(query, shop, None, kept) if s > -np.inf][: query.count]
    np.testing.assert_allclose(total[got], total[expected], atol=2e-4)


def test_a_colour_that_is_asked_for_comes_first(shop):
    query = Query(item="i3", words="in blue", count=COUNT, fold=None)
    hits, plain = (run(q, shop, Speaker()).hits for q in (query, replace(query, words="")))
    blue, before = (
        np.mean([n for n, hit in enumerate(h) if hit.item.attributes["colour"] == "blue"])
        for h in (hits, plain)
    )
    assert blue < before - 5, "the blue ones moved to the front"


def test_words_that_only_the_catalogue_knows_find_what_it_says(shop):
    answer = run(Query(words="blue wobbly", count=COUNT, fold=None), shop, Speaker())
    assert answer.unknown_words == ["wobbly"]
    assert len(answer.hits) == COUNT // 3
    assert {hit.item.attributes["colour"] for hit in answer.hits} == {"blue"}


@same_fixture
@given(query=queries, diversity=st.floats(0.05, 1))
def test_variety_is_marginal_relevance_over_the_whole_pool(shop, query, diversity):
    query = Query(**{**vars(query), "diversity": diversity, "count": min(query.count, 12)})
    vector = query_vector(query, shop)
    pool = oracle(query, shop, vector)  # smaller than what diversity chooses from
    vectors = {row: unit(np.asarray(shop.generation.vectors[row], np.float64)) for row, _ in pool}
    chosen, left = [], dict(pool)
    while left and len(chosen) < query.count:
        near = {r: max([vectors[r] @ vectors[c] for c in chosen], default=None) for r in left}
        gain = {
            r: (1 - diversity) * s - diversity * near[r] if chosen else s for r, s in left.items()
        }
        best = max(gain, key=gain.get)
        chosen.append(best)
        del left[best]
    got = [hit.row for hit in run(query, shop).hits]
    assert len(got) == len(chosen)
    first = next((i for i, (a, b) in enumerate(zip(got, chosen, strict=True)) if a != b), None)
    if first is not None:  # nothing but rounding may tell them apart
        both = [vectors[got[first]], vectors[chosen[first]]]
        values = [
            (1 - diversity) * v @ vector - diversity * max(v @ vectors[c] for c in chosen[:first])
            for v in both
        ]
        assert values[0] == pytest.approx(values[1], abs=1e-5)


@same_fixture
@given(query=queries)
def test_colourways_are_the_rest_of_the_product_that_may_be_shown(shop, query):
    query = Query(**{**vars(query), "fold": "colourways"})
    style, copies = oracle_products(shop), shop.generation.items["group"].to_pylist()
    own = {copies[shop.row_of(id)] for id in (query.item, *query.positive, *query.negative) if id}
    conditions = parse_where(query.where)
    for hit in run(query, shop).hits:
        expected = [
            item.id
            for row, item in enumerate(shop.items)
            if style[row] == style[hit.row]
            and copies[row] == row != copies[hit.row]
            and row not in own
            and matches(conditions, item.attributes)
        ]
        assert [item.id for item in hit.colourways] == expected


def test_an_answer_without_words_does_not_wait_for_the_concepts_of_words(tmp_path):
    publish_tiny(tmp_path)
    index = Index.open(tmp_path)
    for query in (Query(), Query(item="a-1"), Query(where=parse_where({"colour": "red"}))):
        assert run(query, index).hits
    assert not [name for name in index.derived if "concepts" in name or "lexical" in name]


def test_only_an_item_is_what_similar_gives(shop):
    hits = run(Query(item="i7", fold="copies"), shop).hits
    assert [h.id for h in hits] == [h.id for h in shop.similar("i7")]


def test_the_vector_follows_the_formulas(shop):
    picture, other = (unit(v) for v in random_vectors(2, DIM, 8))
    item, more, less = (unit(shop.vector(f"i{n}")) for n in (1, 2, 3))
    axes = np.eye(DIM)
    both = Query(pictures=(picture, other), item="i1")
    np.testing.assert_allclose(query_vector(both, shop), unit(picture + other + item), atol=1e-5)
    words = Query(pictures=(picture,), words="in red, without striped")
    np.testing.assert_allclose(
        query_vector(words, shop, Speaker()), unit(picture + axes[0] - 0.7 * axes[1]), atol=1e-5
    )
    moved = Query(pictures=(picture,), positive=("i2",), negative=("i3",))
    np.testing.assert_allclose(
        query_vector(moved, shop), unit(picture + 0.75 * more - 0.25 * less), atol=1e-5
    )


def test_every_part_is_in_the_space_of_the_stored_vectors(tmp_path):
    mean, matrix = random_vectors(1, DIM, 1)[0], random_vectors(DIM, 3, 2)
    index = write_shop(tmp_path, projection=(mean, matrix))
    picture = unit(random_vectors(1, DIM, 8)[0])
    projected = unit((picture - mean) @ matrix)
    assert query_vector(Query(pictures=(picture,)), index).shape == (3,)
    vector = query_vector(Query(pictures=(picture,), item="i4"), index)
    np.testing.assert_allclose(vector, unit(projected + unit(index.vector("i4"))), atol=1e-3)
    hits = run(Query(pictures=(picture,), fold=None), index).hits
    assert [h.id for h in hits] == [h.id for h in index.search(picture, fold=False)]


def test_more_draws_near_and_less_pushes_away(shop):
    start = Query(item="i0")
    for step, sign in ((Query.with_positive, 1), (Query.with_negative, -1)):
        moved = query_vector(step(start, "i50"), shop) - query_vector(start, shop)
        assert sign * moved @ unit(shop.vector("i50")) > 0


def test_undo_takes_back_feedback_and_keeps_other_parts():
    start = Query(item="a", where=("colour=red",))
    there = start.with_positive("x").with_negative("y").with_negative("x")
    assert (there.positive, there.negative) == ((), ("y", "x"))
    back = there.undo()
    assert (back.positive, back.negative) == (("x",), ("y",))
    kept = Query(**{**vars(back), "words": "wool"}).undo()
    assert (kept.positive, kept.negative, kept.words) == (("x",), (), "wool")
    assert kept.undo().undo().undo() == Query(item="a", where=start.where, words="wool")
    from_link = Query(positive=("x", "z"), negative=("y",))
    assert from_link.undo() == Query(positive=("x", "z"))
    assert from_link.undo().undo() == Query(positive=("x",))


def test_equality_looks_into_pictures():
    one, other = random_vectors(2, DIM)
    assert Query(pictures=(one,)) == Query(pictures=(one.copy(),))
    assert hash(Query(pictures=(one,))) == hash(Query(pictures=(one.copy(),)))
    assert Query(pictures=(one,)) != Query(pictures=(other,))
    assert Query(pictures=(one,)) != Query(pictures=(one, one))
    assert Query() != "query"


def test_nothing_but_filters_gives_the_catalogue_in_its_order(shop):
    answer = run(Query(where=("colour=blue",), count=5, fold=None), shop)
    assert [hit.row for hit in answer.hits] == [1, 4, 7, 10, 13]
    assert not answer.ranked
    folded = run(Query(count=COUNT), shop)
    assert sum(1 + len(hit.colourways) for hit in folded.hits) == len(set(shop.duplicate_groups))


def test_unknown_words_are_reported_and_ignored(shop):
    answer = run(Query(words="a wobbly red thing"), shop, Speaker())
    assert answer.unknown_words == ["wobbly", "thing"]
    assert answer.hits[0].row == max(range(COUNT), key=lambda r: unit(shop.vector(f"i{r}"))[0])
    lost = run(Query(words="wobbly"), shop, Speaker())
    assert (lost.hits, lost.unknown_words) == ([], ["wobbly"])
    kept = run(Query(item="i3", words="wobbly"), shop, Speaker())
    assert [h.id for h in kept.hits] == [h.id for h in run(Query(item="i3"), shop).hits]


@pytest.mark.parametrize(
    ("query", "error", "message"),
    [
        (Query(words="red"), ValueError, "need an encoder"),
        (Query(item="nobody"), UnknownItem, "'nobody'"),
        (Query(item="i1", positive=("nobody",)), UnknownItem, "'nobody'"),
        (Query(item="i1", where=("length=3",)), FilterError, "'length'"),
        (Query(item="i1", fold="all"), ValueError, "found 'all'"),
        (Query(item="i1", diversity=2.0), ValueError, "between 0 and 1"),
        (Query(pictures=(np.ones(3),)), ValueError, "another model"),
    ],
)
def test_an_invalid_query_raises_a_message(shop, query, error, message):
    with pytest.raises(error, match=message):
        run(query, shop)


def test_an_empty_query_has_no_vector(shop):
    with pytest.raises(ValueError, match="give a picture or an item"):
        query_vector(Query(), shop)


@pytest.mark.parametrize(
    ("text", "expected", "unwanted"),
    [
        ("navy", "navy", ""),
        ("in navy, without stripes", "in navy", "stripes"),
        ("without stripes or dots in navy", "in navy", "stripes or dots"),
        ("not red but blue", "but blue", "red"),
        ("dress not in black", "dress", "black"),
        ("Kleid nicht in Rot mit Taschen", "Kleid mit Taschen", "Rot"),
        ("nothing but red", "but red", ""),
        ("bag, nothing red", "bag", "red"),
        ("wool -hood no zip; short", "wool short", "hood, zip"),
        ("no sneakers, no black", "", "sneakers, black"),
        ("no blue -striped bag", "", "blue bag, striped"),
        (
            "no black or white shirt no hood with buttons",
            "with buttons",
            "black or white shirt, hood",
        ),
        ("bag under 1\u2009200, red", "bag under 1\u2009200 red", ""),
        ("t-shirt – new", "t-shirt – new", ""),
        ("", "", ""),
    ],
)
def test_negated_words_are_split_off(text, expected, unwanted):
    assert parse_negation(text) == (expected, unwanted)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dress withot flowers", ("dress", "flowers")),
        ("dress wihtout flowers", ("dress", "flowers")),
        ("kleid ohne blumen", ("kleid", "blumen")),
        ("without exception", ("", "exception")),
        ("nota dress", ("nota dress", "")),
        ("dress within reach", ("dress within reach", "")),
    ],
)
def test_a_long_negation_may_be_misspelt(text, expected):
    assert parse_negation(text) == expected


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("dress (not red)", "red"),
        ('dress "without red"', "red"),
        ("dress:without red", "red"),
        ("dress –red", "red"),
        ("dress w/o stripes", "stripes"),
        ("dress free of stripes", "stripes"),
        ("dress that isn't red", "red"),
        ("neither red nor blue dress", "red, blue dress"),
        ("any dress but red", "red"),
        ("anything but jeans", "jeans"),
    ],
)
def test_other_ways_to_negate(text, unwanted):
    assert parse_negation(text)[1] == unwanted


def test_stop_words_are_dropped(shop):
    terms = understand("show me a shirt in Navy please", "", shop).terms
    assert [typed for typed, _ in terms] == ["shirt", "navy"]


@given(
    n=st.integers(0, 30), k=st.integers(0, 40), seed=st.integers(0, 99), diversity=st.floats(0, 1)
)
def test_marginal_relevance_is_a_choice_without_repeats(n, k, seed, diversity):
    vectors = random_vectors(n, 4, seed)
    scores = np.random.default_rng(seed).normal(size=n)
    chosen = maximal_marginal_relevance(scores, vectors, k, diversity)
    assert len(chosen) == len(set(chosen.tolist())) == min(n, k)
    if len(chosen):
        assert scores[chosen[0]] == scores.max()
    longer = maximal_marginal_relevance(scores, vectors, k + 5, diversity)
    np.testing.assert_array_equal(longer[: len(chosen)], chosen)  # "show more" moves nothing


@given(n=st.integers(1, 30), seed=st.integers(0, 99))
def test_no_variety_ranks_by_score(n, seed):
    scores = np.random.default_rng(seed).normal(size=n)
    chosen = maximal_marginal_relevance(scores, random_vectors(n, 4, seed), n, 0.0)
    np.testing.assert_array_equal(chosen, np.argsort(-scores, kind="stable"))


def test_variety_passes_over_twins():
    vectors = np.array([[1, 0], [1, 0], [0.6, 0.8]])
    scores = np.array([1.0, 1.0, 0.6])
    assert maximal_marginal_relevance(scores, vectors, 3, 0.6).tolist() == [0, 2, 1]
    with pytest.raises(ValueError, match=r"found 1\.5"):
        maximal_marginal_relevance(scores, vectors, 3, 1.5)
    with pytest.raises(ValueError, match="each of 3 vectors, not 2"):
        maximal_marginal_relevance(scores[:2], vectors, 3, 0.5)


@pytest.mark.parametrize("where", ["colour=red", ("colour=red",), {"colour": "red"}])
def test_conditions_of_any_form_are_parsed_once(shop, where, monkeypatch):
    query = Query(where=where, count=COUNT, fold=None)
    assert query.where == (Condition("colour", "=", ("red",)),)
    monkeypatch.setattr(Condition, "parse", None)  # whoever parses again fails
    answer = run(query.with_positive("i0"), shop)
    assert {hit.item.attributes["colour"] for hit in answer.hits} == {"red"}


def test_conditions_are_tested_once_a_query(shop, monkeypatch):
    tested, mask = [], Condition.mask
    monkeypatch.setattr(Condition, "mask", lambda self, c: tested.append(self) or mask(self, c))
    run(Query(item="i0", words="red striped", where=("colour!=green",)), shop, Speaker())
    assert len(tested) == 1


def test_a_condition_that_cannot_be_read_makes_no_query():
    with pytest.raises(FilterError, match="'no condition'"):
        Query(where=("no condition",))


def test_old_names_of_a_query_warn_and_work():
    with pytest.warns(DeprecationWarning, match=r"Query\(variety=\.\.\.\) is now Query\(diversity"):
        query = Query(variety=0.3)
    assert query == Query(diversity=0.3)
    with pytest.warns(DeprecationWarning, match=r"Query\.variety is now Query\.diversity"):
        assert query.variety == 0.3
    with pytest.warns(DeprecationWarning, match=r"with_more is now Query\.with_positive"):
        assert query.with_more("a") == Query(diversity=0.3, positive=("a",))
    with pytest.warns(DeprecationWarning):
        assert Query(more=("a",), less=("b",)) == Query(positive=("a",), negative=("b",))
