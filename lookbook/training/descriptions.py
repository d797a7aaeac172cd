"""What people may type to find a product, and which products answer it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from lookbook.encoding.text_tokenizer import split_words

NAMED = 0.6  # share of texts that are of a name; the others are of attributes
SHORT = 0.6  # share of all texts cut to some of their words: people type one or two, not eight
FEW = 4  # words in a short text, at most


@dataclass(frozen=True)
class Description:
    """What is said of a product: its name, and the attributes that people search by."""

    name: str = ""
    attributes: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.name} {self.attributes}".strip()

    @cached_property
    def words(self) -> frozenset[str]:
        """All its words, once each."""
        return frozenset(split_words(self.text))

    def typed(self, draw: random.Random) -> str:
        """The name or the attributes, or some words of them; what there is, where one is not."""
        part = self.name if draw.random() < NAMED else self.attributes
        words = split_words(part or self.text)
        if words and draw.random() < SHORT:
            words = draw.sample(words, draw.randint(1, min(len(words), FEW)))
        return " ".join(words)


def answers(texts: Sequence[str], descriptions: Sequence[Description]) -> torch.Tensor:
    """bool (texts, descriptions): whether all words of a text are in a description."""
    asked = [frozenset(split_words(text)) for text in texts]
    numbers = {word: i for i, word in enumerate(sorted(frozenset().union(*asked)))}
    wanted = _marked(asked, numbers)
    there = _marked([description.words for description in descriptions], numbers)
    return wanted @ there.T >= wanted.sum(1, keepdim=True)


def _marked(rows: Sequence[frozenset[str]], numbers: dict[str, int]) -> torch.Tensor:
    """float32 (rows, numbers): 1 where a row has the word of this number."""
    marks = torch.zeros(len(rows), len(numbers))
    for mark, words in zip(marks, rows, strict=True):
        mark[[numbers[word] for word in words & numbers.keys()]] = 1
    return marks
