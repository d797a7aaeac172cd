"""What words ask of a catalogue: the kind holds, attributes rank, prices filter."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.schema.thesaurus import use_shop_terms
from lookbook.search.concepts import concept_index
from lookbook.search.index import Index
from lookbook.search.mitigation import Mitigation, mitigated
from lookbook.search.query import Query, run
from lookbook.search.understanding import understand
from tests.tiny_index import publish_tiny, random_vectors

KINDS = ("Dresses", "Sports Shoes", "Sweatshirts", "Shirts")
COLOURS = ("Red", "Navy Blue", "White")
COUNT = len(KINDS) * len(COLOURS) * 3


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Index:
    """Three items of each kind and colour; one sweatshirt of each colour is called a hoodie."""
    kinds = [KINDS[n % 4] for n in range(COUNT)]
    items = {
        "id": [f"i{n}" for n in range(COUNT)],
        "title": [
            f"Ada {'Hoodie' if n % 4 == 2 and n < 12 else 'Piece'} {n}" for n in range(COUNT)
        ],
        "group": list(range(COUNT)),
        "articleType": kinds,
        "baseColour": [COLOURS[n // 4 % 3] for n in range(COUNT)],
        "gender": [("Women", "Men", "Unisex")[n % 3] for n in range(COUNT)],
        "price": [10 + n for n in range(COUNT)],
    }
    root = tmp_path_factory.mktemp("shop")
    publish_tiny(root, count=COUNT, dim=8, items=items, thumbs=[b""] * COUNT)
    return Index.open(root, engine="exact")


class FixedTextEncoder:
    """An encoder that gives any text one vector: what ranks first is the catalogue's doing."""

    words = object()

    def knows(self, text: str) -> bool:
        return "xyzzy" not in text

    def unknown_words(self, text: str) -> list[str]:
        return [word for word in text.split() if "xyzzy" in word]

    def encode_text(self, texts: list[str]) -> np.ndarray:
        return random_vectors(len(texts), 8, 1)


class EncoderWithoutWords(FixedTextEncoder):
    """An encoder that knows no word."""

    def knows(self, text: str) -> bool:
        return False

    def unknown_words(self, text: str) -> list[str]:
        return text.split()


def answer(shop: Index, words: str, **parts: object) -> list[dict]:
    hits = run(Query(words=words, count=COUNT, fold=None, **parts), shop, FixedTextEncoder()).hits
    return [hit.item.attributes for hit in hits]


@pytest.mark.parametrize("words", ["red dress", "vestido rojo", "rotes Kleid", "rde dress"])
def test_the_kind_is_kept_and_the_colour_comes_first(shop, words):
    result = answer(shop, words)
    assert {item["articleType"] for item in result} == {"Dresses"}
    colours = [item["baseColour"] for item in result]
    if words != "rde dress":  # three letters are too few to tell what was meant
        assert colours[:3] == ["Red"] * 3
        assert "Red" not in colours[3:]


def test_every_kind_and_colour_of_the_shop_is_found(shop):
    for kind in KINDS:
        for colour in COLOURS:
            first = answer(shop, f"{colour} {kind}".lower())[:3]
            assert {(i["articleType"], i["baseColour"]) for i in first} == {(kind, colour)}


def test_another_name_of_a_kind_is_understood_and_said(shop):
    result = run(Query(words="trainers", count=COUNT), shop, FixedTextEncoder())
    assert {hit.item.attributes["articleType"] for hit in result.hits} == {"Sports Shoes"}
    assert result.notes == ("trainers: taken as sports shoes",)


def test_a_narrower_kind_is_told_by_titles(shop):
    """Few titles say so: the sweatshirts follow, which may be hoodies, too."""
    result = run(Query(words="hoodie", count=COUNT), shop, FixedTextEncoder())
    titles = [hit.item.title for hit in result.hits]
    assert ["Hoodie" in title for title in titles] == [True] * 3 + [False] * 6
    assert {hit.item.attributes["articleType"] for hit in result.hits} == {"Sweatshirts"}
    assert result.notes == ("3 of these: hoodie; the others are the closest",)


