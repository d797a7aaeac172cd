"""What is said of words: left out, contradictory, missing, short; and in each language."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.search.index import Index
from lookbook.search.query import Query, SearchResult, run
from lookbook.ui.messages import LANGUAGES, translate, use_language
from tests.tiny_index import publish_tiny, random_vectors
from tests.unit.search.test_understanding import FixedTextEncoder

KINDS = ["Dresses"] * 6 + ["Tights"] * 10
COLOURS = ["Red", "Red", "White", "Blue", "Blue", "White", *["Black"] * 10]
PATTERNS = ["Striped", "Solid", "Striped", "Solid", "Striped", "Solid", *["Solid"] * 10]


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Index:
    """Six dresses, two of each colour; ten black tights, none of them striped."""
    items = {"id": [f"i{n}" for n in range(16)], "title": [f"Ada {n}" for n in range(16)]}
    items |= {"articleType": KINDS, "baseColour": COLOURS, "pattern": PATTERNS}
    items["price"] = list(range(10, 26))
    root = tmp_path_factory.mktemp("shop")
    vectors = random_vectors(2, 8)[np.array([0] * 6 + [1] * 10)] + random_vectors(16, 8, 3) / 20
    publish_tiny(root, count=16, dim=8, items=items, thumbs=[b""] * 16, vectors=vectors)
    return Index.open(root, engine="exact")


def answer(shop: Index, words: str, **parts: object) -> SearchResult:
    return run(Query(words=words, count=16, fold=None, **parts), shop, FixedTextEncoder())


def notes(shop: Index, words: str, **parts: object) -> list[str]:
    return [str(note) for note in answer(shop, words, **parts).notes]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dress without stripes", ["left out: stripes"]),
        ("dress but not red", ["left out: red"]),
        ("dress -red", ["left out: red"]),
        ("Kleid ohne Streifen", ["kleid: taken as dress", "left out: stripes"]),
        ("not red, no stripes", ["left out: red and stripes"]),
        ("no tights", ["left out: tights"]),
        ("dress without velvet", ["nothing here is called velvet"]),
        ("tights not black", ["not left out, as nothing would remain: black"]),
        ("dress", []),
    ],
)
def test_what_is_left_out_is_said(shop, words, expected):
    assert notes(shop, words) == expected


def test_what_is_left_out_beside_an_item_is_said(shop):
    result = answer(shop, "not red", item="i3")
    assert [str(note) for note in result.notes] == ["left out: red"]
    assert "Red" not in {hit.item.attributes["baseColour"] for hit in result.hits}


def test_what_is_left_out_stays_out_where_no_item_of_the_kind_meets_the_filters(shop):
    """Above 15 there are only black tights, and the white dress is at 15."""
    result = answer(shop, "dress not black", where=("price>=15",))
    assert {hit.item.attributes["baseColour"] for hit in result.hits} == {"White"}
    result = answer(shop, "dress without stripes", where=("baseColour=Black",))
    assert [str(note) for note in result.notes] == [
        "left out: stripes",
        "nothing here fits “dress” and the filters: these are the closest",
    ]


def test_words_without_a_concept_that_are_not_wanted_are_said_to_rank_lower(shop):
    assert notes(shop, "dress without ada") == ["ranked lower: ada"]


@pytest.mark.parametrize(
    ("words", "both", "out"),
    [("red dress not red", "red", "red"), ("navy not blue", "navy", "blue")],
)
def test_what_is_asked_for_and_left_out_at_once_is_said(shop, words, both, out):
    assert notes(shop, words) == [f"“{both}” is asked for and left out at once", f"left out: {out}"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("striped tights", "“tights” and “stripes”"),
        ("yellow dress", "“dress” and “yellow”"),
        ("yellow", "“yellow”"),
        ("striped black", "“stripes” and “black”"),
    ],
)
def test_what_nothing_has_is_said(shop, words, parts):
    assert notes(shop, words) == [f"nothing here fits {parts}: these are the closest"]


def test_filters_are_named_where_they_leave_nothing_of_a_colour(shop):
    sentence = "nothing here fits “dress”, “red” and the filters: these are the closest"
    assert notes(shop, "red dress", where=("price>=13",)) == [sentence]
    assert notes(shop, "red dress under 11") == []


@pytest.mark.parametrize("beside", ["item", "photo"])
def test_a_colour_that_the_kind_beside_lacks_is_said(shop, beside):
    shown = {"item": "i8"} if beside == "item" else {"pictures": (shop.vector("i8"),)}
    sentence = "nothing here fits this kind and “red”: these are the closest"
    assert notes(shop, "in red", **shown) == [sentence]
    shown = {"item": "i3"} if beside == "item" else {"pictures": (shop.vector("i3"),)}
    assert sentence not in notes(shop, "in red", **shown)


@pytest.mark.parametrize(("words", "count"), [("red or blue dress", 4), ("red or pink dress", 2)])
def test_of_two_colours_either_counts(shop, words, count):
    names = words.removesuffix(" dress")
    assert notes(shop, words) == [f"{count} of these: {names}; the others are the closest"]


def test_what_all_of_several_is_missing_of_is_said_with_or(shop):
    sentence = "nothing here fits “dress” and “pink” or “yellow”: these are the closest"
    assert notes(shop, "pink or yellow dress") == [sentence]
    sentence = "nothing here fits “dress” or “tights” and “yellow”: these are the closest"
    assert notes(shop, "dress or tights in yellow") == [sentence]


def test_what_filters_alone_leave_of_a_kind_is_not_left_out(shop):
    """All dresses that meet the filter are red, so that none would remain."""
    result = answer(shop, "dress without red", where=("baseColour=Red",))
    assert {hit.id for hit in result.hits} == {"i0", "i1"}
    assert [str(n) for n in result.notes] == ["not left out, as nothing would remain: red"]


def test_of_two_kinds_told_by_titles_or_attributes_both_count(tmp_path):
    """The watches are what was asked for as well as the boots."""
    items = {"id": list("abcd"), "title": ["Ada Boots", "Ada", "Ada", "Ada"]}
    items["articleType"] = ["Casual Shoes", "Casual Shoes", "Watches", "Watches"]
    publish_tiny(tmp_path, count=4, dim=8, items=items, thumbs=[b""] * 4)
    sentence = "3 of these: boots or watch; the others are the closest"
    assert notes(Index.open(tmp_path), "boots or watch") == [sentence]


@pytest.mark.parametrize(
    ("words", "note"),
    [
        ("watchs", "watchs: taken as watch"),
        ("dresss", "dresss: taken as dress"),
        ("dreses", "dreses: taken as dress"),
        ("watches", None),
        ("dresses", None),
        ("Kleider", "kleider: taken as dress"),
    ],
)
def test_a_corrected_word_is_said_and_a_plural_is_not(shop, words, note):
    found = [n for n in notes(shop, words) if "taken as" in n]
    assert found == ([note] if note else [])


def test_a_correction_is_marked_as_one(shop):
    """A site says what another word of its own language means, unless it is a plural."""
    corrected, other = answer(shop, "watchs").notes[0], answer(shop, "Kleider").notes[0]
    assert corrected.values["corrected"] and not other.values["corrected"]


def test_unknown_words_are_ignored(shop):
    class TellingEncoder(FixedTextEncoder):
        """Encodes any text, even of n-grams alone, and remembers it."""

        def encode_text(self, texts: list[str]) -> np.ndarray:
            self.text = texts[0]
            return super().encode_text(texts)

        def knows(self, text: str) -> bool:
            return True

    for words in ("xyzzy dress", "dress without xyzzy"):
        encoder = TellingEncoder()
        result = run(Query(words=words, fold=None), shop, encoder)
        plain = run(Query(words="dress", fold=None), shop, encoder)
        assert (result.unknown_words, encoder.text) == (["xyzzy"], "dress")
        assert [hit.id for hit in result.hits] == [hit.id for hit in plain.hits]
    assert run(Query(words="xyzzy"), shop, TellingEncoder()).hits == []


@pytest.mark.parametrize("words", ["xyzzy", "without xyzzy", "the of"])
def test_unknown_words_beside_an_item_change_nothing(shop, words):
    beside, alone = answer(shop, words, item="i3"), answer(shop, "", item="i3")
    assert [(hit.id, hit.score) for hit in beside.hits] == [(h.id, h.score) for h in alone.hits]
    assert beside.unknown_words == (["xyzzy"] if "xyzzy" in words else [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_name_what_was_asked_for_in_each_language(shop, language):
    use_language(language)
    try:
        missing = translate(answer(shop, "striped tights").notes[0])
        out = translate(answer(shop, "dress not red").notes[0])
        label = shop_labels(language)
    finally:
        use_language("en")
    assert label["tights"] in missing and label["stripes"] in missing
    assert out.endswith(f": {label['red']}")


def shop_labels(language: str) -> dict[str, str]:
    from lookbook.schema.thesaurus import shop_thesaurus

    concepts = shop_thesaurus().concepts
    return {name: concepts[name].label_in(language) for name in ("tights", "stripes", "red")}
