"""Named shades with their base colours, and palettes of shades.

Base colours are named as in the public data set (Fashion Product Images) that the columns follow.
"""

from __future__ import annotations

RGB = tuple[float, float, float]

# shade: (sRGB, baseColour)
SHADES: dict[str, tuple[str, str]] = {
    "Ink": ("#232c45", "Navy Blue"),
    "Harbour": ("#2d3f66", "Navy Blue"),
    "Midnight": ("#1d2338", "Navy Blue"),
    "Cornflower": ("#5b83bd", "Blue"),
    "Sky": ("#a3c1de", "Blue"),
    "Cobalt": ("#2f5bb0", "Blue"),
    "Indigo": ("#3b5580", "Blue"),
    "Chambray": ("#7f9fc4", "Blue"),
    "Lagoon": ("#3fa3ad", "Turquoise Blue"),
    "Deep Sea": ("#1f6670", "Teal"),
    "Mallard": ("#2b7d7c", "Teal"),
    "Chalk": ("#f1eee8", "White"),
    "Snow": ("#f6f5f2", "White"),
    "Oat": ("#ebe2d0", "Off White"),
    "Ecru": ("#ece1c8", "Cream"),
    "Vanilla": ("#f1e4c3", "Cream"),
    "Sand": ("#d9c5a4", "Beige"),
    "Biscuit": ("#d2b791", "Beige"),
    "Shell": ("#e9cdb8", "Nude"),
    "Camel": ("#b98b56", "Tan"),
    "Saddle": ("#a9713f", "Tan"),
    "Chestnut": ("#7c4a2d", "Brown"),
    "Tobacco": ("#6a472e", "Brown"),
    "Espresso": ("#49342a", "Coffee Brown"),
    "Mushroom": ("#9c8576", "Mushroom Brown"),
    "Stone": ("#9c938a", "Taupe"),
    "Moss": ("#6b7042", "Olive"),
    "Fern": ("#4f7d4c", "Green"),
    "Bottle": ("#22513f", "Green"),
    "Sage": ("#94ab8a", "Green"),
    "Eucalyptus": ("#6fa393", "Sea Green"),
    "Dune": ("#b3a179", "Khaki"),
    "Ochre": ("#c8962e", "Mustard"),
    "Turmeric": ("#d3a02c", "Mustard"),
    "Lemon": ("#f0d65a", "Yellow"),
    "Sun": ("#efc636", "Yellow"),
    "Marigold": ("#e8892b", "Orange"),
    "Tangerine": ("#e5702d", "Orange"),
    "Terracotta": ("#b4532f", "Rust"),
    "Brick": ("#a8452f", "Rust"),
    "Poppy": ("#cb2f2e", "Red"),
    "Lacquer": ("#b5222b", "Red"),
    "Bordeaux": ("#6b2231", "Burgundy"),
    "Claret": ("#6f1f2d", "Maroon"),
    "Blush": ("#edbcbd", "Pink"),
    "Peony": ("#de7c97", "Pink"),
    "Dusty Rose": ("#c98b8f", "Rose"),
    "Apricot": ("#f2bf98", "Peach"),
    "Fuchsia": ("#b9256f", "Magenta"),
    "Lilac": ("#bfb0dc", "Lavender"),
    "Heather": ("#a283a0", "Mauve"),
    "Plum": ("#5c3160", "Purple"),
    "Iris": ("#6a4b9d", "Purple"),
    "Soot": ("#1c1c1f", "Black"),
    "Coal": ("#242427", "Black"),
    "Graphite": ("#3f4247", "Charcoal"),
    "Slate": ("#70777f", "Grey"),
    "Pebble": ("#a3a5a6", "Grey"),
    "Mist": ("#c4c7c9", "Grey"),
    "Heather Grey": ("#b0b2b6", "Grey Melange"),
}

# shades that are sold together
PALETTES: tuple[tuple[str, ...], ...] = (
    ("Ink", "Chalk", "Poppy", "Sand", "Sky", "Harbour"),
    ("Bottle", "Ecru", "Camel", "Bordeaux", "Ink", "Ochre"),
    ("Soot", "Chalk", "Slate", "Camel", "Lacquer", "Graphite"),
    ("Terracotta", "Sage", "Oat", "Ochre", "Deep Sea", "Chestnut"),
    ("Blush", "Chalk", "Sage", "Dusty Rose", "Slate", "Lilac"),
    ("Cobalt", "Lemon", "Snow", "Tangerine", "Fern", "Midnight"),
    ("Indigo", "Oat", "Marigold", "Moss", "Sky", "Tobacco"),
    ("Plum", "Heather", "Vanilla", "Mallard", "Graphite", "Peony"),
    ("Moss", "Dune", "Espresso", "Stone", "Brick", "Ecru"),
    ("Lagoon", "Chalk", "Apricot", "Cornflower", "Sun", "Peony"),
    ("Graphite", "Pebble", "Chalk", "Turmeric", "Mallard", "Soot"),
    ("Claret", "Biscuit", "Harbour", "Eucalyptus", "Mushroom", "Chalk"),
    ("Fuchsia", "Soot", "Shell", "Iris", "Mist", "Snow"),
    ("Chambray", "Saddle", "Oat", "Coal", "Heather Grey", "Fern"),
)

LEATHERS = (
    "Soot",
    "Espresso",
    "Saddle",
    "Chestnut",
    "Camel",
    "Bordeaux",
    "Tobacco",
    "Bottle",
    "Ink",
    "Oat",
    "Lacquer",
    "Stone",
)
FORMAL = ("Soot", "Soot", "Espresso", "Chestnut", "Tobacco", "Saddle", "Bordeaux", "Coal")
DENIMS = ("Indigo", "Harbour", "Chambray", "Soot", "Graphite", "Sky", "Chalk", "Ink")


def rgb(shade: str) -> RGB:
    """The sRGB colour of a shade: (red, green, blue), 0 to 1."""
    code = SHADES[shade][0]
    red, green, blue = (int(code[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue


def base_colour(shade: str) -> str:
    """The base colour of a shade, named as in the Fashion Product Images data set."""
    return SHADES[shade][1]


METALS = {
    "silver": ("Sterling", "#bdbfc4", "Silver"),
    "gold": ("Gilt", "#d1a85c", "Gold"),
    "brass": ("Old Brass", "#ad8c4d", "Bronze"),
    "gunmetal": ("Gunmetal", "#4d4f54", "Steel"),
    "copper": ("Rose Copper", "#bf7d5e", "Copper"),
}
SHADES |= {shade: (code, base) for shade, code, base in METALS.values()}
