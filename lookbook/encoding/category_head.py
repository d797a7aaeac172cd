"""Embedding head for the category (article type): the expected class embedding.

Class logits pass through a softmax, and the probabilities weigh the class embeddings. A confident
image lies near its class embedding; an uncertain one gets a shorter sub-vector, so that the other
heads dominate. A plain projection would put a top that may be a T-shirt between both classes, where
all other uncertain images lie, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any  # of numpy, or a torch.Tensor: the formulas are the same

# fields of CategoryHead -> array names in `projection.safetensors`
ARRAY_NAMES = {
    "bottleneck_weight": "kinds.read",
    "classifier_weight": "kinds.tell",
    "bias": "kinds.bias",
    "class_embeddings": "kinds.codes",
}


@dataclass(frozen=True)
class CategoryHead:
    """Map features (n, f) to embeddings (n, d), no longer than the class embeddings.

    A low-rank classifier, `bottleneck_weight` (r, f) and `classifier_weight` (k, r) with `bias`
    (k,), gives the logits of k classes; their softmax weighs `class_embeddings` (k, d).
    """

    bottleneck_weight: Array
    classifier_weight: Array
    bias: Array
    class_embeddings: Array

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array]) -> CategoryHead | None:
        """Read the arrays called as in ARRAY_NAMES, None if there are none.

        Raises ValueError when some are missing or their shapes do not match.
        """
        names = list(ARRAY_NAMES.values())
        shapes = {name: tuple(arrays[name].shape) for name in names if name in arrays}
        if not shapes:
            return None
        if len(shapes) < len(names):
            raise ValueError(f"expected {', '.join(names)}, found only {', '.join(shapes)}")
        bottleneck, classifier, bias, embeddings = shapes.values()
        dimensions = [len(shape) for shape in shapes.values()]
        matching = (classifier, embeddings[:1]) == ((*bias, *bottleneck[:1]), bias)
        if dimensions != [2, 2, 1, 2] or not matching:
            raise ValueError(f"expected arrays of one class count and rank, found {shapes}")
        return cls(*(arrays[name] for name in names))

    def arrays(self) -> dict[str, Array]:
        """Return the arrays that `from_arrays` reads."""
        return {name: getattr(self, field) for field, name in ARRAY_NAMES.items()}

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return int(self.class_embeddings.shape[1])

    def to(self, device: str) -> CategoryHead:
        """Return a copy as tensors of torch on `device`."""
        return CategoryHead(*(as_tensor(array, device) for array in self.arrays().values()))

    def logits(self, features: Array) -> Array:
        """Return class logits (n, k) of features (n, f)."""
        return features @ self.bottleneck_weight.T @ self.classifier_weight.T + self.bias

    def probabilities(self, features: Array) -> Array:
        """Return class probabilities (n, k) of features (n, f)."""
        return softmax(self.logits(features))

    def __call__(self, features: Array) -> Array:
        """Return embeddings (n, d) of features (n, f)."""
        return self.probabilities(features) @ self.class_embeddings

    def spatial_embeddings(self, positions: Array) -> Array:
        """Return the contributions (n, d) of positions (n, f) whose mean is an image's features.

        The softmax of the whole image, linearized at its logits (gradient times input: Shrikumar et
        al. 2016). The mean over positions is the image's embedding.
        """
        logits = self.logits(positions)
        mean = logits.mean(0)
        probabilities, deviation = softmax(mean), logits - mean
        change = probabilities * (deviation - (deviation @ probabilities)[:, None])
        return (probabilities + change) @ self.class_embeddings


def as_tensor(array: Array, device: str) -> Array:
    """Return an array as a tensor of torch on `device`."""
    import torch

    return torch.as_tensor(array).to(device)


def softmax(logits: Array) -> Array:
    """Return the softmax over the last dimension."""
    if not isinstance(logits, np.ndarray):
        return logits.softmax(-1)
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)
