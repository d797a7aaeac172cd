"""Parts of a photo that may be one garment together: join them, and drop what is no garment."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from lookbook.encoding.garment_regions import Cells, intersection_over_union

MINOR_KINDS = {"accessory": 0.5, "underwear": 0.5}  # weights: slices of cloth look like ties
_MAX_OVERLAP = 0.5  # IoU of two garments; of those that overlap more the less certain is dropped
_MAX_GARMENTS = 6
_TOUCHING = 2  # cells between two boxes that are neighbours

Part = tuple[float, str, Cells]  # the probability of a kind, the kind, where


@dataclass(frozen=True)
class PartRules:
    """What parts with probabilities of their kinds are taken for.

    `min_kind`: probability that a garment needs. `sure`: from which two kinds are two garments.
    `gain`: two neighbours are one garment where that is likelier of its kind, by so much, than they
    are of theirs on average; `gain_of_same` the same for two of one kind.
    """

    min_kind: float
    sure: float
    gain: float
    gain_of_same: float


# By the category head, which was trained on studio photos, and by a classifier of photos: each on
# composites of the development half, the second on phone photos too (docs/encoder-history.md)
BY_CATEGORY_HEAD = PartRules(0.1, 0.4, 0.05, 0.05)
BY_PHOTO_KINDS = PartRules(0.4, 0.6, 0.0, -0.3)


def join_parts(
    found: Sequence[Part], classify: Callable[[Cells], Part], rules: PartRules
) -> list[Part]:
    """Join neighbours that together are surer of one kind: a face and a top, a pair of shoes.

    What was joined is compared with the others again, until no two of them are surer together.
    """
    joined, pairs = list(found), deque(combinations(found, 2))
    while pairs:
        one, other = pairs.popleft()
        present = one in joined and other in joined
        if present and _may_be_one(one, other, rules) and _touch(one[2], other[2]):
            both = classify(_union(one[2], other[2]))
            gain = rules.gain_of_same if one[1] == other[1] else rules.gain
            if both[0] > (one[0] + other[0]) / 2 + gain:
                others = [part for part in joined if part not in (one, other)]
                pairs.extend((both, part) for part in others)
                joined = [both, *others]
    return joined


def suppress_overlaps(found: Sequence[Part], rules: PartRules) -> list[Part]:
    """Non-maximum suppression: drop what is uncertain or overlaps a more certain garment."""
    kept: list[Part] = []
    for one in sorted(found, key=lambda each: -each[0]):
        overlap = max((intersection_over_union(one[2], each[2]) for each in kept), default=0)
        if one[0] >= rules.min_kind and overlap <= _MAX_OVERLAP:
            kept.append(one)
    return kept[:_MAX_GARMENTS]


def _may_be_one(one: Part, other: Part, rules: PartRules) -> bool:
    """Whether two parts are no two garments for certain: of one kind, of a minor one, or unsure."""
    kinds = {one[1], other[1]}
    unsure = min(one[0], other[0]) < rules.sure
    return len(kinds) == 1 or bool(kinds & set(MINOR_KINDS)) or unsure


def _touch(box: Cells, other: Cells) -> bool:
    """Whether two boxes overlap or nearly do, side by side for at least half of a side."""
    x = min(box[2], other[2]) - max(box[0], other[0])
    y = min(box[3], other[3]) - max(box[1], other[1])
    narrower = min(box[2] - box[0], other[2] - other[0])
    lower = min(box[3] - box[1], other[3] - other[1])
    near = min(x, y) >= -_TOUCHING
    return near and (x >= narrower / 2 or y >= lower / 2)


def _union(box: Cells, other: Cells) -> Cells:
    return (
        *(min(box[0], other[0]), min(box[1], other[1])),
        *(max(box[2], other[2]), max(box[3], other[3])),
    )
