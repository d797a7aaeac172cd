"""Colours of a catalogue: read from their names, or from a picture."""

from __future__ import annotations

import colorsys
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from lookbook.schema.text import tokenize

_NAMED = {  # the first match counts, so the specific word of "navy blue" comes first
    "navy": "1f2a4d", "denim": "3b5580", "khaki": "b3a179", "olive": "6b7042", "mint": "a9d8bd",
    "teal": "1f6670", "turquoise": "3fa3ad", "aqua": "4fb3bf", "mustard": "d3a02c",
    "burgundy": "6b2231", "maroon": "6f1f2d", "wine": "6b2231", "bordeaux": "6b2231",
    "rust": "b4532f", "copper": "bd7e5e", "coral": "ef7f63", "peach": "f2bf98",
    "salmon": "ee967f", "rose": "c98b8f", "magenta": "b9256f", "fuchsia": "b9256f",
    "lavender": "bfb0dc", "lilac": "bfb0dc", "mauve": "a283a0", "violet": "6a4b9d",
    "indigo": "3b4580", "charcoal": "3f4247", "taupe": "9c938a", "mushroom": "9c8576",
    "coffee": "49342a", "camel": "b98b56", "tan": "b98b56", "nude": "e9cdb8", "skin": "e9cdb8",
    "beige": "d9c5a4", "sand": "d9c5a4", "cream": "f1e4c3", "ecru": "ece1c8", "ivory": "f1eee8",
    "bronze": "ad8c4d", "gold": "d1a85c", "silver": "bdbfc4", "steel": "9da1a6",
    "metallic": "b5b5b8", "black": "1c1c1f", "white": "f6f5f2", "grey": "9a9c9e",
    "gray": "9a9c9e", "brown": "6f4a31", "red": "cb2f2e", "orange": "e8792b", "yellow": "efc93f",
    "green": "4f8d4c", "blue": "3f6bb5", "pink": "e58ba5", "purple": "6a3b8a",
}  # fmt: skip
_COMPOUND = {  # names of several words whose colour is none of their words'
    "lime green": "9bc53d", "off white": "f5f1e8", "sea green": "2f8f79",
    "navy blue": _NAMED["navy"], "turquoise blue": _NAMED["turquoise"],
    "mushroom brown": _NAMED["mushroom"],
}  # fmt: skip
# words of a title that may differ between two colours of one product. Denim, coffee, mushroom and
# skin are left out: they name a fabric, a print or a product as often as a colour.
COLOUR_WORDS = (frozenset(_NAMED) - {"denim", "coffee", "mushroom", "skin"}) | frozenset(
    tokenize("cobalt crimson dark golden light lime melange multi multicolour off plum")
)
_NEUTRAL = frozenset(
    tokenize("navy denim khaki camel tan beige brown coffee taupe cream nude gold")
)
_NEUTRAL_CHROMA = 0.12  # below it a colour of any name is neutral
# of linear sRGB, and its white point (IEC 61966-2-1)
_XYZ_OF_RGB = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
_WHITE_POINT = _XYZ_OF_RGB.sum(1)
_LIGHTNESS_WEIGHT = 0.7
_WHITE = 235  # lowest channel of a pixel that is taken for the background


@dataclass(frozen=True)
class Colour:
    """A named colour: `hue` in degrees, `light` 0 to 1; a `neutral` one goes with every other."""

    name: str
    hue: float
    light: float
    neutral: bool


def hex_code(name: str) -> str | None:
    """Return "#rrggbb" of a colour called exactly so, None for any other text."""
    plain = name.casefold().strip()
    code = _NAMED.get(plain) or _COMPOUND.get(plain)
    return f"#{code}" if code else None


def colour_from_name(value: object) -> Colour | None:
    """Read a catalogue's colour name such as "Navy Blue" or "Light Pink"; None if it names none."""
    words = tokenize(str(value)) if value is not None else []
    name = _first_named(words)
    if name is None:
        return None
    shift = 0.15 * (("light" in words) - ("dark" in words))
    return _colour(_rgb(_NAMED[name]), str(value).lower(), shift)


def _first_named(words: Sequence[str]) -> str | None:
    return next((name for name in _NAMED if name in words), None)


def colour_distance(one: str, other: str) -> float | None:
    """Return how unlike two named colours look, 0 for the same; None where one names no colour.

    The distance in CIELAB (CIE 1976), where lightness counts less than hue and chroma: a navy dress
    is followed by blue ones before grey ones.
    """
    first, second = _lab(one), _lab(other)
    return None if first is None or second is None else math.dist(first, second)


@cache
def _lab(name: str) -> tuple[float, float, float] | None:
    """Return a named colour in CIELAB (D65), its lightness weighted; None for no colour."""
    code = hex_code(name) or hex_code(_first_named(tokenize(name)) or "")
    if code is None:
        return None
    rgb = np.array(_rgb(code[1:])) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = _XYZ_OF_RGB @ linear / _WHITE_POINT
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return _LIGHTNESS_WEIGHT * (116 * y - 16), 500 * (x - y), 200 * (y - z)


def colour_from_thumbnail(thumb: bytes) -> Colour | None:
    """Name the median colour of the middle of an encoded image without its white background.

    None where all of the middle is white.
    """
    from PIL import Image

    small = np.asarray(Image.open(io.BytesIO(thumb)).convert("RGB").resize((16, 16)), np.float32)
    middle = small[3:13, 3:13].reshape(-1, 3)
    middle = middle[middle.min(axis=1) < _WHITE]
    if not len(middle):
        return None
    rgb = np.median(middle, axis=0)
    distances = {name: np.abs(rgb - _rgb(code)).sum() for name, code in _NAMED.items()}
    return _colour(tuple(rgb), min(distances, key=distances.__getitem__))


def _rgb(code: str) -> tuple[int, ...]:
    return tuple(int(code[k : k + 2], 16) for k in (0, 2, 4))


def _colour(rgb: tuple[float, ...], name: str, shift: float = 0.0) -> Colour:
    hue, light, saturation = colorsys.rgb_to_hls(*(float(c) / 255 for c in rgb))
    chroma = saturation * (1 - abs(2 * light - 1))
    neutral = chroma < _NEUTRAL_CHROMA or bool(_NEUTRAL & set(tokenize(name)))
    return Colour(name, 360 * hue, min(1.0, max(0.0, light + shift)), neutral)