@pytest.fixture
def shoe_shop(tmp_path) -> Index:
    """Eight shoes of three kinds; titles say that two of them are boots."""
    items = {"id": [f"i{n}" for n in range(9)]}
    items["title"] = ["Ada Boots", "Ada Boot Flats", "Ada Loafers", "Ada Ankle Boots", *["Ada"] * 5]
    items["articleType"] = ["Casual Shoes", "Flats", "Casual Shoes", "Formal Shoes"] * 2 + ["Tops"]
    items["baseColour"] = ["Blue", "Red", "Red", "Blue"] * 2 + ["Red"]
    publish_tiny(tmp_path, count=9, dim=8, items=items, thumbs=[b""] * 9)
    return Index.open(tmp_path, engine="exact")


def test_a_title_tells_a_kind_that_no_attribute_names(shoe_shop):
    result = run(Query(words="boots", fold=None), shoe_shop, FixedTextEncoder())
    ids = [hit.id for hit in result.hits]
    assert set(ids[:2]) == {"i0", "i3"}, "a flat, if title and attribute say so, is no boot"
    assert set(ids[2:]) == {"i2", "i4", "i6", "i7"}, "the other casual and formal shoes"
    assert result.notes == ("2 of these: boots; the others are the closest",)


def test_a_title_that_tells_a_kind_beside_the_stated_one_counts_for_more_than_a_colour(shoe_shop):
    result = run(Query(words="red boots", fold=None), shoe_shop, FixedTextEncoder())
    ids = [hit.id for hit in result.hits]
    assert (set(ids[:2]), set(ids[2:4])) == ({"i0", "i3"}, {"i2", "i6"})


def test_a_kind_that_an_attribute_names_often_is_not_told_by_titles(tmp_path):
    items = {"id": [f"i{n}" for n in range(60)], "title": ["Ada Emma Rose Heels"] + ["Ada"] * 59}
    items["articleType"] = ["Flats"] * 30 + ["Heels"] * 30
    publish_tiny(tmp_path, count=60, dim=8, items=items, thumbs=[b""] * 60)
    assert "Flats" not in {item["articleType"] for item in answer(Index.open(tmp_path), "heels")}


def test_what_a_kind_is_made_of_is_no_second_kind(tmp_path):
    items = {"id": list("abcd"), "title": ["Ada"] * 4}
    items["articleType"] = ["Shorts", "Jeans"] * 2
    items["material"] = ["Cotton", "Denim", "Denim", "Denim"]
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    index = Index.open(tmp_path)
    meaning = understand("short en jean", "", index)
    assert (meaning.kinds, meaning.attributes) == (("shorts",), ("denim",))
    meaning = understand("short ou jean", "", index)
    assert (meaning.kinds, meaning.attributes) == (("shorts", "jeans"), ())


def test_a_title_tells_a_kind_by_its_head_noun(tmp_path):
    """A body fit T-shirt is no bodysuit, and a boot with a name before it is one."""
    items = {"id": list("abcde")}
    items["title"] = ["Emma Body Fit T-shirt", "Emma Body", "Ada", "Max Red Boot", "Boot Max Flats"]
    items["articleType"] = ["Vests", "Tops", "Tops", "Casual Shoes", "Heels"]
    publish_tiny(tmp_path, count=5, dim=8, items=items, thumbs=[b""] * 5)
    concepts = concept_index(Index.open(tmp_path))
    assert np.flatnonzero(concepts.rows("bodysuit")).tolist() == [1]
    assert np.flatnonzero(concepts.rows("boots")).tolist() == [3]


