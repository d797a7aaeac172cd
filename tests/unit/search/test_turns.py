"""Several colours, and the kinds of a general one, take turns."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.search.index import Index
from lookbook.search.query import Query, run
from tests.tiny_index import publish_tiny
from tests.unit.search.test_understanding import FixedTextEncoder

COUNT = 48


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Index:
    """Dresses and three kinds of shoes; blue ones, and heels, lie closest to every text."""
    text = FixedTextEncoder().encode_text(["any"])[0]
    text /= np.linalg.norm(text)
    kinds = [("Dresses", "Heels", "Flats", "Sports Shoes")[n // 12] for n in range(COUNT)]
    colours = [("Blue", "Red", "White")[n // 4 % 3] for n in range(COUNT)]
    far = np.array(
        [0.2 + (c != "Blue") + 3 * (k != "Heels") for c, k in zip(colours, kinds, strict=True)]
    )
    noise = np.random.default_rng(0).normal(size=(COUNT, 8))
    noise -= np.outer(noise @ text, text)  # the further, the less alike
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    items = {"id": [f"i{n}" for n in range(COUNT)], "title": [f"Ada {n}" for n in range(COUNT)]}
    items["title"][9] = "Emma Red Blue Dress"
    items |= {"articleType": kinds, "baseColour": colours}
    items["pattern"] = [("Striped", "Solid")[n % 2] for n in range(COUNT)]
    vectors = (text + noise * far[:, None] / 3).astype(np.float32)
    root = tmp_path_factory.mktemp("shop")
    publish_tiny(root, count=COUNT, dim=8, items=items, thumbs=[b""] * COUNT, vectors=vectors)
    return Index.open(root, engine="exact")


def found(shop: Index, words: str, count: int = 12, **parts: object) -> list[dict]:
    query = Query(words=words, count=count, fold=None, **parts)
    return [hit.item.attributes for hit in run(query, shop, FixedTextEncoder()).hits]


@pytest.mark.parametrize(
    "words", ["red or blue dress", "dress blue or red", "rotes oder blaues Kleid"]
)
def test_two_colours_are_as_present_as_each_other(shop, words):
    items = found(shop, words)
    assert {item["articleType"] for item in items} == {"Dresses"}
    colours = [item["baseColour"] for item in items]
    assert [set(colours[n : n + 2]) for n in range(0, 8, 2)] == [{"Red", "Blue"}] * 4
    assert set(colours[8:]) == {"White"}


def test_what_else_is_asked_for_comes_before_the_turns(shop):
    items = found(shop, "red or blue striped dress")
    assert {item["pattern"] for item in items[:4]} == {"Striped"}
    assert {item["baseColour"] for item in items[:2]} == {"Red", "Blue"}


def test_a_title_typed_comes_before_the_turns(shop):
    """Whatever its colour is: the dress is white."""
    result = run(Query(words="Emma red blue dress", fold=None), shop, FixedTextEncoder())
    assert result.hits[0].id == "i9" and result.hits[0].item.attributes["baseColour"] == "White"


def test_a_colour_that_is_not_here_takes_no_turn(shop):
    assert {item["baseColour"] for item in found(shop, "red or pink dress", 4)} == {"Red"}


def test_colours_that_are_left_out_or_filtered_take_no_turn(shop):
    items = found(shop, "red or blue dress", where=("baseColour!=Blue",))
    assert [item["baseColour"] for item in items] == ["Red"] * 4 + ["White"] * 4


def test_shoes_in_general_are_of_several_kinds(shop):
    kinds = [item["articleType"] for item in found(shop, "shoes")]
    assert [len(set(kinds[n : n + 3])) for n in range(0, 12, 3)] == [3] * 4
    items = found(shop, "blue shoes")
    assert {item["baseColour"] for item in items} == {"Blue"}, "before others of any kind"
    assert len({item["articleType"] for item in items[:3]}) == 3


@pytest.mark.parametrize("words", ["heels or flats", "flats or heels", "Ballerinas oder Pumps"])
def test_two_kinds_are_as_present_as_each_other(shop, words):
    kinds = [item["articleType"] for item in found(shop, words)]
    assert [len(set(kinds[n : n + 2])) for n in range(0, 12, 2)] == [2] * 6


def test_two_kinds_in_two_colours_take_turns(shop):
    items = found(shop, "red or blue heels or flats", 16)
    each = [(item["articleType"], item["baseColour"]) for item in items]
    assert [len(set(each[n : n + 4])) for n in range(0, 16, 4)] == [4] * 4


def test_a_narrower_kind_beside_its_broader_one_comes_before_its_turns(shop):
    kinds = [item["articleType"] for item in found(shop, "heels or shoes", 20)]
    assert set(kinds[:12]) == {"Heels"}
    assert [set(kinds[n : n + 2]) for n in range(12, 20, 2)] == [{"Flats", "Sports Shoes"}] * 4


def test_a_kind_stays_general_where_a_stray_item_is_just_called_so(tmp_path):
    """Two of sixty are called jewellery, and no more; of half as many of them it is a kind."""
    for strays, general in ((2, True), (30, False)):
        items = {"id": [f"i{n}" for n in range(60)], "title": ["Ada"] * 60}
        items["articleType"] = (["Jewellery"] * strays + ["Earrings", "Ring"] * 30)[:60]
        path = tmp_path / str(strays)
        path.mkdir()
        publish_tiny(path, count=60, dim=8, items=items, thumbs=[b""] * 60)
        kinds = [item["articleType"] for item in found(Index.open(path), "jewellery", 6)]
        assert set(kinds) == ({"Earrings", "Ring"} if general else {"Jewellery"})


def test_a_stray_kind_takes_no_turns(tmp_path):
    """One in forty is called a gift, and its title says that it is a shoe."""
    items = {"id": [f"i{n}" for n in range(40)], "title": ["Ada"] * 40}
    items["articleType"] = ["Zzyx", *["Heels", "Flats"] * 19, "Heels"]
    items["title"][0] = "Ada Emma Rose Shoe"
    publish_tiny(tmp_path, count=40, dim=8, items=items, thumbs=[b""] * 40)
    kinds = [item["articleType"] for item in found(Index.open(tmp_path), "shoes", 40)]
    assert [set(kinds[n : n + 2]) for n in range(0, 38, 2)] == [{"Heels", "Flats"}] * 19
    assert kinds[-1] == "Zzyx"


def test_what_is_just_called_a_bag_is_no_better_bag(tmp_path):
    """The shop's finest column names it as something else."""
    items = {"id": [f"i{n}" for n in range(9)], "title": ["Ada"] * 9, "subCategory": ["Bags"] * 9}
    items["articleType"] = [*["Handbags", "Backpacks"] * 4, "Zzyx"]
    publish_tiny(tmp_path, count=9, dim=8, items=items, thumbs=[b""] * 9)
    kinds = [item["articleType"] for item in found(Index.open(tmp_path), "bag", 6)]
    assert {"Handbags", "Backpacks"} <= set(kinds[:3])


