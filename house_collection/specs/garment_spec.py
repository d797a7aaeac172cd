"""What all products of an articleType share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..garments.draw_context import DrawContext

ADULTS = {"Men": 5, "Women": 5, "Unisex": 2}
ALL = {"Men": 5, "Women": 5, "Unisex": 1.5, "Boys": 1, "Girls": 1}
WOMEN = {"Women": 9, "Girls": 1}
WOMAN, MEN = {"Women": 1}, {"Men": 9, "Boys": 1}
BOTH = {"Men": 5, "Women": 5}
YEAR = {"Summer": 4, "Fall": 3, "Winter": 2, "Spring": 2}
WARM = {"Summer": 6, "Spring": 3, "Fall": 1}
COLD = {"Winter": 6, "Fall": 5}
CASUAL = {"Casual": 1}
SMART = {"Casual": 5, "Smart Casual": 2, "Formal": 2}


@dataclass(frozen=True)
class GarmentSpec:
    """Everything that is the same for all products of an articleType.

    `choices` are the decisions of a cut (a repeated value is likelier), `nouns` name the product
    after one of them, `shades` says where its colours come from, `stands` puts it on the ground.
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
CHECKS = ("gingham", "tartan", "windowpane")
BLOOMS = ("floral", "ditsy floral")
TOP, BOTTOM, SHOES = ("Topwear", "Apparel"), ("Bottomwear", "Apparel"), ("Shoes", "Footwear")
BAG, JEWEL = ("Bags", "Accessories"), ("Jewellery", "Accessories")
