"""Generate the collection: styles in several colourways, with title, description and price."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from .garments.draw_context import luma
from .naming import describe, make_title
from .palette import DENIMS, FORMAL, LEATHERS, METALS, PALETTES, RGB, base_colour, rgb
from .product import Product
from .specs import FABRIC_OF_SHAPE, SPECS, GarmentSpec

COLOURWAYS = (1, 1, 2, 2, 3, 3, 4)
EARTH = ("Moss", "Dune", "Espresso", "Bottle", "Graphite", "Stone", "Tobacco")
STRAWS = ("Sand", "Biscuit", "Ecru", "Camel", "Dune")
FAWN = ("Camel", "Sand", "Biscuit", "Dune", "Oat", "Saddle", "Stone")

POOL_OF_PRINT = {"camouflage": EARTH, "leopard": FAWN}
POOLS = {"denim": DENIMS, "leather": LEATHERS, "strap": LEATHERS, "formal": FORMAL}


def products(count: int, seed: int = 0) -> Iterator[Product]:
    """Generate the first `count` products of the collection of a seed.

    Colourways of a style follow each other; a longer collection starts with the shorter one.
    """
    number = style = 0
    while number < count:
        for product in style_products(number, style, seed):
            if number == count:
                return
            yield product
            number += 1
        style += 1


def weighted_choice(r: random.Random, weights: Mapping[str, float]) -> str:
    """Draw a key with the probability of its weight."""
    return r.choices(list(weights), list(weights.values()))[0]


def style_products(number: int, style: int, seed: int) -> Iterator[Product]:
    """Generate the colourways of one style; `number` is the number of the first."""
    r = random.Random(f"{seed}/{style}/style")
    spec = r.choices(SPECS, [spec.weight for spec in SPECS])[0]
    gender = weighted_choice(r, spec.genders)
    cut = resolve_conflicts(spec, {key: r.choice(values) for key, values in spec.choices.items()})
    fabric, pattern = choose_material(r, spec, cut)
    season, usage, year = (
        weighted_choice(r, spec.seasons),
        weighted_choice(r, spec.usage),
        r.choice((2023, 2024, 2024, 2025)),
    )
    price = round(r.uniform(*spec.price) ** 0.5 * r.uniform(*spec.price) ** 0.5)
    title, pitch = make_title(r, spec, cut, fabric, pattern), round(r.uniform(0.75, 1.5), 3)
    for k, (shade, accents, hardware) in enumerate(colourways(r, spec, cut, pattern)):
        yield Product(
            number + k,
            seed,
            style,
            k,
            spec.article,
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
            f"{title} in {shade}",
            describe(spec, cut, fabric, pattern, shade),
        )


PLAIN_FABRICS = {"denim", "corduroy", "tweed", "suede", "leather", "patent"}
PLAIN_SHAPES = {"straw", "fedora", "puffer", "chelsea", "desert"}
DETAILS_WITHOUT_PRINT = {"lettering", "chest stripe", "cables", "raglan contrast"}


def resolve_conflicts(spec: GarmentSpec, cut: dict[str, str]) -> dict[str, str]:
    """Replace options of a cut that contradict each other."""
    shape = cut.get("shape")
    if shape == "slip" or cut.get("strap") == "camisole":
        return cut | {"sleeve": "none", "neck": "none"}
    if spec.article == "Caps":
        knitted = shape == "beanie"
        if (cut["detail"] == "bobble") != knitted and cut["detail"] != "none":
            return cut | {"detail": "bobble" if knitted else "letter"}
    if spec.article == "Sweatshirts" and (cut["neck"], cut["detail"]) == ("zip", "lettering"):
        return cut | {"detail": "none"}
    if spec.article == "Sweaters" and cut["front"] == "cardigan":
        return cut | {"neck": "v-neck", "detail": "none"}
    if spec.article == "Shirts" and cut["collar"] == "camp":
        return cut | {"sleeve": "short"}
    return cut


def choose_material(r: random.Random, spec: GarmentSpec, cut: Mapping[str, str]) -> tuple[str, str]:
    """Draw fabric and pattern; some follow from the shape."""
    fabric, pattern, shape = r.choice(spec.fabrics), r.choice(spec.prints), cut.get("shape")
    if fabric == "by shape":
        fabric = FABRIC_OF_SHAPE[cut["shape"]]
    if spec.article == "Scarves" and shape == "square":
        fabric = "silk"
    if spec.article == "Shorts" and cut["detail"] in ("drawstring", "side stripe"):
        fabric = r.choice(("cotton", "nylon", "fleece"))
    if cut.get("strap") == "bracelet":
        fabric = "metal"
    if (fabric in PLAIN_FABRICS or shape in PLAIN_SHAPES) and (
        pattern != "leopard" or fabric == "denim"
    ):
        pattern = "plain"
    return fabric, "plain" if cut.get("detail") in DETAILS_WITHOUT_PRINT else pattern


Colourway = tuple[str, tuple[str, ...], str]


def colourways(
    r: random.Random, spec: GarmentSpec, cut: Mapping[str, str], pattern: str
) -> list[Colourway]:
    """Draw the colourways of a style, (shade, accents, hardware), each of another base colour."""
    count, palette = r.choice(COLOURWAYS), r.choice(PALETTES)
    if is_metallic(spec, cut):
        metals, stones = r.sample(list(METALS), min(count, 3)), r.sample(palette, 4)
        return [(METALS[m][0], (stones[k], stones[-1]), m) for k, m in enumerate(metals)]
    hardware = r.choice(("silver", "gold", "brass", "gunmetal"))
    offered = shade_pool(spec, cut, pattern, palette)
    shades: list[str] = []
    for shade in r.sample(offered, len(offered)):
        if len(shades) < count and all(is_distinct(shade, other) for other in shades):
            shades.append(shade)
    return [(shade, accent_colours(r, shade, palette, pattern), hardware) for shade in shades]


def is_metallic(spec: GarmentSpec, cut: Mapping[str, str]) -> bool:
    """Whether the colour of the product is that of its metal."""
    wire = cut.get("frame") == "wire" or cut.get("shape") == "aviator"
    return spec.shades == "metal" or cut.get("strap") == "bracelet" or wire


def is_distinct(a: str, b: str) -> bool:
    """Whether two shades differ enough to be two colourways."""
    return base_colour(a) != base_colour(b) and colour_distance(rgb(a), rgb(b)) > 0.2


def shade_pool(
    spec: GarmentSpec, cut: Mapping[str, str], pattern: str, palette: tuple[str, ...]
) -> tuple[str, ...]:
    """The shades that a product comes in."""
    shape = cut.get("shape", "")
    if pattern in POOL_OF_PRINT:
        return POOL_OF_PRINT[pattern]
    if spec.shades in POOLS:
        return POOLS[spec.shades]
    if (spec.article, shape) == ("Jackets", "denim"):
        return DENIMS
    if shape in ("biker", "chelsea", "desert"):
        return LEATHERS
    if spec.shades == "frame":
        return ("Soot", "Chestnut", "Tobacco", "Espresso", *palette)
    if spec.article == "Blazers":
        return ("Ink", "Graphite", "Slate", "Camel", "Soot", "Bottle", "Sand", *palette[:2])
    return STRAWS if shape == "straw" else palette


def colour_distance(a: RGB, b: RGB) -> float:
    """Euclidean distance of two colours in sRGB."""
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


def accent_colours(
    r: random.Random, shade: str, palette: tuple[str, ...], pattern: str
) -> tuple[str, ...]:
    """Draw three accents from the palette of a shade; the first contrasts with it."""
    if pattern == "camouflage":
        return tuple(r.sample([e for e in EARTH if e != shade], 3))
    if pattern == "leopard":
        return ("Espresso", r.choice(("Soot", "Chestnut")), "Soot")
    own = rgb(shade)
    others = [s for s in palette if colour_distance(rgb(s), own) > 0.22]
    others = others or ["Chalk", "Ink"]
    contrasting = [s for s in others if abs(luma(rgb(s)) - luma(own)) > 0.24]
    first = r.choice(contrasting or ["Chalk" if luma(own) < 0.5 else "Ink"])
    rest = [s for s in others if s != first] or [first]
    return (first, *(r.choice(rest) for _ in range(2)))
