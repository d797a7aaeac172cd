"""Texts that users may type to find a product, and which products match a text."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from lookbook.encoding.text_tokenizer import split_words

TITLE_SHARE = 0.6  # of texts that are of a title; the others are of attributes
SHORT_SHARE = 0.6  # of texts cut to some of their words: users type one or two words, not eight
MAX_SHORT_WORDS = 4


@dataclass(frozen=True)
class Description:
    """The text about a product: its title, and the attributes that users search by."""

    title: str = ""
    attributes: str = ""

    @property
    def text(self) -> str:
        """Title and attributes."""
        return f"{self.title} {self.attributes}".strip()

    @cached_property
    def words(self) -> frozenset[str]:
        """The distinct words of `text`."""
        return frozenset(split_words(self.text))

    def sample_query(self, draw: random.Random) -> str:
        """Draw a query: title or attributes (whichever exists), in full or a few words of it."""
        part = self.title if draw.random() < TITLE_SHARE else self.attributes
        words = split_words(part or self.text)
        if words and draw.random() < SHORT_SHARE:
            words = draw.sample(words, draw.randint(1, min(len(words), MAX_SHORT_WORDS)))
        return " ".join(words)


def matches(texts: Sequence[str], descriptions: Sequence[Description]) -> torch.Tensor:
    """Return bool (texts, descriptions): whether a description has all words of a text."""
    queries = [frozenset(split_words(text)) for text in texts]
    vocabulary = {word: i for i, word in enumerate(sorted(frozenset().union(*queries)))}
    required = _multi_hot(queries, vocabulary)
    present = _multi_hot([description.words for description in descriptions], vocabulary)
    return required @ present.T >= required.sum(1, keepdim=True)


def _multi_hot(rows: Sequence[frozenset[str]], vocabulary: dict[str, int]) -> torch.Tensor:
    """Return float32 (rows, words): 1 where a row has a word."""
    encoded = torch.zeros(len(rows), len(vocabulary))
    for row, words in zip(encoded, rows, strict=True):
        row[[vocabulary[word] for word in words & vocabulary.keys()]] = 1
    return encoded