def test_a_kind_of_its_own_is_not_mixed_with_others(shop):
    assert {item["articleType"] for item in found(shop, "heels")} == {"Heels"}


def test_in_place_of_a_kind_that_is_not_here_the_nearest_ones_are_shown(shop):
    assert {item["articleType"] for item in found(shop, "boots", 8)} == {"Heels"}


@pytest.mark.parametrize("words", ["red or blue dress", "shoes", "blue shoes"])
def test_showing_more_keeps_what_is_shown(shop, words):
    assert found(shop, words, 5) == found(shop, words, 20)[:5]


def test_showing_more_keeps_what_is_shown_of_narrower_colours_too(tmp_path):
    """Navy dresses for summer are placed before blue ones for winter, however few are shown."""
    items = {"id": [f"i{n}" for n in range(24)], "title": ["Ada"] * 24}
    items["articleType"] = ["Dresses"] * 24
    items["baseColour"] = ["Blue"] * 12 + ["Navy"] * 6 + ["Red"] * 6
    items["season"] = ["Winter"] * 12 + ["Summer"] * 6 + ["Winter"] * 6
    publish_tiny(tmp_path, count=24, dim=8, items=items, thumbs=[b""] * 24)
    shop = Index.open(tmp_path, engine="exact")
    for words in ("red or blue summer dress", "summer dress in blue or red"):
        pages = [found(shop, words, count) for count in (3, 8, 16, 24)]
        assert [item["baseColour"] for item in pages[0]] == ["Navy"] * 3
        assert pages == [pages[-1][: len(page)] for page in pages]


def test_more_variety_keeps_the_turns(shop):
    """Of the kinds of shoes, and of both colours."""
    for diversity in (0.5, 0.9):
        kinds = [item["articleType"] for item in found(shop, "shoes", diversity=diversity)]
        assert [len(set(kinds[n : n + 3])) for n in range(0, 12, 3)] == [3] * 4
        colours = [i["baseColour"] for i in found(shop, "red or blue dress", diversity=diversity)]
        assert [set(colours[n : n + 2]) for n in range(0, 8, 2)] == [{"Red", "Blue"}] * 4
