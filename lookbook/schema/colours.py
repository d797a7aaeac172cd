"""Colours by name on a wheel, and which of them go together."""

from __future__ import annotations

import colorsys
import io
from dataclasses import dataclass

import numpy as np

from lookbook.schema.text import tokenize

_NAMED = {  # the more telling word of "navy blue" or "greenish khaki" stands first
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
# of a title: what may differ between two colours of one product. Denim, coffee, mushroom and skin
# are no such words: they name a fabric, a print or a product as often as a colour.
COLOUR_WORDS = (frozenset(_NAMED) - {"denim", "coffee", "mushroom", "skin"}) | frozenset(
    tokenize("cobalt crimson dark golden light lime melange multi multicolour off plum")
)
_QUIET = frozenset(tokenize("navy denim khaki camel tan beige brown coffee taupe cream nude gold"))


@dataclass(frozen=True)
class Colour:
    """`hue` in degrees; `quiet`: goes with everything; `light` 0 to 1."""

    name: str
    hue: float
    light: float
    quiet: bool


def named(value: object) -> Colour | None:
    """The colour that a catalogue calls "Navy Blue" or "Light Pink"; None where it is no colour."""
    said = tokenize(str(value)) if value is not None else []
    name = next((name for name in _NAMED if name in said), None)
    if name is None:
        return None
    rgb = tuple(int(_NAMED[name][k : k + 2], 16) for k in (0, 2, 4))
    return _of(rgb, str(value).lower(), shift=0.15 * (("light" in said) - ("dark" in said)))


def seen(thumb: bytes) -> Colour | None:
    """The mean colour of a picture's middle, its white ground left out; None if all is white."""
    from PIL import Image

    small = np.asarray(Image.open(io.BytesIO(thumb)).convert("RGB").resize((16, 16)), np.float32)
    middle = small[3:13, 3:13].reshape(-1, 3)
    middle = middle[middle.min(axis=1) < 235]
    if not len(middle):
        return None
    rgb = np.median(middle, axis=0)
    apart = {
        n: np.abs(rgb - [int(c[k : k + 2], 16) for k in (0, 2, 4)]).sum() for n, c in _NAMED.items()
    }
    return _of(tuple(rgb), min(apart, key=apart.get))


def _of(rgb: tuple[float, float, float], name: str, shift: float = 0.0) -> Colour:
    hue, light, saturation = colorsys.rgb_to_hls(*(float(c) / 255 for c in rgb))
    chroma = saturation * (1 - abs(2 * light - 1))
    quiet = chroma < 0.12 or bool(_QUIET & set(tokenize(name)))
    return Colour(name, 360 * hue, min(1.0, max(0.0, light + shift)), quiet)


def harmony(one: Colour | None, other: Colour | None) -> tuple[float, str]:
    """How well two colours go together, 0 to 1, and which rule says so.

    The rules of the colour wheel (Itten 1961): quiet colours go with all; near hues are tone on
    tone or neighbours, opposite ones a contrast; what lies between clashes.
    """
    if one is None or other is None:
        return 0.6, "unknown"
    if one.quiet and other.quiet:
        return (0.8 if abs(one.light - other.light) > 0.2 else 0.7), "quiet"
    if one.quiet or other.quiet:
        return 0.85, "quiet"
    apart = abs((one.hue - other.hue + 180) % 360 - 180)
    if apart <= 20:
        return 0.8, "tonal"
    if apart <= 45:
        return 0.65, "neighbours"
    if apart >= 150:
        return 0.75, "contrast"
    return 0.25, "clash"
