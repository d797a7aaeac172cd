"""The collection: styles in several colourways, named, described and priced."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from .garments.draw_context import luma
from .naming import describe, make_title
from .palette import DENIMS, FORMAL, LEATHERS, METALS, PALETTES, RGB, base_colour, rgb
from .product import Product
from .specs import FABRIC_OF_SHAPE, KINDS, GarmentSpec

COLOURWAYS = (1, 1, 2, 2, 3, 3, 4)
EARTH = ("Moss", "Dune", "Espresso", "Bottle", "Graphite", "Stone", "Tobacco")
STRAWS = ("Sand", "Biscuit", "Ecru", "Camel", "Dune")
FAWN = ("Camel", "Sand", "Biscuit", "Dune", "Oat", "Saddle", "Stone")

POOL_OF_PRINT = {"camouflage": EARTH, "leopard": FAWN}
POOLS = {"denim": DENIMS, "leather": LEATHERS, "strap": LEATHERS, "formal": FORMAL}


def products(count: int, seed: int = 0) -> Iterator[Product]:
    """The first `count` products of the collection of a seed, one at a time.

    Colourways of a style follow each other; a longer collection begins with the shorter one.
    """
    number = style = 0
    while number < count:
        for product in style_of(number, style, seed):
            if number == count:
                return
            yield product
            number += 1
        style += 1


def pick(r: random.Random, weights: Mapping[str, float]) -> str:
    """One key, as likely as its weight."""
    return r.choices(list(weights), list(weights.values()))[0]


def style_of(number: int, style: int, seed: int) -> Iterator[Product]:
    """One style in its colourways; `number` is that of the first."""
    r = random.Random(f"{seed}/{style}/style")
    kind = r.choices(KINDS, [k.weight for k in KINDS])[0]
    gender = pick(r, kind.genders)
    cut = resolve_conflicts(kind, {key: r.choice(values) for key, values in kind.choices.items()})
    fabric, pattern = material(r, kind, cut)
    season, usage, year = (
        pick(r, kind.seasons),
        pick(r, kind.usage),
        r.choice((2023, 2024, 2024, 2025)),
    )
    price = round(r.uniform(*kind.price) ** 0.5 * r.uniform(*kind.price) ** 0.5)
    word, pitch = make_title(r, kind, cut, fabric, pattern), round(r.uniform(0.75, 1.5), 3)
    for k, (shade, accents, hardware) in enumerate(colourways(r, kind, cut, pattern)):
        yield Product(
            number + k,
            seed,
            style,
            k,
            kind.article,
            gender,
            tuple(cut.items()),
            fabric,
            pattern,
            pitch,
            shade,
            accents,
            hardware,
            season,
            year,
            usage,
            price,
            f"{word} in {shade}",
            describe(kind, cut, fabric, pattern, shade),
        )


SOLID = {"denim", "corduroy", "tweed", "suede", "leather", "patent"}
UNPRINTED = {"straw", "fedora", "puffer", "chelsea", "desert"}
BESIDE_PRINTS = {"lettering", "chest stripe", "cables", "raglan contrast"}


def resolve_conflicts(kind: GarmentSpec, cut: dict[str, str]) -> dict[str, str]:
    """The cut without decisions that make no sense together."""
    shape, none = cut.get("shape"), {"sleeve": "none", "neck": "none"}
    if shape == "slip" or cut.get("strap") == "camisole":
        return cut | none
    if kind.article == "Caps":
        knitted = shape == "beanie"
        if (cut["detail"] == "bobble") != knitted and cut["detail"] != "none":
            return cut | {"detail": "bobble" if knitted else "letter"}
    if kind.article == "Sweatshirts" and (cut["neck"], cut["detail"]) == ("zip", "lettering"):
        return cut | {"detail": "none"}
    if kind.article == "Sweaters" and cut["front"] == "cardigan":
        return cut | {"neck": "v-neck", "detail": "none"}
    if kind.article == "Shirts" and cut["collar"] == "camp":
        return cut | {"sleeve": "short"}
    return cut


def material(r: random.Random, kind: GarmentSpec, cut: Mapping[str, str]) -> tuple[str, str]:
    """Fabric and pattern; some follow from the shape."""
    fabric, pattern, shape = r.choice(kind.fabrics), r.choice(kind.prints), cut.get("shape")
    if fabric == "by shape":
        fabric = FABRIC_OF_SHAPE[cut["shape"]]
    if kind.article == "Scarves" and shape == "square":
        fabric = "silk"
    if kind.article == "Shorts" and cut["detail"] in ("drawstring", "side stripe"):
        fabric = r.choice(("cotton", "nylon", "fleece"))
    if cut.get("strap") == "bracelet":
        fabric = "metal"
    if (fabric in SOLID or shape in UNPRINTED) and (pattern != "leopard" or fabric == "denim"):
        pattern = "plain"
    return fabric, "plain" if cut.get("detail") in BESIDE_PRINTS else pattern


Colourway = tuple[str, tuple[str, ...], str]


def colourways(
    r: random.Random, kind: GarmentSpec, cut: Mapping[str, str], pattern: str
) -> list[Colourway]:
    """(shade, accents, hardware) of each colourway of a style, no two of one base colour."""
    wanted, palette = r.choice(COLOURWAYS), r.choice(PALETTES)
    if metallic(kind, cut):
        metals, stones = r.sample(list(METALS), min(wanted, 3)), r.sample(palette, 4)
        return [(METALS[m][0], (stones[k], stones[-1]), m) for k, m in enumerate(metals)]
    hardware = r.choice(("silver", "gold", "brass", "gunmetal"))
    offered = pool(kind, cut, pattern, palette)
    shades: list[str] = []
    for shade in r.sample(offered, len(offered)):
        if len(shades) < wanted and all(distinct(shade, other) for other in shades):
            shades.append(shade)
    return [(shade, companions(r, shade, palette, pattern), hardware) for shade in shades]


def metallic(kind: GarmentSpec, cut: Mapping[str, str]) -> bool:
    """Whether its colour is that of its metal."""
    wire = cut.get("frame") == "wire" or cut.get("shape") == "aviator"
    return kind.shades == "metal" or cut.get("strap") == "bracelet" or wire


def distinct(a: str, b: str) -> bool:
    """Whether two shades make two colourways."""
    return base_colour(a) != base_colour(b) and apart(rgb(a), rgb(b)) > 0.2


def pool(
    kind: GarmentSpec, cut: Mapping[str, str], pattern: str, palette: tuple[str, ...]
) -> tuple[str, ...]:
    """The shades that a kind comes in."""
    shape = cut.get("shape", "")
    if pattern in POOL_OF_PRINT:
        return POOL_OF_PRINT[pattern]
    if kind.shades in POOLS:
        return POOLS[kind.shades]
    if (kind.article, shape) == ("Jackets", "denim"):
        return DENIMS
    if shape in ("biker", "chelsea", "desert"):
        return LEATHERS
    if kind.shades == "frame":
        return ("Soot", "Chestnut", "Tobacco", "Espresso", *palette)
    if kind.article == "Blazers":
        return ("Ink", "Graphite", "Slate", "Camel", "Soot", "Bottle", "Sand", *palette[:2])
    return STRAWS if shape == "straw" else palette


def apart(a: RGB, b: RGB) -> float:
    """Distance of two colours in sRGB."""
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


def companions(
    r: random.Random, shade: str, palette: tuple[str, ...], pattern: str
) -> tuple[str, ...]:
    """Three accents from the same palette; the first stands out from the shade."""
    if pattern == "camouflage":
        return tuple(r.sample([e for e in EARTH if e != shade], 3))
    if pattern == "leopard":
        return ("Espresso", r.choice(("Soot", "Chestnut")), "Soot")
    own = rgb(shade)
    others = [s for s in palette if apart(rgb(s), own) > 0.22]
    others = others or ["Chalk", "Ink"]
    clear = [s for s in others if abs(luma(rgb(s)) - luma(own)) > 0.24]
    first = r.choice(clear or ["Chalk" if luma(own) < 0.5 else "Ink"])
    rest = [s for s in others if s != first] or [first]
    return (first, *(r.choice(rest) for _ in range(2)))
