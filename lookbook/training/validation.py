"""How good a student is while it trains: a quick look at products that it never sees.

The figures of the model card come from `evaluation`; these are a smaller sample of the same
questions, cheap enough to be asked once an epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.evaluation.metrics import precision_at, recall_at
from lookbook.training import augmentation
from lookbook.training.data import HEADS, MISSING, Photos
from lookbook.training.model import EmbeddingModel, mixed_precision
from lookbook.training.pair_sampler import canvases_for, normalised, studio_pictures


@dataclass
class Check:
    """Held-out `gallery` photos, and `larger` photos of products among them (or None)."""

    gallery: Photos
    larger: Photos | None
    words: Vocabulary
    seed: int = 0

    @torch.no_grad()
    def __call__(self, student: EmbeddingModel, size: int) -> dict[str, float]:
        """{"like", and R@1 and R@10 of "street" and "words"}, as far as the photos allow."""
        if not len(self.gallery):
            return {}
        student.eval()
        pictures = studio_pictures(self.gallery, size)
        vectors = embedded(student, pictures)
        kinds = self.gallery.labels[:, HEADS.index("articleType")]
        found = {"like": _like(vectors, kinds)} | self._named(student, vectors)
        if self.larger is not None and len(self.larger):
            with torch.random.fork_rng():
                torch.manual_seed(self.seed)
                shots = self._street(size)
            found |= self._recall("street", embedded(student, shots), vectors, self.larger.keys)
        student.train()
        return {name: round(float(value), 4) for name, value in found.items()}

    def _street(self, size: int) -> torch.Tensor:
        canvases = canvases_for(np.asarray(self.larger.canvases), size)
        return augmentation.street(canvases, canvases.roll(1, 0), size)

    def _named(self, student: EmbeddingModel, vectors: np.ndarray) -> dict[str, float]:
        if student.words is None:
            return {}
        named = [r for r, name in enumerate(self.gallery.names) if self.words.tokens(name)]
        if not named:
            return {}
        flat, offsets = self.words.embedding_bag_inputs([self.gallery.names[r] for r in named])
        said = student.read(torch.tensor(flat), torch.tensor(offsets)).numpy()
        return self._recall("words", said, vectors, [self.gallery.keys[r] for r in named])

    def _recall(
        self, name: str, queries: np.ndarray, vectors: np.ndarray, keys: list[str]
    ) -> dict[str, float]:
        row_of = {key: row for row, key in enumerate(self.gallery.keys)}
        asked = [i for i, key in enumerate(keys) if key in row_of]
        if not asked or len(vectors) < 10:
            return {}
        wanted = np.array([row_of[keys[i]] for i in asked])
        ranked = np.argsort(-(queries[asked] @ vectors.T), axis=1)[:, :10]
        return {f"{name} R@{k}": recall_at(k, ranked, wanted).mean() for k in (1, 10)}


def _like(vectors: np.ndarray, kinds: np.ndarray) -> float:
    near = vectors @ vectors.T
    np.fill_diagonal(near, -2)
    k = min(10, len(vectors) - 1)
    ranked = kinds[np.argsort(-near, axis=1)[:, :k]]
    known = kinds != MISSING
    return precision_at(k, ranked, kinds)[known].mean() if known.any() else 0.0


def embedded(student: EmbeddingModel, pictures: torch.Tensor, batch: int = 128) -> np.ndarray:
    """float32 (n, dim): pictures (n, 3, s, s) in 0..1 through an eval-mode student."""
    out = []
    for part in pictures.split(batch):
        with mixed_precision():
            features = student.features(normalised(part))
        out.append(student.embed(features))
    return torch.cat(out).numpy()