@pytest.mark.parametrize("stated", [0, 4])
def test_a_small_shop_that_names_two_kinds_tells_them_apart(tmp_path, stated):
    """Titles tell the boots where the shop has no such kind, and none where it has."""
    items = {"id": [f"i{n}" for n in range(12)], "title": ["Ada Boots"] + ["Ada"] * 11}
    items["articleType"] = ["Casual Shoes"] * (12 - stated) + ["Boots"] * stated
    publish_tiny(tmp_path, count=12, dim=8, items=items, thumbs=[b""] * 12)
    rows = np.flatnonzero(concept_index(Index.open(tmp_path)).rows("boots")).tolist()
    assert rows == ([0] if not stated else [8, 9, 10, 11])


@pytest.mark.parametrize("words", ["not red", "-red"])
def test_what_is_not_wanted_is_left_out_where_the_encoder_knows_no_words(shop, words):
    result = run(Query(words=words, count=COUNT, fold=None), shop, EncoderWithoutWords())
    reds = sum(item.attributes["baseColour"] == "Red" for item in shop.items)
    assert len(result.hits) == len(shop) - reds > 0
    assert "Red" not in {hit.item.attributes["baseColour"] for hit in result.hits}


def test_a_colour_counts_for_more_than_a_title_that_tells_a_narrower_kind(shop):
    result = answer(shop, "red hoodie")
    assert [item["baseColour"] for item in result[:3]] == ["Red"] * 3


def test_a_kind_that_is_not_there_gives_the_broader_one_and_says_so(shop):
    result = run(Query(words="heels", count=COUNT), shop, FixedTextEncoder())
    assert {hit.item.attributes["articleType"] for hit in result.hits} == {"Sports Shoes"}
    assert result.notes == ("nothing here is called heels: shown is footwear",)


def test_a_colour_that_is_not_there_gives_the_closest_and_says_so(shop):
    result = run(Query(words="yellow dress", count=COUNT), shop, FixedTextEncoder())
    assert {hit.item.attributes["articleType"] for hit in result.hits} == {"Dresses"}
    assert result.notes == ("nothing here fits “dress” and “yellow”: these are the closest",)


def test_how_many_have_the_colour_is_said(shop):
    result = run(Query(words="red dress", count=COUNT, fold=None), shop, FixedTextEncoder())
    assert result.notes == ("3 of these: red; the others are the closest",)
    assert run(Query(words="red dress", count=3, fold=None), shop, FixedTextEncoder()).notes == ()


def test_a_compound_in_a_title_is_of_the_kind_that_it_ends_with(tmp_path):
    titles = ["Abendkleid Lena", "Lederschuhe Otto", "Sommerkleid Eva", "Gürtel Max"]
    items = {"id": list("abcd"), "title": titles, "group": [0, 1, 2, 3]}
    items["Farbe"] = ["rot", "schwarz", "blau", "rot"]
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    result = run(
        Query(words="rotes Kleid", count=4, fold=None), Index.open(tmp_path), FixedTextEncoder()
    )
    assert [hit.item.title for hit in result.hits] == ["Abendkleid Lena", "Sommerkleid Eva"]


@pytest.mark.parametrize("words", ["dress, not red", "Kleid ohne rot", "vestido sin rojo"])
def test_what_is_not_wanted_is_left_out(shop, words):
    result = answer(shop, words)
    assert {item["articleType"] for item in result} == {"Dresses"}
    assert "Red" not in {item["baseColour"] for item in result}


def test_a_kind_after_an_unwanted_colour_is_wanted(shop):
    result = answer(shop, "not red dress")
    assert {item["articleType"] for item in result} == {"Dresses"}
    assert "Red" not in {item["baseColour"] for item in result}


def test_the_term_of_a_kind_after_an_unwanted_colour_is_wanted(shop):
    meaning = understand("red", "white dress", shop)
    assert (meaning.kinds, meaning.unwanted) == (("dress",), ("white",))
    assert meaning.terms == (("red", "red"), ("dress", "dress"))
    assert meaning.unwanted_terms == (("white", "white"),)


