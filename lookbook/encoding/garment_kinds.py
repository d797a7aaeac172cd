"""Garment kinds ("top", "shoes") that a model's category head tells apart, also by region."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookbook.encoding.category_head import CategoryHead
from lookbook.encoding.errors import UNREADABLE, EncoderError

KINDS_FILE = "garments.json"
_INSIDE = 0.35  # a cell of a map belongs to a region from about this share of its side on

CellBox = tuple[float, float, float, float]  # left, top, right, bottom as fractions of the image


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
        earlier, last = (_region(m, box) for m in maps)
        pooled = np.concatenate([last.mean(0), last.max(0), earlier.max(0)])
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
        return str(settings["revision"]), kinds
    except UNREADABLE as error:
        raise EncoderError(
            f"{file}: expected a revision, and kinds as an object of class: kind ({error!r})"
        ) from None


def _region(cells: np.ndarray, box: CellBox) -> np.ndarray:
    """Return (m, channels): the cells of a map (h, w, channels) inside a box, at least one."""
    height, width = cells.shape[:2]
    left, right = _span(box[0], box[2], width)
    top, bottom = _span(box[1], box[3], height)
    return cells[top:bottom, left:right].reshape(-1, cells.shape[2])


def _span(start: float, end: float, cells: int) -> tuple[int, int]:
    first = min(cells - 1, int(np.floor(start * cells + _INSIDE)))
    return first, max(first + 1, int(np.ceil(end * cells - _INSIDE)))
