"""Words and character n-grams as token ids."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookbook.encoding.text_tokenizer import Vocabulary, char_ngrams, split_words

NAMES = ["Navy Striped Shirt", "Navy stripes tee", "Café Crème Shirt", "navy shirt"]


def test_words_are_plain_lower_case_without_accents():
    assert split_words("Café-Crème T-Shirt, 2x!") == ["cafe", "creme", "t", "shirt", "2x"]


def test_related_words_share_ngrams():
    shared = set(char_ngrams("striped")) & set(char_ngrams("stripes"))
    assert shared == {"<str", "stri", "trip", "ripe"}


def test_only_common_words_are_kept_and_the_others_reported():
    vocabulary = Vocabulary.fit(NAMES, min_count=3)
    assert vocabulary.words == ("navy", "shirt")
    assert vocabulary.oov_words("Navy zebra shirt zebra") == ["zebra"]


def test_words_of_other_scripts_are_reported_as_they_are():
    vocabulary = Vocabulary(("navy", "2x"), ())
    assert vocabulary.oov_words("navy 红色连衣裙, ドレス! Café 2x") == [
        "红色连衣裙",
        "ドレス",
        "cafe",
    ]
    assert vocabulary.oov_words("navy платье-navy") == ["платье"]


def test_an_unknown_word_is_encoded_by_its_ngrams():
    vocabulary = Vocabulary(("navy",), ("<str", "stri"))
    assert vocabulary.tokens("stripy") == [1, 2]
    assert vocabulary.tokens("navy") == [0]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # CI may be busy
@given(st.lists(st.text(max_size=30), max_size=8))
def test_embedding_bag_inputs_hold_the_tokens_of_each_text(texts):
    vocabulary = Vocabulary.fit(NAMES, min_count=1)
    flat, offsets = vocabulary.embedding_bag_inputs(texts)
    ends = [*offsets[1:], len(flat)][: len(texts)]
    assert [flat[a:b] for a, b in zip(offsets, ends, strict=True)] == [
        vocabulary.tokens(text) for text in texts
    ]
    assert all(0 <= token < len(vocabulary) for token in flat)