def test_a_kind_and_a_colour_that_are_negated_apart_are_both_unwanted(shop):
    for words in ("no sneakers, no red", "no sneakers no red", "not red, no sneakers"):
        result = answer(shop, words)
        assert {item["articleType"] for item in result} == set(KINDS) - {"Sports Shoes"}, words
        assert {item["baseColour"] for item in result} == {"White", "Navy Blue"}
    result = answer(shop, "no shirts, not red dress")
    assert {item["articleType"] for item in result} == {"Dresses"}
    assert "Red" not in {item["baseColour"] for item in result}


@pytest.mark.parametrize("beside", [{"item": "i1"}, {"pictures": (random_vectors(1, 8)[0],)}])
def test_beside_a_picture_a_kind_after_an_unwanted_colour_is_neither_wanted_nor_not(shop, beside):
    result = answer(shop, "not white dress", **beside)
    assert {item["articleType"] for item in result} == set(KINDS)
    assert {item["baseColour"] for item in result} == {"Red", "Navy Blue"}
    meaning = understand("", "white dress", shop, beside_picture=True)
    assert (meaning.kinds, meaning.terms) == ((), ())
    assert meaning.unwanted_terms == (("white", "white"),)


def test_a_related_colour_comes_before_others(shop):
    result = answer(shop, "blue dress")
    assert [item["baseColour"] for item in result[:3]] == ["Navy Blue"] * 3
    result = answer(shop, "teal dress")  # a blue, as navy is
    assert [item["baseColour"] for item in result[:3]] == ["Navy Blue"] * 3


def test_where_a_colour_runs_short_the_nearest_ones_follow(tmp_path):
    colours = ["Peach", "Navy Blue", "White", "Charcoal", "Teal", "Beige", "Blue", "Purple"] * 3
    items = {"id": [f"i{n}" for n in range(24)], "title": ["Ada"] * 24, "baseColour": colours}
    items["articleType"] = ["Dresses"] * 24
    vectors = 1 + random_vectors(24, 8) / 50  # as alike as pictures of one kind are
    publish_tiny(tmp_path, count=24, dim=8, items=items, thumbs=[b""] * 24, vectors=vectors)
    result = answer(Index.open(tmp_path), "navy dress")
    found = [item["baseColour"] for item in result]
    assert set(found[:3]) == {"Navy Blue"}
    assert set(found[3:9]) == {"Blue", "Teal"}, "of its family"
    assert set(found[9:12]) == {"Charcoal"} and set(found[12:15]) == {"Purple"}
    assert set(found[15:]) == {"White", "Beige", "Peach"}, "all of them far"


@pytest.mark.parametrize("count", [1, 3, 10])
def test_levels_that_cannot_reach_the_first_results_may_be_left_out(shop, count):
    """The first of few results are the first of all."""
    for words in ("navy dress", "red hoodie for women", "white"):
        few, all_of_them = (
            run(Query(words=words, count=n, fold=None), shop, FixedTextEncoder()).hits
            for n in (count, COUNT)
        )
        assert [hit.id for hit in few] == [hit.id for hit in all_of_them][:count]


def test_a_title_typed_comes_first_whatever_its_attributes_say(tmp_path):
    titles = ["Ada Contemporary Silver Sandal", *(f"Ada Sandal {n}" for n in range(5))]
    kinds = ["Flats", *["Sandals"] * 5]
    items = {"id": list("abcdef"), "title": titles, "articleType": kinds}
    publish_tiny(tmp_path, count=6, dim=8, items=items, thumbs=[b""] * 6)
    result = run(Query(words=titles[0], fold=None), Index.open(tmp_path), FixedTextEncoder())
    first, *others = (hit.id for hit in result.hits)
    assert (first, set(others)) == ("a", set("bcdef"))


def test_a_title_typed_does_not_bring_back_what_is_not_wanted(tmp_path):
    titles = ["Blue Dress", "Blue Dress", "Ada Dress", "Ada Shirt"]
    items = {"id": list("abcd"), "title": titles}
    items["articleType"] = ["Dresses", "Dresses", "Dresses", "Shirts"]
    items["pattern"] = ["Floral", "Solid", "Floral", "Floral"]
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    shop = Index.open(tmp_path)
    result = run(Query(words="blue dress not floral", fold=None), shop, FixedTextEncoder())
    assert [hit.id for hit in result.hits] == ["b"]
    bonus = understand("blue dress", "floral", shop).bonus
    assert bonus[0] < 20 < bonus[1], "the title of an unwanted item counts for nothing"


