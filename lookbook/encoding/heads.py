"""What was learnt on top of a network: its maps become the sides of a vector.

The one for everything reads averages, the one for cut and print details (`pooling`), the
one for kinds both (`category_head`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookbook.encoding.category_head import CategoryHead
from lookbook.encoding.pooling import argmax_map, average_pool, max_pool_stages
from lookbook.encoding.text_tokenizer import Vocabulary

if TYPE_CHECKING:
    import torch

FILE = "projection.safetensors"


class EncoderError(ValueError):
    """A model that cannot be loaded or used; the message says what to do."""


@dataclass(frozen=True)
class EmbeddingHeads:
    """Weights of averages (d, channels of the last map), of details (d, channels of both), kinds.

    float32; the sides follow each other in this order. What is None is not there.
    """

    projection: torch.Tensor
    detail: torch.Tensor | None = None
    kinds: CategoryHead | None = None

    @classmethod
    def load(cls, folder: Path) -> EmbeddingHeads | None:
        """From `FILE` in a folder, None where there is none; raises EncoderError."""
        file = folder / FILE
        if not file.exists():
            return None
        there = {
            name: _sound(array, f"{file}: {name}") for name, array in read_tensors(file).items()
        }
        for name in ("projection", "detail"):
            if name in there and (there[name].ndim != 2 or not len(there[name])):
                found = tuple(there[name].shape)
                raise EncoderError(f"{file}: {name}: expected rows and columns, found {found}")
        if "projection" not in there:
            found = ", ".join(there) or "nothing"
            raise EncoderError(f"{file}: expected an array called projection, found {found}")
        try:
            return cls(there["projection"], there.get("detail"), CategoryHead.among(there))
        except ValueError as error:
            raise EncoderError(f"{file}: {error}") from None

    @property
    def dim(self) -> int:
        """Length of a vector."""
        detail = 0 if self.detail is None else len(self.detail)
        return len(self.projection) + detail + (self.kinds.codes.shape[1] if self.kinds else 0)

    def to(self, device: torch.device) -> EmbeddingHeads:
        """The same on `device`."""
        detail, kinds = self.detail, self.kinds
        return EmbeddingHeads(
            self.projection.to(device),
            None if detail is None else detail.to(device),
            None if kinds is None else kinds.to(device),
        )

    @property
    def stages(self) -> tuple[int, ...]:
        """The maps that are read, as numbers of transformers' `hidden_states`."""
        return (-1,) if self.detail is None and self.kinds is None else (-2, -1)

    def of(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """(n, dim) of the maps of `stages`, each (n, channels, places...); raises EncoderError."""
        averaged = average_pool(maps)
        detailed = averaged[:, :0] if self.stages == (-1,) else max_pool_stages(maps)
        return self._joined(averaged, detailed, CategoryHead.__call__)

    def spatial_embeddings(self, maps: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (h, w, dim): what each place of the last map gives; their mean is `of` the maps.

        `maps` of `stages`, each (h, w, channels). A largest value counts for the place where it is.
        """
        import torch

        *earlier, last = maps
        height, width, _ = last.shape
        spots = [argmax_map(m, (height, width)) for m in (last, *earlier)] if earlier else []
        averaged, detailed = (
            torch.from_numpy(np.concatenate([last[:, :, :0], *parts], 2)).flatten(0, 1)
            for parts in ([last], spots)
        )
        found = self.to("cpu")._joined(averaged, detailed, CategoryHead.spatial_embeddings)
        return found.unflatten(0, (height, width)).numpy()

    def _joined(
        self,
        averaged: torch.Tensor,
        detailed: torch.Tensor,
        tell: Callable[[CategoryHead, torch.Tensor], torch.Tensor],
    ) -> torch.Tensor:
        import torch

        found = [_fitting(averaged, self.projection, "projection") @ self.projection.T]
        if self.detail is not None:
            found.append(_fitting(detailed, self.detail, "detail") @ self.detail.T)
        if self.kinds is not None:
            both = _fitting(torch.cat([averaged, detailed], 1), self.kinds.read, "kinds.read")
            found.append(tell(self.kinds, both))
        return torch.cat(found, 1)


def load_text_embeddings(folder: Path, dim: int) -> tuple[Vocabulary, np.ndarray] | None:
    """The words of a folder and their table (n, `dim`), or None; raises EncoderError."""
    file = folder / "words.safetensors"
    if not file.exists():
        return None
    table = read_tensors(file).get("words")
    try:
        listed = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        vocabulary = Vocabulary(tuple(listed["words"]), tuple(listed["pieces"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(
            f"{folder / 'words.json'}: expected lists called words and pieces ({error!r})"
        ) from None
    expected, found = (len(vocabulary), dim), None if table is None else tuple(table.shape)
    if found != expected:
        raise EncoderError(f"{file}: expected an array words of shape {expected}, found {found}")
    if not table.isfinite().all():
        raise EncoderError(f"{file}: expected numbers, found some that are none")
    return vocabulary, table.numpy()


def read_tensors(file: Path) -> dict[str, torch.Tensor]:
    """What a safetensors file holds; raises EncoderError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise EncoderError(f"{file}: expected a whole safetensors file ({error})") from None


def _sound(array: torch.Tensor, name: str) -> torch.Tensor:
    """float32, if all its numbers are some that half precision can tell; raises EncoderError."""
    import torch

    array = array.float()
    if not (array.abs() <= torch.finfo(torch.float16).max).all():
        raise EncoderError(f"{name}: expected numbers up to 65,504, found larger ones or none")
    return array


def _fitting(features: torch.Tensor, weights: torch.Tensor, name: str) -> torch.Tensor:
    """The `features`, if `weights` can read them; raises EncoderError."""
    if (found := weights.shape[1]) != (expected := features.shape[1]):
        raise EncoderError(f"{name}: expected {expected} columns for this model, found {found}")
    return features
