"""Trained heads on top of a network: pooled feature maps become the sub-vectors of an embedding.

The general head (`projection`) reads average-pooled features, the `detail` head (cut and print)
max-pooled ones (`pooling`), the `category` head both (`category_head`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookbook.encoding.category_head import ARRAY_NAMES, Array, CategoryHead, as_tensor
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.pooling import argmax_map, average_pool, max_pool_stages
from lookbook.encoding.text_tokenizer import Vocabulary

if TYPE_CHECKING:
    import torch

HEADS_FILE = "projection.safetensors"


@dataclass(frozen=True)
class EmbeddingHeads:
    """Weights of the heads, float32; their outputs are concatenated in this order.

    `projection` (d, channels of the last map), `detail` (d, channels of the last two maps) and
    `category`; a head that is None is absent. `load` gives arrays of numpy, `to` tensors of torch:
    what runs without torch does not import it.
    """

    projection: Array
    detail: Array | None = None
    category: CategoryHead | None = None

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
        for name in ("projection", "detail"):
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
        return cls(arrays["projection"], arrays.get("detail"), category)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        detail = 0 if self.detail is None else len(self.detail)
        return len(self.projection) + detail + (self.category.dim if self.category else 0)

    def to(self, device: str) -> EmbeddingHeads:
        """Return a copy as tensors of torch on `device`."""
        return EmbeddingHeads(
            as_tensor(self.projection, device),
            None if self.detail is None else as_tensor(self.detail, device),
            None if self.category is None else self.category.to(device),
        )

    @property
    def stages(self) -> tuple[int, ...]:
        """Feature maps that the heads read, as indices of transformers' `hidden_states`."""
        return (-1,) if self.detail is None and self.category is None else (-2, -1)

    def embed(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return (n, dim), not normalized, of the maps of `stages`, each (n, channels, ...).

        Raises EncoderError when the maps have other channels than the weights.
        """
        average = average_pool(maps)
        maximum = average[:, :0] if self.stages == (-1,) else max_pool_stages(maps)
        tensors: torch.Tensor = self._concatenate(average, maximum, CategoryHead.__call__)
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
        rows = self._concatenate(average, maximum, CategoryHead.spatial_embeddings)
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


def load_text_embeddings(folder: Path, dim: int) -> tuple[Vocabulary, np.ndarray] | None:
    """Read the vocabulary of a folder and its table (n, `dim`), None if it has none.

    Raises EncoderError.
    """
    file = folder / "words.safetensors"
    if not file.exists():
        return None
    table = read_tensors(file).get("words")
    try:
        lists = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        vocabulary = Vocabulary(tuple(lists["words"]), tuple(lists["pieces"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(
            f"{folder / 'words.json'}: expected lists called words and pieces ({error!r})"
        ) from None
    expected, shape = (len(vocabulary), dim), None if table is None else tuple(table.shape)
    if table is None or shape != expected:
        raise EncoderError(f"{file}: expected an array words of shape {expected}, found {shape}")
    if not np.isfinite(table).all():
        raise EncoderError(f"{file}: expected finite numbers, found infinities or NaN")
    return vocabulary, table


def _joined(parts: Sequence[Array]) -> Array:
    """Concatenate rows (n, ...) of numpy or of torch."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, 1)
    import torch

    return torch.cat(list(parts), 1)


def read_tensors(file: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a safetensors file. Raises EncoderError when it is damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise EncoderError(f"{file}: expected a whole safetensors file ({error})") from None


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
