"""Validate a model during training on a sample of held-out products.

The figures of the model card come from `evaluation`; these are of the same tasks on a smaller
sample, fast enough for every epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.evaluation.metrics import precision_at, recall_at
from lookbook.training import augmentation
from lookbook.training.data import LABEL_COLUMNS, MISSING, PhotoDataset
from lookbook.training.device import mixed_precision
from lookbook.training.model import CATEGORY_COLUMN, EmbeddingModel
from lookbook.training.pair_sampler import normalize, resized_photos, rgba_tensor


@dataclass
class Validator:
    """Held-out `gallery` photos, and `larger` photos of products among them (or None)."""

    gallery: PhotoDataset
    larger: PhotoDataset | None
    vocabulary: Vocabulary
    seed: int = 0

    @torch.no_grad()
    def __call__(self, model: EmbeddingModel, size: int) -> dict[str, float]:
        """Return "category P@10", and R@1 and R@10 of "street" and "text", as photos allow."""
        if not len(self.gallery):
            return {}
        model.eval()
        vectors = embed(model, resized_photos(_pixels(self.gallery), size))
        assert self.gallery.class_ids is not None
        categories = self.gallery.class_ids[:, LABEL_COLUMNS.index(CATEGORY_COLUMN)]
        metrics = {"category P@10": _category_precision(vectors, categories)}
        metrics |= self._text_recall(model, vectors)
        if self.larger is not None and len(self.larger):
            with torch.random.fork_rng():
                torch.manual_seed(self.seed)
                views = self._street_views(self.larger, size)
            metrics |= self._recall("street", embed(model, views), vectors, self.larger.keys)
        model.train()
        return {name: round(float(value), 4) for name, value in metrics.items()}

    def _street_views(self, photos: PhotoDataset, size: int) -> torch.Tensor:
        rgba = rgba_tensor(_pixels(photos), size)
        return augmentation.street(rgba, rgba.roll(1, 0), size)

    def _text_recall(self, model: EmbeddingModel, vectors: np.ndarray) -> dict[str, float]:
        """Search each title for its own photo."""
        if model.text_embeddings is None:
            return {}
        titles = self.gallery.titles
        rows = [row for row, title in enumerate(titles) if self.vocabulary.tokens(title)]
        if not rows:
            return {}
        tokens, offsets = self.vocabulary.embedding_bag_inputs([titles[row] for row in rows])
        texts = (torch.tensor(ids, device=model.device) for ids in (tokens, offsets))
        queries = model.embed_text(*texts).cpu().numpy()
        return self._recall("text", queries, vectors, [self.gallery.keys[row] for row in rows])

    def _recall(
        self, task: str, queries: np.ndarray, vectors: np.ndarray, keys: list[str]
    ) -> dict[str, float]:
        row_of = {key: row for row, key in enumerate(self.gallery.keys)}
        answerable = [i for i, key in enumerate(keys) if key in row_of]
        if not answerable or len(vectors) < 10:
            return {}
        relevant = np.array([row_of[keys[i]] for i in answerable])
        ranked = np.argsort(-(queries[answerable] @ vectors.T), axis=1)[:, :10]
        return {f"{task} R@{k}": float(recall_at(k, ranked, relevant).mean()) for k in (1, 10)}


def _category_precision(vectors: np.ndarray, categories: np.ndarray) -> float:
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -2)
    k = min(10, len(vectors) - 1)
    ranked = categories[np.argsort(-similarity, axis=1)[:, :k]]
    known = categories != MISSING
    return float(precision_at(k, ranked, categories)[known].mean()) if known.any() else 0.0


def embed(model: EmbeddingModel, images: torch.Tensor, batch: int = 128) -> np.ndarray:
    """Return float32 (n, dim) of images (n, 3, s, s) in 0..1; the model is in eval mode."""
    out = []
    for part in images.split(batch):
        with mixed_precision(model.device):
            features = model.features(normalize(part.to(model.device)))
        out.append(model.embed(features))
    return torch.cat(out).cpu().numpy()


def _pixels(photos: PhotoDataset) -> torch.Tensor:
    return torch.from_numpy(np.asarray(photos.rgba_images))
