"""How the maps that a network makes of a picture become one row of features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def _mean(places: torch.Tensor) -> torch.Tensor:
    return places.mean(2)


def _largest(places: torch.Tensor) -> torch.Tensor:
    return places.amax(2)


def _generalised(places: torch.Tensor) -> torch.Tensor:
    """GeM with p = 3: Radenović, Tolias, Chum 2018."""
    return places.clamp_min(1e-6).pow(3).mean(2).pow(1 / 3)


POOLINGS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "avg": _mean,
    "max": _largest,
    "gem": _generalised,
}


def pool(maps: torch.Tensor, how: str = "avg") -> torch.Tensor:
    """Maps (n, channels, places...) -> float32 (n, channels), by one of POOLINGS."""
    return POOLINGS[how](maps.float().flatten(2))


def average_pool(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """The mean of the last of `maps`, (n, its channels): what is on the picture, all in all."""
    return pool(maps[-1])


def max_pool_stages(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """The largest values of the last two of `maps`, (n, channels of both), the last one's first.

    What is there at all, be it in one place: a print, a seam, a button. Means drown it.
    """
    import torch

    return torch.cat([pool(maps[-1], "max"), pool(maps[-2], "max")], 1)


def argmax_map(places: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """float32 (rows, columns, channels): the largest value of each channel at the place it has.

    Of `places` (h, w, channels), on a `grid` of rows and columns, and as many times as large as
    there are cells: the mean over the grid is what `max_pool_stages` takes of the map.
    """
    height, width, channels = places.shape
    flat = places.reshape(-1, channels)
    at = flat.argmax(axis=0)
    row, column = at // width * grid[0] // height, at % width * grid[1] // width
    found = np.zeros((*grid, channels), np.float32)
    every = np.arange(channels)
    found[row, column, every] = flat[at, every] * (grid[0] * grid[1])
    return found
