"""Parse the words of a query: what should be there and what should not."""

from __future__ import annotations

import re
from functools import lru_cache

from lookbook.schema.spelling import nearest_term
from lookbook.schema.thesaurus import shop_thesaurus

# 1,200.50 is one part, as is 1 200 with a space that does not break or a thin one
_PART = re.compile(r"(?:[^\s,;.!?]|(?<=\d)[.,\u00a0\u2009\u202f](?=\d))+|[,;.!?]")
_LONG = 6  # letters from which a misspelt negation is read: "withot stripes"
# They end what is negated, and begin it as well: "not red in cotton", "not in red"
_PREPOSITIONS = frozenset(
    ("in", "with", "mit", "avec", "en", "con", "com", "em", "met", "z", "w", "ile")
)
_ENCLOSING = re.compile(r"[()\[\]{}\"“”„«»:]")  # they end what is negated, as a comma does
_DASHES = "-−–—"
# Phrases and contractions that negate what follows them
_NEGATING = re.compile(
    r"\bw/o\b|\b(?:free of|instead of|rather than|other than|apart from|neither|nor"
    r"|(?:is|are|was|do|does|has|have|ca|wo)n['’]?t(?: (?:want|have|like|need))?)\b",
    re.IGNORECASE,
)
# "Any dress but red": what follows "but" is negated, what stands before it is wanted
_ALL_BUT = re.compile(r"\b(?:any|every|all)(?:thing)?\b([^,;.!?]*?)\bbut\b", re.IGNORECASE)
BETWEEN_PHRASES = ", "  # in the unwanted words: "no red bag, no hats" has two


@lru_cache(maxsize=1024)
def parse_negation(text: str) -> tuple[str, str]:
    """Split a text into wanted and unwanted words.

    "in navy, without stripes" gives ("in navy", "stripes"). "without", "not", "no", "minus" and
    "except", and such words of the text's own language, negate what follows, up to a comma, "but",
    or "with" or "in" after other words; so does a long one that is misspelt. A word with a dash
    before it is negated by itself, as search engines read it. "no sneakers, no black" has two
    unwanted phrases: "sneakers, black". Brackets and quotes are read as commas, "w/o", "isn't" and
    the like as "not".
    """
    text = _ALL_BUT.sub(r"\1 not", _NEGATING.sub("not", _ENCLOSING.sub(",", text)))
    thesaurus = shop_thesaurus()
    languages = ("en", thesaurus.read(text).language)
    negations, ends = (thesaurus.single_words(name, languages) for name in ("_not", "_end"))
    long = [frozenset(word for word in negations if len(word) >= _LONG)]
    wanted: list[str] = []
    unwanted: list[list[str]] = []  # phrases
    phrase: list[str] = []  # the one that a negation has begun
    negated = False
    for part in _PART.findall(text):
        word = part.casefold()
        if word in negations or (len(word) >= _LONG and nearest_term(word, long)):
            negated, phrase = True, []
            unwanted.append(phrase)
        elif part in ",;.!?":
            negated = False
        elif len(part) > 1 and part[0] in _DASHES and part[1].isalpha():
            unwanted.append([part[1:]])
        else:
            if negated and not phrase and word in _PREPOSITIONS:
                continue
            negated = negated and word not in ends
            (phrase if negated else wanted).append(part)
    return " ".join(wanted), BETWEEN_PHRASES.join(" ".join(words) for words in unwanted if words)
