"""Sample endless batches of two views a product from photos, by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count as count_from
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.search.product_groups import group_by_title
from lookbook.training import augmentation
from lookbook.training.data import (
    COLOUR_LABELS,
    LABEL_COLUMNS,
    MISSING,
    PhotoDataset,
    description_of,
)
from lookbook.training.descriptions import Description
from lookbook.training.device import place_photos
from lookbook.training.strong_views import StrongViews

MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
STREET_SHARES = (0.35, 0.7)  # of street views among first and second views
PHONE_SOURCE = -1  # source number of the phone photos
RECOLOURED_SHARE = 0.4  # of products whose second view shows another colour
COLOURWAY_SHARE = 0.5  # of these that show a colourway that is sold, where there is one

Photo = tuple[int, int]  # number of the source, row in it


@dataclass
class PairLabels:
    """What is known about n pairs of views.

    `products` int64 (2, n), one number a product; `designs` int64 (2, n), one number for a product
    in all its colours; `class_ids` int64 (2, n, label columns), MISSING where unknown; `recoloured`
    bool (n,): the second view shows another colour; `descriptions` of all first and of all second
    views, empty where there is none; `teacher` float32 (2, n, t) or None. A pair is either
    `recoloured`, `single_colour` or `unrelated`.
    """

    products: torch.Tensor
    designs: torch.Tensor
    class_ids: torch.Tensor
    recoloured: torch.Tensor
    descriptions: list[list[Description]]
    teacher: torch.Tensor | None

    def __len__(self) -> int:
        return len(self.recoloured)

    @property
    def single_colour(self) -> torch.Tensor:
        """bool (n,): both views show one product in its own colour."""
        return ~self.recoloured & (self.products[0] == self.products[1])

    @property
    def unrelated(self) -> torch.Tensor:
        """bool (n,): the views show two unrelated products."""
        return ~self.recoloured & ~self.single_colour

    @property
    def all_descriptions(self) -> list[Description]:
        """2n descriptions: of all first views, then of all second ones."""
        return [*self.descriptions[0], *self.descriptions[1]]

    def class_ids_of(self, column: str) -> torch.Tensor:
        """Return int64 (2n,): of all first views, then of all second ones."""
        return self.class_ids[:, :, LABEL_COLUMNS.index(column)].flatten()

    def to(self, device: torch.device) -> PairLabels:
        """Return the labels with all tensors on `device`."""
        return replace(
            self,
            products=self.products.to(device),
            designs=self.designs.to(device),
            class_ids=self.class_ids.to(device),
            recoloured=self.recoloured.to(device),
            teacher=None if self.teacher is None else self.teacher.to(device),
        )

    def take(self, rows: torch.Tensor) -> PairLabels:
        """Return the pairs at `rows`."""
        return PairLabels(
            self.products[:, rows],
            self.designs[:, rows],
            self.class_ids[:, rows],
            self.recoloured[rows],
            [[view[r] for r in rows.tolist()] for view in self.descriptions],
            None if self.teacher is None else self.teacher[:, rows],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[PairLabels]) -> PairLabels:
        """Join the pairs of all `parts`, which have teacher vectors all or none."""
        teachers = [p.teacher for p in parts if p.teacher is not None]
        return cls(
            torch.cat([p.products for p in parts], 1),
            torch.cat([p.designs for p in parts], 1),
            torch.cat([p.class_ids for p in parts], 1),
            torch.cat([p.recoloured for p in parts]),
            [[d for p in parts for d in p.descriptions[view]] for view in (0, 1)],
            torch.cat(teachers, 1) if teachers else None,
        )


@dataclass
class Batch:
    """`images` (2n, 3, s, s), normalized: n first views, then their second views."""

    images: torch.Tensor
    labels: PairLabels


def rgba_tensor(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """Return float32 (n, 4, s, s) in 0..1 of uint8 (n, c, c, 4), reduced for a warp to `size`."""
    rgba = pixels.permute(0, 3, 1, 2).float() / 255
    max_side = int(size * 1.5)  # larger images would alias in the warp
    if rgba.shape[-1] > max_side:
        rgba = F.interpolate(rgba, (max_side, max_side), mode="area")
    return rgba


def resized_photos(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """Return float32 (n, 3, size, size) in 0..1 of uint8 (n, c, c, 4), without augmentation."""
    rgb = pixels[..., :3].permute(0, 3, 1, 2).float() / 255
    return F.interpolate(
        rgb, (size, size), mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 1)


def normalize(images: torch.Tensor) -> torch.Tensor:
    """Normalize images (n, 3, s, s) in 0..1 for the backbone, channels last in memory."""
    mean, std = MEAN.to(images.device), STD.to(images.device)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


class PairSampler:
    """Sample pairs of `products` (photos with one key show one product) and `phone_photos`.

    `phone_share` of each batch are phone photos, if there are any. Images and labels of batches are
    on `device`, and so are decoded photos, where it has room: a step decodes nothing. `strong`:
    views are harder, see `StrongViews`.
    """

    def __init__(
        self,
        products: list[PhotoDataset],
        phone_photos: PhotoDataset | None,
        phone_share: float,
        device: torch.device = torch.device("cpu"),  # noqa: B008
        strong: bool = False,
    ) -> None:
        self.products, self.phone_photos = products, phone_photos
        self.device, self.strong = device, StrongViews(device) if strong else None
        sources = dict(enumerate(products)) | ({PHONE_SOURCE: phone_photos} if phone_photos else {})
        self._pixels = {n: place_photos(s.rgba_images, device) for n, s in sources.items()}
        self.phone_share = phone_share if phone_photos else 0.0
        self.photos: dict[str, list[Photo]] = {}  # of each product
        for source, photos in enumerate(products):
            for row, key in enumerate(photos.keys):
                self.photos.setdefault(key, []).append((source, row))
        self.numbers = {key: number for number, key in enumerate(self.photos)}
        # products photographed in more than one source
        self.multi_source = [p for p in self.photos.values() if p[0][0] != p[-1][0]]
        self.designs = self._designs()
        self.colourways: dict[int, list[str]] = {}
        for key, design in zip(self.photos, self.designs, strict=True):
            self.colourways.setdefault(design, []).append(key)
        self.multi_colour = [keys for keys in self.colourways.values() if len(keys) > 1]
        # a product with a larger photo comes twice: cut and print are visible there
        self.keys = [key for key, photos in self.photos.items() for _ in photos]

    def _designs(self) -> list[int]:
        """Return for each product the number of the first of its colourways."""
        first = [(self.products[source], row) for (source, row), *_ in self.photos.values()]
        attributes = [photos.attributes[row] for photos, row in first]
        names = dict.fromkeys(column for row in attributes for column in row)
        columns = {column: [row.get(column) for row in attributes] for column in names}
        return group_by_title([photos.titles[row] for photos, row in first], columns).tolist()

    def batches(self, count: int, size: int, seed: int, first: int = 0) -> Iterator[Batch]:
        """Yield augmented pairs of `count` products at `size` px; all products in each epoch.

        Each batch follows from its number and `seed` alone, and so does what torch draws after it
        until the next one: whoever starts with batch number `first` continues a run as it was.
        """
        phone_count = round(count * self.phone_share)
        new = count - phone_count
        stream = self._epochs(seed, first * new)
        for number in count_from(first):
            draw = random.Random(f"batch {number} of {seed}")
            torch.manual_seed(draw.getrandbits(63))
            keys = list(dict.fromkeys(islice(stream, new)))
            yield self._batch(keys, phone_count, size, draw)

    def _epochs(self, seed: int, start: int) -> Iterator[str]:
        """Yield keys without end, from position `start` on: all of `keys` in ever another order.

        None where there are no keys.
        """
        if not self.keys:
            return
        epoch, skipped = divmod(start, len(self.keys))
        for number in count_from(epoch):
            keys = self.keys.copy()
            random.Random(f"epoch {number} of {seed}").shuffle(keys)
            yield from keys[skipped:]
            skipped = 0

    def unaugmented_pairs(self, count: int, size: int, seed: int) -> Iterator[Batch]:
        """Yield pairs of `multi_source` products: their photos in two sources.

        Often one of them is sharp and the other enlarged, a difference no augmentation makes.
        """
        draw = random.Random(seed)
        while self.multi_source:
            drawn = draw.sample(self.multi_source, min(count, len(self.multi_source)))
            views = [[photos[end] for photos in drawn] for end in (-1, 0)]
            yield self._unaugmented(views, False, size)

    def colourway_pairs(self, count: int, size: int, seed: int) -> Iterator[Batch]:
        """Yield unaugmented pairs of `multi_colour` products: two of their colourways."""
        draw = random.Random(seed)
        while self.multi_colour:
            drawn = draw.sample(self.multi_colour, min(count, len(self.multi_colour)))
            pairs = [draw.sample(keys, 2) for keys in drawn]
            views = [[draw.choice(self.photos[pair[end]]) for pair in pairs] for end in (0, 1)]
            yield self._unaugmented(views, True, size)

    def single_photos(self, count: int, size: int, seed: int) -> Iterator[Batch]:
        """Yield unaugmented photos, one a product, in pairs of unrelated products."""
        draw = random.Random(seed)
        photos = [photos[0] for photos in self.photos.values()]
        while len(photos) > 1:
            draw.shuffle(photos)
            for start in range(0, len(photos) - 1, 2 * count):
                part = photos[start : start + 2 * count]
                half = len(part) // 2
                yield self._unaugmented([part[:half], part[half : 2 * half]], False, size)

    def _unaugmented(self, views: list[list[Photo]], recoloured: bool, size: int) -> Batch:
        n = len(views[0])
        images = torch.cat([self._resized(*photo, size) for view in views for photo in view])
        labels = self._labels(views, np.full(n, recoloured), np.zeros(n, bool))
        return Batch(normalize(images), labels.to(self.device))

    def _resized(self, source: int, row: int, size: int) -> torch.Tensor:
        return resized_photos(self._rows(source, [row]), size)

    def _batch(self, keys: list[str], phone_count: int, size: int, draw: random.Random) -> Batch:
        phones = [
            (PHONE_SOURCE, draw.randrange(len(self._source(PHONE_SOURCE))))
            for _ in range(phone_count)
        ]
        recoloured = np.array(
            [draw.random() < RECOLOURED_SHARE for _ in keys] + [False] * phone_count
        )
        second = [
            self._colourway(key, draw) if other else key
            for key, other in zip(keys, recoloured, strict=False)
        ]
        views = [[draw.choice(self.photos[k]) for k in view] + phones for view in (keys, second)]
        same = [first == other for first, other in zip(keys, second, strict=True)]
        artificial = recoloured & np.array(same + [True] * phone_count)
        street = np.array([[draw.random() < share for _ in views[0]] for share in STREET_SHARES])
        changed = np.concatenate([np.zeros_like(artificial), artificial])
        images = self._augmented(views[0] + views[1], changed, street.flatten(), size, draw)
        labels = self._labels(views, recoloured, artificial)
        return Batch(normalize(images), labels.to(self.device))

    def _colourway(self, key: str, draw: random.Random) -> str:
        """Draw another colourway of a product, or the product itself, which is then recoloured."""
        others = [k for k in self.colourways[self.designs[self.numbers[key]]] if k != key]
        return draw.choice(others) if others and draw.random() < COLOURWAY_SHARE else key

    def _labels(
        self, views: list[list[Photo]], recoloured: np.ndarray, artificial: np.ndarray
    ) -> PairLabels:
        """Label pairs; `artificial`: those of `recoloured` whose second colour has no name."""
        class_ids = np.array([[self._class_ids(*photo) for photo in view] for view in views])
        descriptions = [[self._description(*photo) for photo in view] for view in views]
        descriptions[1] = [
            Description() if unknown else description
            for unknown, description in zip(artificial, descriptions[1], strict=True)
        ]
        for column in COLOUR_LABELS:
            class_ids[1, artificial, LABEL_COLUMNS.index(column)] = MISSING
        numbers = [[self._number(*photo) for photo in view] for view in views]
        designs = [[self.designs[n] if n >= 0 else n for n in view] for view in numbers]
        return PairLabels(
            torch.tensor(numbers),
            torch.tensor(designs),
            torch.from_numpy(class_ids),
            torch.from_numpy(recoloured),
            descriptions,
            self._teacher(views),
        )

    def _teacher(self, views: list[list[Photo]]) -> torch.Tensor | None:
        if self.products[0].teacher is None:
            return None
        vectors = [[self._teacher_vector(*photo) for photo in view] for view in views]
        return torch.from_numpy(np.array(vectors, np.float32))

    def _teacher_vector(self, source: int, row: int) -> np.ndarray:
        teacher = self._source(source).teacher
        assert teacher is not None  # the sources have one all or none
        return teacher[row]

    def _class_ids(self, source: int, row: int) -> np.ndarray:
        class_ids = self._source(source).class_ids
        assert class_ids is not None  # see `data.set_class_ids`
        return class_ids[row]

    def _source(self, source: int) -> PhotoDataset:
        if source != PHONE_SOURCE:
            return self.products[source]
        assert self.phone_photos is not None
        return self.phone_photos

    def _number(self, source: int, row: int) -> int:
        if source == PHONE_SOURCE:
            return -1 - row
        return self.numbers[self.products[source].keys[row]]

    def _augmented(
        self,
        photos: list[Photo],
        recoloured: np.ndarray,
        street: np.ndarray,
        size: int,
        draw: random.Random,
    ) -> torch.Tensor:
        """Return views in the order of `photos`, made source by source as image sizes differ."""
        out = torch.empty(len(photos), 3, size, size, device=self.device)
        sources = np.array([source for source, _ in photos])
        street = street & (sources != PHONE_SOURCE)  # those have a real background already
        for source in np.unique(sources):
            of_source = sources == source
            for rows in map(np.flatnonzero, (of_source & ~street, of_source & street)):
                if not len(rows):
                    continue
                rgba = self._rgba(source, [photos[i][1] for i in rows], size)
                if recoloured[rows].any():
                    changed = torch.from_numpy(recoloured[rows]).to(self.device)
                    rgba = augmentation.recolour(rgba, changed)
                out[rows] = self._augment(rgba, source, street[rows[0]], size, draw)
        return out

    def _augment(
        self, rgba: torch.Tensor, source: int, street: bool, size: int, draw: random.Random
    ) -> torch.Tensor:
        if source == PHONE_SOURCE:
            return augmentation.phone(rgba, size, self.strong)
        if street:
            backgrounds = self._backgrounds(len(rgba), size, draw)
            return augmentation.street(rgba, backgrounds, size, self.strong)
        return augmentation.studio(rgba, size, self.strong)

    def _backgrounds(self, n: int, size: int, draw: random.Random) -> torch.Tensor:
        source = PHONE_SOURCE if self.phone_photos else 0
        photos = self._source(source)
        return self._rgba(source, [draw.randrange(len(photos)) for _ in range(n)], size)

    def _rgba(self, source: int, rows: list[int], size: int) -> torch.Tensor:
        return rgba_tensor(self._rows(source, rows), size)

    def _rows(self, source: int, rows: list[int]) -> torch.Tensor:
        """Return uint8 (n, c, c, 4) of a source's photos, on the device."""
        pixels = self._pixels[source]
        return pixels[torch.tensor(rows, device=pixels.device)].to(self.device)

    def _description(self, source: int, row: int) -> Description:
        if source == PHONE_SOURCE:
            return Description()
        return description_of(self.products[source], row)
