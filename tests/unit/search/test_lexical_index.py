"""What the catalogue's own words say: shares that can be counted by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lookbook.search.lexical_index import LexicalIndex

TITLES = ["Red Dress", "Blue Dress", "Red Socks", "T-Shirt with stripes", "Café Handbag", ""]
PATTERN = (["Striped", None, "Plain"], np.array([1, 0, 2, 2, 1, 1]))
ENDS = ("s", "es", "ed", "ing", "ings", "er", "ers", "")
PRICE = ([12.5, 9.0], np.array([0, 1, 0, 1, 0, 1]))


@pytest.fixture(scope="module")
def lexical_index():
    return LexicalIndex(TITLES, [PATTERN, PRICE])


def rows(share):
    return np.flatnonzero(share).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dresses", [0, 1]),
        ("RED", [0, 2]),
        ("stripes", [1, 3]),  # in a title and in an attribute
        ("tshirt", [3]),
        ("t-shirts", [3]),
        ("bag", [4]),  # the end of a word, as no word is one
        ("cafe", [4]),
        ("12", []),  # numbers are not words
        ("zebra", []),
        ("", []),
        ("- – '", []),
    ],
)
def test_a_word_is_met_in_titles_and_attributes(lexical_index, text, expected):
    assert rows(lexical_index.share(text)) == expected


def test_all_of_the_words_is_one_and_half_is_in_between(lexical_index):
    share = lexical_index.share("red dress")
    assert share[0] == pytest.approx(1)
    assert share[1] == share[2] == pytest.approx(0.5)  # both words have two rows
    assert share[[3, 4, 5]].tolist() == [0, 0, 0]


def test_a_rare_word_counts_for_more(lexical_index):
    share = lexical_index.share("plain cafe")
    assert 0 < share[2] < share[4] < 1


def test_a_word_that_nothing_mentions_leaves_its_part_open(lexical_index):
    assert lexical_index.share("red zebra")[0] == pytest.approx(0.5)


def test_a_word_said_twice_counts_once(lexical_index):
    np.testing.assert_array_equal(
        lexical_index.share("red red dress"), lexical_index.share("red dress")
    )


def test_a_title_is_as_similar_as_its_words(lexical_index):
    similarity = lexical_index.title_similarity("dress, RED")
    assert similarity[0] == pytest.approx(1)
    assert 0 < similarity[1] < 1 and similarity[3] == 0
    assert lexical_index.title_similarity("Plain")[2] == 0, "an attribute is no title"
    assert lexical_index.title_similarity("")[5] == 0


def test_a_word_is_only_itself(lexical_index):
    assert lexical_index.has_word("socks")
    assert not lexical_index.has_word("sock")


def test_words_of_attributes_are_words_but_codes_are_not():
    codes = (["Striped", "AB 12 X9", ("Linen", "Silk"), None], np.array([0, 1, 2, 3]))
    index = LexicalIndex(["Red Dress"] * 4, [codes])
    words = ("striped", "linen", "silk", "dress")
    assert [index.has_word(word) for word in words] == [True] * 4
    assert not index.has_word("x9") and not index.has_word("12")
    assert index.has_title_word("dress") and not index.has_title_word("striped")


def test_an_empty_catalogue_mentions_nothing():
    assert LexicalIndex([]).share("red").shape == (0,)


def test_many_threads_stem_alike():
    words = [f"{start}{end}" for start in ("strip", "dress", "walk", "knit") for end in ENDS]
    with ThreadPoolExecutor(8) as pool:
        shares = pool.map(lambda word: LexicalIndex([word]).share(word)[0], words * 20)
        assert list(shares) == pytest.approx([1.0] * len(words) * 20)