@pytest.mark.parametrize("typed", ["AB-103", "ab103", "ＡＢ－103", " X.3 ", "x3"])
def test_an_article_number_finds_its_item(tmp_path, typed):
    ids = [f"AB-10{n}" for n in range(6)]
    items = {"id": ids, "title": ["Ada Dress"] * 6, "sku": [f"X.{n}" for n in range(6)]}
    items["code"] = [f"AB {id}" for id in ids]  # words of attributes do not make it a text
    publish_tiny(tmp_path, count=6, dim=8, items=items, thumbs=[b""] * 6)
    result = run(Query(words=typed, fold=None), Index.open(tmp_path), FixedTextEncoder())
    assert ([hit.id for hit in result.hits], result.unknown_words) == (["AB-103"], [])


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("连衣裙", "ab"), ("黑色", "ac"), ("シャツ", "d"), ("裙", "ab"), ("靴", "")],
)
def test_words_are_found_inside_texts_without_spaces(tmp_path, typed, expected):
    titles = ["黑色连衣裙", "红色连衣裙", "黑色运动鞋", "白いシャツ"]
    items = {"id": list("abcd"), "title": titles}
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    result = run(Query(words=typed, fold=None), Index.open(tmp_path), EncoderWithoutWords())
    assert {hit.id for hit in result.hits} == set(expected)


def test_clothes_in_general_are_no_underwear_at_first(tmp_path):
    items = {"id": list("abcd"), "title": [f"Ada {n}" for n in range(4)]}
    items["articleType"] = ["Briefs", "Shirts", "Briefs", "Dresses"]
    items["baseColour"] = ["Red", "Blue", "Red", "Red"]
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    result = run(Query(words="red clothes", fold=None), Index.open(tmp_path), FixedTextEncoder())
    assert [hit.id for hit in result.hits][:2] == ["d", "b"]
    result = run(Query(words="red underwear", fold=None), Index.open(tmp_path), FixedTextEncoder())
    assert {hit.id for hit in result.hits} == {"a", "c"}


@pytest.fixture
def family_shop(tmp_path) -> Index:
    """Rompers for boys and girls, two of them said to be for infants, and jumpsuits of women."""
    items = {"id": [f"i{n}" for n in range(8)], "articleType": ["Rompers"] * 5 + ["Jumpsuit"] * 3}
    items["gender"] = ["Boys", "Girls", "Boys", "Girls", "Unisex", "Women", "Women", "Unisex"]
    items["title"] = ["Ada Infant Boys Romper", "Eva Infants Romper", *["Ada"] * 6]
    vectors = 1 + random_vectors(8, 8) / 50  # as alike as pictures of one kind are
    publish_tiny(tmp_path, count=8, dim=8, items=items, thumbs=[b""] * 8, vectors=vectors)
    return Index.open(tmp_path, engine="exact")


def test_boys_and_girls_are_children_and_titles_tell_the_babies(family_shop):
    result = run(Query(words="baby romper", fold=None), family_shop, FixedTextEncoder())
    ids = [hit.id for hit in result.hits]
    assert (set(ids[:2]), set(ids[2:4])) == ({"i0", "i1"}, {"i2", "i3"})
    count = "2 of these: baby; the others are the closest"
    assert result.notes == ("romper: taken as jumpsuit", count)
    result = run(Query(words="kids romper", count=4, fold=None), family_shop, FixedTextEncoder())
    assert {hit.id for hit in result.hits} == {"i0", "i1", "i2", "i3"}
    assert result.notes == ("romper: taken as jumpsuit",)


