"""Between two networks of which one learnt on from the other: what each knows (Wortsman 2022).

A backbone that learns clothes forgets some of what ImageNet taught it, which other shops and larger
pictures need. On the straight line between the two lie networks that know most of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from lookbook.training.batches import Batch
from lookbook.training.model import Student, mixed_precision

MEASURED = 30  # batches whose means and variances say what the normalisation goes by


@torch.no_grad()
def blend(backbone: nn.Module, folder: Path, share: float) -> None:
    """Give `backbone` that `share` of the weights in `folder`, the rest stays its own.

    Its normalisation fits neither afterwards: see `measure`. Raises ValueError when the arrays of
    the two have other names or shapes, or the share is not within 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"expected a share of 0 to 1, found {share}")
    here, there = backbone.state_dict(), load_file(folder / "model.safetensors")
    if odd := sorted(name for name, _ in shapes(here) ^ shapes(there)):
        raise ValueError(f"{folder}: expected the arrays of this backbone, found another {odd[0]}")
    for name, array in here.items():
        if array.is_floating_point():
            array.lerp_(there[name].to(array.dtype), share)


def shapes(state: dict[str, torch.Tensor]) -> set[tuple[str, tuple[int, ...]]]:
    """The name of each array with its shape."""
    return {(name, tuple(array.shape)) for name, array in state.items()}


@torch.no_grad()
def measure(student: Student, batches: Iterator[Batch], count: int = MEASURED) -> None:
    """Normalise by what `count` batches show, in the stages that stand still too."""
    student.backbone.train()
    for _ in range(count):
        pictures = next(batches).pictures  # drawn outside: augmentation is not for half precision
        with mixed_precision():
            student.features(pictures)
    student.train()
