"""Parse the words of a query: what should be there and what should not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lookbook.schema.thesaurus import shop_thesaurus

_PART = re.compile(r"[^\s,;.!?]+|[,;.!?]")


@dataclass(frozen=True)
class ParsedText:
    """The content words of a query's text: `wanted`, and `unwanted` after a negation."""

    wanted: str = ""
    unwanted: str = ""

    @property
    def content(self) -> str:
        """All content words, the wanted ones first."""
        return " ".join(filter(None, (self.wanted, self.unwanted)))


@lru_cache(maxsize=1024)
def parse_text(text: str) -> ParsedText:
    """Parse the text of a query, negations resolved and stop words dropped."""
    return ParsedText(*(content_words(part) for part in parse_negation(text)))


def parse_negation(text: str) -> tuple[str, str]:
    """Split a text into wanted and unwanted words.

    "in navy, without stripes" gives ("in navy", "stripes"). "without", "not", "no", "minus" and
    "except", and such words of the text's own language, negate what follows, up to a comma, "but",
    "with" or "in". A word with a dash before it is negated by itself, as search engines read it.
    """
    negations, ends = (_grammar(text, name) for name in ("_not", "_end"))
    wanted: list[str] = []
    unwanted: list[str] = []
    negated = False
    for part in _PART.findall(text):
        word = part.casefold()
        if word in negations:
            negated = True
        elif part in ",;.!?":
            negated = False
        elif len(part) > 1 and part[0] in "-−" and part[1].isalpha():
            unwanted.append(part[1:])
        else:
            negated = negated and word not in ends
            (unwanted if negated else wanted).append(part)
    return " ".join(wanted), " ".join(unwanted)


def content_words(text: str) -> str:
    """Drop stop words: "show me a shirt in Navy" gives "shirt Navy"."""
    stop_words = _grammar(text, "_stop")
    return " ".join(word for word in text.split() if word.casefold() not in stop_words)


def _grammar(text: str, name: str) -> frozenset[str]:
    """Return the words of a grammatical role, of English and of the language of the text."""
    thesaurus = shop_thesaurus()
    return thesaurus.single_words(name, ("en", thesaurus.read(text).language))