def test_a_group_that_the_shop_does_not_tell_is_taken_as_the_broader_one(tmp_path):
    items = {"id": list("abcd"), "title": ["Ada"] * 4, "articleType": ["Dresses"] * 4}
    items["gender"] = ["Women", "Kids", "Women", "Kids"]
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    index = Index.open(tmp_path, engine="exact")
    for group in ("baby", "girls", "boys"):
        result = run(Query(words=f"{group} dress", count=2, fold=None), index, FixedTextEncoder())
        assert {hit.id for hit in result.hits} == {"b", "d"}
        assert result.notes == (f"{group}: taken as kids",)


def test_a_term_that_implies_a_gender_asks_for_it(tmp_path):
    items = {"id": list("abcd"), "title": [f"Ada {n}" for n in range(4)]}
    items |= {"articleType": ["Briefs"] * 4, "gender": ["Men", "Women"] * 2}
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    result = run(Query(words="knickers", fold=None), Index.open(tmp_path), FixedTextEncoder())
    assert {hit.id for hit in result.hits[:2]} == {"b", "d"}


@pytest.mark.parametrize("words", ["knickers", "Herrenhemd", "mens knickers"])
def test_genderless_a_term_implies_no_gender(shop, words):
    with mitigated(Mitigation(genderless=True)):
        meaning = understand(words, "", shop)
    assert len(meaning.kinds) == 1 and meaning.attributes == ()
    assert all("men" not in name for _, name in meaning.terms)


def test_what_a_term_says_besides_is_no_second_kind(tmp_path):
    """The shop's row names a kind, where an attribute is expected."""
    file = tmp_path / "terms.csv"
    file.write_text("concept,role,broader,also,en\nbeachrobe,kind,dress,shirt,beach robe\n")
    items = {"id": list("ab"), "title": ["Ada", "Eva"], "articleType": ["Dresses", "Shirts"]}
    publish_tiny(tmp_path / "index", count=2, dim=8, items=items, thumbs=[b""] * 2)
    try:
        use_shop_terms(file)
        meaning = understand("beach robe", "", Index.open(tmp_path / "index"))
    finally:
        use_shop_terms(None)
    assert (meaning.kinds, meaning.attributes) == (("dress",), ())


def test_a_colour_beside_an_item_keeps_the_items_kind(shop):
    result = answer(shop, "in navy", item="i0")
    assert {item["articleType"] for item in result} == {"Dresses"}
    assert [item["baseColour"] for item in result[:3]] == ["Navy Blue"] * 3


def test_a_price_filters(shop):
    result = answer(shop, "dress under 20")
    assert {item["articleType"] for item in result} == {"Dresses"}
    assert max(item["price"] for item in result) <= 20
    assert len(answer(shop, "bis 12 €")) == 3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dress under 1,200", "ab"),
        ("dress under 1.200", "ab"),
        ("dress over 1,250.50, not red", "c"),
        ("dress under €49.50", "a"),
        ("dress under 2,500,000", "abcd"),
        ("dress over 1,234,567", ""),
    ],
)
def test_a_price_with_marks_filters(tmp_path, words, expected):
    items = {"id": list("abcd"), "title": [f"Ada {n}" for n in range(4)]}
    items |= {"articleType": ["Dresses"] * 4, "price": [49.5, 1200, 1250.75, 1234566]}
    items["baseColour"] = ["Blue", "Blue", "Blue", "Red"]
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    result = run(Query(words=words, fold=None), Index.open(tmp_path), FixedTextEncoder())
    assert {hit.id for hit in result.hits} == set(expected)
    assert result.unknown_words == []


def test_a_brand_that_only_an_attribute_names_is_not_corrected(tmp_path):
    items = {"id": list("abcd"), "title": [f"Ada {n}" for n in range(4)]}
    items |= {"brand": ["Yelow", "Orca"] * 2, "baseColour": ["Red", "Yellow"] * 2}
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    result = run(Query(words="yelow", fold=None), Index.open(tmp_path), FixedTextEncoder())
    assert {hit.id for hit in result.hits[:2]} == {"a", "c"}
    assert result.notes == ()


