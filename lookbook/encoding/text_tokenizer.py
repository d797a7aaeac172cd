"""Tokenize text into word and character n-gram ids of a fixed vocabulary."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lookbook.schema.text import folded

_WORD = re.compile(r"[a-z0-9]+")
_OTHER_SCRIPTS = re.compile(r"[^\W_]+")  # of what `_WORD` leaves over
NGRAM_LENGTH = 4  # characters; `<` and `>` mark the ends of a word


def split_words(text: str) -> list[str]:
    """Return the lower-case words of `text` without accents and punctuation.

    Unlike `schema.text.tokenize` it splits at apostrophes and drops other scripts: the shipped
    vocabulary was fitted on such words.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(c for c in decomposed if not unicodedata.combining(c)))


def char_ngrams(word: str) -> list[str]:
    """Return the character n-grams of `<word>`: `striped` and `stripes` share most of theirs."""
    marked = f"<{word}>"
    return [marked[i : i + NGRAM_LENGTH] for i in range(len(marked) - NGRAM_LENGTH + 1)]


@dataclass(frozen=True)
class Vocabulary:
    """Token ids: words first, then character n-grams (called `pieces` on disk)."""

    words: tuple[str, ...]
    ngrams: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {name: i for i, name in enumerate(self.names)})

    @property
    def names(self) -> list[str]:
        """Every token in the order of ids; n-grams have a `#` in front, which no word contains."""
        return [*self.words, *(f"#{ngram}" for ngram in self.ngrams)]

    def __len__(self) -> int:
        return len(self.words) + len(self.ngrams)

    @classmethod
    def fit(cls, texts: Iterable[str], min_count: int = 3, max_ngrams: int = 2000) -> Vocabulary:
        """Keep the words and the most common n-grams that occur at least `min_count` times."""
        word_counts = Counter(word for text in texts for word in split_words(text))
        ngram_counts: Counter[str] = Counter()
        for word, n in word_counts.items():
            for ngram in char_ngrams(word):
                ngram_counts[ngram] += n
        words = sorted(word for word, n in word_counts.items() if n >= min_count)
        common = ngram_counts.most_common(max_ngrams)
        return cls(tuple(words), tuple(sorted(ngram for ngram, n in common if n >= min_count)))

    def tokens(self, text: str) -> list[int]:
        """Return the ids of the words of `text` and of their n-grams, unknown ones left out."""
        ids = []
        for word in split_words(text):
            names = [word, *("#" + ngram for ngram in char_ngrams(word))]
            ids += [self._ids[name] for name in names if name in self._ids]
        return ids

    def oov_words(self, text: str) -> list[str]:
        """Return the out-of-vocabulary words of `text`, in order, once each.

        Those of scripts that `split_words` drops are among them.
        """
        words: list[str] = []
        for word in text.split():
            read = split_words(word)
            words += [part for part in read if part not in self._ids]
            words += _OTHER_SCRIPTS.findall(_WORD.sub(" ", folded(word)))
        return list(dict.fromkeys(words))

    def embedding_bag_inputs(self, texts: Sequence[str]) -> tuple[list[int], list[int]]:
        """Return the ids of all texts in one list and the offset of each text in it."""
        ids: list[int] = []
        offsets = []
        for text in texts:
            offsets.append(len(ids))
            ids += self.tokens(text)
        return ids, offsets
