"""Garment kinds ("top", "shoes") that a model's category head tells apart, also by region."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookbook.encoding.category_head import CategoryHead
from lookbook.encoding.errors import UNREADABLE, EncoderError

KINDS_FILE = "garments.json"
_INSIDE = 0.35  # a cell of a map belongs to a region from about this share of its side on

CellBox = tuple[float, float, float, float]  # left, top, right, bottom as fractions of the image
CellSpan = tuple[int, int, int, int]  # left, top, right, bottom in cells; right, bottom exclusive


@dataclass(frozen=True)
class GarmentKinds:
    """`names` of kinds, and `membership` float32 (classes of the category head, kinds).

    A class that is no garment belongs to no kind: its row is zero. `revision` names the weights
    whose classes these are.
    """

    revision: str
    names: tuple[str, ...]
    membership: np.ndarray

    @classmethod
    def load(cls, folder: Path) -> GarmentKinds | None:
        """Read KINDS_FILE of a folder, None if there is none. Raises EncoderError.

        `kinds` maps each class of the category head, in its order, to a kind or null.
        """
        settings = _read(folder / KINDS_FILE)
        if settings is None:
            return None
        revision, kinds = settings
        names = tuple(sorted({kind for kind in kinds.values() if kind is not None}))
        rows = [[kind == name for name in names] for kind in kinds.values()]
        return cls(revision, names, np.array(rows, np.float32).reshape(len(kinds), len(names)))

    def probabilities(
        self, head: CategoryHead, maps: tuple[np.ndarray, np.ndarray], box: CellBox
    ) -> np.ndarray:
        """Return float32 (kinds,): how likely the region `box` shows each kind.

        `maps` are the last two of the network, each (h, w, channels), cropped to the image. They
        are pooled inside the region as the category head pools whole images (RoI pooling: Girshick
        2015).
        """
        spans = zip(maps, region_cells(maps, box), strict=True)
        earlier, last = (m[top:bottom, left:right] for m, (left, top, right, bottom) in spans)
        pooled = np.concatenate([last.mean((0, 1)), last.max((0, 1)), earlier.max((0, 1))])
        chances = head.probabilities(pooled.astype(np.float32)[None])[0]
        return np.asarray(chances @ self.membership, np.float32)


def class_kinds(folder: Path) -> dict[str, str | None]:
    """Return {class of the category head: its kind or None} of a folder; raises EncoderError."""
    settings = _read(folder / KINDS_FILE)
    return {} if settings is None else settings[1]


def _read(file: Path) -> tuple[str, dict[str, str | None]] | None:
    """Return revision and kinds of a file, None if there is none. Raises EncoderError."""
    if not file.exists():
        return None
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        kinds = dict(settings["kinds"])
        if not kinds or not all(kind is None or isinstance(kind, str) for kind in kinds.values()):
            raise ValueError("a kind is a text or null")
        if not any(kinds.values()):
            raise ValueError("no class has a kind")
        return str(settings["revision"]), kinds
    except UNREADABLE as error:
        raise EncoderError(
            f"{file}: expected a revision, and kinds as an object of class: kind ({error!r})"
        ) from None


def region_cells(maps: Iterable[np.ndarray], box: CellBox) -> tuple[CellSpan, ...]:
    """Return the cells of each map (h, w, channels) inside a box, at least one."""
    return tuple(_cells(m.shape[1], m.shape[0], box) for m in maps)


def _cells(width: int, height: int, box: CellBox) -> CellSpan:
    left, right = _span(box[0], box[2], width)
    top, bottom = _span(box[1], box[3], height)
    return left, top, right, bottom


def _span(start: float, end: float, cells: int) -> tuple[int, int]:
    first = min(cells - 1, int(np.floor(start * cells + _INSIDE)))
    return first, max(first + 1, int(np.ceil(end * cells - _INSIDE)))