def test_words_that_nobody_knows_find_nothing(shop):
    result = run(Query(words="xyzzy", count=9), shop, FixedTextEncoder())
    assert (result.hits, result.unknown_words) == ([], ["xyzzy"])


def test_nothing_is_understood_of_no_words(shop):
    assert understand("", "", shop).empty


def test_a_title_speaks_where_the_attribute_names_no_known_kind(tmp_path):
    """One item's kind is a word that nobody knows: its title says that it is a dress."""
    kinds = ["Shirts", "Dresses", "Shirts", "Zzyx"] * 3
    titles = [f"Ada Piece {n}" for n in range(11)] + ["Ada Evening Dress"]
    items = {"id": [f"i{n}" for n in range(12)], "title": titles, "articleType": kinds}
    publish_tiny(tmp_path, count=12, dim=8, items=items, thumbs=[b""] * 12)
    hits = run(Query(words="dress", fold=None), Index.open(tmp_path), FixedTextEncoder()).hits
    assert {hit.id for hit in hits} == {"i1", "i5", "i9", "i11"}


def notes(shop: Index, words: str, **parts: object) -> list[str]:
    found = run(Query(words=words, **parts), shop, FixedTextEncoder())
    return [str(note) for note in found.notes]


@pytest.mark.parametrize("words", ["!!!", "the of and in with", "without", "👗"])
def test_words_that_say_nothing_get_a_sentence(shop, words):
    assert notes(shop, words) == ["nothing in these words says what to look for"]
    assert not run(Query(words=words), shop, FixedTextEncoder()).hits


@pytest.mark.parametrize("words", ["xyzzy", "under 20", "red", "dress", "not red"])
def test_words_that_say_something_or_are_unknown_do_not_get_it(shop, words):
    assert "nothing in these words says what to look for" not in notes(shop, words)


def test_a_kind_that_no_filter_leaves_is_not_dropped_without_a_word(shop):
    """The dearest piece is no dress."""
    most = max(item["price"] for item in answer(shop, "dress"))
    sentence = "nothing here fits “dress” and the filters: these are the closest"
    assert sentence in notes(shop, f"dress over {most + 1}")
    assert sentence in notes(shop, "dress", where=(f"price>={most + 1}",))
    assert sentence not in notes(shop, f"dress over {most}")
    assert sentence not in notes(shop, f"dress over {10 * most}"), "nothing at all is left"


def test_where_no_item_of_a_kind_meets_the_filters_the_nearest_broader_kind_follows(tmp_path):
    kinds = ["Boots", "Sandals", "Shirts", "Sandals", "Shirts"]
    items = {
        "id": list("abcde"),
        "title": ["piece"] * 5,
        "articleType": kinds,
        "price": [90.0, 30.0, 20.0, 40.0, 10.0],
    }
    publish_tiny(tmp_path, count=5, dim=8, items=items, thumbs=[b""] * 5)
    index = Index.open(tmp_path, engine="exact")
    found = [item["articleType"] for item in answer(index, "boots under 60")]
    assert found == ["Sandals", "Sandals"]
    assert "nothing here fits “boots” and the filters: these are the closest" in notes(
        index, "boots under 60"
    )


def test_an_adjective_before_a_kind_is_unwanted_and_the_kind_is_not(shop):
    found = answer(shop, "not ugly dress")
    assert found and {item["articleType"] for item in found} == {"Dresses"}
    assert not any("left out" in note for note in notes(shop, "not ugly dress"))


def test_a_limit_of_the_price_that_no_column_answers_is_said_to_have_no_effect(tmp_path):
    items = {"id": ["a", "b"], "title": ["Red Dress", "Blue Dress"], "articleType": ["Dresses"] * 2}
    publish_tiny(tmp_path, count=2, dim=8, items=items, thumbs=[b""] * 2)
    index = Index.open(tmp_path, engine="exact")
    sentence = "this shop names no prices: a limit of the price has no effect"
    assert notes(index, "dress under 50") == [sentence]
    assert len(answer(index, "dress under 50")) == 2
    assert notes(index, "dress") == []
