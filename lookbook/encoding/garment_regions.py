"""Split the salient part of a photo into garments: connected regions, cut where kinds change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# chosen on composites of products of the development half; see docs/encoder-history.md
_MIN_AREA = 0.01  # share of the map; smaller regions are noise
_MIN_PART_AREA = 40  # cells of the box of a part
_MIN_PART_LENGTH = 4  # cells
_TAIL = 0.01  # share of a region left outside its box on each side
_MAX_DEPTH = 2  # cuts of one region, one after the other: four parts at most
_NARROWING_WEIGHT = 0.6  # of how much a region narrows at a cut
# parts side by side must be joined by a narrow place; those worn one below the other need not be
_MIN_NARROWING = (0.0, 0.5)  # of cuts along a row, along a column
_SAME_KIND_PENALTY, _CUT_PENALTY = 0.3, 0.25

Cells = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom exclusive
Classify = Callable[[Cells], np.ndarray]  # box -> (kinds,) probabilities


@dataclass(frozen=True)
class _Cut:
    score: float
    boxes: tuple[Cells, Cells]
    masks: tuple[np.ndarray, np.ndarray]


def split_regions(mask: np.ndarray, classify: Classify) -> list[Cells]:
    """Return the boxes of the garments in a mask (h, w), the largest region's first.

    Each connected region is cut in two where the parts are surer of a kind, and of different ones,
    than the whole is; a place where the region is narrow is preferred.
    """
    from scipy import ndimage

    cache: dict[Cells, np.ndarray] = {}

    def cached(box: Cells) -> np.ndarray:
        if box not in cache:
            cache[box] = classify(box)
        return cache[box]

    labels, count = ndimage.label(ndimage.binary_opening(mask))
    regions = [labels == number for number in range(1, count + 1)]
    large = [r for r in regions if r.sum() >= _MIN_AREA * mask.size]
    boxes = []
    for region in sorted(large, key=lambda r: -int(r.sum())):
        box = bounds(region)
        assert box is not None
        boxes += list(_split(region, box, cached, 0))
    return boxes


def _split(mask: np.ndarray, box: Cells, classify: Classify, depth: int) -> Iterator[Cells]:
    cuts = [] if depth == _MAX_DEPTH else list(_cuts(mask, box, classify))
    best = max(cuts, key=lambda cut: cut.score, default=None)
    if best is None or best.score <= 0:
        yield box
        return
    for part, part_box in zip(best.masks, best.boxes, strict=True):
        yield from _split(part, part_box, classify, depth + 1)


def _cuts(mask: np.ndarray, box: Cells, classify: Classify) -> Iterator[_Cut]:
    """Yield every cut of a region along a row or a column that leaves two large enough parts."""
    for axis in (0, 1):
        widths = mask.sum(axis=1 - axis)
        start, end = box[1 - axis], box[3 - axis]
        least = max(_MIN_PART_LENGTH, (end - start) // 8)
        for at in range(start + least, end - least + 1):
            narrowing = _narrowing(widths, start, at, end)
            if narrowing < _MIN_NARROWING[axis]:
                continue
            masks = _halves(mask, axis, at)
            first, second = bounds(masks[0]), bounds(masks[1])
            if first is None or second is None or min(_area(first), _area(second)) < _MIN_PART_AREA:
                continue
            score = _score(classify(box), classify(first), classify(second))
            score += _NARROWING_WEIGHT * narrowing
            yield _Cut(score, (first, second), masks)


def _score(whole: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Return how much surer of their kinds two parts are than the whole, less the penalties."""
    same = first.argmax() == second.argmax()
    gain = float(first.max() + second.max()) / 2 - float(whole.max())
    return gain - _CUT_PENALTY - (_SAME_KIND_PENALTY if same else 0)


def _narrowing(widths: np.ndarray, start: int, at: int, end: int) -> float:
    """Return 0 to 1: how much narrower a region is at a cut than on both sides of it."""
    widest = max(1, min(widths[start:at].max(), widths[at:end].max()))
    return float(1 - widths[max(start, at - 1) : at + 1].min() / widest)


def _halves(mask: np.ndarray, axis: int, at: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = mask.copy(), mask.copy()
    first[(slice(None),) * axis + (slice(at, None),)] = False
    second[(slice(None),) * axis + (slice(None, at),)] = False
    return first, second


def bounds(mask: np.ndarray) -> Cells | None:
    """Return the box of a mask (h, w) less _TAIL of its cells on each side, None if it is empty."""
    if not mask.any():
        return None
    (left, right), (top, bottom) = (_extent(mask.sum(axis=axis)) for axis in (0, 1))
    return left, top, right, bottom


def _extent(mass: np.ndarray) -> tuple[int, int]:
    share = np.cumsum(mass) / mass.sum()
    return int(np.searchsorted(share, _TAIL)), int(np.searchsorted(share, 1 - _TAIL)) + 1


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def intersection_over_union(box: Sequence[float], other: Sequence[float]) -> float:
    """Return the overlap of two boxes (left, top, right, bottom), 0 to 1."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    both = max(0.0, width) * max(0.0, height)
    return both / (_area(box) + _area(other) - both) if both else 0.0
