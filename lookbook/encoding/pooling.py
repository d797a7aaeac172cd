"""Pool the feature maps of a network into one feature vector an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def _avg(maps: torch.Tensor) -> torch.Tensor:
    return maps.mean(_positions(maps))


def _max(maps: torch.Tensor) -> torch.Tensor:
    return maps.amax(_positions(maps))


def _gem(maps: torch.Tensor) -> torch.Tensor:
    """Generalized mean with p = 3 (Radenović, Tolias, Chum 2018)."""
    return maps.clamp_min(1e-6).pow(3).mean(_positions(maps)).pow(1 / 3)


def _positions(maps: torch.Tensor) -> tuple[int, ...]:
    """Return the dimensions of positions.

    They are reduced as they are: OpenVINO 2026.4 mixes up channels where int8 maps are reshaped.
    """
    return tuple(range(2, maps.ndim))


POOLINGS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "avg": _avg,
    "max": _max,
    "gem": _gem,
}


def pool(maps: torch.Tensor, pooling: str = "avg") -> torch.Tensor:
    """Pool maps (n, channels, positions...) to float32 (n, channels) by one of POOLINGS."""
    return POOLINGS[pooling](maps.float())


def average_pool(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the mean over positions of the last of `maps`, float32 (n, its channels)."""
    return pool(maps[-1])


def max_pool_stages(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the maxima of the last two of `maps`, float32 (n, channels of both), last one first.

    A maximum keeps what is visible at few positions (a print, a seam, a button); a mean loses it.
    """
    import torch

    return torch.cat([pool(maps[-1], "max"), pool(maps[-2], "max")], 1)


def argmax_map(positions: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return float32 (*grid, channels): each channel's maximum at the cell that contains it.

    `positions` (h, w, channels) are mapped to `grid` (rows, columns). Values are multiplied by the
    number of cells, so that the mean over the grid equals `max_pool_stages` of the map.
    """
    height, width, channels = positions.shape
    flat = positions.reshape(-1, channels)
    argmax = flat.argmax(axis=0)
    row, column = argmax // width * grid[0] // height, argmax % width * grid[1] // width
    result = np.zeros((*grid, channels), np.float32)
    every = np.arange(channels)
    result[row, column, every] = flat[argmax, every] * (grid[0] * grid[1])
    return result
