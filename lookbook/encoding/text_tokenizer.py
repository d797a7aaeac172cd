"""Words as token numbers: whole words and the pieces of words, both from a fixed vocabulary."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_WORD = re.compile(r"[a-z0-9]+")
PIECE = 4  # characters in a piece; `<` and `>` mark the ends of a word


def split_words(text: str) -> list[str]:
    """Lower-case words of `text` without accents or punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


def pieces(word: str) -> list[str]:
    """Runs of PIECE characters of `<word>`: `striped` and `stripes` share most of theirs."""
    marked = f"<{word}>"
    return [marked[i : i + PIECE] for i in range(len(marked) - PIECE + 1)]


@dataclass(frozen=True)
class Vocabulary:
    """Token numbers: words first, then pieces."""

    words: tuple[str, ...]
    pieces: tuple[str, ...]
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_numbers", {name: i for i, name in enumerate(self.names)})

    @property
    def names(self) -> list[str]:
        """Every token by its number; pieces are marked with `#`, which no word holds."""
        return [*self.words, *(f"#{piece}" for piece in self.pieces)]

    def __len__(self) -> int:
        return len(self.words) + len(self.pieces)

    @classmethod
    def learn(cls, texts: Iterable[str], least: int = 3, most_pieces: int = 2000) -> Vocabulary:
        """Words met at least `least` times, and the most common pieces."""
        counts = Counter(word for text in texts for word in split_words(text))
        parts: Counter[str] = Counter()
        for word, n in counts.items():
            for piece in pieces(word):
                parts[piece] += n
        words = sorted(word for word, n in counts.items() if n >= least)
        common = sorted(piece for piece, n in parts.most_common(most_pieces) if n >= least)
        return cls(tuple(words), tuple(common))

    def tokens(self, text: str) -> list[int]:
        """Numbers of the words of `text` and of their pieces that the vocabulary has."""
        found = []
        for word in split_words(text):
            names = [word, *("#" + piece for piece in pieces(word))]
            found += [self._numbers[name] for name in names if name in self._numbers]
        return found

    def unknown(self, text: str) -> list[str]:
        """Words of `text` that the vocabulary does not have whole, in order, once each."""
        return list(dict.fromkeys(w for w in split_words(text) if w not in self._numbers))

    def bags(self, texts: Sequence[str]) -> tuple[list[int], list[int]]:
        """Token numbers of all texts in one row, and where each text begins."""
        flat, offsets = [], []
        for text in texts:
            offsets.append(len(flat))
            flat += self.tokens(text)
        return flat, offsets
