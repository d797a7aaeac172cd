"""Links reopen the same query, and whatever they hold, opening one raises nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.search import permalinks
from lookbook.search.index import Index
from lookbook.search.permalinks import encoder_mark, from_params, to_params
from lookbook.search.query import Query
from tests.tiny_index import publish_tiny, random_vectors

IDS = ["a", "b,c", "d\\e", "f;g", "ü/ö?", "h=1&x=2", "last"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    root = tmp_path_factory.mktemp("shop")
    items = {
        "id": IDS,
        "title": IDS,
        "type": ["a;b", "c|d", "e\\", "f", "g", "h", "i"],
        "price": range(7),
    }
    publish_tiny(root, count=7, items=items, thumbs=[b""] * 7)
    return Index.open(root)


ids = st.lists(st.sampled_from(IDS), unique=True, max_size=5).map(tuple)
conditions = st.sampled_from(
    ["type=a;b", "type!=e\\", "price<=4", "price>=1.5", "type=f|g", "type=with, comma"]
)
queries = st.builds(
    lambda **parts: Query(
        **parts | {"negative": tuple(i for i in parts["negative"] if i not in parts["positive"])}
    ),
    item=st.none() | st.sampled_from(IDS),
    words=st.text(max_size=80).map(lambda text: text.replace("\0", "").strip()),
    positive=ids,
    negative=ids,
    where=st.lists(conditions, unique=True, max_size=4).map(tuple),
    count=st.integers(1, 96),
    diversity=st.integers(0, 20).map(lambda n: n / 20),
    fold=st.sampled_from(["colourways", "copies", None]),
)


@given(query=queries)
def test_a_link_reopens_its_query(shop, query):
    assert from_params(to_params(query), shop) == (query, [])


@given(seeds=st.lists(st.integers(0, 9999), min_size=1, max_size=4, unique=True))
def test_a_picture_comes_back_in_its_direction_and_stays_as_it_is(shop, seeds):
    vectors = [random_vectors(1, 8, seed)[0] for seed in seeds]
    query = Query(pictures=tuple(v / np.linalg.norm(v) for v in vectors))
    back, notes = from_params(to_params(query, allow_pictures=True, index=shop), shop)
    assert notes == []
    for sent, received in zip(query.pictures, back.pictures, strict=True):
        assert sent @ received > np.cos(np.radians(0.5 * 8**0.5))
        assert np.linalg.norm(received) == pytest.approx(1, abs=1e-6)
    again = to_params(back, allow_pictures=True, index=shop)
    assert again == to_params(query, allow_pictures=True, index=shop)


def test_a_private_picture_is_left_out_unless_allowed(shop):
    query = Query(pictures=(random_vectors(1, 8)[0],), item="a")
    assert to_params(query) == {"item": "a"}
    with pytest.raises(ValueError, match="needs the index"):
        to_params(query, allow_pictures=True)


def test_links_are_readable_and_what_is_usual_is_not_said():
    assert to_params(Query()) == {}
    query = Query(
        item="100012",
        words="in navy",
        where=("gender=Women", "price<=60"),
        positive=("7", "8"),
        count=48,
        diversity=0.3,
        fold=None,
    )
    assert to_params(query) == {
        "item": "100012",
        "words": "in navy",
        "where": "gender=Women;price<=60",
        "more": "7,8",
        "n": "48",
        "variety": "0.3",
        "fold": "none",
    }


hostile = st.dictionaries(
    st.sampled_from([*permalinks.NAMES, "utm_source"]),
    st.text(max_size=300) | st.integers() | st.none() | st.lists(st.text()) | st.binary(),
)


@given(params=hostile)
def test_no_link_raises_and_what_is_left_can_be_linked_again(shop, params):
    query, notes = from_params(params, shop)
    assert all(isinstance(note, str) and note.endswith(".") for note in notes)
    again, none = from_params(to_params(query, True, shop), shop)
    assert (again, none) == (query, [])
    assert query.item is None or query.item in IDS


@given(tail=st.text(alphabet="ABCxyz019-_~=", max_size=40))
def test_damaged_vectors_are_noted(shop, tail):
    query, notes = from_params({"picture": encoder_mark(shop) + "~" + tail}, shop)
    assert all(vector.shape == (8,) for vector in query.pictures)
    parts = {part for part in tail.split("~") if part}
    assert len(query.pictures) + sum("damaged" in note for note in notes) <= len(parts) + 1
    if parts and not query.pictures:
        assert notes


@pytest.mark.parametrize(
    ("params", "note"),
    [
        ({"item": "gone"}, "'gone' is not in this collection"),
        ({"more": "a,gone"}, "'gone' is not in this collection"),
        ({"where": "length=3"}, "'length=3' does not fit"),
        ({"where": "nonsense"}, "'nonsense' does not fit"),
        ({"where": "price<=cheap"}, "'price<=cheap' does not fit"),
        ({"where": "type=" + "x" * 600}, "does not fit"),
        ({"where": ";".join(f"price<={n}" for n in range(17))}, "Of 17 filters, the first 16"),
        ({"more": ",".join(map(str, range(40)))}, "Of 40 items, the first 32"),
        ({"words": "x" * 201}, "the first 200 characters"),
        ({"words": "x" * 20_000}, "longer than any link"),
        ({"words": ["x"]}, "words is not a text"),
        ({"n": "many"}, "n should be a number, found 'many'"),
        ({"n": "1000"}, "n goes from 1 to 96, found 1000"),
        ({"variety": "nan"}, "variety should be a number"),
        ({"n": "1e9"}, "n goes from 1 to 96, found 1e9"),
        ({"n": "-3"}, "n goes from 1 to 96, found -3"),
        ({"n": "2.5"}, "n should be a whole number, found 2.5"),
        ({"n": "1" * 400}, "n should be a number, found '1"),
        ({"variety": "-inf"}, "variety should be a number, found '-inf'"),
        ({"variety": "-1"}, "variety goes from 0 to 1, found -1"),
        ({"match": "size"}, "match is one of shape, colour, pattern, kind, found 'size'"),
        ({"sort": "best"}, "sort is one of"),
        ({"box": "0,0,1,1"}, "A link has no part called 'box'; it may have item, words, where"),
        ({"count": "12"}, "A link has no part called 'count'; it may have"),
        ({"Match": "shape"}, "A link has no part called 'Match'; it may have"),
        ({"pictures": "x"}, "A link has no part called 'pictures'; it may have"),
        ({"fold": "all"}, "fold is one of colourways, copies, none"),
        ({"picture": "00000000~AAAA"}, "encoded by another encoder"),
    ],
)
def test_what_cannot_be_used_is_said(shop, params, note):
    _, notes = from_params(params, shop)
    assert any(note in message for message in notes)


@pytest.mark.parametrize(
    "name", ["utm_source", "gclid", "__theme", "ref", "view", "list", "lang", "srsltid", "q", ""]
)
def test_parameters_of_others_are_ignored(shop, name):
    assert from_params({name: "x", "item": "a"}, shop) == (Query(item="a"), [])


def test_numbers_beyond_their_limits_are_brought_inside(shop):
    query, _ = from_params({"n": "1000", "variety": "7"}, shop)
    assert (query.count, query.diversity) == (96, 1.0)
    assert from_params({"n": "0"}, shop)[0].count == 1
    assert from_params({"n": "1e9"}, shop)[0].count == 96
    assert from_params({"n": "2.5"}, shop)[0].count == 2
    assert from_params({"n": "4e1"}, shop) == (Query(count=40), [])


def test_another_encoder_has_another_mark(tmp_path):
    marks = set()
    for n, revision in enumerate("ab"):
        publish_tiny(tmp_path / str(n), encoder={"id": "x", "revision": revision})
        marks.add(encoder_mark(Index.open(tmp_path / str(n))))
    publish_tiny(tmp_path / "moved", encoder={"id": "y", "revision": "a", "model": "/elsewhere"})
    assert encoder_mark(Index.open(tmp_path / "moved")) in marks
    assert len(marks) == 2
