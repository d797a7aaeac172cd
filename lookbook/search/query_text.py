"""What a person asks for in words: what should be there and what should not."""

from __future__ import annotations

import re

from lookbook.schema.text import tokenize

_NOT = frozenset(("without", "not", "no", "minus", "except", "non", "never"))
_ENDS = frozenset(("but", "with", "in", "rather", "instead"))  # a wish against goes up to these
_SMALL = frozenset(
    tokenize(
        "a an and any as at but by for from i in instead is it like me more my of on only or "
        "please rather show some that the this to want with"
    )
)
_PART = re.compile(r"[^\s,;.!?]+|[,;.!?]")


def parse_negation(text: str) -> tuple[str, str]:
    """("in navy", "stripes") of "in navy, without stripes": wanted and unwanted words.

    "without", "not", "no", "minus" and "except" turn what follows, up to a comma, "but", "with" or
    "in"; a word with a dash before it, as search engines take it, is unwanted by itself.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    against = False
    for part in _PART.findall(text):
        word = part.casefold()
        if word in _NOT:
            against = True
        elif part in ",;.!?":
            against = False
        elif len(part) > 1 and part[0] in "-−" and part[1].isalpha():
            unwanted.append(part[1:])
        else:
            against = against and word not in _ENDS
            (unwanted if against else wanted).append(part)
    return " ".join(wanted), " ".join(unwanted)


def content_words(text: str) -> str:
    """The words of `text` that say something about clothes."""
    return " ".join(word for word in text.split() if word.casefold() not in _SMALL)
