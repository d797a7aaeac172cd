"""The specification of an articleType: what all of its products share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..garments.draw_context import DrawContext

ADULTS = {"Men": 5, "Women": 5, "Unisex": 2}
ALL = {"Men": 5, "Women": 5, "Unisex": 1.5, "Boys": 1, "Girls": 1}
WOMEN = {"Women": 9, "Girls": 1}
WOMAN = {"Women": 1}
BOTH = {"Men": 5, "Women": 5}
YEAR = {"Summer": 4, "Fall": 3, "Winter": 2, "Spring": 2}
WARM = {"Summer": 6, "Spring": 3, "Fall": 1}
COLD = {"Winter": 6, "Fall": 5}
CASUAL = {"Casual": 1}
SMART = {"Casual": 5, "Smart Casual": 2, "Formal": 2}


@dataclass(frozen=True)
class GarmentSpec:
    """What all products of an articleType share.

    `draw` draws one. `weight`, `genders`, `seasons` and `usage` are relative frequencies. `choices`
    are the options of a cut, a repeated one more frequent; `nouns` name the product after one of
    them ("" otherwise). `shades`: where its colours come from; `stands`: drawn upright, not flat.
    """

    article: str
    sub: str
    master: str
    draw: Callable[[DrawContext], None]
    weight: float
    genders: Mapping[str, float]
    choices: Mapping[str, tuple[str, ...]]
    nouns: Mapping[str, str]
    fabrics: tuple[str, ...]
    prints: tuple[str, ...]
    price: tuple[int, int]
    seasons: Mapping[str, float] = field(default_factory=lambda: YEAR)
    usage: Mapping[str, float] = field(default_factory=lambda: CASUAL)
    shades: str = "palette"
    stands: bool = False


P = "plain"
TOP, BOTTOM, SHOES = ("Topwear", "Apparel"), ("Bottomwear", "Apparel"), ("Shoes", "Footwear")
BAG, JEWEL = ("Bags", "Accessories"), ("Jewellery", "Accessories")
