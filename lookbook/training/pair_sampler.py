"""From photos to batches of two views a product, for ever, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.search.product_groups import group_by_title
from lookbook.training import augmentation
from lookbook.training.data import COLOURED, HEADS, MISSING, Photos, described
from lookbook.training.descriptions import Description

MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
STREET = (0.35, 0.7)  # shares of street views among first and second views
HANDHELD = -1  # the source beside those of `products`
RECOLOURED = 0.4  # share of products whose second view shows another colour
SOLD = 0.5  # share of these that show a colour in which they are sold, where there is one


@dataclass
class Truth:
    """What is known of n pairs of views.

    `products` int64 (2, n), one number a product; `designs` int64 (2, n), one number for a product
    in all its colours; `labels` int64 (2, n, heads), MISSING where nobody says; `recoloured` bool
    (n,): the second view shows another colour; `descriptions` of all
    first views and of all second ones, empty where nothing may be said; `teacher` float32 (2, n, t)
    or None. A pair is `recoloured`, `single_colour` or of `strangers`.
    """

    products: torch.Tensor
    designs: torch.Tensor
    labels: torch.Tensor
    recoloured: torch.Tensor
    descriptions: list[list[Description]]
    teacher: torch.Tensor | None

    def __len__(self) -> int:
        return len(self.recoloured)

    @property
    def single_colour(self) -> torch.Tensor:
        """bool (n,): both views are of one product, in its own colour."""
        return ~self.recoloured & (self.products[0] == self.products[1])

    @property
    def strangers(self) -> torch.Tensor:
        """bool (n,): the views are of two products that have nothing to do with each other."""
        return ~self.recoloured & ~self.single_colour

    @property
    def said(self) -> list[Description]:
        """2n: of all first views, then of all second ones."""
        return [*self.descriptions[0], *self.descriptions[1]]

    def labels_of(self, head: str) -> torch.Tensor:
        """int64 (2n,): of all first views, then of all second ones."""
        return self.labels[:, :, HEADS.index(head)].flatten()

    def take(self, rows: torch.Tensor) -> Truth:
        """The pairs at `rows`."""
        return Truth(
            self.products[:, rows],
            self.designs[:, rows],
            self.labels[:, rows],
            self.recoloured[rows],
            [[view[r] for r in rows.tolist()] for view in self.descriptions],
            None if self.teacher is None else self.teacher[:, rows],
        )

    @classmethod
    def of(cls, parts: Sequence[Truth]) -> Truth:
        """One after another."""
        return cls(
            torch.cat([p.products for p in parts], 1),
            torch.cat([p.designs for p in parts], 1),
            torch.cat([p.labels for p in parts], 1),
            torch.cat([p.recoloured for p in parts]),
            [[d for p in parts for d in p.descriptions[view]] for view in (0, 1)],
            None if parts[0].teacher is None else torch.cat([p.teacher for p in parts], 1),
        )


@dataclass
class Batch:
    """`pictures` (2n, 3, s, s) normalised: n first views, then second views of the same n."""

    pictures: torch.Tensor
    truth: Truth


def canvases_for(pixels: np.ndarray, size: int) -> torch.Tensor:
    """uint8 (n, c, c, 4) -> float32 (n, 4, s, s) in 0..1: no finer than a warp to `size` needs."""
    canvases = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    enough = int(size * 1.5)  # finer canvases would alias in the warp
    if canvases.shape[-1] > enough:
        canvases = F.interpolate(canvases, (enough, enough), mode="area")
    return canvases


def studio_pictures(photos: Photos, size: int) -> torch.Tensor:
    """float32 (n, 3, size, size) in 0..1: the photos as they are."""
    pixels = torch.from_numpy(np.asarray(photos.canvases[..., :3])).permute(0, 3, 1, 2)
    return F.interpolate(
        pixels.float() / 255, (size, size), mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 1)


class PairSampler:
    """Draws products from `products` (several photos a key) and from `handheld` photos."""

    def __init__(
        self, products: list[Photos], handheld: Photos | None, handheld_share: float
    ) -> None:
        self.products, self.handheld, self.share = products, handheld, handheld_share
        self.shots: dict[str, list[tuple[int, int]]] = {}
        for source, photos in enumerate(products):
            for row, key in enumerate(photos.keys):
                self.shots.setdefault(key, []).append((source, row))
        self.numbers = {key: number for number, key in enumerate(self.shots)}
        self.doubled = [shots for shots in self.shots.values() if shots[0][0] != shots[-1][0]]
        self.designs = self._designs()
        self.colours: dict[int, list[str]] = {}
        for key, design in zip(self.shots, self.designs, strict=True):
            self.colours.setdefault(design, []).append(key)
        self.several = [keys for keys in self.colours.values() if len(keys) > 1]
        # a product with a larger photo is worth more: it is where cut and print can be learnt
        self.keys = [k for k, shots in self.shots.items() for _ in shots]

    def _designs(self) -> list[int]:
        """For each product the number of the first one that is the same in another colour."""
        first = [(self.products[source], row) for (source, row), *_ in self.shots.values()]
        attributes = [photos.attributes[row] for photos, row in first]
        told = dict.fromkeys(column for row in attributes for column in row)
        columns = {column: [row.get(column) for row in attributes] for column in told}
        return group_by_title([photos.names[row] for photos, row in first], columns).tolist()

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

    def unaugmented_pairs(self, count: int, size: int, seed: int) -> Iterator[Batch]:
        """Endless batches of `doubled` products: their photos in two sources, unchanged.

        One of them is often sharp and the other enlarged: no drawn view differs in just that.
        """
        draw = random.Random(seed)
        while self.doubled:
            drawn = draw.sample(self.doubled, min(count, len(self.doubled)))
            shots = [[photos[end] for photos in drawn] for end in (-1, 0)]
            yield self._unchanged(shots, False, size)

    def colourway_pairs(self, count: int, size: int, seed: int) -> Iterator[Batch]:
        """Endless batches of products that are sold in several colours: two of them, unchanged."""
        draw = random.Random(seed)
        while self.several:
            drawn = draw.sample(self.several, min(count, len(self.several)))
            pairs = [draw.sample(keys, 2) for keys in drawn]
            shots = [[draw.choice(self.shots[pair[end]]) for pair in pairs] for end in (0, 1)]
            yield self._unchanged(shots, True, size)

    def alone(self, count: int, size: int, seed: int) -> Iterator[Batch]:
        """Endless batches of photos as they are, one a product, in twos that are strangers."""
        draw = random.Random(seed)
        photos = [shots[0] for shots in self.shots.values()]
        while len(photos) > 1:
            draw.shuffle(photos)
            for start in range(0, len(photos) - 1, 2 * count):
                part = photos[start : start + 2 * count]
                half = len(part) // 2
                yield self._unchanged([part[:half], part[half : 2 * half]], False, size)

    def _unchanged(self, shots: list, recoloured: bool, size: int) -> Batch:
        n = len(shots[0])
        pictures = torch.cat([self._studio(*shot, size) for view in shots for shot in view])
        truth = self._truth(shots, np.full(n, recoloured), np.zeros(n, bool))
        return Batch(normalised(pictures), truth)

    def _studio(self, source: int, row: int, size: int) -> torch.Tensor:
        return studio_pictures(self._source(source).take(np.array([row])), size)

    def _batch(self, keys: list[str], held: int, size: int, draw: random.Random) -> Batch:
        rows = [(HANDHELD, draw.randrange(len(self.handheld))) for _ in range(held)]
        recoloured = np.array([draw.random() < RECOLOURED for _ in keys] + [False] * held)
        second = [self._sold(k, draw) if r else k for k, r in zip(keys, recoloured, strict=False)]
        shots = [[draw.choice(self.shots[k]) for k in view] + rows for view in (keys, second)]
        itself = [one == other for one, other in zip(keys, second, strict=True)]
        drawn = recoloured & np.array(itself + [True] * held)
        changed = (np.zeros_like(drawn), drawn)
        views = [
            self._views(view, change, size, share, draw)
            for view, change, share in zip(shots, changed, STREET, strict=True)
        ]
        truth = self._truth(shots, recoloured, drawn)
        return Batch(normalised(torch.cat(views)), truth)

    def _sold(self, key: str, draw: random.Random) -> str:
        """The product in another of its colours, or itself: that one is recoloured then."""
        others = [k for k in self.colours[self.designs[self.numbers[key]]] if k != key]
        return draw.choice(others) if others and draw.random() < SOLD else key

    def _truth(self, shots: list[list], recoloured: np.ndarray, drawn: np.ndarray) -> Truth:
        """`drawn`: those of `recoloured` in a colour that nobody knows a name for."""
        labels = np.array([[self._source(s).labels[r] for s, r in view] for view in shots])
        said = [[self._said(*shot) for shot in view] for view in shots]
        said[1] = [Description() if d else text for d, text in zip(drawn, said[1], strict=True)]
        for head in COLOURED:
            labels[1, drawn, HEADS.index(head)] = MISSING
        teacher = None
        if self.products[0].teacher is not None:
            taught = [[self._source(s).teacher[r] for s, r in view] for view in shots]
            teacher = torch.from_numpy(np.array(taught, np.float32))
        numbers = torch.tensor([[self._number(*shot) for shot in view] for view in shots])
        return Truth(
            numbers,
            torch.tensor([[self.designs[n] if n >= 0 else n for n in v] for v in numbers.tolist()]),
            torch.from_numpy(labels),
            torch.from_numpy(recoloured),
            said,
            teacher,
        )

    def _source(self, source: int) -> Photos:
        return self.handheld if source == HANDHELD else self.products[source]

    def _number(self, source: int, row: int) -> int:
        if source == HANDHELD:
            return -1 - row
        return self.numbers[self.products[source].keys[row]]

    def _views(
        self,
        shots: list,
        recoloured: np.ndarray,
        size: int,
        street_share: float,
        draw: random.Random,
    ) -> torch.Tensor:
        """Studio and street views in the order of `shots`; each source has its own canvas size."""
        out = torch.empty(len(shots), 3, size, size)
        sources = np.array([source for source, _ in shots])
        street = np.array([draw.random() < street_share for _ in shots])
        street &= sources != HANDHELD  # those stand on a ground of their own already
        for source in np.unique(sources):
            mine = sources == source
            for here in map(np.flatnonzero, (mine & ~street, mine & street)):
                if not len(here):
                    continue
                canvases = self._canvases(source, [shots[i][1] for i in here], size)
                if recoloured[here].any():
                    changed = torch.from_numpy(recoloured[here])
                    canvases = augmentation.recolour(canvases, changed)
                out[here] = self._seen(canvases, source, street[here[0]], size, draw)
        return out

    def _seen(
        self, canvases: torch.Tensor, source: int, street: bool, size: int, draw: random.Random
    ) -> torch.Tensor:
        if source == HANDHELD:
            return augmentation.handheld(canvases, size)
        if street:
            return augmentation.street(canvases, self._grounds(len(canvases), size, draw), size)
        return augmentation.studio(canvases, size)

    def _grounds(self, n: int, size: int, draw: random.Random) -> torch.Tensor:
        photos = self.handheld or self.products[0]
        source = HANDHELD if self.handheld else 0
        return self._canvases(source, [draw.randrange(len(photos)) for _ in range(n)], size)

    def _canvases(self, source: int, rows: list[int], size: int) -> torch.Tensor:
        return canvases_for(self._source(source).canvases[np.array(rows)], size)

    def _said(self, source: int, row: int) -> Description:
        """What may be said of a shot; nothing of a handheld one."""
        return Description() if source == HANDHELD else described(self.products[source], row)


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures (n, 3, s, s) in 0..1 as the backbone takes them, channels last."""
    return ((pictures - MEAN) / STD).contiguous(memory_format=torch.channels_last)
