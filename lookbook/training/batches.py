"""From photos to batches of two views a product, for ever, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.training import augment
from lookbook.training.data import DESCRIBED, Photos

MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
WORD_DROP = 0.3  # share of names cut to some of their words: people type two words, not eight


@dataclass
class Batch:
    """`pictures` (2n, 3, s, s) normalised: n first views, then second views of the same n."""

    pictures: torch.Tensor
    labels: torch.Tensor
    teacher: torch.Tensor | None
    names: list[str]


def canvases_for(pixels: np.ndarray, size: int) -> torch.Tensor:
    """uint8 (n, c, c, 4) -> float32 (n, 4, s, s) in 0..1: no finer than a warp to `size` needs."""
    canvases = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    enough = int(size * 1.5)  # finer canvases would alias in the warp
    if canvases.shape[-1] > enough:
        canvases = F.interpolate(canvases, (enough, enough), mode="area")
    return canvases


class Mixer:
    """Draws products from `products` (several photos a key) and from `handheld` photos."""

    def __init__(
        self, products: list[Photos], handheld: Photos | None, handheld_share: float
    ) -> None:
        self.products, self.handheld, self.share = products, handheld, handheld_share
        self.shots: dict[str, list[tuple[int, int]]] = {}
        for source, photos in enumerate(products):
            for row, key in enumerate(photos.keys):
                self.shots.setdefault(key, []).append((source, row))
        # a product with a larger photo is worth more: it is where cut and print can be learnt
        self.keys = [k for k, shots in self.shots.items() for _ in shots]

    def batches(self, count: int, size: int, seed: int) -> Iterator[Batch]:
        """Endless batches of `count` products, `size` pixels a side; products come in rounds."""
        draw = random.Random(seed)
        torch.manual_seed(seed)
        held = round(count * self.share) if self.handheld else 0
        queue: list[str] = []
        while True:
            if len(queue) < count:
                fresh = self.keys.copy()
                draw.shuffle(fresh)
                queue += fresh
            keys = list(dict.fromkeys(queue[: count - held]))
            del queue[: count - held]
            yield self._batch(keys, held, size, draw)

    def _batch(self, keys: list[str], held: int, size: int, draw: random.Random) -> Batch:
        first = [draw.choice(self.shots[key]) for key in keys]
        second = [draw.choice(self.shots[key]) for key in keys]
        rows = [draw.randrange(len(self.handheld)) for _ in range(held)]
        views = []
        for shots, street_share in ((first, 0.35), (second, 0.7)):
            shop = self._views(shots, size, street_share, draw)
            views.append(torch.cat([shop, self._handheld(rows, size)]) if held else shop)
        pictures = (torch.cat(views) - MEAN) / STD
        return Batch(
            pictures.contiguous(memory_format=torch.channels_last),
            torch.from_numpy(np.concatenate([self._labels(s, rows) for s in (first, second)])),
            self._teacher([*first, *self._held(rows), *second, *self._held(rows)]),
            [self._name(*shot, draw) for shot in first],
        )

    def _held(self, rows: list[int]) -> list[tuple[int, int]]:
        return [(-1, row) for row in rows]

    def _source(self, source: int) -> Photos:
        return self.handheld if source == -1 else self.products[source]

    def _views(
        self, shots: list, size: int, street_share: float, draw: random.Random
    ) -> torch.Tensor:
        """Studio and street views in the order of `shots`; each source has its own canvas size."""
        out = torch.empty(len(shots), 3, size, size)
        street = np.array([draw.random() < street_share for _ in shots])
        sources = np.array([source for source, _ in shots])
        for source in np.unique(sources):
            for outside in (False, True):
                here = np.flatnonzero((sources == source) & (street == outside))
                if not len(here):
                    continue
                canvases = self._canvases(source, [shots[i][1] for i in here], size)
                if outside:
                    grounds = self._grounds(len(here), size, draw)
                    out[here] = augment.street(canvases, grounds, size)
                else:
                    out[here] = augment.studio(canvases, size)
        return out

    def _handheld(self, rows: list[int], size: int) -> torch.Tensor:
        return augment.handheld(self._canvases(-1, rows, size), size)

    def _grounds(self, n: int, size: int, draw: random.Random) -> torch.Tensor:
        photos = self.handheld or self.products[0]
        source = -1 if self.handheld else 0
        return self._canvases(source, [draw.randrange(len(photos)) for _ in range(n)], size)

    def _canvases(self, source: int, rows: list[int], size: int) -> torch.Tensor:
        return canvases_for(self._source(source).canvases[np.array(rows)], size)

    def _labels(self, shots: list[tuple[int, int]], rows: list[int]) -> np.ndarray:
        labels = [self._source(s).labels[r] for s, r in [*shots, *self._held(rows)]]
        return np.stack(labels)

    def _teacher(self, shots: list[tuple[int, int]]) -> torch.Tensor | None:
        if self.products[0].teacher is None:
            return None
        return torch.from_numpy(
            np.stack([self._source(s).teacher[r] for s, r in shots]).astype(np.float32)
        )

    def _name(self, source: int, row: int, draw: random.Random) -> str:
        photos = self.products[source]
        attributes = photos.attributes[row]
        described = [str(attributes.get(c) or "") for c in DESCRIBED]
        text = photos.names[row] if draw.random() < 0.75 else " ".join(described)
        words = text.split()
        if draw.random() < WORD_DROP and len(words) > 2:
            words = draw.sample(words, draw.randint(2, len(words)))
        return " ".join(words)
