"""What errors quote of a text."""

from __future__ import annotations

import pytest

from lookbook.schema.text import MAX_EXCERPT, excerpt, tokenize


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("red", "'red'"),
        ("x" * MAX_EXCERPT, repr("x" * MAX_EXCERPT)),
        ("x" * (MAX_EXCERPT + 1), repr("x" * MAX_EXCERPT + "…")),
        (None, "None"),
        (["y" * 200], ("['" + "y" * 200)[:MAX_EXCERPT] + "…"),
        ("a\nb", "'a\\nb'"),
    ],
)
def test_a_long_value_is_quoted_by_its_beginning(value, quoted):
    assert excerpt(value) == quoted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Men's Café", ["mens", "cafe"]),
        ("赤いドレス", ["赤いドレス"]),  # "do" is another letter than "to"
        ("빨간 드레스", ["빨간", "드레스"]),
        ("ＮＡＶＹ ñandú", ["navy", "nandu"]),
    ],
)
def test_words_lose_their_accents_and_no_letters(text, words):
    assert tokenize(text) == words
    assert tokenize(" ".join(words)) == words
