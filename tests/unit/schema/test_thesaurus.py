"""Everyday words are read as concepts."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.schema.stemming import normalize, stem
from lookbook.schema.thesaurus import ROLES, SHIPPED, Thesaurus, shop_thesaurus, use_shop_terms

HEAD = "concept,role,broader,en,de\n"


@pytest.fixture(scope="module")
def shipped() -> Thesaurus:
    return Thesaurus.load()


def concepts(thesaurus: Thesaurus, text: str) -> list[str]:
    return [
        m.concepts[0]
        for m in thesaurus.read(text).mentions
        if thesaurus.role(m.concepts[0]) in ROLES
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red dress", ["red", "dress"]),
        ("T-Shirt", ["t_shirt"]),
        ("t shirt", ["t_shirt"]),
        ("tshirts", ["t_shirt"]),
        ("black_dress", ["black", "dress"]),
        ("trainers", ["sports_shoes"]),
        ("grey jumper", ["grey", "sweater"]),
        ("gray sweater", ["grey", "sweater"]),
        ("vestidos rojos", ["dress", "red"]),
        ("robe rouge", ["dress", "red"]),
        ("das rote Kleid", ["red", "dress"]),
        ("Guertel aus Leder", ["belt", "leather"]),
        ("scarpe rosse da donna", ["footwear", "red", "women"]),
        ("calças pretas", ["trousers", "black"]),
        ("rode jurk", ["red", "dress"]),
        ("czerwona sukienka w kwiaty", ["red", "dress", "floral"]),
        ("kırmızı elbise", ["red", "dress"]),
        ("kaala joota", ["black", "footwear"]),
        ("sneekers", ["sports_shoes"]),
        ("backpak", ["backpack"]),
        ("navy blue shirts", ["navy", "shirt"]),
    ],
)
def test_everyday_words_are_concepts(shipped, text, expected):
    assert concepts(shipped, text) == expected


def test_a_misspelt_word_says_what_it_was_taken_for(shipped):
    (mention,) = shipped.read("shrit").mentions
    assert (mention.concepts[0], mention.corrected) == ("shirt", "shirt")


def test_a_word_that_the_caller_knows_is_not_corrected(shipped):
    assert shipped.read("shrit", known=lambda word: word == "shrit").mentions == ()


@pytest.mark.parametrize("word", ["nose", "hold", "face"])
def test_another_first_letter_is_another_word(shipped, word):
    """They differ by one letter from rose, gold and lace."""
    assert shipped.read(word).mentions == ()


@pytest.mark.parametrize("word", ["vans", "lee"])
def test_small_words_have_no_endings(shipped, word):
    assert shipped.read(word).mentions == ()


def test_a_word_of_the_callers_own_texts_has_no_meaning_of_another_language(shipped):
    def known(word: str) -> bool:
        return word in ("rock", "ray")

    def read(text: str, **options: object) -> list[str]:
        return [m.concepts[0] for m in shipped.read(text, known=known, **options).mentions]

    assert read("black rock sandals") == ["black", "sandals"]
    assert read("schwarzer Rock") == ["black", "skirt"]
    assert read("black rock", catalogue_languages=("en", "de")) == ["black", "skirt"]
    assert read("ray") == [], "rayé is another word"


def test_of_languages_that_explain_as_much_the_one_of_the_typed_letters_counts(shipped):
    assert concepts(shipped, "sari") == ["saree"]
    assert concepts(shipped, "sarı") == ["yellow"]


def test_a_concept_may_imply_another(shipped, tmp_path):
    file = tmp_path / "shop.csv"
    file.write_text("concept,role,broader,also,en\nkilt,kind,skirt,men,kilt\n", "utf-8")
    assert Thesaurus.load(file).concepts["kilt"].also == "men"
    assert shipped.concepts["skirt"].also is None
    for concept in shipped.concepts.values():
        assert concept.also is None or concept.also in shipped.concepts


def test_a_compound_says_what_it_is_and_of_what(shipped):
    (mention,) = shipped.read("Lederjacke").mentions
    assert (mention.concepts[0], mention.also) == ("jacket", "leather")


def test_words_that_nobody_knows_stay_unread(shipped):
    reading = shipped.read("xyzzy dress")
    assert [reading.tokens[n] for n in reading.unread] == ["xyzzy"]


def test_the_same_letters_mean_another_thing_in_another_language(shipped):
    assert concepts(shipped, "robe") == ["robe"]
    assert concepts(shipped, "robe noire") == ["dress", "black"]


def test_narrower_concepts_are_included(shipped):
    assert {"hoodie", "sweatshirt"} <= shipped.narrower("sweatshirt")
    assert shipped.ancestors("hoodie")[:2] == ["sweatshirt", "topwear"]


def test_a_shop_adds_terms_and_concepts(tmp_path):
    file = tmp_path / "shop.csv"
    file.write_text(HEAD + "dress,kind,clothing,bloom piece,\nkilt,kind,skirt,kilt,Kilt\n", "utf-8")
    thesaurus = Thesaurus.load(file)
    assert concepts(thesaurus, "red bloom piece") == ["red", "dress"]
    assert "kilt" in thesaurus.narrower("skirt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "expected the columns concept, role, broader"),
        (HEAD + "kilt,garment,skirt,kilt,\n", "line 2: expected a concept and a role among kind"),
    ],
)
def test_a_file_that_is_no_thesaurus_is_named(tmp_path, text, message):
    file = tmp_path / "shop.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message):
        Thesaurus.load(file)


def test_a_process_uses_the_terms_of_its_shop(tmp_path):
    file = tmp_path / "shop.csv"
    file.write_text(HEAD + "dress,kind,clothing,bloom piece,\n", "utf-8")
    try:
        use_shop_terms(file)
        assert concepts(shop_thesaurus(), "bloom piece") == ["dress"]
    finally:
        use_shop_terms(None)
    assert concepts(shop_thesaurus(), "bloom piece") == []


def test_every_broader_concept_of_the_shipped_file_exists_and_has_the_same_role(shipped):
    for concept in shipped.concepts.values():
        if concept.broader:
            assert shipped.role(concept.broader) == concept.role, concept.name


def test_every_term_of_the_shipped_file_is_read_as_its_concept(shipped):
    """In its own language each term finds its concept, perhaps among others."""
    terms = 0
    with SHIPPED.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for language in shipped.languages if row["role"] != "word" else ():
                for term in filter(normalize, row[language].split("|")):
                    mentions = shipped.read(term, languages=[language]).mentions
                    meanings = [concept for mention in mentions for concept in mention.concepts]
                    assert row["concept"] in meanings, (SHIPPED.name, term)
                    terms += 1
    concepts = [name for name in shipped.concepts if shipped.role(name) != "word"]
    assert terms >= sum(len(shipped.spellings(name)) for name in concepts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short skirt", ["skirt"]),
        ("tight dress", ["dress"]),
        ("short", ["shorts"]),
        ("denim short", ["denim", "shorts"]),
        ("collar", []),
        ("vestido sin collar", ["dress", "_not", "necklace"]),
    ],
)
def test_a_word_that_looks_like_a_concept_is_a_word_beside_a_kind(shipped, text, expected):
    assert [m.concepts[0] for m in shipped.read(text).mentions] == expected


@given(st.text(max_size=60))
def test_any_text_is_read_and_every_token_is_covered_once(text):
    reading = Thesaurus.load().read(text)
    covered = [n for m in reading.mentions for n in range(m.start, m.stop)]
    assert sorted([*covered, *reading.unread]) == list(range(len(reading.tokens)))


@pytest.mark.parametrize(
    ("word", "language", "expected"),
    [("dresses", "en", "dress"), ("12345", "en", "12345"), ("dresses", "xx", "dresses")],
)
def test_a_word_has_a_stem_and_a_number_is_its_own(word, language, expected):
    assert stem(word, language) == expected


def test_a_single_letter_for_a_double_one_is_the_likeliest_mistake(shipped):
    """Grey is as near, and Portuguese has the stem of "grená"."""
    assert [m.concepts[0] for m in shipped.read("gren shirt").mentions] == ["green", "shirt"]


def test_a_foreign_word_is_a_misspelt_one_where_the_rest_is_of_one_language(shipped):
    """The Polish "dres" is a tracksuit."""
    assert [m.concepts[0] for m in shipped.read("green dres").mentions] == ["green", "dress"]
    assert [m.concepts[0] for m in shipped.read("zielony dres").mentions] == ["green", "tracksuit"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wite shirt", ["white", "shirt"]),  # wine is listed first, and is another letter away
        ("wihte shirt", ["white", "shirt"]),
        ("sliper", ["flip_flops"]),  # the stem of "slip", briefs in four languages
        ("blue slipers", ["blue", "flip_flops"]),
        ("blue jackket", ["blue", "jacket"]),  # a Dutch compound: jack + ketting
        ("negras", ["black"]),
        ("blousons en bleu", ["jacket", "blue"]),
    ],
)
def test_a_missing_additional_or_swapped_letter_is_likelier_than_another_one(
    shipped, text, expected
):
    assert concepts(shipped, text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "unread"),
    [
        ("belted dress", ["dress"], ["belted"]),
        ("heeled boots", ["boots"], ["heeled"]),
        ("coated jacket", ["jacket"], ["coated"]),
        ("capped sleeve top", ["top"], ["capped", "sleeve"]),
        ("collared shirt", ["shirt"], ["collared"]),  # Spanish "collar": a necklace
        ("jacketed dress", ["dress"], ["jacketed"]),
        ("ringed", [], ["ringed"]),
        ("high heeled shoes", ["heels"], []),
        ("striped shirt", ["stripes", "shirt"], []),
        ("peaked cap", ["cap"], []),
    ],
)
def test_a_participle_of_a_kind_is_a_plain_word(shipped, text, expected, unread):
    reading = shipped.read(text)
    assert concepts(shipped, text) == expected
    assert [reading.tokens[n] for n in reading.unread] == unread


def test_a_double_letter_is_missing_even_if_the_rest_looks_like_an_ordinary_word(shipped):
    assert [m.concepts[0] for m in shipped.read("earings").mentions] == ["earrings"]
    assert not shipped.read("shopped").mentions


def test_shoe_laces_are_no_shoes(shipped):
    assert [m.concepts[0] for m in shipped.read("Shoe Laces").mentions] == ["shoe_laces"]


def test_a_word_of_another_language_may_have_an_ending_and_is_not_cut(shipped):
    assert [m.concepts[0] for m in shipped.read("rojas shoes").mentions] == ["red", "footwear"]


@pytest.mark.parametrize("word", ["watchs", "scarfes"])
def test_a_word_that_is_no_plural_is_misspelt(shipped, word):
    mention = shipped.read(word).mentions[0]
    assert shipped.is_misspelt(word, mention.concepts[0])


@pytest.mark.parametrize("word", ["watches", "scarves", "dungaree", "Kleider", "ponchos", "bodies"])
def test_a_plural_is_not_misspelt(shipped, word):
    mention = shipped.read(word).mentions[0]
    assert not shipped.is_misspelt(mention.surface, mention.concepts[0])
