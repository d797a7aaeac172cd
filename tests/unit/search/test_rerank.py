"""Results of a photo keep its kind and colour, on an index whose right answers are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lookbook.encoding.query_adapter import MATCHES
from lookbook.search import Query, ranking, rerank, run
from lookbook.search.intents import query_adapter
from lookbook.search.permalinks import from_params, to_params
from lookbook.search.query import matches_of, query_vector
from lookbook.search.rerank import order_key
from tests.unit.search.test_intents import shop, write_model

KINDS = ["hat", "hat", "hat", "hat", "shoe", "shoe"]
# the first axis says how close an item is to the photo, the third its colour
CLOSE = [1.0, 0.98, 0.97, 0.90, 0.93, 0.92]
PHOTO = np.array([1.0, 0.0, 0.0], np.float32)


@pytest.fixture
def folder(tmp_path):
    write_model(tmp_path / "model")
    return tmp_path


def opened(folder, colours=(0,) * 6, metric="angular", **columns):
    sides = [np.sqrt(max(0.0, 1 - c**2 - h**2)) for c, h in zip(CLOSE, colours, strict=True)]
    vectors = np.stack([CLOSE, sides, colours], axis=1).astype(np.float32)
    items = {"id": list("012345"), "title": ["thing"] * 6}
    given = {"vectors": vectors, "items": items | columns, "metric": metric}
    # the photo's scales (1, 0, 1) leave the second axis out
    return shop(folder, **given)


def ids(index, **options):
    return [hit.id for hit in run(Query(pictures=(PHOTO,), fold=None, **options), index).hits]


def test_the_kind_of_most_of_the_first_hits_comes_first(folder):
    assert ids(opened(folder)) == ["0", "1", "2", "4", "5", "3"], "by cosine"


def test_the_kind_moves_up_where_the_shop_has_a_column_of_kinds(folder):
    assert ids(opened(folder, kind=KINDS)) == ["0", "1", "2", "3", "4", "5"]


def test_a_column_that_says_nothing_of_kinds_moves_nothing(folder):
    assert ids(opened(folder, brand=KINDS)) == ["0", "1", "2", "4", "5", "3"]


def test_items_without_a_kind_are_still_shown(folder):
    index = opened(folder, kind=[None if kind == "shoe" else kind for kind in KINDS])
    assert sorted(ids(index)) == list("012345")


def test_the_first_hit_stays_even_of_another_kind(folder):
    index = opened(folder, kind=["shoe", "hat", "hat", "hat", "hat", "hat"])
    assert ids(index)[0] == "0"


def test_of_a_photo_that_nothing_is_like_no_hit_stays(folder, monkeypatch):
    index = opened(folder, kind=["shoe", "hat", "hat", "hat", "hat", "hat"])
    monkeypatch.setattr(rerank, "TEMPERATURE", 1.0)  # all hits vote
    assert ids(index)[0] == "0"
    monkeypatch.setattr(rerank, "_MIN_SIMILARITY", 1.2)  # above every cosine
    assert ids(index)[:4] == ["1", "2", "4", "5"]


def test_hits_vote_for_the_colour_of_a_photo_by_their_closeness_and_always_for_an_items():
    shares = [rerank._vote_share(cosine, True) for cosine in (0.3, 0.5, 0.6, 0.7, 0.9)]
    np.testing.assert_allclose(shares, [0, 0, 0.4, 0.8, 0.8])
    assert rerank._vote_share(0.3, False) == rerank._vote_share(0.9, False) == 0.5


def place_of_item_5(index, colour):
    """Return the place of item 5 among the results of a photo of this colour."""
    photo = np.array([1.0, 0.0, colour], np.float32)
    found = run(Query(pictures=(photo,), fold=None), index).hits
    return [hit.id for hit in found].index("5")


def test_colour_counts_more_for_a_photo_than_for_an_item(folder, monkeypatch):
    """Item 5 alone is of the photo's colour; with an item's weights it stays further behind."""
    monkeypatch.setattr(rerank, "_MIN_SIMILARITY", 1.2)  # above every cosine: no hit stays
    monkeypatch.setattr(rerank, "_FULL_VOTE_SIMILARITY", 1.5)
    looks = [-0.03, -0.03, -0.03, -0.03, -0.03, 0.03]
    index = opened(folder, looks, colour=["blue"] * 5 + ["red"])
    of_photos = place_of_item_5(index, 0.01)
    monkeypatch.setattr(rerank, "PHOTO_WEIGHTS", rerank.WEIGHTS)
    assert of_photos < place_of_item_5(index, 0.01)


def test_the_closer_the_first_hit_the_more_the_hits_say_of_the_colour(folder, monkeypatch):
    """The photo looks red, and all that is close to it but item 5 is blue."""
    looks = [-0.1, -0.1, -0.1, -0.1, -0.1, 0.1]
    index = opened(folder, looks, colour=["blue"] * 5 + ["red"])
    monkeypatch.setattr(rerank, "_MIN_SIMILARITY", 0.0)
    monkeypatch.setattr(rerank, "_FULL_VOTE_SIMILARITY", 0.5)
    assert place_of_item_5(index, 0.04) > 0
    monkeypatch.setattr(rerank, "_MIN_SIMILARITY", 1.2)
    monkeypatch.setattr(rerank, "_FULL_VOTE_SIMILARITY", 1.5)
    assert place_of_item_5(index, 0.04) == 0


def test_hits_of_a_photo_that_are_hardly_less_close_than_the_first_stay_too(folder, monkeypatch):
    index = opened(folder, kind=["hat", "shoe", "hat", "hat", "hat", "hat"])
    by_kind = ["0", "2", "4", "5", "3", "1"]
    monkeypatch.setattr(rerank, "STAYING_WITHIN", 0.01)  # the second hit is further off
    assert ids(index) == by_kind
    monkeypatch.setattr(rerank, "STAYING_WITHIN", 0.03)
    assert ids(index) == ["0", "1", "2", "4", "5", "3"]
    assert ids(index, match="kind") == by_kind, "one thing is asked for"


def test_no_more_than_three_hits_stay(folder, monkeypatch):
    monkeypatch.setattr(rerank, "STAYING_WITHIN", 1.0)
    index = opened(folder, kind=["hat", "shoe", "shoe", "hat", "shoe", "shoe"])
    assert ids(index) == ["0", "1", "2", "3", "4", "5"]


def test_of_an_item_the_first_hit_alone_stays(folder, monkeypatch):
    """An item finds by the second axis, so that the order is 3, 5, 4, 2, 0 by cosine."""
    monkeypatch.setattr(rerank, "STAYING_WITHIN", 1.0)
    monkeypatch.setattr(rerank, "TEMPERATURE", 1.0)
    index = opened(folder, kind=["hat", "hat", "hat", "hat", "hat", "shoe"])
    found = [hit.id for hit in run(Query(item="1", fold=None), index).hits]
    assert found.index("4") < found.index("5")


def test_a_product_stays_in_its_place_as_its_variant_that_is_nearest_in_colour(folder, monkeypatch):
    """Items 1 and 3 are one product in blue and in red, of which the blue one is closer."""
    monkeypatch.setattr(rerank, "STAYING_WITHIN", 0.2)
    index = opened(
        folder,
        [0.1, -0.1, 0.1, 0.1, 0.1, 0.1],
        colour=["red", "blue", "red", "red", "red", "red"],
        style_id=["a", "b", "c", "b", "d", "e"],
    )
    red = np.array([1.0, 0.0, 0.03], np.float32)
    assert [hit.id for hit in run(Query(pictures=(red,), fold=None), index).hits][:2] == ["0", "1"]
    found = [hit.id for hit in run(Query(pictures=(red,)), index).hits]
    assert found == ["0", "3", "2", "4", "5"]


def test_the_colour_that_the_shop_names_counts_more_than_how_one_photo_looks(folder):
    """Item 3 looks blue, but the shop calls it red, as it does other items that look red."""
    looks = [0.0, 0.05, 0.05, -0.02, -0.05, -0.05]
    index = opened(folder, looks, colour=["red", "red", "red", "red", "blue", "blue"])
    red = np.array([1.0, 0.0, 0.06], np.float32)
    found = [hit.id for hit in run(Query(pictures=(red,), fold=None), index).hits]
    assert found.index("3") < found.index("4")
    unnamed = opened(folder, looks, colour=["red", "red", "red", None, "blue", "blue"])
    found = [hit.id for hit in run(Query(pictures=(red,), fold=None), unnamed).hits]
    assert sorted(found) == list("012345")


def test_filters_and_the_number_of_results_hold(folder):
    index = opened(folder, kind=KINDS)
    assert ids(index, where=("kind=shoe",)) == ["4", "5"]
    assert ids(index, count=3) == ids(index)[:3]


def test_matching_on_kind_moves_it_further_up(folder):
    far = {"kind": ["hat", "hat", "hat", "shoe", "shoe", "hat"], "colour": list("rrrbbr")}
    order = ids(opened(folder, **far), match="kind")
    assert set(order[:4]) == {"0", "1", "2", "5"}


def test_matching_on_colour_moves_it_further_up(folder):
    looks = [0.1, -0.1, 0.1, -0.1, -0.1, 0.1]
    index = opened(folder, looks, colour=["red", "blue", "red", "blue", "blue", "red"])
    red = np.array([1.0, 0.0, 0.1], np.float32)

    def red_ones_first(match):
        found = run(Query(pictures=(red,), fold=None, match=match), index).hits
        return [hit.item.attributes["colour"] for hit in found].index("blue")

    assert red_ones_first("colour") == 3
    assert red_ones_first("kind") < 3


def key_with(folder, change):
    """The key of an index whose model folder was changed by `change`."""
    index = opened(folder)
    change(folder / "model")
    index.derived.clear()
    return order_key(index)


def settings_with(name, value):
    def change(model):
        file = model / "query.json"
        settings = json.loads(file.read_text())
        settings["scales"][name] = value
        file.write_text(json.dumps(settings))

    return change


def arrays_with(name, value):
    def change(model):
        arrays = load_file(model / "query.safetensors")
        save_file(arrays | {name: np.array(value, np.float32)}, model / "query.safetensors")

    return change


def item_network(model):
    parts = {"hidden_weight": np.ones((2, 3)), "hidden_bias": np.zeros(2)}
    parts |= {"output_weight": np.ones((3, 2)), "output_bias": np.zeros(3)}
    for part, array in parts.items():
        arrays_with(f"item.{part}", array)(model)


ORDERS_ITEMS = {
    "scales": settings_with("item", [0, 2, 1]),
    "colours": arrays_with("colour.item_weight", [[0, 0, 30], [0, 0, -30]]),
    "no classifiers": lambda model: (model / "query.safetensors").unlink(),
    "network": item_network,
}
ORDERS_PHOTOS = {
    "scales": settings_with("photo", [1, 1, 1]),
    "colours": arrays_with("colour.photo_weight", [[0, 0, 30], [0, 0, -30]]),
}


@pytest.mark.parametrize("change", ORDERS_ITEMS.values(), ids=ORDERS_ITEMS)
def test_the_key_changes_with_what_orders_results_for_items(folder, change):
    before = order_key(opened(folder))
    assert key_with(folder, change) not in (before, None)


@pytest.mark.parametrize("change", ORDERS_PHOTOS.values(), ids=ORDERS_PHOTOS)
def test_the_key_stays_where_photos_alone_are_ordered_otherwise(folder, change):
    assert key_with(folder, change) == order_key(opened(folder)) is not None


@pytest.mark.parametrize(
    "rule", ["VOTERS", "TEMPERATURE", "POOL", "_MIN_COLOUR", "_MIN_KIND", "_ITEM_VOTE"]
)
def test_the_key_changes_with_the_rules_where_results_are_re_ranked(folder, rule, monkeypatch):
    angular, other = opened(folder), opened(folder, metric="euclidean")
    before = order_key(angular), order_key(other)
    monkeypatch.setattr(rerank, rule, 7)
    assert order_key(angular) != before[0]
    assert order_key(other) == before[1] != before[0]


def test_nothing_orders_results_without_a_model(folder):
    assert key_with(folder, lambda model: (model / "query.json").unlink()) is None


def test_matching_on_shape_takes_its_own_scales(folder):
    index = opened(folder)
    photo = np.array([0.6, 0.8, 0.0], np.float32)
    np.testing.assert_allclose(query_vector(Query(pictures=(photo,)), index), [1, 0, 0])
    shape = query_vector(Query(pictures=(photo,), match="shape"), index)
    np.testing.assert_allclose(shape, [0, 1, 0], atol=1e-6)
    for moved in ({"diversity": 0.5}, {"words": "zig"}):
        query = Query(pictures=(photo,), match="shape", **moved)
        np.testing.assert_allclose(query_vector(query, index, NoWords()), [0, 1, 0], atol=1e-6)


def test_a_photo_or_an_item_can_be_matched_on_something_whatever_else_is_asked(folder):
    index = opened(folder)
    moved = ({}, {"words": "hat"}, {"positive": ("2",)}, {"diversity": 0.5})
    for shown in ({"item": "1"}, {"pictures": (PHOTO,)}):
        assert [matches_of(Query(**shown, **more), index) for more in moved] == [MATCHES] * 4
    for query in (Query(), Query(words="hat"), Query(positive=("2",))):
        assert matches_of(query, index) == ()
    with pytest.raises(ValueError, match="match is one of shape, colour, pattern, kind"):
        Query(match="size")
    with pytest.raises(ValueError, match="match is one of shape, colour, pattern, kind"):
        query_adapter(index)(PHOTO[None], "photo", "size")


class NoWords:
    """An encoder that knows no word: only titles say what has one."""

    def knows(self, text):
        return False

    def unknown_words(self, text):
        return []


def zig(*rows):
    return ["zig thing" if row in rows else "thing" for row in range(6)]


def found_with(index, match, **more):
    query = Query(pictures=(PHOTO,), fold=None, match=match, **more)
    return [hit.id for hit in run(query, index, NoWords()).hits]


def test_what_has_the_words_is_matched_on_colour(folder):
    looks = [0.1, -0.1, 0.1, -0.1, -0.1, 0.1]
    index = opened(folder, looks, colour=list("rbrbbr"), title=zig(1, 2, 4, 5))
    red = np.array([1.0, 0.0, 0.1], np.float32)

    def found(match):
        query = Query(pictures=(red,), words="zig", fold=None, match=match)
        return [hit.id for hit in run(query, index, NoWords()).hits]

    assert found("")[:4] == ["2", "1", "5", "4"]
    assert found("colour")[:2] == ["2", "5"], "both have the word and are red"


def test_the_kind_is_that_of_the_photo_not_of_what_has_the_words(folder):
    index = opened(folder, kind=KINDS, title=zig(3, 4, 5))
    assert found_with(index, "", words="zig")[:3] == ["4", "5", "3"], "by cosine"
    assert found_with(index, "kind", words="zig")[0] == "3", "most that have it are shoes"
    assert found_with(index, "kind", words="zig", count=1) == ["3"]


def test_more_matching_results_than_are_re_ranked_follow_each_once(folder, monkeypatch):
    monkeypatch.setattr(ranking, "RERANK_POOL", 2)
    index = opened(folder, kind=KINDS, title=zig(3, 4, 5))
    assert found_with(index, "kind", words="zig")[:3] == ["4", "5", "3"]
    assert sorted(found_with(index, "kind", words="zig")) == list("012345")


def test_matching_results_are_one_of_each_product(folder):
    index = opened(folder, kind=KINDS, title=zig(3, 4, 5), style_id=list("abcbde"))
    query = Query(pictures=(PHOTO,), words="zig", match="kind")
    assert [hit.id for hit in run(query, index, NoWords()).hits] == ["3", "0", "2", "4", "5"]


def test_varied_results_are_matched_too(folder):
    index = opened(folder, kind=["hat", "hat", "hat", "shoe", "shoe", "hat"])
    assert set(found_with(index, "kind", diversity=0.01)[:4]) == {"0", "1", "2", "5"}
    assert set(found_with(index, "", diversity=0.01)[:4]) != {"0", "1", "2", "5"}


def test_filters_that_nothing_meets_leave_nothing_to_match(folder):
    index = opened(folder, kind=KINDS)
    assert found_with(index, "kind", words="zig", where=("kind=boot",)) == []


def test_a_match_without_effect_is_said(folder):
    index = opened(folder)
    assert run(Query(item="1", match="shape"), index).notes == ()
    assert run(Query(item="1", positive=("2",), match="shape"), index).notes == ()
    for query in (Query(words="zig"), Query(positive=("2",)), Query()):
        notes = run(replace(query, match="shape"), index, NoWords()).notes
        assert notes[-1].endswith("it needs a photo or a piece")
    assert run(Query(item="1", words="thing", match="shape"), index, NoWords()).notes == ()
    unadapted = opened(folder, metric="euclidean")
    (note,) = run(Query(item="1", match="shape"), unadapted).notes
    assert note.endswith("the model of this index has no such parts")


def test_what_moves_results_is_named_once():
    assert Query(item="1").moved_by == frozenset()
    moved = Query(item="1", words="hat", positive=("2",), diversity=0.5, match="shape").moved_by
    assert moved == {"words", "feedback", "variety", "match"}


def test_a_link_keeps_what_is_matched_on(folder):
    index = opened(folder)
    query = Query(item="1", match="colour")
    params = to_params(query, index=index)
    assert params["match"] == "colour"
    assert from_params(params, index) == (query, [])
    read, (warning,) = from_params({"item": "1", "match": "size"}, index)
    assert read == Query(item="1")
    assert "match is one of" in str(warning)
