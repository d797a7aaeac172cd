"""Trained heads on top of a network: pooled feature maps become the sub-vectors of an embedding.

The general head (`projection`) reads average-pooled features, the `detail` head (cut and print)
max-pooled ones (`pooling`), the `category` head both (`category_head`). Two product heads read
max-pooled features and have a length of their own, so that a cosine compares their directions:
`design` tells products apart whatever their colour, `instance` the very product from all others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookbook.encoding.category_head import ARRAY_NAMES, Array, CategoryHead, as_tensor
from lookbook.encoding.errors import UNREADABLE, EncoderError, ModelUnusable
from lookbook.encoding.pooling import argmax_map, average_pool, max_pool_stages
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.schema import tensors

if TYPE_CHECKING:
    import torch

HEADS_FILE = "projection.safetensors"
PRODUCT_HEADS = ("design", "instance")
PRODUCT_HEAD_NORM = 0.5  # of a product head, where the heads before them together have 1


@dataclass(frozen=True)
class EmbeddingHeads:
    """Weights of the heads, float32; their outputs are concatenated in this order.

    `projection` (d, channels of the last map), `detail` (d, channels of the last two maps),
    `category`, and `design` and `instance`, both as `detail`; a head that is None is absent.
    `load` gives arrays of numpy, `to` tensors of torch: what runs without torch does not import it.
    """

    projection: Array
    detail: Array | None = None
    category: CategoryHead | None = None
    design: Array | None = None
    instance: Array | None = None

    @classmethod
    def load(cls, folder: Path) -> EmbeddingHeads | None:
        """Read HEADS_FILE of a folder, None if there is none. Raises EncoderError."""
        file = folder / HEADS_FILE
        if not file.exists():
            return None
        arrays = {
            name: _check_range(array, f"{file}: {name}")
            for name, array in read_tensors(file).items()
        }
        for name in ("projection", "detail", *PRODUCT_HEADS):
            if name in arrays and (arrays[name].ndim != 2 or not len(arrays[name])):
                shape = tuple(arrays[name].shape)
                raise EncoderError(f"{file}: {name}: expected rows and columns, found {shape}")
        if "projection" not in arrays:
            names = ", ".join(arrays) or "nothing"
            raise EncoderError(f"{file}: expected an array called projection, found {names}")
        try:
            category = CategoryHead.from_arrays(arrays)
        except ValueError as error:
            raise EncoderError(f"{file}: {error}") from None
        product = (arrays.get(name) for name in PRODUCT_HEADS)
        return cls(arrays["projection"], arrays.get("detail"), category, *product)

    @property
    def head_dims(self) -> tuple[int, ...]:
        """Lengths of the heads that there are, in the order of an embedding."""
        return (*self._text_dims, *(len(weights) for _, weights in self._product_heads))

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return sum(self.head_dims)

    @property
    def text_dim(self) -> int:
        """Length without the product heads, of which texts say nothing."""
        return sum(self._text_dims)

    @property
    def _text_dims(self) -> tuple[int, ...]:
        detail = () if self.detail is None else (len(self.detail),)
        category = () if self.category is None else (self.category.dim,)
        return len(self.projection), *detail, *category

    @property
    def text_norm(self) -> float:
        """Norm of the first `text_dim` columns of a vector of norm 1."""
        return float((1 + len(self._product_heads) * PRODUCT_HEAD_NORM**2) ** -0.5)

    @property
    def _product_heads(self) -> list[tuple[str, Array]]:
        heads = [(name, getattr(self, name)) for name in PRODUCT_HEADS]
        return [(name, weights) for name, weights in heads if weights is not None]

    def to(self, device: str) -> EmbeddingHeads:
        """Return a copy as tensors of torch on `device`."""
        linear = {
            name: None if (weights := getattr(self, name)) is None else as_tensor(weights, device)
            for name in ("projection", "detail", *PRODUCT_HEADS)
        }
        category = None if self.category is None else self.category.to(device)
        return EmbeddingHeads(**linear, category=category)

    @property
    def stages(self) -> tuple[int, ...]:
        """Feature maps that the heads read, as indices of transformers' `hidden_states`."""
        reads_two = (self.detail, self.category, self.design, self.instance)
        return (-1,) if all(head is None for head in reads_two) else (-2, -1)

    def embed(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return (n, dim), not normalized, of the maps of `stages`, each (n, channels, ...).

        Raises EncoderError when the maps have other channels than the weights.
        """
        average = average_pool(maps)
        maximum = average[:, :0] if self.stages == (-1,) else max_pool_stages(maps)
        heads = self._concatenate(average, maximum, CategoryHead.__call__)
        tensors: torch.Tensor = _joined([heads, *self._products(heads, maximum, _norms)])
        return tensors

    def spatial_embeddings(self, maps: Sequence[np.ndarray]) -> np.ndarray:
        """Return float32 (h, w, dim): what each position of the last map contributes.

        `maps` of `stages`, each (h, w, channels). The mean over positions is `embed` of the maps. A
        maximum is attributed to the position where it occurs.
        """
        *earlier, last = maps
        height, width, _ = last.shape
        maxima = [argmax_map(m, (height, width)) for m in (last, *earlier)] if earlier else []
        average, maximum = (
            np.concatenate([last[:, :, :0], *parts], 2).reshape(height * width, -1)
            for parts in ([last], maxima)
        )
        heads = self._concatenate(average, maximum, CategoryHead.spatial_embeddings)
        rows = _joined([heads, *self._products(heads, maximum, _norm_of_mean)])
        return np.asarray(rows, np.float32).reshape(height, width, -1)

    def _concatenate(
        self,
        average: Array,
        maximum: Array,
        category_embedding: Callable[[CategoryHead, Array], Array],
    ) -> Array:
        parts = [_check_columns(average, self.projection, "projection") @ self.projection.T]
        if self.detail is not None:
            parts.append(_check_columns(maximum, self.detail, "detail") @ self.detail.T)
        if self.category is not None:
            name, weight = ARRAY_NAMES["bottleneck_weight"], self.category.bottleneck_weight
            both = _check_columns(_joined([average, maximum]), weight, name)
            parts.append(category_embedding(self.category, both))
        return _joined(parts)

    def _products(
        self, heads: Array, maximum: Array, norms: Callable[[Array], Array]
    ) -> list[Array]:
        """Return the outputs of the product heads, of PRODUCT_HEAD_NORM times the norm of `heads`.

        `heads` (n, text_dim), `maximum` (n, channels); `norms` gives the norms of rows.
        """
        outputs = [
            _check_columns(maximum, weights, name) @ weights.T
            for name, weights in self._product_heads
        ]
        length = PRODUCT_HEAD_NORM * norms(heads)
        return [output * (length / (norms(output) + 1e-12)) for output in outputs]


def _norms(rows: Array) -> Array:
    """Return (n, 1), the L2 norms of `rows` (n, d) of numpy or torch."""
    return (rows * rows).sum(-1)[..., None] ** 0.5


def _norm_of_mean(rows: Array) -> Array:
    """Return (1, 1), the L2 norm of the mean of `rows` (n, d)."""
    return _norms(rows.mean(0)[None])


def load_text_embeddings(
    folder: Path, heads: EmbeddingHeads
) -> tuple[Vocabulary, np.ndarray] | None:
    """Read the vocabulary of a folder and its table, None if it has none.

    The file's table (n, `heads.text_dim`) gets zeros in place of the product heads: (n,
    `heads.dim`). Raises EncoderError.
    """
    file = folder / "words.safetensors"
    if not file.exists():
        return None
    table = read_tensors(file).get("words")
    try:
        lists = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        vocabulary = Vocabulary(tuple(lists["words"]), tuple(lists["pieces"]))
    except UNREADABLE as error:
        raise EncoderError(
            f"{folder / 'words.json'}: expected lists called words and pieces ({error!r})"
        ) from None
    expected, shape = (
        (len(vocabulary), heads.text_dim),
        None if table is None else tuple(table.shape),
    )
    if table is None or shape != expected:
        raise EncoderError(f"{file}: expected an array words of shape {expected}, found {shape}")
    if not np.isfinite(table).all():
        raise EncoderError(f"{file}: expected finite numbers, found infinities or NaN")
    return vocabulary, np.pad(table, ((0, 0), (0, heads.dim - heads.text_dim)))


def _joined(parts: Sequence[Array]) -> Array:
    """Concatenate rows (n, ...) of numpy or of torch."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, 1)
    import torch

    return torch.cat(list(parts), 1)


def read_tensors(file: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a safetensors file of a model; raises ModelUnusable."""
    try:
        return tensors.read_tensors(file)
    except (tensors.TensorsUnreadable, OSError) as error:
        raise ModelUnusable(str(error)) from None


def _check_range(array: np.ndarray, name: str) -> np.ndarray:
    """Return `array` as float32 if half precision can hold its values. Raises EncoderError."""
    array = array.astype(np.float32)
    if not (np.abs(array) <= np.finfo(np.float16).max).all():
        raise EncoderError(f"{name}: expected numbers up to 65,504, found larger ones or NaN")
    return array


def _check_columns(features: Array, weights: Array, name: str) -> Array:
    """Return `features` if `weights` have as many columns. Raises EncoderError."""
    if (columns := weights.shape[1]) != (expected := features.shape[1]):
        raise EncoderError(f"{name}: expected {expected} columns for this model, found {columns}")
    return features
